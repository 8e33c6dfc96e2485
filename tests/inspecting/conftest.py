"""Every test here runs on both backends."""

from tests.support.backends import each_backend

__all__ = ["each_backend"]
