"""Chooses the callbacks that guard the handlers: in C if they were built, or in Python."""

from __future__ import annotations

import os

from codetracer.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Final

__all__ = ["BACKENDS", "VARIABLE", "backend", "binders", "in_c"]

VARIABLE: Final = "CODETRACER_BACKEND"

_native: ModuleType | None = None
_missing = ""
try:
    from codetracer_bindings import _native
except ImportError as _error:
    # Not compiled, or not for this interpreter: a free-threaded one has no stable ABI before 3.15.
    _missing = str(_error)

BACKENDS: Final = ("native", "python") if _native else ("python",)
"""The available backends, the preferred one first."""

_chosen = os.environ.get(VARIABLE) or BACKENDS[0]


def backend() -> str:
    """Return ``native`` or ``python``: the language of the callbacks that guard handlers.

    It is ``native`` if the C module was compiled, unless the environment variable
    CODETRACER_BACKEND named the other one when codetracer was imported.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, the variable names no backend, or one that is missing.
    """
    if _chosen in BACKENDS:
        return _chosen
    context: dict[str, object] = {"variable": VARIABLE, "value": _chosen}
    if _chosen == "native":
        raise UsageError(
            "ERR_INVALID_POLICY_VALUE",
            f"{VARIABLE} is 'native', but the native callbacks cannot be imported ({_missing});"
            " install a C compiler and the headers of CPython and then codetracer again, from"
            " source: pip install --force-reinstall --no-binary codetracer codetracer",
            context,
        )
    raise UsageError(
        "ERR_INVALID_POLICY_VALUE",
        f"{VARIABLE} is {_chosen!r}; allowed: native, python",
        context,
    )


def in_c(name: str) -> ModuleType | None:
    """Return a module in C that something in Python can stand in for.

    Parameters:
        name: its name in `codetracer_bindings`.

    Returns:
        The module; None if it was not compiled, or if CODETRACER_BACKEND is ``python``.
    """
    if _chosen == "python":
        return None
    # Imported only if needed, to save time.
    from importlib import import_module

    try:
        return import_module(f"codetracer_bindings.{name}")
    except ImportError:
        return None


def binders() -> ModuleType:
    """Return the module whose ``bind_<event>`` functions make the callbacks.

    Raises:
        UsageError: as `backend` does.
    """
    if backend() == "native" and _native:
        return _native
    # Imported only if needed, to save time.
    from codetracer_bindings import callbacks

    return callbacks
