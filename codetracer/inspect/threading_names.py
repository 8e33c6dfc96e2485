"""Looks up the names of threads in `threading`, if the program has loaded it.

`threading` is not imported here. Its import takes milliseconds, and it would come before a module
of the program that has the same name.
"""

from __future__ import annotations

import _thread

from codetracer.inspect.lookups import find, namespace_of_loaded
from codetracer.inspect.threads import name_among
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

__all__ = ["name_of_thread"]

_importing: Final = _thread.get_ident()
_main: Final[Callable[[], int]] = getattr(
    _thread, "_get_main_thread_ident", lambda: _importing
)  # since 3.13

seal(globals())


def name_of_thread(ident: int) -> str:
    """Return a thread's name, without running a method of a Thread subclass of the program.

    `threading.current_thread` would run such a method, and would register a thread that threading
    does not know.

    Parameters:
        ident: the thread's identifier, as `threading.get_ident` returns it.
    """
    loaded = namespace_of_loaded("threading")
    # The table of threads has no public name.
    threads = None if loaded is None else find(loaded, "_active", None)
    if type(threads) is not dict:
        return "MainThread" if ident == _main() else f"thread {ident}"
    return name_among(threads, ident)
