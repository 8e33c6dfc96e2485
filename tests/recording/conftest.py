"""Every test of a writer runs on both."""

from tests.support.written_logs import new

__all__ = ["new"]
