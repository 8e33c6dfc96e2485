"""``codetracer events``: the reference of the events, in the terminal."""

from __future__ import annotations

import argparse

from codetracer.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "list the events of sys.monitoring, or describe one of them"

EXAMPLES = """\
examples:
  codetracer events
  codetracer events branch_left

Statements about one version of CPython were observed on that version.
"""

_SECTION: Final = "=== "
"""The beginning of the first line of an event's section in codetracer_bindings/events.txt."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``events``."""
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="an event or its handler, such as PY_START, start or on_py_start (default: list all)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the list of events, or the description of one.

    Returns:
        The exit code, 0.

    Raises:
        UsageError: ERR_UNKNOWN, there is no such event.
    """
    sections = _sections()
    if options.name is not None:
        # Line by line, because `codetracer.terminal` escapes line ends inside a printed text.
        for line in sections[_find(options.name, sections)][1].splitlines():
            print(line)
        return 0
    width = max(map(len, sections))
    for name, (since, text) in sections.items():
        summary = text.partition("\n")[0].removeprefix(f"{name}: ")
        print(f"{name:<{width}}  {since}  {summary}")
    print()
    print(
        "The number is the first CPython that has the event. `codetracer events NAME` describes"
        " one."
    )
    return 0


def _sections() -> dict[str, tuple[str, str]]:
    """Return, for each event by its name, the first CPython that has it and its description."""
    from importlib.resources import files

    text = files("codetracer_bindings").joinpath("events.txt").read_text(encoding="utf-8")
    sections = {}
    for section in f"\n{text}".split(f"\n{_SECTION}")[1:]:
        head, _, body = section.partition("\n")
        name, _, since = head.split()
        sections[name] = since, body.rstrip()
    return sections


def _find(wanted: str, sections: dict[str, tuple[str, str]]) -> str:
    """Return the name of the event that `wanted` names.

    Parameters:
        wanted: an event's name with or without PY_, or a handler's name; case does not matter.
        sections: the events by their names.
    """
    name = wanted.upper().removeprefix("ON_")
    for each in (name, f"PY_{name}"):
        if each in sections:
            return each
    import difflib

    short = {each.removeprefix("PY_"): each for each in sections}
    close = difflib.get_close_matches(name.removeprefix("PY_"), short, n=1)
    hint = f" (did you mean {short[close[0]]}?)" if close else ""
    raise UsageError(
        "ERR_UNKNOWN",
        f"there is no event {wanted!r}{hint}; events are: {', '.join(sections)}",
        {"event": wanted},
    )
