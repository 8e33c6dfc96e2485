"""Trace logs that a test writes by hand, record by record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from zlib import crc32

from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import (
    BLOCK_HEADER,
    BLOCK_MAGIC,
    FILE_HEADER,
    LOG_VERSION,
    MAGIC,
)

RECORDING = bytes(range(16))


def block(number: int, records: bytes, *, size: int = 0, filled: bool = True) -> bytes:
    """Return a block, of as few bytes as it takes when no `size` is given."""
    size = size or BLOCK_HEADER.size + len(records)
    used, crc = (len(records), crc32(records)) if filled else (0, 0)
    header = BLOCK_HEADER.pack(BLOCK_MAGIC, number, size, used, crc)
    return (header + records).ljust(size, b"\0")


def log(
    *blocks: Iterable[bytes],
    pid: int = 4321,
    filled: bool = True,
    version: int = LOG_VERSION,
    after: int = 0,
) -> bytes:
    """Return a log of these blocks of records; the last one is closed when it is `filled`."""
    started = 1_700_000_000_000_000_000 + after
    header = FILE_HEADER.pack(MAGIC, version, 4096, pid, started, RECORDING)
    parts = [header]
    for number, records in enumerate(blocks):
        last = number == len(blocks) - 1
        open_end = last and not filled
        size = 4096 if open_end else 0
        parts.append(block(number, b"".join(records), size=size, filled=not open_end))
    return b"".join(parts)


def code(
    name: str,
    *,
    source: int = 0,
    line: int = 1,
    kind: int = 2,
    module: str = "app",
    parameters: Sequence[str] = (),
    variables: Sequence[str] = (),
    global_names: Sequence[str] = (),
) -> bytes:
    """Return the record of a code object."""
    names = [*parameters, *variables]
    return encode.encode_code(
        source, line, kind, name, module, len(parameters), names, global_names
    )


def text(value: str) -> bytes:
    """Return a str as a value."""
    return encode.value_text(value)


def number(value: int) -> bytes:
    """Return an int as a value."""
    return encode.value_integer(value)


NONE = encode.value_none()


def write_trace(
    folder: Path,
    *logs: bytes,
    metadata: dict[str, object] | None = None,
    sources: dict[str, str] | None = None,
) -> Path:
    """Write a trace: a log for each process, metadata, and copies of the sources by path."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for content in logs:
        pid = FILE_HEADER.unpack_from(content)[3] if len(content) >= FILE_HEADER.size else 0
        names.append(f"process-{pid}.ctlog")
        (folder / names[-1]).write_bytes(content)
    copies = {}
    for index, (path, source) in enumerate((sources or {}).items()):
        copies[path] = f"{index}.py"
        (folder / "sources").mkdir(exist_ok=True)
        (folder / "sources" / copies[path]).write_text(source, encoding="utf-8")
    known: dict[str, object] = {
        "format": "codetracer",
        "version": 1,
        "program": "/app/app.py",
        "args": [],
        "workdir": "/app",
        "complete": True,
        "sources": copies,
        "processes": [{"pid": int(name[8:-6]), "log": name} for name in names],
    }
    (folder / "trace_metadata.json").write_text(json.dumps(known | (metadata or {})), "utf-8")
    return folder
