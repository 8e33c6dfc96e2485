"""Chooses the engine that turns events into records: in C or in Python.

Both have the same methods and write the same bytes. codetracer_bindings._engine is optional, like
the callbacks in C, and ``CODETRACER_BACKEND`` chooses both.
"""

from __future__ import annotations

from time import perf_counter_ns, time_ns

from codetracer.inspect.threading_names import name_of_thread
from codetracer.own import BUILTINS, seal
from codetracer.recording.private import unwritable
from codetracer.runtime import instructions
from codetracer.runtime.effects import CONTAINERS, ITERATORS
from codetracer.runtime.native import engine_in_c
from codetracer.runtime.secret_forms import SecretForms
from codetracer.runtime.told import ToldLayout
from codetracer_bindings import effect_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from codetracer.limits import Limits
    from codetracer.recording.writer import Log, LogWriter
    from codetracer.runtime.budget import Budget
    from codetracer.runtime.contract import Engine, Reading
    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.events import Events
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.plans import Plans
    from codetracer.runtime.secrets import Secrets
    from codetracer.runtime.values import Values

__all__ = ["code_reader", "make_engine", "make_log"]

seal(globals())


def make_log(path: str, recording: bytes, pid: int, started: int | None = None) -> Log:
    """Return a log writer for an engine, which is to be made or restarted at once.

    The times of the records count from then. The parameters are those of `LogWriter`; by default
    recording begins now.
    """
    in_c = engine_in_c()
    if in_c is not None:
        return in_c.LogWriter(path, recording, pid, started or time_ns(), unwritable)
    # Loading takes longer than an event: the log's clock and the engine's begin after it.
    writer, *_ = _engine_in_python()
    return writer(path, recording, pid, started or time_ns())


def _engine_in_python() -> tuple[type[LogWriter], type[Events], type[Secrets], type[Values]]:
    """Load the modules that the engine in C does without."""
    from codetracer.recording.writer import LogWriter
    from codetracer.runtime.events import Events
    from codetracer.runtime.secrets import Secrets
    from codetracer.runtime.values import Values

    return LogWriter, Events, Secrets, Values


def code_reader() -> Callable[[CodeType], Reading]:
    """Return a function that reads the bytecode of new code for the engine that is chosen."""
    in_c = engine_in_c()
    if in_c is None:
        from codetracer.runtime.bytecode import CodeReading

        return CodeReading
    # Its lines are not those of the engine in Python; the engine in C reads them.
    return in_c.CodeReader(instructions, effect_rows)  # type: ignore[return-value]


def make_engine(
    log: Log,
    gate: Gate,
    plans: Plans,
    definitions: Definitions,
    limits: Limits,
    *,
    active: bool = True,
    clock: Callable[[], int] | None = None,
    budget: Budget | None = None,
) -> Engine:
    """Return an engine: the one in C if it exists and is chosen, otherwise the one in Python.

    Parameters:
        log: gets the groups of records; comes from `make_log`.
        gate: decides where recording begins.
        plans: decide what to record of each code object.
        definitions: number types, names and sources for the log.
        limits: limit the recorded part of values.
        active: whether recording begins now, and not at the activation path.
        clock: returns ns; by default `time.perf_counter_ns`.
        budget: decides which code is recorded in less detail; None if nothing limits the cost.
    """
    in_c = engine_in_c()
    if in_c is None:
        _, events_type, secrets_type, values_type = _engine_in_python()
        values = values_type(definitions, limits, secrets_type(gate.names))
        return events_type(
            log,
            gate,
            plans,
            definitions,
            values,
            limits.depth,
            active=active,
            clock=clock or perf_counter_ns,
            budget=budget,
        )
    formatters = definitions.formatters
    forms = None if gate.names is None else SecretForms(gate.names)
    # Both logs, this one and that of a restart, are from `make_log`, and so in C.
    engine: Engine = in_c.Engine(  # type: ignore[assignment]
        log=log,  # type: ignore[arg-type]
        gate=gate,
        plans=plans,
        definitions=definitions,
        thread_name=name_of_thread,
        builtins=BUILTINS,
        depth=limits.depth,
        items=limits.items,
        text=limits.text,
        objects=limits.objects,
        active=active,
        clock=clock,
        layout_of=lambda kind: ToldLayout(kind, formatters),
        say=formatters.say,
        parts=None if forms is None else forms.parts,
        urls=None if forms is None else forms.urls,
        containers=CONTAINERS,
        iterators=ITERATORS,
        formatters=formatters.are_there,
        budget=budget,
    )
    return engine
