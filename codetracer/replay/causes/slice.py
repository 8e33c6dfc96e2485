"""The chain of causes of a value: a slice back over what each line read and bound."""

from __future__ import annotations

import ast
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from codetracer.replay.causes.bindings import Bindings
from codetracer.replay.causes.callers import Callers
from codetracer.replay.causes.conditions import Conditions
from codetracer.replay.causes.matching import argument_of
from codetracer.replay.causes.nodes import LEVELS, Nodes
from codetracer.replay.causes.reads import Read, reads
from codetracer.replay.causes.results import Results
from codetracer.replay.causes.tree import UNCERTAIN
from codetracer.replay.causes.writers import (
    assigned,
    callee,
    changed_by,
    given,
    loaded,
    made,
    said,
    way,
)
from codetracer.replay.parts import DEFINITIONS
from codetracer.replay.subjects import UNBOUND, follow
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.replay.causes.bindings import Bound
    from codetracer.replay.causes.past import Past
    from codetracer.replay.causes.sources import Sources, Where
    from codetracer.replay.causes.syntax import Target
    from codetracer.replay.causes.tree import Cause
    from codetracer.replay.causes.view import View
    from codetracer.replay.model import Code
    from codetracer.replay.subjects import Step as Way

__all__ = ["Reading", "Slice"]

CHANGEABLE_FORMS: Final = ("list", "dict", "set", "frozenset", "deque")


class Reading(NamedTuple):
    """A moment at which expressions are read."""

    where: Where
    """The unit that has them."""
    view: View
    """The variables then."""


