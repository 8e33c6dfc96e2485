"""A recording on the disk: its folder, its logs, and the names in it."""
