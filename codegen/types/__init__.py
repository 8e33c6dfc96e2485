"""spec/types.toml: the rows of the types that are read in a way of their own."""
