"""Makes a program smaller that is not recorded as it is."""

from __future__ import annotations

import time

from fuzz.snapshots import Snapshots

__all__ = ["reduced"]

SECONDS = 60
"""How long it may take."""


def reduced(snapshots: Snapshots, source: str, message: str) -> tuple[str, str]:
    """Return the smallest program found that differs, and how; `source` if it does not alone."""
    deadline = time.monotonic() + SECONDS
    alone = snapshots.compare([source])
    if not alone:
        return source, f"(not alone) {message}"
    smallest, message = source, str(alone[0])
    while time.monotonic() < deadline:
        candidates = _smaller(smallest)
        found = snapshots.compare(candidates)
        # A program that only stands beside one that differs may be blamed, too.
        for place in sorted(found, key=lambda place: len(candidates[place])):
            again = snapshots.compare([candidates[place]])
            if again:
                smallest, message = candidates[place], str(again[0])
                break
        else:
            break
    return smallest, message


def _smaller(source: str) -> list[str]:
    """Return programs without some of the statements, or with ``pass`` in their place."""
    lines = source.splitlines()
    found = []
    for first, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        last = first + 1
        while last < len(lines) and len(lines[last]) - len(lines[last].lstrip()) > indent:
            last += 1
        for between in ([], [" " * indent + "pass"]):
            if between == lines[first:last]:
                continue
            candidate = "\n".join([*lines[:first], *between, *lines[last:]]) + "\n"
            if _compiles(candidate):
                found.append(candidate)
                break
        body = lines[first + 1 : last]
        if body:
            dedented = [text[4:] for text in body]
            candidate = "\n".join([*lines[:first], *dedented, *lines[last:]]) + "\n"
            if _compiles(candidate):
                found.append(candidate)
    # Large parts first.
    return sorted(set(found), key=len)[:60]


def _compiles(source: str) -> bool:
    try:
        compile(source, "", "exec")
    except SyntaxError:
        return False
    return True
