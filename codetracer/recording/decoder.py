"""Chooses the decoder of the log's records: in C or in Python.

Both read the same records, and refuse the same bytes with the same exceptions.
codetracer_bindings._decoder is optional, like the callbacks in C, and ``CODETRACER_BACKEND``
chooses both.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from codetracer.monitoring.backend import backend
from codetracer_bindings import trace_decoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codetracer_bindings.trace_decoder import Record

__all__ = ["Records", "decode_record"]


def _module() -> Any:
    if backend() == "native":
        try:
            return import_module("codetracer_bindings._decoder")
        except ImportError:
            # The callbacks were compiled without it.
            return trace_decoder
    return trace_decoder


_decoder = _module()
Records: Callable[[bytes], trace_decoder.Records] = _decoder.Records
decode_record: Callable[[bytes, int], tuple[Record, int]] = _decoder.decode_record
