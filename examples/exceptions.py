"""Log the exceptions that a program meets, for production: nothing is paid until one is raised.

    from exceptions import ExceptionLogger
    ExceptionLogger().start()

Or, to try it:  python examples/exceptions.py app.py ARG…

An exception is one warning of the logger ``exceptions`` when it first reaches the program's own
code: what it is, where that is, where it was raised if that is in a library, in which thread and
asyncio task. What a library raises and handles by itself is not logged, nor what ends an iteration.

Only RAISE is set, which CPython looks at where an exception is raised; no code is instrumented.
"""

from __future__ import annotations

import logging
import os
import runpy
import sys
from types import CodeType

from codetracer import Monitor, PathFilter, RecorderPolicy, Tracer, task_name, thread_name

ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)

log = logging.getLogger("exceptions")


class ExceptionLogger(Tracer):
    """Logs each exception once.

    Parameters:
        paths: which files are the program's own.
        ignored: types of exceptions that are not logged.
    """

    def __init__(
        self, paths: PathFilter | None = None, ignored: tuple[type[BaseException], ...] = ENDS
    ) -> None:
        self._paths = paths or PathFilter()
        self._ignored = ignored
        # A bug in here is to end the logging, not the service.
        policy = RecorderPolicy({"on_recorder_error": "disable"})
        self._monitor = Monitor("exceptions", policy=policy)

    def start(self) -> None:
        """Begin, for all threads."""
        self._monitor.install(self)

    def stop(self) -> None:
        """End, and leave nothing behind."""
        self._monitor.uninstall()

    def on_raise(self, code: CodeType, offset: int, exception: BaseException) -> None:
        trace = exception.__traceback__
        if trace is None or not self._paths.selects(code) or isinstance(exception, self._ignored):
            return
        # RAISE comes in every frame that an exception goes through. What is below this frame in the
        # traceback, it has gone through; was any of that the program's own, it has been logged.
        entry = trace
        while entry.tb_next is not None:
            entry = entry.tb_next
            if self._paths.selects(entry.tb_frame.f_code):
                return
        raised = entry.tb_frame.f_code
        log.warning(
            "%s: %s at %s:%d in %s%s [%s%s]",
            type(exception).__qualname__,
            exception,
            code.co_filename,
            trace.tb_lineno,
            code.co_qualname,
            "" if entry is trace else f", raised in {raised.co_filename}:{entry.tb_lineno}",
            thread_name(),
            f", {task}" if (task := task_name()) else "",
        )


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    ExceptionLogger().start()
    runpy.run_path(sys.argv[0], run_name="__main__")
