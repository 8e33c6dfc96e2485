"""Chooses the decoder of the log's records: in C or in Python.

Both read the same records, and refuse the same bytes with the same exceptions.
codetracer_bindings._decoder is optional, like the callbacks in C, and ``CODETRACER_BACKEND``
chooses both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.monitoring.backend import in_c
from codetracer_bindings import trace_decoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codetracer_bindings.trace_decoder import Record

__all__ = ["Records", "decode_record", "positions_of"]


_decoder: Any = in_c("_decoder") or trace_decoder
Records: Callable[[bytes], trace_decoder.Records] = _decoder.Records
decode_record: Callable[[bytes, int], tuple[Record, int]] = _decoder.decode_record
positions_of: Callable[[bytes, bytes, int], list[int]] = _decoder.positions_of
