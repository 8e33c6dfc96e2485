"""Runs inside the interpreter that is observed: one probe's program, with what programs may use.

Standard library only, for it runs under interpreters that have nothing installed. Reads the program
from stdin and runs it as the file ``<probe>``. What the program may use besides the standard
library is `VOCABULARY`; spec/README.md explains it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Nothing is imported that need not be: a process is started for each probe.
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
"""What callbacks registered by `watch` have seen, in order."""


def main() -> None:
    """Run the program that stands on stdin."""
    program = sys.stdin.buffer.read().decode()
    _no_core_file()
    exec(compile(program, FILENAME, "exec"), dict(VOCABULARY, __name__="__probe__"))


def say(outcome: object) -> None:
    """Print the probe's outcome: a word, or a list of them."""
    if isinstance(outcome, (list, tuple)):
        outcome = ", ".join(map(str, outcome)) or "nothing"
    print(outcome, flush=True)


def not_applicable() -> NoReturn:
    """End the probe: this CPython lacks what it is about."""
    say("not applicable")
    raise SystemExit


def id_of(name: str) -> int:
    """Return the id of an event; a CPython that lacks it has no outcome."""
    found = getattr(E, name, None)
    return found if isinstance(found, int) else not_applicable()


def mask_of(names: str) -> int:
    """Return what has to be set for these events to fire."""
    mask = 0
    for name in names.split():
        mask |= E.CALL if name in ("C_RETURN", "C_RAISE") else id_of(name)
    return mask


def describe(name: str, code: CodeType, *rest: Any) -> str:
    """Return how `log` names an event: ``RAISE f``, ``LINE f+2`` (lines after its def)."""
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
    """Log these events: everywhere, or in `functions` only.

    Only what happens in functions of the program is logged, not in its top level. `act` is called
    with the event's name and the callback's arguments; what it returns, the callback returns. What
    `show` makes of the same is what is logged.
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
    """Set no events, and take all callbacks away."""
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
    """Call `function`, and return what it fired of these events; what it raises is dropped."""
    del log[:]
    watch(names, act=act, show=show)
    attempt(function, *arguments)
    stop()
    return list(log)


def attempt(function: Call, *arguments: Any, **named: Any) -> str:
    """Call `function`; return ``ok``, or what it raised, without numbers that differ by version."""
    try:
        function(*arguments, **named)
    except BaseException as error:
        return described(error)
    return "ok"


def described(error: BaseException | None) -> str:
    """Return an exception in a few words, without numbers that differ by version."""
    if error is None:
        return "no exception"
    text = " ".join(word for word in str(error).split() if not word.startswith("0x"))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def names_of(mask: int) -> str:
    """Return the names of the events in `mask`."""
    known = [name for name, event in vars(E).items() if name.isupper() and event and mask & event]
    return ", ".join(sorted(known)) or "none"


def unraisable(function: Call) -> list[str]:
    """Call `function`; return what went to sys.unraisablehook."""
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
"""What a program finds defined."""

if __name__ == "__main__":
    main()
