"""The Debug Adapter Protocol: its schema, and which of its messages codetracer speaks."""
