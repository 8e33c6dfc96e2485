"""CPython's own functions, as they were at import; see `codetracer_bindings.own`.

A sealed function may catch an exception of the program, of any type; see `codetracer.whose`.
"""

from __future__ import annotations

from codetracer_bindings.own import BUILTINS, seal

__all__ = ["BUILTINS", "seal"]
