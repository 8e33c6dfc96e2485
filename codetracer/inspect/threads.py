"""Names of the current thread and asyncio task."""

from __future__ import annotations

import sys
from _thread import _count, get_ident

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["name_among", "task_name", "thread_name"]

seal(globals())

_modules: Final = sys.modules
_mro_of: Final = type.__dict__["__mro__"].__get__
_attribute_of: Final = type.__getattribute__
_object_attribute: Final = object.__getattribute__
_hash_by_address: Final = object.__hash__


def thread_name() -> str:
    """Return the name of the current thread.

    `threading.current_thread` would register a thread that `threading` does not know, and may run
    a method of a subclass of Thread; this does neither.

    Returns:
        The name; if the thread has none, ``thread 1234`` with its `threading.get_ident`.
    """
    # Do not import threading, because in 3.12 it takes the importing thread for the main one.
    threading = _modules.get("threading")
    if threading is None:
        return f"thread {get_ident()}" if _count() else "MainThread"
    # The table of threads has no public name.
    return name_among(threading._active, get_ident())


def name_among(threads: dict[int, Any], ident: int) -> str:
    """Return a thread's name; ``thread 1234`` if it has none.

    Parameters:
        threads: the threads that `threading` knows, by their identifiers.
        ident: the thread's identifier, as `threading.get_ident` returns it.
    """
    thread = threads.get(ident)
    name = None if thread is None else _object_attribute(thread, "__dict__").get("_name")
    return name if type(name) is str else f"thread {ident}"


def task_name() -> str | None:
    """Return the name of the asyncio task that runs in the current thread; None if none does.

    The result is also None for a task whose class is not a subclass of `asyncio.Task`, and for an
    event loop that defines ``__hash__``, because those would run code of the program.
    """
    asyncio: Any = _modules.get("_asyncio")
    if asyncio is None:
        return None
    loop = asyncio._get_running_loop()
    if loop is None or _attribute_of(type(loop), "__hash__") is not _hash_by_address:
        return None
    task = asyncio.current_task(loop)
    if not any(base is asyncio.Task for base in _mro_of(type(task))):
        return None
    name = asyncio.Task.get_name(task)
    return name if type(name) is str else None
