"""``codetracer watch``: every event of a running program as a line of text or JSON."""
