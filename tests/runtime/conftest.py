"""Leaves out what the engine in C alone can promise, where there is none."""

from codetracer.monitoring.backend import BACKENDS

# tests/project/test_native_build.py says where it must be there.
collect_ignore = [] if "native" in BACKENDS else ["test_unseen.py"]
