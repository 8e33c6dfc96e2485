"""Calls formatters: functions of the program that describe its objects in words.

Formatters are the only code of the program that recording runs, and only if the user names them.
They run in the callback of an event, where CPython suppresses monitoring, so they cause no events
(call_one_instrument, Python/instrumentation.c, 3.12 to 3.15). Their output is recorded as the
program's, after the event.
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
    """The formatters, by the names of types.

    Parameters:
        functions: the functions from the program; they override those of filters.
        named: the names from filters: ``module:function``, ``module:Class.method``, or the name of
            a method of the type.

    Attributes:
        are_there: whether there is any.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[[Any], object]] | None = None,
        named: Mapping[str, str] | None = None,
    ) -> None:
        self._functions = dict(functions or {})
        self._named = dict(named or {})
        self.are_there = bool(self._functions or self._named)

    def name_of(self, name: str) -> str | None:
        """Return `name`, a type's name, if the type has a formatter, else None."""
        return name if name in self._functions or name in self._named else None

    def say(self, name: str, value: object) -> tuple[int, str]:
        """Call the formatter of a type.

        Parameters:
            name: the type's name; `name_of` must return it.
            value: an instance of the type.

        Returns:
            0 and the formatter's text; or 1 and the reason if it failed.

        Raises:
            BaseException: an exception that is no `Exception`, or that a signal handler of the
                program raised meanwhile; it is no failure of the formatter.
        """
        function = self._functions.get(name)
        if function is None:
            function = _loaded(self._named[name], value)
            if function is None:
                return 1, f"there is no function {self._named[name]}"
        try:
            said: Any = function(value)
        except (RecursionError, MemoryError) as error:
            # The formatter had less stack and memory left than the program has.
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
    """Return the function that a filter names, or None if it does not exist yet.

    Nothing is imported, and no code of the program is run to find it.

    Parameters:
        where: the name in the filter.
        value: the object to describe.
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
    """Return a callable attribute of a class or of one of its bases; None if there is none."""
    if not has(mro_of(type(kind)), type):
        return None
    found = (own for base in mro_of(kind) if (own := entry(base, name)) is not None)
    return _callable(next(found, None))


def _callable(found: Any) -> Callable[[Any], object] | None:
    return found if callable(found) else None
