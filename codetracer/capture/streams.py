"""The numbers of the standard streams, and the function that gets their bytes."""

from __future__ import annotations

from codetracer_bindings.trace_format import STREAM_STDERR, STREAM_STDIN, STREAM_STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Final, Literal

    type CaptureMode = Literal["off", "proxies", "proxies+fd"]
    type Record = Callable[[int, bytes, FrameType | None], object]

__all__ = ["STDERR", "STDIN", "STDOUT"]

STDIN: Final = STREAM_STDIN
STDOUT: Final = STREAM_STDOUT
STDERR: Final = STREAM_STDERR
