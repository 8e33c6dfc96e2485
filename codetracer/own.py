"""CPython's own functions as they were when this was loaded; see `codetracer_bindings.own`."""

from codetracer_bindings.own import BUILTINS, seal

__all__ = ["BUILTINS", "seal"]
