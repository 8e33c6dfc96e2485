"""Calls formatters: functions of the program that describe its objects in words.

Theirs is the only code of the program's that recording runs, and only where somebody asks for it.
It runs within the callback of an event, where CPython suppresses monitoring: nothing that it does
is an event (call_one_instrument, Python/instrumentation.c, 3.12 to 3.15). What it writes is the
program's output, and comes after the event.
"""

from __future__ import annotations

from codetracer.inspect.kinds import entry, has, mro_of, type_name
from codetracer.inspect.lookups import find, namespace_of_loaded
from codetracer.own import seal
from codetracer.whose import is_the_programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["Formatters"]

seal(globals())


class Formatters:
    """What there is for each type, by the type's name.

    Parameters:
        functions: what the program gives, which come before what filters name.
        named: what filters name: ``module:function``, ``module:Class.method``, or a method of the
            type.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[[Any], object]] | None = None,
        named: Mapping[str, str] | None = None,
    ) -> None:
        self._functions = dict(functions or {})
        self._named = dict(named or {})

    def name_of(self, name: str) -> str | None:
        """Return a type's name if there is a formatter for it, else None."""
        return name if name in self._functions or name in self._named else None

    def say(self, name: str, value: object) -> tuple[int, str]:
        """Return whether the formatter for a type failed (1, else 0), and what it says, or why.

        Parameters:
            name: the type's name, of `name_of`.
            value: an instance of it.

        Raises:
            BaseException: what is not the formatter's failure but the program's own matter: an
                exception that is no `Exception`, or that a signal handler has raised meanwhile.
        """
        function = self._functions.get(name)
        if function is None:
            function = _loaded(self._named[name], value)
            if function is None:
                return 1, f"there is no function {self._named[name]}"
        try:
            said: Any = function(value)
        except (RecursionError, MemoryError) as error:
            # It began with less than the program has, for it stands on top of it.
            return 1, type_name(type(error))
        except Exception as error:
            if is_the_programs(error):
                raise
            return 1, type_name(type(error))
        kind = type(said)
        if has(mro_of(kind), str):
            return 0, str.__str__(said)
        return 1, f"it returned {type_name(kind)}, not str"


def _loaded(where: str, value: object) -> Callable[[Any], object] | None:
    """Return the function that a filter names, if it is there by now.

    Nothing is imported, and no code of the program's is run to find it.
    """
    module, colon, path = where.rpartition(":")
    if not colon:
        return _of_class(type(value), where)
    namespace = namespace_of_loaded(module)
    first, *rest = path.split(".")
    found = None if namespace is None else find(namespace, first, None)
    for name in rest:
        found = _of_class(found, name)
    return _callable(found)


def _of_class(kind: Any, name: str) -> Callable[[Any], object] | None:
    """Return what a class or one that it is derived from has by a name, if it can be called."""
    if not has(mro_of(type(kind)), type):
        return None
    found = (own for base in mro_of(kind) if (own := entry(base, name)) is not None)
    return _callable(next(found, None))


def _callable(found: Any) -> Callable[[Any], object] | None:
    return found if callable(found) else None
