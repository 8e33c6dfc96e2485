"""The spec compiler: spec/events.toml in, generated/ out. Never imported at run time."""
