"""The recorder's parts in C, if they were compiled and are wanted."""

from __future__ import annotations

from importlib import import_module

from codetracer.monitoring.backend import backend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.runtime.contract import EngineInC

__all__ = ["engine_in_c"]

_engine: EngineInC | None
try:
    _engine = import_module("codetracer_bindings._engine")  # pyright: ignore[reportAssignmentType]
except ImportError:
    _engine = None


def engine_in_c() -> EngineInC | None:
    """Return ``codetracer_bindings._engine``, or None if the engine in Python is to be used."""
    return _engine if backend() == "native" else None
