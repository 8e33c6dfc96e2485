"""Runs inside the interpreter that is observed: what sys.monitoring makes of each program.

Standard library only, for it runs under interpreters that have nothing installed. Reads from stdin
a JSON object of event names and programs, writes what it saw to stdout as JSON, in the form of
`codegen.observe.observation.Observation`. An event of the interpreter that was not named is
observed with the first of the programs that fires it.
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
    """Observe every event of this interpreter and write what was seen."""
    programs: dict[str, str] = json.load(sys.stdin)
    # What a program prints must not come between the lines of the answer.
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
    """Return what makes `event` fire: itself or, for an ancillary one, everything else."""
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
    """Run the program twice with a callback that returns DISABLE; say what came of it."""
    code = compile(program, FILENAME, "exec")
    calls: list[tuple[object, ...]] = []

    def callback(*arguments: Any) -> object:
        if arguments[0].co_filename != FILENAME:
            return None
        # What tells one location from another: code, offset or line, and where a branch goes.
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
    # A ValueError is how 3.12 to 3.14 answer a DISABLE they do not allow; the removed callback
    # tells. Anything else is the program's, and what counts is whether it fired its event.
    with contextlib.suppress(Exception, SystemExit):
        exec(code, {"__name__": "__probe__"})


class Slot:
    """The tool slot, claimed for one probe and left as if nobody had ever had it."""

    def __enter__(self) -> None:
        """Claim the slot."""
        monitoring.use_tool_id(TOOL, "codetracer probe")
        monitoring.restart_events()

    def __exit__(self, *_: object) -> None:
        """Unset all events, take all callbacks away, and free the slot."""
        monitoring.set_events(TOOL, 0)
        for event in _events().values():
            monitoring.register_callback(TOOL, event, None)
        monitoring.free_tool_id(TOOL)


if __name__ == "__main__":
    main()
