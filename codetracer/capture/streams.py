"""The numbers of the standard streams, and the function that gets their bytes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Final, Literal

    type CaptureMode = Literal["off", "proxies", "proxies+fd"]
    type Record = Callable[[int, bytes, FrameType | None], object]

__all__ = ["STDERR", "STDIN", "STDOUT"]

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2
