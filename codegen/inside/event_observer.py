"""Observes every event of sys.monitoring, inside the interpreter that is observed.

It imports only the standard library, because it runs under interpreters that have nothing
installed. It reads a JSON object of event names and programs from stdin, and writes its
observations to stdout as JSON, in the form of `codegen.observe.observation.Observation`. An event
of the interpreter that is not in the object is observed with the first program that fires it.
"""

import contextlib
import json
import platform
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

FILENAME = "<probe>"
TOOL = 3

monitoring = sys.monitoring
DISABLE: Any = monitoring.DISABLE

type Callback = Callable[..., object]


def main() -> None:
    """Observe every event of this interpreter, and write the observations."""
    programs: dict[str, str] = json.load(sys.stdin)
    # Programs print to stderr, so that stdout contains only the observations.
    answer, sys.stdout = sys.stdout, sys.stderr
    every_program = list(programs.values())
    events = {
        name: _observe(event, [programs[name]] if name in programs else every_program)
        for name, event in sorted(_events().items(), key=lambda item: item[1])
    }
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    json.dump({"version": version, "release": platform.python_version(), "event": events}, answer)


def _events() -> dict[str, int]:
    return {
        name: event
        for name, event in vars(monitoring.events).items()
        if not name.startswith("_") and event
    }


def _observe(event: int, programs: list[str]) -> dict[str, object]:
    program, seen = next(
        ((program, call) for program in programs if (call := _first_call(event, program))),
        (programs[0], None),
    )
    observed: dict[str, object] = {"id": event, "fired": seen is not None}
    if seen is not None:
        observed["arity"] = len(seen)
        observed["types"] = [type(argument).__name__ for argument in seen]
    settable = _settable(event)
    local = settable and _locally_settable(event)
    observed["settable"] = settable
    observed["local"] = local
    observed["disable_global"] = _disable(event, program, local=False)
    observed["disable_local"] = _disable(event, program, local=True) if local else "not settable"
    return observed


def _settable(event: int) -> bool:
    with Slot():
        try:
            monitoring.set_events(TOOL, event)
        except ValueError:
            return False
        return True


def _locally_settable(event: int) -> bool:
    with Slot():
        try:
            monitoring.set_local_events(TOOL, compile("", FILENAME, "exec"), event)
        except ValueError:
            return False
        return True


def _mask(event: int) -> int:
    """Return the events to set so that `event` fires: itself, or all others if it is ancillary."""
    if _settable(event):
        return event
    mask = 0
    for other in _events().values():
        mask |= other if _settable(other) else 0
    return mask


def _first_call(event: int, program: str) -> tuple[object, ...] | None:
    calls: list[tuple[object, ...]] = []

    def callback(*arguments: Any) -> None:
        if arguments[0].co_filename == FILENAME:
            calls.append(arguments)

    mask = _mask(event)
    with Slot():
        monitoring.register_callback(TOOL, event, callback)
        monitoring.set_events(TOOL, mask)
        _run(compile(program, FILENAME, "exec"))
    return calls[0] if calls else None


def _disable(event: int, program: str, *, local: bool) -> str:
    """Run the program twice with a callback that returns DISABLE; return the effect.

    Returns:
        ``silenced``, ``ignored``, ``error`` or ``not fired``.
    """
    code = compile(program, FILENAME, "exec")
    calls: list[tuple[object, ...]] = []

    def callback(*arguments: Any) -> object:
        if arguments[0].co_filename != FILENAME:
            return None
        # These arguments identify a location: code, offset or line, and a branch's destination.
        calls.append(tuple(part for part in arguments if type(part) in (CodeType, int)))
        return DISABLE

    mask = _mask(event)
    with Slot():
        monitoring.register_callback(TOOL, event, callback)
        if local:
            for part in _all_code(code):
                monitoring.set_local_events(TOOL, part, mask)
        else:
            monitoring.set_events(TOOL, mask)
        _run(code)
        _run(code)
        removed = monitoring.register_callback(TOOL, event, None) is None
        if local:
            for part in _all_code(code):
                monitoring.set_local_events(TOOL, part, 0)
    if not calls:
        return "not fired"
    if removed:
        return "error"
    return "silenced" if len(set(calls)) == len(calls) else "ignored"


def _all_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _all_code(constant)


def _run(code: CodeType) -> None:
    # 3.12 to 3.14 raise ValueError for a DISABLE that they do not allow; _disable() sees that by
    # the removed callback. Other exceptions are the program's, and do not matter here.
    with contextlib.suppress(Exception, SystemExit):
        exec(code, {"__name__": "__probe__"})


class Slot:
    """The tool slot, claimed for one observation and then freed without a trace."""

    def __enter__(self) -> None:
        """Claim the slot."""
        monitoring.use_tool_id(TOOL, "codetracer probe")
        monitoring.restart_events()

    def __exit__(self, *_: object) -> None:
        """Unset all events, remove all callbacks, and free the slot."""
        monitoring.set_events(TOOL, 0)
        for event in _events().values():
            monitoring.register_callback(TOOL, event, None)
        monitoring.free_tool_id(TOOL)


if __name__ == "__main__":
    main()
