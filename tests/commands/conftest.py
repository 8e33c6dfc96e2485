"""The recording that several tests of `show` look at."""

from tests.support.shown import recorded

__all__ = ["recorded"]
