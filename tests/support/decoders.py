"""Both decoders of the log side by side: in Python, and in C where it was compiled."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Protocol, cast

from codetracer.errors import RecorderError
from codetracer.monitoring.backend import BACKENDS
from codetracer.recording.reader import DECODE_ERRORS, LogReader
from codetracer_bindings import trace_decoder
from codetracer_bindings.trace_decoder import Record, Records, Value
from codetracer_bindings.trace_format import LOG_SUFFIX

__all__ = ["DECODERS", "Decoder", "differences", "differences_below", "exactly"]


class Decoder(Protocol):
    """The functions that both modules have."""

    Records: type[Records]

    def decode_record(self, data: bytes, position: int, /) -> tuple[Record, int]: ...
    def decode_value(self, data: bytes, position: int, /) -> tuple[Value, int]: ...
    def positions_of(self, data: bytes, tags: bytes, number: int, /) -> list[int]: ...


DECODERS: dict[str, Decoder] = {"python": cast("Decoder", trace_decoder)}
"""By the backend."""
if "native" in BACKENDS:
    # Not if it is there: where the callbacks are compiled, the decoder is.
    DECODERS["native"] = cast("Decoder", import_module("codetracer_bindings._decoder"))


def exactly(one: object, other: object) -> bool:
    """Return whether two values are equal, and of the same types down to the last item."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, tuple) and isinstance(other, tuple):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif isinstance(one, float | complex) and isinstance(other, float | complex):
            if _bits(one) != _bits(other):
                return False
        elif one != other:
            return False
    return True


def differences(data: bytes) -> list[str]:
    """Return where the decoders do not read the same records of a block, or refuse it otherwise."""
    if len(DECODERS) < 2:
        return []
    one, other = (_outcome(decoder.Records(data)) for decoder in DECODERS.values())
    return [
        f"{a!r:.500} in Python, {b!r:.500} in C"
        for a, b in zip_longest(one, other)
        if not exactly(a, b)
    ][:1]


def differences_below(*folders: str | Path) -> list[str]:
    """Return the `differences` of all logs below some folders, each up to where it is damaged."""
    found: list[str] = []
    for path in _logs(folders):
        try:
            for block in LogReader(path).blocks():
                found += (f"{path}, block {block.number}: {d}" for d in differences(block.data))
        except RecorderError:
            pass
    return found


def _logs(folders: Iterable[str | Path]) -> Iterator[str]:
    for folder in folders:
        for inner, _, names in os.walk(folder):
            yield from (os.path.join(inner, name) for name in names if name.endswith(LOG_SUFFIX))


def _outcome(records: Records) -> Iterator[object]:
    """Yield the records, where the last one begins, and the type of the error that ends them."""
    try:
        yield from records
    except DECODE_ERRORS as error:
        yield type(error)
    yield records.position


def _bits(number: complex) -> bytes:
    return struct.pack("<dd", number.real, number.imag)
