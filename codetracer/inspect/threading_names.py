"""Looks up the names of threads in `threading`, which this module imports.

`codetracer.inspect.threads` does the same without importing `threading`.
"""

from __future__ import annotations

import threading

from codetracer.inspect.threads import name_in
from codetracer.own import seal

__all__ = ["name_of_thread"]

seal(globals())


def name_of_thread(ident: int) -> str:
    """Return a thread's name, without running a method of a Thread subclass of the program.

    `threading.current_thread` would run such a method, and would register a thread that threading
    does not know.

    Parameters:
        ident: the thread's identifier, as `threading.get_ident` returns it.
    """
    return name_in(threading, ident)
