"""The trace log as a file: writing it and reading it, block by block."""
