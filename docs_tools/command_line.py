"""Makes the reference of the command line from its parsers."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator

from codetracer.commands.parsers import all_parsers

__all__ = ["reference"]


def reference() -> str:
    """Return the page: a section for each command, with a table of its options, in Markdown."""
    parser, _ = all_parsers()
    lines = ["# The command line", "", f"{parser.description or ''}", ""]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                lines += _section(name, command)
    return "\n".join(lines)


def _section(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the lines of a command's section."""
    yield from (f"## {name}", "", _text(parser.description), "")
    for group in parser._action_groups:
        rows = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if not rows and not group.description:
            continue
        yield from (f"**{group.title}**", "")
        if group.description:
            yield from (_text(group.description), "")
        if rows:
            yield from ("| option | meaning |", "|---|---|")
            for action in rows:
                yield f"| {_called(action)} | {_text(_help(parser, action)).replace('|', '\\|')} |"
            yield ""
    if parser.epilog:
        yield from ("```text", textwrap.dedent(parser.epilog).strip(), "```", "")


def _called(action: argparse.Action) -> str:
    """Return an option as it is typed."""
    value = action.metavar or ""
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return f"`{value or action.dest}`"
    names = ", ".join(action.option_strings)
    return f"`{names} {value}`" if value and action.nargs != 0 else f"`{names}`"


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    values = vars(action) | {"prog": parser.prog}
    return (action.help or "") % values


def _text(text: str | None) -> str:
    """Return text as Markdown shows it unchanged."""
    words = " ".join((text or "").split())
    return words.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
