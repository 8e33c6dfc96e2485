"""Chooses the engine that turns events into records: in C or in Python.

Both have the same methods and write the same bytes; codetracer_bindings._engine is optional, as the
callbacks in C are, and ``CODETRACER_BACKEND`` chooses both.
"""

from __future__ import annotations

from time import perf_counter_ns

from codetracer.inspect.kinds import type_name
from codetracer.inspect.threading_names import name_of_thread
from codetracer.own import BUILTINS, seal
from codetracer.recording.writer import LogWriter, unwritable
from codetracer.runtime.events import Events
from codetracer.runtime.known import Slot
from codetracer.runtime.layouts import layout_of
from codetracer.runtime.native import engine_in_c
from codetracer.runtime.secrets import Secrets
from codetracer.runtime.values import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codetracer.limits import Limits
    from codetracer.recording.writer import Log
    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.formatting import Formatters
    from codetracer.runtime.known import Read, Reading, Step
    from codetracer.runtime.plans import Plans

__all__ = ["make_engine", "make_log"]

seal(globals())


def make_log(path: str, recording: bytes, pid: int, started: int) -> Log:
    """Return what writes a log for an engine; the parameters are those of `LogWriter`."""
    in_c = engine_in_c()
    if in_c is None:
        return LogWriter(path, recording, pid, started)
    log: Log = in_c.LogWriter(path, recording, pid, started, unwritable)
    return log


def make_engine(
    log: Log,
    gate: Gate,
    plans: Plans,
    definitions: Definitions,
    limits: Limits,
    *,
    active: bool = True,
    clock: Callable[[], int] | None = None,
) -> Any:
    """Return an engine, whose interface is that of `codetracer.runtime.events.Events`.

    Parameters:
        log: where the groups of records go, of `make_log`.
        gate: says where recording begins.
        plans: what is recorded of each code object.
        definitions: what the log numbers.
        limits: how much of values is recorded.
        active: whether recording begins now, not at the activation path.
        clock: returns ns; by default that of `time.perf_counter_ns`.
    """
    in_c = engine_in_c()
    secrets = Secrets(gate.names)
    if in_c is None:
        values = Values(definitions, limits, secrets)
        return Events(
            log,
            gate,
            plans,
            definitions,
            values,
            limits.depth,
            active=active,
            clock=clock or perf_counter_ns,
        )
    engine = in_c.Engine(
        log,
        gate,
        plans,
        definitions,
        name_of_thread,
        BUILTINS,
        limits.depth,
        limits.items,
        limits.text,
        limits.objects,
        active,
        clock,
    )
    formatters = definitions.formatters
    engine.set_layouts(lambda kind: _tell_layout(kind, formatters), formatters.say)
    if gate.names is not None:
        engine.set_secrets(secrets.parts, secrets.urls)
    return engine


def _tell_layout(kind: type, formatters: Formatters) -> tuple[object, ...]:
    """Return for the engine in C what the instances of a type hold."""
    layout = layout_of(kind)
    name = type_name(kind)
    return (
        name,
        layout.form,
        layout.dict_of is not None,
        tuple(layout.slots),
        tuple(map(layout.owners.get, layout.slots)),
        layout.alive,
        None if layout.reading is None else _tell_reading(layout.reading),
        formatters.name_of(name),
    )


def _tell_reading(reading: Reading) -> tuple[object, ...]:
    """Return for the engine in C how the instances of a known type are read."""

    def told(step: Step) -> object:
        return (step.alive, step.name) if type(step) is Slot else step

    def all_told(reads: tuple[Read, ...]) -> tuple[object, ...]:
        return tuple(
            (name, tuple(map(told, steps)), optional, spread)
            for name, steps, optional, spread in reads
        )

    return (
        reading.base,
        reading.way,
        all_told(reading.items),
        all_told(reading.attributes),
        all_told((("", reading.size, False, False),) if reading.size else ()),
        {name: told(step) for name, step in reading.by_name.items()},
        dict.fromkeys(reading.hidden),
    )
