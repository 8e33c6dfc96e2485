"""What codetracer says about itself: the logger ``codetracer``, and JSON lines on stderr.

`logging` takes longer to import than all of codetracer, so it is imported when something is said.
"""

from __future__ import annotations

import os

from codetracer.errors import HostError, RecorderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging

__all__ = ["configure", "json_line", "logger"]

_run_id = ""
_file_handler: logging.Handler | None = None


def logger() -> logging.Logger:
    """Return the logger ``codetracer``."""
    import logging

    return logging.getLogger("codetracer")


def configure(level: str | None, file: str | None) -> None:
    """Set what the logger lets through, and the file it writes to; None leaves it as it is.

    Raises:
        HostError: ERR_IO, the file cannot be opened; nothing has changed.
    """
    global _file_handler
    import logging

    log = logger()
    if file is not None:
        try:
            handler = logging.FileHandler(file, encoding="utf-8")
        except OSError as error:
            raise HostError(
                "ERR_IO",
                f"log file {file}: {error.strerror or error}; name one that can be written",
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
    """Write `error` as one JSON line to file descriptor 2, past whatever sys.stderr has become."""
    global _run_id
    import json

    _run_id = _run_id or os.urandom(16).hex()
    line = {
        "run_id": _run_id,
        "trace_id": None,
        "error_code": error.code,
        "error_kind": error.kind,
        "message": error.message,
        "context": error.context,
    }
    os.write(2, (json.dumps(line, default=repr) + "\n").encode())
