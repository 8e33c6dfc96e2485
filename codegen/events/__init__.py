"""The rows of spec/events.toml and spec/probes/, compared with observed CPythons."""
