"""Explains the results of calls, and the values that generators yielded or were sent."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from codetracer.replay.causes.tree import UNCERTAIN
from codetracer.replay.causes.writers import callee, given, is_pure, said
from codetracer.replay.details import foreign, lacking_in
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.causes.callers import Callers
    from codetracer.replay.causes.facts import Ending, Run
    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.slice import Reading, Slice
    from codetracer.replay.causes.sources import Sources
    from codetracer.replay.causes.tree import Cause
    from codetracer.replay.model import Code

__all__ = ["Results"]

CONSTRUCTORS: Final = ("__init__", "__post_init__", "__new__")


class Results:
    """Explains results; values it leaves to the slice.

    Parameters:
        past: what happened in the process.
        sources: the facts about its lines.
        callers: which call was which frame.
        is_own: whether code is to be looked into; other code is taken as a whole.
        values: explains values.
    """

    def __init__(
        self,
        past: Past,
        sources: Sources,
        callers: Callers,
        is_own: Callable[[Code], bool],
        values: Slice,
    ) -> None:
        self._past = past
        self._sources = sources
        self._callers = callers
        self._is_own = is_own
        self._values = values

    def called(self, node: ast.expr, at: Reading, into: Cause, depth: int) -> bool:
        """Add the result of a call, if its frame is recorded; return whether it is."""
        runs = self._callers.matched(at.where).runs.get(node)
        if not runs or not self._is_own(runs[0].code):
            return False
        chosen = self._chosen(runs)
        self.of(said(node), node, chosen, at, into, depth)
        frames = {run.frame for run in runs}
        if len(frames) > 1:
            into.note(f"{callee(node)}() ran {len(frames)} times here; one is shown")
        elif len(runs) > 1 and runs[0].code.kind != "coroutine":
            into.note(f"{callee(node)}() went on {len(runs) - 1} times here; one is shown")
        return True

    def _chosen(self, runs: list[Run]) -> Run:
        """Return the run with the wanted value as its result; else the last one with a result."""
        endings = [(run, self._past.ending(run)) for run in runs]
        for run, ending in endings:
            if ending is not None and ending.value == self._values.wanted != UNBOUND:
                return run
        if runs[0].code.kind == "generator":
            for run, ending in reversed(endings):
                if ending is not None and ending.kind == "yield":
                    return run
        if runs[0].code.kind == "asynchronous generator":
            for run, ending in reversed(endings):
                if ending is not None and self._yields(ending):
                    return run
        return runs[-1]

    def _yields(self, ending: Ending) -> bool:
        """Return whether an asynchronous generator yields a value, and does not wait for one."""
        if ending.kind != "yield" or ending.step < 0:
            return False
        where = self._sources.where(self._past.step(ending.step))
        nodes = () if where is None else ast.walk(where.unit.node)
        return any(isinstance(node, ast.Yield) for node in nodes)

    def call(
        self, node: ast.Call, at: Reading, into: Cause, depth: int, bound: frozenset[str]
    ) -> None:
        """Add the causes of what a call returned; of one that is not recorded, its arguments."""
        if self.called(node, at, into, depth):
            return
        matched = self._callers.matched(at.where)
        left = {run.code.short_name for run in matched.left if self._is_own(run.code)}
        for name in sorted(left - {"<genexpr>"}):
            into.note(f"{name}() ran here too, called by code that is not recorded")
        function = node.func
        if node in matched.runs:
            code = matched.runs[node][-1].code
            into.note(f"{callee(node)}() is {foreign(code)}")
        elif at.view.form(at.view.peek(function)) != "class" and not is_pure(function, at.view):
            into.unrecorded[f"{callee(node)}()"] = None
        if isinstance(function, ast.Attribute):
            self._values.operands(function.value, at, into, depth, bound)
        elif not isinstance(function, ast.Name):
            self._values.operands(function, at, into, depth, bound)
        for each in given(node):
            self._values.operands(each, at, into, depth, bound)

    def of(self, text: str, node: ast.AST, run: Run, at: Reading, into: Cause, depth: int) -> None:
        """Add the result of a call."""
        if run.code.short_name in CONSTRUCTORS:
            self._instance(text, node, run, at, into, depth)
        else:
            into.causes.append(self.result(text, run, self._past.ending(run), depth))

    def _instance(
        self, text: str, node: ast.AST, run: Run, at: Reading, into: Cause, depth: int
    ) -> None:
        """Add the object that a call made: the arguments are its causes."""
        cause = into
        if into.kind != "value" or into.place is None or into.place.step != at.where.step:
            # The first parameter is the object.
            instance = next(iter(self._past.when(run).frame.values.values()), UNBOUND)
            ending = self._past.ending(run)
            shown = UNCERTAIN if ending is None else self._past.when(ending).resolve(instance)
            cause = self._values.nodes.make("result", text, at.where, shown)
            into.causes.append(cause)
            depth += 1
            if not self._values.nodes.opens(cause, ("made", run.frame), depth - 1):
                return
        for each in given(node) if isinstance(node, ast.Call) else ():
            self._values.operands(each, at, cause, depth)

    def result(self, text: str, run: Run, ending: Ending | None, depth: int) -> Cause:
        """Return the node of the result of a call.

        Parameters:
            text: the call.
            run: its frame.
            ending: how it ended; None if that is not recorded.
            depth: how many nodes are above it.
        """
        if not run.code.has_lines:
            has_value = ending is not None and ending.kind in ("return", "yield")
            shown = (
                self._past.when(ending).resolve(ending.value) if ending and has_value else UNCERTAIN
            )
            cause = self._values.nodes.make("result", text, None, shown)
            self._values.nodes.put(cause, run.code, run.code.line, -1)
            cause.note(f"it is not explained: {lacking_in(run.code)}")
            return cause
        if ending is None or ending.kind in ("lost", "unfinished") or ending.step < 0:
            cause = self._values.nodes.make("result", text, None)
            last = -1 if ending is None else ending.step
            line = run.code.line if last < 0 else self._past.step(last).line
            self._values.nodes.put(cause, run.code, line, last)
            cause.note("its end is not recorded")
            return cause
        if ending.kind == "unwind" and isinstance(ending.value, raw.ReferenceValue):
            return self._values.conditions.exception(
                ending.frame, ending.step, ending.value.number, depth
            )
        step = self._past.step(ending.step)
        where = self._sources.where(step)
        kind = "yield" if ending.kind == "yield" else "result"
        wrapped = kind == "yield" and run.code.kind == "asynchronous generator"
        shown = UNCERTAIN if wrapped else self._past.when(ending).resolve(ending.value)
        cause = self._values.nodes.at(kind, text, step, run.code, where, shown)
        key = ("result", ending.frame, ending.until)
        if where is not None and self._values.nodes.opens(cause, key, depth):
            before, self._values.wanted = self._values.wanted, ending.value
            self._returned(self._values.at(where), kind, cause, depth + 1)
            self._values.wanted = before
            self._values.conditions.of(where, cause, depth + 1)
        return cause

    def _returned(self, at: Reading, kind: str, into: Cause, depth: int) -> None:
        """Add the causes of what a unit returned or yielded."""
        node = at.where.unit.node
        if kind == "yield" and not isinstance(node, ast.GeneratorExp):
            for each in ast.walk(node):
                if isinstance(each, ast.Yield | ast.YieldFrom) and each.value is not None:
                    self._values.operands(each.value, at, into, depth)
        elif isinstance(node, ast.Return | ast.expr):
            self._values.operands(node, at, into, depth)
        else:
            into.note("it ended without return")

    def sent(self, at: Reading, into: Cause, depth: int) -> None:
        """Add the causes of what was sent into a generator that went on after a yield."""
        run = self._past.resumed(at.where.frame, at.where.step)
        there = run is not None and run.step >= 0
        where = self._sources.where(self._past.step(run.step)) if run and there else None
        site = None if where is None else self._callers.matched(where).site(at.where.frame)
        if where is None or not isinstance(site, ast.Call):
            into.note("what was sent into the generator is not recorded; a loop sends None")
        elif isinstance(site.func, ast.Attribute) and site.func.attr in ("send", "asend"):
            cause = self._values.nodes.make("sent", ast.unparse(site), where)
            into.causes.append(cause)
            if self._values.nodes.opens(cause, ("sent", where.frame, where.step), depth):
                for each in given(site):
                    self._values.operands(each, self._values.at(where), cause, depth + 1)
