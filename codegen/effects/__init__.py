"""Compiles spec/effects.toml: the table of what callables change."""
