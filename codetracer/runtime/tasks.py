"""Finds the asyncio task that a coroutine runs in.

The coroutines of several tasks take turns in one thread, and only the current task shows whose turn
it is. The task comes from asyncio's C module, once the program has loaded that. No code of the
program runs: nothing is called for an event loop whose class defines a hash, or for a task that is
no `_asyncio.Task`.
"""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, ModuleType

from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.values import MAX_NAME
from codetracer_bindings.trace_encoder import encode_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from codetracer.runtime.frames import ThreadState

__all__ = ["Tasks"]

seal(globals())

_dict_of: Final[Any] = vars(ModuleType)["__dict__"].__get__
_mro_of: Final = type.__dict__["__mro__"].__get__
_attribute_of: Final = type.__getattribute__
_hash_by_address: Final = object.__hash__
_modules: Final = sys.modules


class Tasks:
    """Writes which task a thread runs, if the task has changed.

    Parameters:
        out: the current group of records.
    """

    def __init__(self, out: list[bytes]) -> None:
        self._out = out
        self._running_loop: Callable[[], Any] | None = None
        self._current: Any = None
        self._name_of: Any = None
        self._type: type | None = None

    def tell(self, thread: ThreadState) -> None:
        """Write the current task; called when a coroutine begins or is resumed in a thread."""
        if self._running_loop is None and not self._find():
            return
        task = self._running()
        name = "" if task is None else _start_of(self._name_of(task))
        # With the name, because a new task may have the address of a deleted one.
        running = 0 if task is None else id(task), name
        if running != thread.task:
            record = encode_task(name)
            thread.task = running
            self._out.append(record)

    def _find(self) -> bool:
        """Find asyncio, if the program has loaded it and it is CPython's own."""
        module = find(_modules, "_asyncio", None)
        if type(module) is not ModuleType:
            return False
        namespace = _dict_of(module)
        running_loop = find(namespace, "_get_running_loop", None)
        current = find(namespace, "current_task", None)
        kind = find(namespace, "Task", None)
        for function in (running_loop, current):
            if type(function) is not BuiltinFunctionType or function.__self__ is not module:
                return False
        if type(kind) is not type:
            return False
        self._type, self._name_of = kind, _attribute_of(kind, "get_name")
        self._current = current
        self._running_loop = running_loop
        return True

    def _running(self) -> Any:
        """Return the running task; None if there is none whose name can be read."""
        assert self._running_loop is not None
        loop = self._running_loop()
        if loop is None or _attribute_of(type(loop), "__hash__") is not _hash_by_address:
            return None
        task = self._current(loop)
        return task if any(base is self._type for base in _mro_of(type(task))) else None


def _start_of(name: Any) -> str:
    if any(base is str for base in _mro_of(type(name))):
        return str.__getitem__(name, slice(MAX_NAME))
    return ""
