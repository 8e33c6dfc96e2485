"""CPython's own functions, as they were at import; see `codetracer_bindings.own`.

What a sealed function catches may be the program's, whatever its type; see `codetracer.whose`.
"""

from __future__ import annotations

from codetracer_bindings.own import BUILTINS, seal

__all__ = ["BUILTINS", "seal"]
