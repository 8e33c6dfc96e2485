"""The numbers of the streams and of other descriptors, and the function that gets their bytes."""

from __future__ import annotations

from codetracer_bindings.trace_format import STREAM_STDERR, STREAM_STDIN, STREAM_STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Final, Literal

    type CaptureMode = Literal["off", "proxies", "proxies+fd"]
    type Record = Callable[[int, bytes, FrameType | None], object]

__all__ = ["FIRST_DESCRIPTOR", "STDERR", "STDIN", "STDOUT"]

STDIN: Final = STREAM_STDIN
STDOUT: Final = STREAM_STDOUT
STDERR: Final = STREAM_STDERR

FIRST_DESCRIPTOR: Final = 200
"""The lowest descriptor that codetracer uses in a program's process.

So the program gets the same low numbers as without it, and does not close this one when it closes a
range of low numbers."""
