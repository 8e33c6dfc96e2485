"""Reads a frame's variables without the program noticing.

Before 3.13 (PEP 667) a frame has one dict of its variables, which `frame.f_locals` brings up to
date. A part of the program that holds the dict would see that, and the values in it stay alive.
"""

from __future__ import annotations

import sys

from codetracer.inspect.code import is_function
from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any, Final

    from codetracer.runtime.plans import Variable

__all__ = ["MISSING", "Scope", "lookup", "release", "variables_of"]

seal(globals())

_mro_of: Final = type.__dict__["__mro__"].__get__

MISSING: Final = object()
"""The value of a variable that is not bound."""

_SEES_LOCALS: Final = frozenset(("locals", "vars", "dir", "eval", "exec", "_getframe", "f_locals"))
"""Code that uses one of these names may hold the dict of its variables."""


def _frame_around(frame: FrameType) -> FrameType:
    """Return the frame of the function that contains a class body, which sees its variables."""
    while not is_function(frame.f_code) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def lookup(variables: Mapping[str, object], name: str) -> object:
    """Return a variable's value, or `MISSING`, without calling a namespace class of the program."""
    kind: type[object] = type(variables)
    # Not `in`: a metaclass may define __eq__.
    if kind is _KIND:
        return variables.get(name, MISSING)
    if kind is dict or any(base is dict for base in _mro_of(kind)):
        return find(variables, name, MISSING)
    return MISSING


if sys.version_info >= (3, 13):

    def variables_of(frame: FrameType) -> Mapping[str, object]:
        """Return a frame's local variables; `release` must follow."""
        return frame.f_locals

    def release(frame: FrameType, variables: Mapping[str, object]) -> None:
        """Do nothing: a frame keeps no copy of its variables."""

    _KIND: Final = type((lambda: sys._getframe().f_locals)())

else:

    class _Slots:
        """The variables of a frame, without their dict."""

        __slots__ = ("_frame",)

        def __init__(self, frame: FrameType) -> None:
            self._frame = frame

        def get(self, name: str, default: object) -> object:
            """Return a variable's value, or `default`."""
            try:
                return _get_var(self._frame, name)
            except NameError as error:
                if not began_here(error):
                    raise
                return default

    _KIND: Final = _Slots

    def _get_var(frame: FrameType, name: str) -> object:
        return _load_get_var()(frame, name)

    _loaded: list[Any] = []

    def _load_get_var() -> Any:
        if not _loaded:
            # Few programs need it, and it is no small thing to import.
            import ctypes

            function = ctypes.pythonapi.PyFrame_GetVar
            function.argtypes = (ctypes.py_object, ctypes.py_object)
            function.restype = ctypes.py_object
            _loaded.append(function)
        return _loaded[0]

    def _may_hold(frame: FrameType) -> bool:
        code = frame.f_code
        return is_function(code) and not _SEES_LOCALS.isdisjoint(code.co_names)

    def variables_of(frame: FrameType) -> Mapping[str, object]:
        """Return a frame's local variables; `release` must follow."""
        return _Slots(frame) if _may_hold(frame) else frame.f_locals  # type: ignore[return-value]

    def release(frame: FrameType, variables: Mapping[str, object]) -> None:
        """Empty the copy of its variables that a frame keeps, or what is in it would live on."""
        if is_function(frame.f_code) and type(variables) is dict:
            dict.clear(variables)


class Scope:
    """The variables that a frame's code can see; `close` must follow.

    Parameters:
        frame: the frame, which the scope must not outlive.
    """

    __slots__ = ("_frame", "_variables")

    def __init__(self, frame: FrameType) -> None:
        self._frame = frame
        self._variables: Mapping[str, object] | None = None

    def value(self, variable: Variable) -> object:
        """Return a variable's value, or `MISSING`."""
        if variable.is_global:
            return lookup(self._frame.f_globals, variable.name)
        if self._variables is None:
            self._variables = variables_of(self._frame)
        value = lookup(self._variables, variable.name)
        if value is not MISSING or not variable.is_around:
            return value
        around = _frame_around(self._frame)
        space = variables_of(around)
        try:
            return lookup(space, variable.name)
        finally:
            release(around, space)

    def offset(self) -> int:
        """Return the offset (bytes) of the instruction that runs, or of a part of it."""
        return self._frame.f_lasti

    def builtin(self, name: str) -> object:
        """Return a builtin, or `MISSING`."""
        return lookup(self._frame.f_builtins, name)

    def close(self) -> None:
        """Forget the values."""
        if self._variables is not None:
            release(self._frame, self._variables)
            self._variables = None
