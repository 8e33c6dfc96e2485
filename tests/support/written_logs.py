"""Both writers of logs, and what they have written."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

import codetracer.monitoring.backend as backend_module
from codetracer.monitoring.backend import BACKENDS
from codetracer.recording.reader import LogReader
from codetracer.runtime.engine import make_log
from codetracer_bindings.trace_decoder import OutputRecord
from codetracer_bindings.trace_encoder import encode_output
from codetracer_bindings.trace_format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    FILE_HEADER,
)

if TYPE_CHECKING:
    from codetracer.recording.writer import Log

RECORDING = bytes(range(16))

type New = Callable[[Path], Log]


@pytest.fixture(params=BACKENDS)
def new(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], "Log"]:
    """Return what makes a log of one of the writers, in C or in Python."""
    monkeypatch.setattr(backend_module, "_chosen", request.param)

    def create(folder: Path) -> "Log":
        log = make_log(str(folder / "a.ctlog"), RECORDING, 77, 1_700_000_000_000_000_000)
        log.open()
        return log

    return create


def said(number: int, size: int = 0) -> list[bytes]:
    """Return a group of two records that say which one it is."""
    data = b"%08d" % number + b"x" * size
    return [encode_output(1, "", number, data), encode_output(2, "", number, b"")]


def numbers(path: Path) -> list[int]:
    """Return which groups a log has; each must be whole."""
    records = list(LogReader(str(path)).records())
    pairs = list(zip(records[::2], records[1::2], strict=True))
    for one, two in pairs:
        assert isinstance(one, OutputRecord)
        assert isinstance(two, OutputRecord)
        assert one.line == two.line == int(one.data[:8])
    return [one.line for one, _ in pairs if isinstance(one, OutputRecord)]


def blocks(content: bytes) -> list[tuple[int, int, int]]:
    """Return number, size and used of every block, following them through the file."""
    found = []
    offset = FILE_HEADER.size
    while offset < len(content):
        magic, number, size, used, crc = BLOCK_HEADER.unpack_from(content, offset)
        assert magic == BLOCK_MAGIC
        start = offset + BLOCK_HEADER.size
        assert crc == (crc32(content[start : start + used]) if used else 0)
        found.append((number, size, used))
        offset += size
    return found
