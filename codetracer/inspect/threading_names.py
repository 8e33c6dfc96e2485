"""Names of threads as `threading` has them, of which importing this imports it.

`codetracer.inspect.threads` is for where that is not wanted.
"""

from __future__ import annotations

import threading

from codetracer.inspect.threads import name_in
from codetracer.own import seal

__all__ = ["name_of_thread"]

seal(globals())


def name_of_thread(ident: int) -> str:
    """Return a thread's name, without running a method of a Thread subclass of the program.

    `threading.current_thread` would do so, and would register a thread that threading does not
    know.

    Parameters:
        ident: as `threading.get_ident` has it.
    """
    return name_in(threading, ident)
