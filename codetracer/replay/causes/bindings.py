"""Finds the line that bound a variable, in its own, an inner or outer function, or a module."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.syntax import targets
from codetracer.replay.subjects import UNBOUND

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codetracer.replay.causes.lines import Scope
    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.sources import Sources, Where
    from codetracer.replay.causes.syntax import Target
    from codetracer.replay.causes.view import View
    from codetracer.replay.model import Code
    from codetracer_bindings import trace_decoder as raw

__all__ = ["Bindings", "Bound"]


class Bound(NamedTuple):
    """The binding that gave a variable its value."""

    where: Where | None
    """The run of the unit that bound it; None if none did, as for a parameter."""
    target: Target | None
    """The target by which that unit bound it."""
    frame: int
    """The call that has the variable."""
    code: Code
    scope: Scope


TRIED_CALLS: Final = 20
"""So many calls of an enclosing function are looked at for the one that a closure belongs to."""


class Bindings:
    """Finds the lines that bound variables.

    Parameters:
        past: what happened in the process.
        sources: the facts about its lines.
    """

    def __init__(self, past: Past, sources: Sources) -> None:
        self._past = past
        self._sources = sources

    def of(
        self, name: str, frame: int, code: Code, scope: Scope, value: raw.Value, before: int
    ) -> Bound:
        """Return how a variable that a frame uses got its value.

        Parameters:
            name: the variable.
            frame: the number of the frame.
            code: its code.
            scope: the source of that.
            value: the value that is meant.
            before: the number of the step before which it was bound.
        """
        if name not in code.variables:
            found = self._global(name, code, before)
            return _bound(found, frame, code, scope)
        found = self._local(name, frame, code, scope, value, before)
        if found is None and name not in code.arguments:
            outer = self._enclosing(name, frame, code, scope, value)
            if outer is not None:
                found = self._local(name, *outer, value, before)
                return _bound(found, *outer)
        return _bound(found, frame, code, scope)

    def of_class(self, kind: str, name: str, before: int) -> tuple[Where, Target, raw.Value] | None:
        """Return the line that bound an attribute of a class, and the value if it is known.

        It is in the body of the class, or sets the attribute later: ``Shelf.total = 3``.

        Parameters:
            kind: the module and qualified name of the class.
            name: the attribute.
            before: the number of the step before which it was bound.
        """
        for code in self._past.codes:
            if code.kind != "class" or kind not in (code.name, f"{code.module}.{code.name}"):
                continue
            scope = self._sources.scope(code)
            places = [] if scope is None else _places([code.number], scope, name)
            found = self._sources.binding(places, name, before, None)
            if found is not None:
                later = self._set_on_class(kind, name, found[0].step, before)
                return later or (*found, self.after(found[0], name))
        return None

    def _set_on_class(
        self, kind: str, name: str, since: int, before: int
    ) -> tuple[Where, Target, raw.Value] | None:
        names = (kind, kind.rpartition(".")[2])
        for step in self._past.last_at(self._sources.setters(name), before):
            if step.number <= since:
                break
            where = self._sources.where(step)
            view = self._past.view(step.number)
            for target in [] if where is None else targets(where.unit.node):
                base = _object(target, name, view)
                if where is None or view.form(base) != "class" or view.said_name(base) not in names:
                    continue
                whole = target.kind == "assign" and not target.path
                value = view.peek(target.value) if whole and target.value else UNBOUND
                return where, target, value
        return None

    def after(self, where: Where, name: str) -> raw.Value:
        """Return the value that a variable had right after a unit."""
        after = next(self._past.forward(where.frame, where.last), None)
        if after is not None:
            return self._past.view(after.number).name(name)
        ending = self._past.last(where.frame)
        return UNBOUND if ending is None else self._past.when(ending).name(name)

    def _local(
        self, name: str, frame: int, code: Code, scope: Scope, value: raw.Value, before: int
    ) -> tuple[Where, Target] | None:
        """Return what bound a variable of a frame last: a line of it, or of a function inside."""
        found = self._sources.binding(_places([code.number], scope, name), name, before, frame)
        source = self._sources.of(code.path)
        for inner in [] if source is None else source.nonlocal_scopes(scope, name):
            places = _places(self._sources.codes(code.path, inner), inner, name)
            other = self._sources.binding(places, name, before, None)
            later = other is not None and (found is None or other[0].step > found[0].step)
            if other is not None and later and self.after(other[0], name) == value:
                found = other
        return found

    def _global(self, name: str, code: Code, before: int) -> tuple[Where, Target] | None:
        source = self._sources.of(code.path)
        if source is None:
            return None
        places = [
            place
            for scope in source.global_scopes(name)
            for place in _places(self._sources.codes(code.path, scope), scope, name)
        ]
        return self._sources.binding(places, name, before, None)

    def _enclosing(
        self, name: str, frame: int, code: Code, scope: Scope, value: raw.Value
    ) -> tuple[int, Code, Scope] | None:
        """Return the call of the enclosing function that has a free variable.

        The recording does not say which call made a closure: it is the last one before the
        closure's own call in which the variable ended with the value that is meant.
        """
        source = self._sources.of(code.path)
        owner = None if source is None else source.owner(scope)
        numbers: list[int] = []
        while source is not None and owner is not None:
            numbers = self._sources.codes(code.path, owner)
            if any(name in self._past.codes[number].variables for number in numbers):
                break
            owner = source.owner(owner)
        if owner is None:
            return None
        fallback: tuple[int, Code, Scope] | None = None
        for tried, run in enumerate(self._past.calls(numbers, self._past.run(frame).until)):
            ending = self._past.last(run.frame)
            if ending is not None and self._past.when(ending).name(name) == value:
                return run.frame, run.code, owner
            fallback = fallback or (run.frame, run.code, owner)
            if tried == TRIED_CALLS:
                break
        return fallback


def _object(target: Target, name: str, view: View) -> raw.Value:
    """Return the object of which a target is the attribute of this name; `UNBOUND` if of none."""
    if isinstance(target.node, ast.Attribute) and target.node.attr == name:
        return view.peek(target.node.value)
    return UNBOUND


def _bound(found: tuple[Where, Target] | None, frame: int, code: Code, scope: Scope) -> Bound:
    where, target = found or (None, None)
    return Bound(where, target, frame, code, scope)


def _places(codes: Iterable[int], scope: Scope, name: str) -> list[tuple[int, int]]:
    """Return the codes and lines at which a scope binds a name."""
    return [
        (code, line)
        for code in codes
        for unit, _ in scope.binders(name)
        for line in range(unit.first, unit.last + 1)
    ]
