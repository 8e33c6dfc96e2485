"""Measures one program in all ways."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.costs.environments import Environment
from benchmarks.costs.measuring import Application, Turns, take_turns
from benchmarks.costs.processes import RunError, say
from benchmarks.costs.tables import Row, rows_of, scaled_row
from benchmarks.costs.ways import RECORDED, UNTRACED, Way, look

__all__ = ["measure"]


def measure(
    environment: Environment,
    application: Application,
    ways: Sequence[Way],
    turns: Turns,
    amount: str = "full",
) -> list[Row]:
    """Return the rows of a program, one for each way.

    Parameters:
        environment: where it runs.
        application: the program.
        ways: the ways; the first two are untraced and recorded.
        turns: how often, how long and where.
        amount: how much work it does, ``full`` or ``small``.
    """
    say(f"{environment.version}: {application.name}")
    files = environment.files_of(application.name.replace(" ", "-"))
    # Another checkout may record other files.
    files.unlink(missing_ok=True)
    usual = [way for way in ways if not way.is_slow]
    full = take_turns(usual, application.words(environment, amount), files, turns)
    none = full
    if application.words(environment, "none") != application.words(environment, amount):
        none = take_turns(usual, application.words(environment, "none"), files, turns)
    rows = rows_of(application.name, full, none, RECORDED)
    for way in ways:
        if way.is_slow:
            try:
                rows.append(_small(environment, application, ways, way, rows, turns))
            except RunError as error:
                say(f"FAILED: {error}")
                rows.append(rows[0]._replace(way=way.name, problem=str(error)))
    return rows


def _small(
    environment: Environment,
    application: Application,
    ways: Sequence[Way],
    slow: Way,
    rows: Sequence[Row],
    turns: Turns,
) -> Row:
    """Return the row of a very slow way, which has one turn of a small amount of work."""
    if not any(row.steps for row in rows):
        raise RunError(f"{slow.name}: no recording says how many steps there are")
    words = application.words(environment, "small")
    files = environment.files_of(application.name.replace(" ", "-"))
    by_name = {way.name: way for way in ways}
    with tempfile.TemporaryDirectory(dir=turns.scratch) as folder:
        output = Path(folder, "recorded")
        untraced = by_name[UNTRACED].run(words, output, files)
        by_name[RECORDED].run(words, output, files)
        steps = look(by_name[RECORDED], output).steps
        shutil.rmtree(output)
        if words[0] == "-m":
            words = [str(environment.as_module), *words[1:]]
        taken = slow.run(words, Path(folder, "slow"), files, turns.limit)
    return scaled_row(
        application.name, slow.name, rows, (taken.cpu, untraced.cpu, steps), taken.is_ended
    )
