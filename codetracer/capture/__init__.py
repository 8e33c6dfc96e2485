"""Catches a program's output and input, and passes them to a function of the caller."""
