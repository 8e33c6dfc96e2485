"""Differential fuzzing: programs run untraced, under the raw API and under the layer; all alike."""
