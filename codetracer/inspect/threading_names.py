"""Names of threads as `threading` has them, of which importing this imports it.

`codetracer.inspect.threads` is for where that is not wanted.
"""

from __future__ import annotations

import threading

from codetracer.own import seal

__all__ = ["name_of_thread"]

seal(globals())

_attributes_of = threading.Thread.__dict__["__dict__"].__get__


def name_of_thread(ident: int) -> str:
    """Return a thread's name, without running a method of a Thread subclass of the program.

    `threading.current_thread` would do so, and would register a thread that threading does not
    know.

    Parameters:
        ident: as `threading.get_ident` has it.
    """
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    name = None if thread is None else _attributes_of(thread).get("_name")
    return name if type(name) is str else f"thread {ident}"
