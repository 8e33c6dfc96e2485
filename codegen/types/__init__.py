"""The rows of spec/types.toml: types whose values are read in a special way."""