class Slice:
    """Explains values and results of one process.

    Each method takes the node that its findings are added to, and how many nodes are above those.

    Parameters:
        past: what happened in the process.
        sources: the facts about its lines.
        is_own: whether code is to be looked into; other code is taken as a whole.
        deepest: how many causes deep a tree goes; 0 for no limit.

    Attributes:
        nodes: makes the nodes.
        conditions: explains branches and exceptions.
        results: explains what calls returned.
        wanted: the value that is being explained, by which one of several results is chosen;
            `UNBOUND` if none is.
    """

    def __init__(
        self,
        past: Past,
        sources: Sources,
        is_own: Callable[[Code], bool],
        deepest: int = LEVELS,
    ) -> None:
        self.nodes = Nodes(past.number, sources, deepest)
        self.conditions = Conditions(past, sources, is_own, self)
        self._past = past
        self._sources = sources
        self._is_own = is_own
        self._bindings = Bindings(past, sources)
        self._callers = Callers(past, sources, is_own)
        self.results = Results(past, sources, self._callers, is_own, self)
        self.wanted: raw.Value = UNBOUND

    def at(self, where: Where) -> Reading:
        """Return the reading of a unit: its variables right before it ran."""
        return Reading(where, self._past.view(where.step))

    def operands(
        self,
        node: ast.AST,
        at: Reading,
        into: Cause,
        depth: int,
        bound: frozenset[str] = frozenset(),
    ) -> None:
        """Add the causes of everything that an expression, or the head of a unit, read."""
        for read in reads(node, at.view.truth, bound):
            self.read(read, at, into, depth)

    def read(self, read: Read, at: Reading, into: Cause, depth: int) -> None:
        """Add the cause of one read."""
        node, bound = read
        match node:
            case ast.Name(id=name):
                self._name(name, at, into, depth)
            case ast.Attribute() | ast.Subscript():
                self._slot(node, at, into, depth, bound)
            case ast.Call():
                self.results.call(node, at, into, depth, bound)
            case ast.Yield():
                self.results.sent(at, into, depth)
            case ast.YieldFrom(value=value):
                self.operands(value, at, into, depth, bound)

    # ---------------------------------------------------------------- names

    def _name(self, name: str, at: Reading, into: Cause, depth: int) -> None:
        """Add the cause of a variable's value."""
        (where, view), code = at, at.where.code
        value = view.name(name)
        if value == UNBOUND or view.form(value) in DEFINITIONS:
            return
        bound = self._bindings.of(name, where.frame, code, where.scope, value, view.until)
        if bound.where is None or bound.target is None:
            if name in code.variables and name in bound.code.arguments:
                self._parameter(name, bound, value, view, into, depth)
                return
            cause = self.nodes.make("value", name, None, view.resolve(value))
            cause.note("the line that bound it is not recorded")
            into.causes.append(cause)
            return
        cause = self.nodes.make("value", name, bound.where, view.resolve(value))
        into.causes.append(cause)
        key = ("name", name, bound.where.frame, bound.where.step)
        changed = self._changed(value, bound.where, view)
        if changed is None and _is_leaf(bound.where, bound.target):
            return
        if self.nodes.opens(cause, key, depth):
            self._change(value, name, changed, cause, depth + 1)
            self._supply(bound.target, self.at(bound.where), cause, depth + 1, value)
            if bound.target.kind != "except":
                self.conditions.of(bound.where, cause, depth + 1)

    def _changed(self, value: raw.Value, since: Where, view: View) -> int | None:
        """Return the step that changed a container last, if it came after a unit."""
        if view.form(value) not in CHANGEABLE_FORMS or not isinstance(value, raw.ReferenceValue):
            return None
        found = self._past.written(value.number, None, view.until)
        # A call within the unit made the value, and its explanation comes with the unit's.
        over = self._past.over(since.frame, since.last)
        return found if found is not None and found >= over else None

    def _change(
        self, value: raw.Value, name: str, step: int | None, into: Cause, depth: int
    ) -> None:
        """Add the last change of a container that a name has, if there was one."""
        if step is not None and isinstance(value, raw.ReferenceValue):
            self.change(value.number, None, f"{name} changed", step, UNBOUND, into, depth)

    # ---------------------------------------------------------------- what bound it

    def _supply(
        self, target: Target, at: Reading, into: Cause, depth: int, value: raw.Value
    ) -> None:
        """Add the causes of what a unit gave to a target."""
        match target.kind:
            case "assign" if target.value is not None:
                self.operands(target.value, at, into, depth)
            case "augment" if target.value is not None:
                self.read(Read(loaded(target.node), frozenset()), at, into, depth)
                self.operands(target.value, at, into, depth)
            case "with" if target.value is not None:
                self._entered(target.value, at, into, depth)
            case "for" | "comprehension" if target.value is not None:
                self._element(target.value, len(target.path) == 1, at, into, depth, value)
            case "except":
                self.conditions.handled(at.where, into, depth)
            case "case":
                self.operands(at.where.unit.above[-1].head.node, at, into, depth)
            case "import":
                into.note("imported")

    def _entered(self, context: ast.expr, at: Reading, into: Cause, depth: int) -> None:
        """Add the causes of what a ``with`` bound: the result of ``__enter__``."""
        for site, runs in self._callers.matched(at.where).runs.items():
            if (
                isinstance(site, ast.withitem)
                and site.context_expr is context
                and self._is_own(runs[0].code)
            ):
                self.results.of(f"{runs[0].code.short_name}()", site, runs[-1], at, into, depth)
                return
        self.operands(context, at, into, depth)

    def _element(
        self,
        iterable: ast.expr,
        whole: bool,
        at: Reading,
        into: Cause,
        depth: int,
        value: raw.Value,
    ) -> None:
        """Add the causes of an item that a loop took; `whole` if its target was not unpacked."""
        held = at.view.peek(iterable)
        record = at.view.held(held)
        if whole and record is not None and at.view.form(held) == "list":
            places = [number for number, item in enumerate(record.items) if item == value]
            if len(places) == 1 and isinstance(held, raw.ReferenceValue):
                text = f"{ast.unparse(iterable)}[{places[0]}]"
                if self._written(held.number, ("[", places[0]), text, at.view, into, depth):
                    return
        matched = self._callers.matched(at.where)
        runs = [*chain.from_iterable(matched.runs.values()), *matched.left]
        own = [run for run in runs if self._is_own(run.code)]
        yielding = [run for run in own if run.code.suspends]
        if yielding:
            self.results.of(said(iterable), iterable, yielding[-1], at, into, depth)
            return
        for run in [run for run in own if run.code.short_name in ("__next__", "__anext__")][-1:]:
            self.results.of("__next__()", at.where.unit.node, run, at, into, depth)
        # It was evaluated when the loop began.
        self.operands(iterable, self.at(self._sources.loop_begin(at.where)), into, depth)

    # ---------------------------------------------------------------- attributes and items

    def _slot(
        self,
        node: ast.Attribute | ast.Subscript,
        at: Reading,
        into: Cause,
        depth: int,
        bound: frozenset[str],
    ) -> None:
        """Add the causes of an attribute or item: who set it, and of the way there."""
        if self.results.called(node, at, into, depth):
            return
        view = at.view
        value, base = view.peek(node), view.peek(node.value)
        if view.form(value) in DEFINITIONS:
            return
        key = way(node, view)
        known = False
        if value == UNBOUND and isinstance(node, ast.Attribute):
            known = self._of_class(node, base, view, into, depth)
        elif isinstance(base, raw.ReferenceValue) and key is not None:
            known = self._written(base.number, key, ast.unparse(node), view, into, depth)
        if isinstance(node, ast.Subscript):
            self.operands(node.slice, at, into, depth, bound)
        if not known or not self._is_given(node.value, at.where.code):
            self.operands(node.value, at, into, depth, bound)

    def _is_given(self, node: ast.expr, code: Code) -> bool:
        """Return whether an object is one that is not in question, such as ``self``."""
        return isinstance(node, ast.Name) and (
            node.id in code.arguments or node.id not in code.variables
        )

    def _of_class(
        self, node: ast.Attribute, base: raw.Value, view: View, into: Cause, depth: int
    ) -> bool:
        """Add where a class bound an attribute that its instance does not have."""
        kind = view.said_name(base) if view.form(base) == "class" else view.type_name(base)
        found = self._bindings.of_class(kind, node.attr, view.until) if kind else None
        if found is None:
            return False
        where, target, value = found
        if target.kind in ("assign", "augment"):
            at = self.at(where)
            known = UNCERTAIN if value == UNBOUND else at.view.resolve(value)
            cause = self.nodes.make("value", ast.unparse(node), where, known)
            into.causes.append(cause)
            if self.nodes.opens(cause, ("name", node.attr, where.frame, where.step), depth):
                self._supply(target, at, cause, depth + 1, value)
        return True

    def _written(
        self, number: int, key: Way, text: str, view: View, into: Cause, depth: int
    ) -> bool:
        """Add the last change of an attribute or item; return whether there is one."""
        found = self._past.written(number, key, view.until)
        if found is None:
            return False
        value = follow(view.state, raw.ReferenceValue(number), (key,))
        cause = self.change(number, key, text, found, value, into, depth)
        cause.kind, cause.value = "value", view.resolve(value)
        where = None if cause.again else self._sources.where(self._past.step(found))
        if where is not None:
            self._change(value, text, self._changed(value, where, view), cause, depth + 1)
        return True

    def change(
        self,
        number: int,
        key: Way | None,
        text: str,
        step: int,
        value: raw.Value,
        into: Cause,
        depth: int,
    ) -> Cause:
        """Add the change of an object, and return its node.

        Parameters:
            number: the number of the object.
            key: the way to the attribute or item that changed; None for any.
            text: what changed, in words.
            step: the step that changed it.
            value: the value after the change; `UNBOUND` if it is not known.
            into, depth: as for all methods.
        """
        found = self._callers.own(self._past.step(step))
        step = found.number
        where = self._sources.where(
            found, lambda unit: assigned(unit, number, key, self._past.view(step))
        )
        code = self._past.codes[found.code]
        cause = self.nodes.at("change", text, found, code, where)
        into.causes.append(cause)
        if where is not None and self.nodes.opens(cause, ("slot", number, key, step), depth):
            before, self.wanted = self.wanted, value
            self._writer(number, key, self.at(where), cause, depth + 1, value)
            self.wanted = before
            self.conditions.of(where, cause, depth + 1)
        return cause

    def _writer(
        self, number: int, key: Way | None, at: Reading, into: Cause, depth: int, value: raw.Value
    ) -> None:
        """Add the causes of what a unit put into an object."""
        unit = at.where.unit
        target = assigned(unit, number, key, at.view)
        if target is not None:
            self._supply(target, at, into, depth, value)
            if isinstance(target.node, ast.Subscript):
                self.operands(target.node.slice, at, into, depth)
            return
        changed = changed_by(unit, number, at.view)
        if changed is not None:
            call, is_receiver = changed
            arguments = given(call)
            same = [each for each in arguments if at.view.peek(each) == value != UNBOUND]
            for each in same if len(same) == 1 else arguments:
                self.operands(each, at, into, depth)
            if not is_receiver:
                into.note(f"changed by {callee(call)}(), which is not recorded")
            return
        names = self._attributes(number, at.where)
        part = made(unit, key, value, names, at.view)
        self.operands(part or unit.node, at, into, depth)

    def _attributes(self, number: int, where: Where) -> list[str]:
        """Return the names of an object's attributes right after a unit, in order."""
        after = next(self._past.forward(where.frame, where.last), None)
        ending = None if after is not None else self._past.last(where.frame)
        if after is not None:
            view = self._past.view(after.number)
        elif ending is not None:
            view = self._past.when(ending)
        else:
            return []
        return [*view.attributes(number)]

    # ---------------------------------------------------------------- parameters

    def _parameter(
        self, name: str, bound: Bound, value: raw.Value, view: View, into: Cause, depth: int
    ) -> None:
        """Add where a parameter's value came from."""
        code = bound.code
        run = self._past.run(bound.frame)
        cause = self.nodes.make("argument", name, None, view.resolve(value))
        self.nodes.put(cause, code, code.line, -1)
        into.causes.append(cause)
        caller = None if run.entered else self._callers.of(run, bound.scope)
        if caller is None:
            late = "the recording began after its call"
            cause.note(late if run.entered else self._callers.unknown(run))
            return
        at = self.at(caller.where)
        node, how = argument_of(caller.site, run, bound.scope, name, at.view)
        if isinstance(node, ast.Constant) and at.view.peek(node) != value:
            # The function was called by one that is not recorded, such as a `functools.partial`.
            node, how = None, "unknown"
        if how == "default":
            cause.kind = "default"
            self.nodes.put(cause, code, getattr(node, "lineno", code.line), -1)
            return
        self.nodes.put(cause, at.where.code, at.where.line, at.where.step)
        if caller.later:
            cause.note(f"the call only made {code.short_name}(), which ran later")
        if node is None:
            if value != ():
                cause.note("no argument of the call gave this value")
            return
        changed = self._changed(value, at.where, view)
        if changed is None and not reads(node):
            return
        if not self.nodes.opens(cause, ("argument", name, bound.frame), depth):
            return
        self._change(value, name, changed, cause, depth + 1)
        self.operands(node, at, cause, depth + 1)


def _is_leaf(where: Where, target: Target) -> bool:
    """Return whether a unit bound a constant, in no branch."""
    constant = target.kind == "assign" and target.value is not None and not reads(target.value)
    return constant and not where.unit.above
