"""spec/events.toml and spec/probes/: their rows, and how they compare with what was observed."""
