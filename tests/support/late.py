"""Finds the steps at which a recording differs from the truth."""

from pathlib import Path

from tests.support.recordings import FULL, naive_steps, record_steps

__all__ = ["late", "plain"]


def late(folder: Path, program: str, backend: str, *options: str) -> list[tuple[int, str]]:
    """Return the line and the name of each variable that is not recorded as it is there."""
    naive = naive_steps(folder, program)
    found = []
    for true, step in zip(
        naive, record_steps(folder, program, *FULL, *options, backend=backend), strict=True
    ):
        assert step[:4] == true[:4]
        alone = step._replace(globals={}), true._replace(globals={})
        if alone[0] != alone[1]:
            found.append((step.line, "local"))
        names = step.globals.keys() | true.globals.keys()
        # Numbers are given in the order of the names: one at a time, or all that follow differ.
        found += [
            (step.line, name)
            for name in sorted(names)
            if plain(step.globals.get(name)) != plain(true.globals.get(name))
        ]
    return found


def plain(value: object) -> object:
    """Return a value without the numbers of the objects in it."""
    match value:
        case ["object", int(), *rest]:
            return ["object", *map(plain, rest)]
        case list():
            return [plain(item) for item in value]
        case dict():
            return {name: plain(item) for name, item in value.items()}
    return value
