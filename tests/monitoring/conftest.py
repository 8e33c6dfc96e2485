"""Every test here runs on both backends; monitors are uninstalled when a test ends."""

from tests.support.backends import each_backend
from tests.support.monitors import monitors

__all__ = ["each_backend", "monitors"]
