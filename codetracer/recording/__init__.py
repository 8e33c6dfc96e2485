"""A recording on disk: its folder, its logs, and the names in it."""
