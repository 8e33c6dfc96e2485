"""Debuggers over a recording: pdb's prompt, and what editors speak."""
