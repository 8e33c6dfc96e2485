"""The spec of the index of a log."""
