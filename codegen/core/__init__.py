"""Shared by all subjects: rows, loading, rendering, formatting, writing, errors."""
