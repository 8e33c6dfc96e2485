"""What a CPython was seen to do: running it, and the files in spec/observed/."""
