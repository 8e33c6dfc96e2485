"""Makes a program smaller that is not recorded as it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from fuzz.snapshots import Snapshots

__all__ = ["reduced"]

SECONDS = 60
"""The time that it may take."""


class _Cut(NamedTuple):
    """Lines to be replaced: from `first` to before `last`."""

    first: int
    last: int
    by: tuple[str, ...]


def reduced(snapshots: Snapshots, source: str) -> tuple[str, str] | None:
    """Return the smallest program found that differs, and how; None if `source` does not alone."""
    deadline = time.monotonic() + SECONDS
    alone = snapshots.compare([source])
    if not alone:
        return None
    lines, message = source.splitlines(), str(alone[0])
    while time.monotonic() < deadline:
        cuts = _cuts(lines)
        found = snapshots.compare([_text(lines, [cut]) for cut in cuts])
        # Each of these can be left out; so perhaps can all of them, or the first or last few.
        fitting = [cuts[place] for place in sorted(found)]
        several = [part for part in _parts(fitting) if _compiles(_text(lines, part))]
        for part in sorted(several, key=lambda part: len(_text(lines, part))):
            text = _text(lines, part)
            if again := snapshots.compare([text]):
                lines, message = text.splitlines(), str(again[0])
                break
        else:
            break
    return "\n".join(lines) + "\n", message


def _parts(cuts: list[_Cut]) -> list[list[_Cut]]:
    """Return all cuts, their halves, quarters and so on, and each alone."""
    parts, size = [], len(cuts)
    while size:
        parts += [cuts[first : first + size] for first in range(0, len(cuts), size)]
        size //= 2
    return parts


def _text(lines: Sequence[str], cuts: Sequence[_Cut]) -> str:
    """Return the program after some cuts; one within another counts only alone."""
    found: list[str] = []
    place = 0
    for cut in sorted(cuts, key=lambda cut: (cut.first, -cut.last)):
        if cut.first >= place:
            found += [*lines[place : cut.first], *cut.by]
            place = cut.last
    return "\n".join([*found, *lines[place:]]) + "\n"


def _cuts(lines: Sequence[str]) -> list[_Cut]:
    """Return what can be left out, or replaced by ``pass`` or by its body."""
    found = []
    for first, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        last = first + 1
        while last < len(lines) and len(lines[last]) - len(lines[last].lstrip()) > indent:
            last += 1
        behind = last + 1 if line.strip() == "try:" else last
        body = tuple(text[4:] for text in lines[first + 1 : last])
        for cut in (
            _Cut(first, behind, ()),
            _Cut(first, last, (" " * indent + "pass",)),
            _Cut(first, behind, body),
        ):
            if cut.by != tuple(lines[first:last]) and _compiles(_text(lines, [cut])):
                found.append(cut)
                break
        if body and _compiles(_text(lines, [_Cut(first, behind, body)])):
            found.append(_Cut(first, behind, body))
    return found


def _compiles(source: str) -> bool:
    try:
        compile(source, "", "exec")
    except SyntaxError:
        return False
    return True
