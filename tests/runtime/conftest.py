"""Every test here that names `backend` runs on both."""

from tests.support.backends import backend

__all__ = ["backend"]
