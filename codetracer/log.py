"""codetracer's own log: the logger ``codetracer``, and JSON lines on stderr.

`logging` takes longer to import than all of codetracer, so the first message imports it.
"""

from __future__ import annotations

from os import fstat as _fstat
from os import urandom as _urandom
from os import write as _write

from codetracer.errors import HostError, RecorderError
from codetracer.own import seal
from codetracer.whose import is_the_programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging

__all__ = ["configure", "json_line", "logger", "say", "to_stderr"]

_run_id = ""
_file_handler: logging.Handler | None = None

seal(globals())


def logger() -> logging.Logger:
    """Return the logger ``codetracer``."""
    import logging

    return logging.getLogger("codetracer")


def say(level: str, message: str, *arguments: object, exc_info: Exception | None = None) -> None:
    """Log a message at a level such as ``warning``.

    If `logging` fails, the message goes to standard error. This function raises no exception of
    codetracer or logging, but passes on one of the program; see `codetracer.whose`.

    Parameters:
        level: the name of a method of `logging.Logger`, such as ``error``.
        message: a format for the ``%`` operator.
        arguments: the values for the format.
        exc_info: an exception whose traceback is logged too.
    """
    try:
        log = logger()
        if not log.hasHandlers() and _identity(2) != _stderr:
            # The message would go to standard error, which the program has closed.
            return
        getattr(log, level)(message, *arguments, exc_info=exc_info)
    except Exception as error:
        if is_the_programs(error):
            raise
        # There is no memory or no descriptor left, or imports no longer work.
        try:
            to_stderr(message % arguments)
        except Exception as again:  # the same again
            if is_the_programs(again):
                raise


def to_stderr(text: str) -> None:
    """Write a line to file descriptor 2, if that is the file that it was at codetracer's import.

    A program may have closed descriptor 2, and opened another file under that number. This function
    raises no exception of codetracer, but passes on one of the program.
    """
    try:
        if _stderr is not None and _identity(2) == _stderr:
            _write(2, f"{text}\n".encode(errors="surrogateescape"))
    except OSError as error:  # for example, nothing reads from the pipe any more
        if is_the_programs(error):
            raise


def _identity(file: int) -> tuple[int, int] | None:
    try:
        found = _fstat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


_stderr = _identity(2)


def configure(level: str | None, file: str | None) -> None:
    """Set the level of the logger, and the file to which it writes.

    Parameters:
        level: a level such as ``warning``, or ``off``; None keeps the present level.
        file: the path of the file, to which messages are appended; None keeps the present target.

    Raises:
        HostError: ERR_IO, the file cannot be opened; nothing has changed.
    """
    global _file_handler
    import logging

    log = logger()
    if file is not None:
        try:
            handler = logging.FileHandler(file, encoding="utf-8")
        except (OSError, ValueError) as error:  # ValueError: a null byte in the name
            reason = getattr(error, "strerror", None) or error
            raise HostError(
                "ERR_IO",
                f"log file {file}: {reason}; name one that can be written",
                {"file": file},
            ) from error
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        if _file_handler is not None:
            log.removeHandler(_file_handler)
            _file_handler.close()
        log.addHandler(handler)
        log.propagate = False
        _file_handler = handler
    if level is not None:
        log.setLevel(logging.CRITICAL + 1 if level == "off" else level.upper())


def json_line(error: RecorderError) -> None:
    """Write `error` as one line of JSON to standard error, with `to_stderr`.

    If the error's context cannot be encoded, the line has an empty context; a line that cannot be
    written is lost. This function raises no exception of codetracer, but passes on one of the
    program; see `codetracer.whose`.
    """
    global _run_id
    import json

    _run_id = _run_id or _urandom(16).hex()
    line = {
        "run_id": _run_id,
        "trace_id": None,
        "error_code": error.code,
        "error_kind": error.kind,
        "message": error.message,
        "context": {str(name): value for name, value in error.context.items()},
    }
    try:
        text = json.dumps(line, default=repr)
    except Exception as wrong:  # a repr() that fails, or a value that contains itself
        if is_the_programs(wrong):
            raise
        text = json.dumps(line | {"context": {}})
    to_stderr(text)
