"""spec/trace.toml: the rows of the trace log."""
