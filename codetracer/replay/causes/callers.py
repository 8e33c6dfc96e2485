"""Finds the call that ran a frame, and the frames that a line ran."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.matching import argument_of, match
from codetracer.replay.causes.syntax import calls
from codetracer.replay.subjects import UNBOUND

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.causes.facts import Run, Step
    from codetracer.replay.causes.lines import Scope
    from codetracer.replay.causes.matching import Matched
    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.sources import Sources, Where
    from codetracer.replay.model import Code

__all__ = ["Caller", "Callers"]

TRIED_RUNS: Final = 50
"""So many runs of lines that may have made a generator or coroutine are looked at."""


class Caller(NamedTuple):
    """The call that ran a frame."""

    site: ast.AST
    where: Where
    later: bool
    """True if the call only made the frame, and other code ran it later."""


class Callers:
    """Finds the calls that ran frames.

    Parameters:
        past: what happened in the process.
        sources: the facts about its lines.
        is_own: whether code is to be looked into.
    """

    def __init__(self, past: Past, sources: Sources, is_own: Callable[[Code], bool]) -> None:
        self._past = past
        self._sources = sources
        self._is_own = is_own

    def matched(self, where: Where) -> Matched:
        """Return the frames that ran while a unit did, by the calls in it."""
        runs: list[Run] = []
        step = self._past.step(where.step)
        runs.extend(self._past.runs_of(step))
        for step in self._past.forward(where.frame, where.step):
            if step.number > where.last:
                break
            runs.extend(self._past.runs_of(step))
        return match(where.unit, runs, self._past.view(where.step))

    def of(self, run: Run, scope: Scope) -> Caller | None:
        """Return the call that ran a frame; None if no call of the program's own is known."""
        if run.caller >= 0 and run.step >= 0:
            where = self._sources.where(self._past.step(run.step))
            if where is not None and self._is_own(where.code):
                site = self.matched(where).site(run.frame)
                if site is not None and (isinstance(site, ast.Call) or not run.code.suspends):
                    return Caller(site, where, later=False)
        return self._maker(run, scope) if run.code.suspends else None

    def own(self, step: Step) -> Step:
        """Return a step, or that of the innermost frame below it that is to be looked into."""
        found = step
        while not self._is_own(self._past.codes[found.code]):
            run = self._past.run(found.frame)
            if run.caller < 0 or run.step < 0:
                return step
            found = self._past.step(run.step)
        return found

    def unknown(self, run: Run) -> str:
        """Return from where a frame was called that no call of the program's own ran."""
        name = f"{run.code.short_name}() was called"
        if run.caller < 0 or run.step < 0:
            return f"{name} by code that is not recorded"
        step = self._past.step(run.step)
        code = self._past.codes[step.code]
        if not self._is_own(code):
            return f"{name} by {code.name} of {code.module}, not your code; --all looks into it"
        return f"{name} by code that is not recorded, below {code.name}, line {step.line}"

    def _maker(self, run: Run, scope: Scope) -> Caller | None:
        """Return the last call that can have made a generator or coroutine, with its arguments."""
        name = run.code.short_name
        places: list[tuple[int, int]] = []
        for code in filter(self._is_own, self._past.codes):
            there = self._sources.scope(code)
            for unit in [] if there is None else there.units:
                if any(name in site.names for site in calls(unit.node)):
                    places += [(code.number, line) for line in range(unit.first, unit.last + 1)]
        begun = self._past.when(run)
        given = {key: begun.name(key) for key in run.code.arguments}
        for tried, step in enumerate(self._past.last_at(places, run.until)):
            where = self._sources.where(step)
            if where is None:
                continue
            view = self._past.view(where.step)
            for site in calls(where.unit.node):
                if not isinstance(site.node, ast.Call) or name not in site.names:
                    continue
                said = (argument_of(site.node, run, scope, key, view)[0] for key in given)
                known = [UNBOUND if node is None else view.peek(node) for node in said]
                if all(
                    there in (value, UNBOUND)
                    for there, value in zip(known, given.values(), strict=True)
                ):
                    return Caller(site.node, where, later=True)
            if tried == TRIED_RUNS:
                break
        return None
