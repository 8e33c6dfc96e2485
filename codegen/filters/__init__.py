"""Compiles spec/filters/: the built-in filters, and the names of secrets."""
