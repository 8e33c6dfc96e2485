"""Runs one probe's program, inside the interpreter that is observed.

It imports only the standard library, because it runs under interpreters that have nothing
installed. It reads the program from stdin and runs it as the file ``<probe>``. The program may use
the standard library and the names in `VOCABULARY`, which spec/README.md explains.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Imported for type checkers only, because a process starts for each probe.
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, NoReturn

FILENAME = "<probe>"
TOOL = 3

M = sys.monitoring
E = M.events
DISABLE: Any = M.DISABLE

type Call = Callable[..., Any]

log: list[str] = []
"""The events that callbacks of `watch` have received, in order, as texts."""


def main() -> None:
    """Run the program from stdin."""
    program = sys.stdin.buffer.read().decode()
    _no_core_file()
    exec(compile(program, FILENAME, "exec"), dict(VOCABULARY, __name__="__probe__"))


def say(outcome: object) -> None:
    """Print the probe's outcome: a value, or a list of values."""
    if isinstance(outcome, (list, tuple)):
        outcome = ", ".join(map(str, outcome)) or "nothing"
    print(outcome, flush=True)


def not_applicable() -> NoReturn:
    """End the probe, because this CPython lacks the subject of the question."""
    say("not applicable")
    raise SystemExit


def id_of(name: str) -> int:
    """Return the id of an event; end the probe if this CPython lacks the event."""
    found = getattr(E, name, None)
    return found if isinstance(found, int) else not_applicable()


def mask_of(names: str) -> int:
    """Return the events to set so that these events fire.

    Parameters:
        names: the events' names, separated by blanks.
    """
    mask = 0
    for name in names.split():
        mask |= E.CALL if name in ("C_RETURN", "C_RAISE") else id_of(name)
    return mask


def describe(name: str, code: CodeType, *rest: Any) -> str:
    """Return the text of an event in `log`: ``RAISE f``, ``LINE f+2`` (lines after its def)."""
    if name == "LINE":
        return f"LINE {code.co_name}+{rest[0] - code.co_firstlineno}"
    return f"{name} {code.co_name}"


def watch(
    names: str,
    *functions: Call,
    tool: int = TOOL,
    act: Call | None = None,
    show: Call | None = describe,
) -> None:
    """Log events in functions of the program, but not in its top level.

    Parameters:
        names: the events' names, separated by blanks.
        functions: set the events only for the code of these functions; without any, globally.
        tool: the tool slot.
        act: called with the event's name and the callback's arguments; the callback returns its
            result.
        show: called with the same arguments; its result is logged. None logs nothing.
    """
    if M.get_tool(tool) is None:
        M.use_tool_id(tool, "probe")
    for name in names.split():
        M.register_callback(tool, id_of(name), _callback(name, act, show))
    if not functions:
        M.set_events(tool, mask_of(names))
    for function in functions:
        M.set_local_events(tool, function.__code__, mask_of(names))


def stop(*tools: int) -> None:
    """Unset all events, and remove all callbacks."""
    for tool in tools or (TOOL,):
        M.set_events(tool, 0)
        for name, event in vars(E).items():
            if event and name.isupper():
                M.register_callback(tool, event, None)


def recorded(
    names: str,
    function: Call,
    *arguments: Any,
    act: Call | None = None,
    show: Call | None = describe,
) -> list[str]:
    """Call `function`, ignore its exceptions, and return the events among `names` that it fired."""
    del log[:]
    watch(names, act=act, show=show)
    attempt(function, *arguments)
    stop()
    return list(log)


def attempt(function: Call, *arguments: Any, **named: Any) -> str:
    """Call `function`; return ``ok``, or the exception as `described` returns it."""
    try:
        function(*arguments, **named)
    except BaseException as error:
        return described(error)
    return "ok"


def described(error: BaseException | None) -> str:
    """Return an exception as text, without addresses, which differ between runs."""
    if error is None:
        return "no exception"
    text = " ".join(word for word in str(error).split() if not word.startswith("0x"))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def names_of(mask: int) -> str:
    """Return the names of the events in `mask`."""
    known = [name for name, event in vars(E).items() if name.isupper() and event and mask & event]
    return ", ".join(sorted(known)) or "none"


def unraisable(function: Call) -> list[str]:
    """Call `function`; return the exceptions that sys.unraisablehook received, as texts."""
    seen: list[str] = []
    sys.unraisablehook = lambda found: seen.append(described(found.exc_value))
    attempt(function)
    return seen


def parts(code: CodeType) -> list[CodeType]:
    """Return `code`, and all code objects in it."""
    inner = [constant for constant in code.co_consts if isinstance(constant, type(code))]
    return [code, *(part for constant in inner for part in parts(constant))]


def _callback(name: str, act: Call | None, show: Call | None) -> Call:
    def callback(code: CodeType, *rest: Any) -> Any:
        if code.co_filename != FILENAME or code.co_name == "<module>":
            return None
        if show is not None:
            log.append(show(name, code, *rest))
        return act(name, code, *rest) if act is not None else None

    return callback


def _no_core_file() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


VOCABULARY: dict[str, object] = {
    "M": M,
    "E": E,
    "DISABLE": DISABLE,
    "MISSING": M.MISSING,
    "TOOL": TOOL,
    "sys": sys,
    **{
        function.__name__: function
        for function in (
            say, not_applicable, id_of, mask_of, describe, watch, stop, recorded, attempt,
            described, names_of, unraisable, parts,
        )
    },
    "log": log,
}  # fmt: skip
"""The names that a probe's program may use."""

if __name__ == "__main__":
    main()
