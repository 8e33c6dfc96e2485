"""A recording function attached to sys.monitoring: by hand, by a Tracer of codetracer, or not."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

# In every way, or a test that looks at sys.modules sees which backend it is.
import codetracer_bindings.callbacks  # noqa: F401
from codetracer import Tracer, installed

if TYPE_CHECKING:
    from codetracer_bindings.registration import CallbackSpec

__all__ = ["SLOT", "Record", "attached"]

SLOT: Final = 3
"""The slot that codetracer takes first, and the raw tool too."""

type Record = Callable[..., object]


def attached(
    way: str, specs: list[CallbackSpec], record: Record
) -> contextlib.AbstractContextManager[object]:
    """Return a context manager within which `record` gets the events of `specs` in that way."""
    if way == "untraced":
        return contextlib.nullcontext()
    if way == "raw":
        return _raw(specs, record)
    return installed(_tracer(specs, record))


@contextlib.contextmanager
def _raw(specs: list[CallbackSpec], record: Record) -> Iterator[None]:
    sys.monitoring.use_tool_id(SLOT, "raw")
    mask = 0
    for spec in specs:
        sys.monitoring.register_callback(SLOT, spec.id, _callback(record, spec.event))
        mask |= spec.mask
    sys.monitoring.set_events(SLOT, mask)
    try:
        yield
    finally:
        sys.monitoring.set_events(SLOT, 0)
        for spec in specs:
            sys.monitoring.register_callback(SLOT, spec.id, None)
        sys.monitoring.free_tool_id(SLOT)


def _callback(record: Record, event: str) -> Callable[..., object]:
    return lambda *arguments: record(event, *arguments)


def _tracer(specs: list[CallbackSpec], record: Record) -> Tracer:
    def handler(event: str) -> Callable[..., object]:
        return lambda _self, *arguments: record(event, *arguments)

    kind: Any = type("Recording", (Tracer,), {spec.handler: handler(spec.event) for spec in specs})
    return kind()  # type: ignore[no-any-return]
