"""The version of codetracer, which the wheel's metadata takes from here."""

__all__ = ["__version__"]

__version__ = "0.1.0"
