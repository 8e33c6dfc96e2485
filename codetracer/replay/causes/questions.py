"""The questions that a recording answers with a tree of causes."""

from __future__ import annotations

import ast
import difflib
import os
from typing import TYPE_CHECKING, Final

from codetracer.errors import TargetError, UsageError
from codetracer.replay.causes.lines import Unit
from codetracer.replay.causes.nodes import LEVELS
from codetracer.replay.causes.past import Past
from codetracer.replay.causes.reads import reads, root
from codetracer.replay.causes.slice import Reading, Slice
from codetracer.replay.causes.sources import Sources, Where
from codetracer.replay.causes.syntax import calls
from codetracer.replay.causes.tree import Cause
from codetracer.replay.causes.unreached import Unreached
from codetracer.replay.causes.view import View
from codetracer.replay.details import lacking_in
from codetracer.replay.exits import is_exit
from codetracer.replay.subjects import UNBOUND, follow, parse_subject
from codetracer_bindings import trace_decoder as raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from codetracer.replay.causes.facts import Raised
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.place import Place
    from codetracer.replay.trace import Process, Trace

__all__ = ["Questions"]

type _Line = tuple[str, int]
"""A source file and a line (1-based)."""

CALLS: Final = 3
"""So many calls of a function that was never called are explained."""

FARTHEST: Final = 4
"""So many calls of calls."""


class Questions:
    """Asks one process of a recording for causes.

    Parameters:
        trace: the recording.
        process: the process.
        is_own: whether code is to be looked into; other code is taken as a whole.
        deepest: how many causes deep a tree goes; 0 for no limit.
    """

    def __init__(
        self,
        trace: Trace,
        process: Process,
        is_own: Callable[[Code], bool],
        deepest: int = LEVELS,
    ) -> None:
        self._trace = trace
        self._past = Past(process.timeline())
        self._sources = Sources(self._past, trace.source_lines)
        self._is_own = is_own
        self._slice = Slice(self._past, self._sources, is_own, deepest)

    # ---------------------------------------------------------------- values

    def value(self, text: str, at: Place | None) -> list[Cause]:
        """Return the causes of the value of an expression.

        Parameters:
            text: names, attributes, items, and what can be made of them; ``f()`` is the result of
                the last call of a function, ``#5.total`` an attribute of an object.
            at: the moment, right before this step's line runs; None for the last moment at which
                the expression has a value.

        Raises:
            UsageError: it is no such expression.
            TargetError: it has no value there, or nowhere.
        """
        if text.startswith("#"):
            return self._of_object(text, at)
        node = _parsed(text)
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            return self._result(ast.unparse(node.func), at)
        wanted = reads(node)
        if any(isinstance(each.node, ast.Call) for each in wanted) or not wanted:
            raise UsageError(
                "ERR_BAD_EXPRESSION",
                f"{text!r} cannot be explained; name variables, attributes or items, or f() for the"
                " result of the last call of f",
            )
        if at is None:
            view = self._last_view(text, [each.node for each in wanted])
            where = self._there(view)
        else:
            step = self._past.step(self._checked(at))
            view = self._past.view(step.number)
            where = self._sources.where(step) or self._there(view)
            self._check_known(text, [each.node for each in wanted], view, at)
        found = Cause("line", text)
        for each in wanted:
            self._slice.read(each, Reading(where, view), found, 0)
        return _finished(found.causes or [self._plain(text, node, view)])

    def _plain(self, text: str, node: ast.expr, view: View) -> Cause:
        """Return the node of a function, class or module, which has no causes."""
        cause = self._slice.nodes.make("value", text, None, view.resolve(view.peek(node)))
        cause.note("it is a function, a class or a module; those are not explained")
        return cause

    def _checked(self, at: Place) -> int:
        # The error has the number of the last step.
        return self._trace.at(at).step

    def _check_known(self, text: str, nodes: list[ast.expr], view: View, at: Place) -> None:
        for node in nodes:
            if view.peek(node) == UNBOUND:
                code = view.frame.code
                names = [*code.variables, *code.global_names]
                base = root(node)
                known = isinstance(base, ast.Name) and view.name(base.id) != UNBOUND
                hint = "" if known else _similar(ast.unparse(base), names)
                raise TargetError(
                    "ERR_NOT_IN_TRACE",
                    f"{ast.unparse(node)} has no value at {at} in {code.name}{hint}",
                    {"expression": text, "place": str(at)},
                )

    def _last_view(self, text: str, nodes: list[ast.expr]) -> View:
        """Return the last moment at which an expression has a value."""
        node = nodes[0]
        base = root(node)
        name = base.id if isinstance(base, ast.Name) else ""
        for own in (True, False):
            codes = [code for code in self._past.codes if self._is_own(code) is own]
            module = {
                code.number
                for code in codes
                if code.kind == "module" and name in code.global_names + code.variables
            }
            local = {
                code.number
                for code in codes
                if code.number not in module and name in code.variables
            }
            found = [
                view
                for numbers in (module, local)
                if numbers
                and (view := self._past.last_view(numbers, node, self._past.steps)) is not None
            ]
            if found:
                view = max(found, key=lambda each: each.until)
                if view.frame.code.kind == "module" and name not in view.frame.code.variables:
                    end = self._past.end(view.frame)
                    return end if end.peek(node) != UNBOUND else view
                return view
        names = {
            each
            for code in self._past.codes
            if self._is_own(code)
            for each in (*code.variables, *code.global_names)
        }
        hint = "" if name in names else _similar(name, names)
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"the recording has no value of {text}{hint}",
            {"expression": text},
        )

    def _there(self, view: View) -> Where:
        """Return where a frame is, for expressions that none of its lines has."""
        frame, code = view.frame, view.frame.code
        scope = self._sources.scope(code)
        if scope is None or not scope.units:
            raise TargetError(
                "ERR_NOT_IN_TRACE",
                f"the recording has no source of {code.path}, without which nothing of it can be"
                " explained",
                {"path": code.path},
            )
        # No line of the recording is this one: no call of a line is taken for one of it.
        nothing = Unit(ast.Pass(), 0, 0, ())
        return Where(frame.number, code, frame.step, frame.step, frame.line, scope, nothing)

    def _of_object(self, text: str, at: Place | None) -> list[Cause]:
        subject = parse_subject(text)
        if subject.number < 0 or len(subject.steps) > 1:
            raise UsageError(
                "ERR_BAD_EXPRESSION",
                f"{text!r} names no object; write #5, #5.name or #5[key]",
            )
        way = subject.steps[0] if subject.steps else None
        before = self._past.steps if at is None else self._checked(at)
        step = self._past.written(subject.number, way, before)
        if step is None:
            raise TargetError(
                "ERR_NOT_IN_TRACE", f"the recording has no change of {text}", {"expression": text}
            )
        frame = self._past.step(step).frame
        after = next(self._past.forward(frame, step), None)
        ending = None if after is not None else self._past.last(frame)
        if ending is None:
            view = self._past.view(step if after is None else after.number)
        else:
            view = self._past.when(ending)
        reference = raw.ReferenceValue(subject.number)
        value = follow(view.state, reference, () if way is None else (way,))
        found = self._slice.change(subject.number, way, text, step, value, Cause("line", text), 0)
        found.value = view.resolve(value)
        return _finished([found])

    # ---------------------------------------------------------------- results and exceptions

    def _result(self, name: str, at: Place | None) -> list[Cause]:
        codes = [code for code in self._past.codes if code.is_named(name)]
        before = self._past.steps if at is None else self._checked(at)
        run = next(self._past.calls([code.number for code in codes], before), None)
        if run is None:
            known = {code.name for code in self._past.codes if self._is_own(code)}
            hint = "" if codes else _similar(name, known)
            when = "" if at is None else f" before {at}"
            raise TargetError(
                "ERR_NOT_IN_TRACE",
                f"the recording has no call of {name}{when}{hint}",
                {"function": name},
            )
        ending = self._past.last(run.frame)
        return _finished([self._slice.results.result(f"{name}()", run, ending, 0)])

    def exception(self, name: str | None, at: Place | None) -> tuple[list[Cause], list[str]]:
        """Return the causes of an exception.

        Parameters:
            name: its type; None for the first one that ended a thread, or the last one of any type
                if none did.
            at: the place before which it was raised; None for the end.

        Returns:
            The causes, and the names of other exceptions that ended a thread.

        Raises:
            TargetError: there is no such exception.
        """
        before = self._past.steps if at is None else self._checked(at)
        if name is None and at is None:
            ended = [
                each for each in self._past.uncaught() if isinstance(each.value, raw.ReferenceValue)
            ]
            kinds = [self._past.when(each).type_name(each.value) for each in ended]
            wanted = [n for n, kind in enumerate(kinds) if _is_failure(kind)]
            if wanted:
                first = ended[wanted[0]]
                if first.step < 0:
                    self._refuse_unlined(first.frame, kinds[wanted[0]])
                assert isinstance(first.value, raw.ReferenceValue)
                found = self._slice.conditions.exception(
                    first.frame, first.step, first.value.number, 0
                )
                others = [kind for n, kind in enumerate(kinds) if n != wanted[0] and kind]
                return _finished([found]), others
        raised = self._raised(name, before)
        cause = self._slice.conditions.exception(raised.frame, raised.step, raised.exception, 0)
        return _finished([cause]), []

    def _refuse_unlined(self, frame: int, kind: str) -> NoReturn:
        code = self._past.run(frame).code
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"the uncaught {kind.rpartition('.')[2]} cannot be explained: {lacking_in(code)}",
            {"function": code.name},
        )

    def _raised(self, name: str | None, before: int) -> Raised:
        known: dict[str, None] = {}
        for raised in self._past.raises(before):
            code = self._past.codes[raised.code]
            if not self._is_own(code) or raised.exception < 0:
                continue
            kind = raised.type_name
            short = kind.rpartition(".")[2]
            is_failure = _is_failure(kind) and short != "StopIteration"
            if name in (kind, short) or (name is None and is_failure):
                return raised
            known[short] = None
        there = f"; there is {', '.join(known)}" if known else ""
        what = "exception" if name is None else name
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"no {what} was raised in your code{there}; name an expression to explain its value",
            {"exception": name},
        )

    # ---------------------------------------------------------------- lines that did not run

    def unreached(
        self,
        path: str,
        line: int,
        at: Place | None,
        asked: frozenset[tuple[str, int]] = frozenset(),
    ) -> list[Cause]:
        """Return why a line did not run.

        Parameters:
            path: the source file, or the end of its path.
            line: the line (1-based).
            at: a place in the call that is meant; None for the last call.
            asked: the files and lines that this question comes from.

        Raises:
            TargetError: it ran, or its source is not recorded.
        """
        full = self._path(path)
        source = self._sources.of(full)
        if source is None:
            raise TargetError(
                "ERR_NOT_IN_TRACE", f"{path}: {self._sources.missing(full)}", {"path": path}
            )
        scope = source.innermost(line)
        units = scope.at(line)
        if not units:
            raise TargetError(
                "ERR_NOT_IN_TRACE", f"{path}:{line} has no code that runs", {"line": line}
            )
        unit = units[0]
        found = Cause("line", f"{os.path.basename(full)}:{line} did not run")
        found.path, found.line = full, line
        called = self._frame_of(self._sources.codes(full, scope), at)
        if called is None:
            when = "" if at is None else f" before {at}"
            name = source.name(scope)
            uncalled = Cause("condition", f"{name}() was not called{when}")
            found.causes.append(uncalled)
            for there, its_line in self._calls_of(name):
                if (there, its_line) not in asked and len(asked) < FARTHEST:
                    try:
                        more = self.unreached(there, its_line, at, asked | {(full, line)})
                        uncalled.causes.extend(more)
                    except TargetError as error:
                        place = f"{os.path.basename(there)}:{its_line}"
                        unknown = error.context.get("unknown")
                        said = unknown or f"{place} ran, and called something else"
                        uncalled.note(str(said))
            return [found]
        frame, code = called
        unreached = Unreached(self._past, self._sources, self._slice)
        ran = unreached.reached(frame, unit)
        last = self._past.last_of(code)
        if ran is None and not last.has_lines:
            what = f"whether {path}:{line} ran is not recorded: {lacking_in(last)}"
            raise TargetError("ERR_NOT_IN_TRACE", what, {"line": line, "unknown": what})
        if ran is not None:
            raise TargetError(
                "ERR_NOT_IN_TRACE",
                f"{path}:{line} did run, last at {self._past.number}:{ran.number}; --at names a"
                " place in another call",
                {"line": line},
            )
        found.function = code.name
        unreached.explain(frame, code, scope, unit, found)
        return _finished([found])

    def _calls_of(self, name: str) -> list[_Line]:
        """Return the files and lines of the first calls of a function by its name."""
        found: dict[_Line, None] = {}
        for path in dict.fromkeys(code.path for code in self._past.codes if self._is_own(code)):
            source = self._sources.of(path)
            for scope in () if source is None else source.scopes:
                for unit in scope.units:
                    if any(name in site.names for site in calls(unit.node)):
                        found[path, unit.first] = None
        return [*found][:CALLS]

    def _frame_of(self, codes: list[int], at: Place | None) -> tuple[int, Code] | None:
        """Return the call of a function that a place is in, or else the last one before it."""
        before = self._past.steps
        if at is not None:
            before = self._checked(at)
            frame: Frame | None = self._past.view(before).frame
            while frame is not None:
                if frame.code.number in codes:
                    return frame.number, frame.code
                frame = frame.caller
        run = next(self._past.calls(codes, before), None)
        return None if run is None else (run.frame, run.code)

    def _path(self, path: str) -> str:
        """Return the recorded path that a path on the command line means."""
        known = dict.fromkeys(code.path for code in self._past.codes)
        whole = os.path.abspath(path)
        if whole in known:
            return whole
        end = os.path.join(os.sep, path)
        found = [each for each in known if each == path or each.endswith(end)]
        if len(found) == 1:
            return found[0]
        if found:
            raise TargetError(
                "ERR_NOT_IN_TRACE",
                f"{path} may be {' or '.join(found[:3])}; give more of its path",
                {"path": path},
            )
        names = sorted({os.path.basename(each) for each in known})
        hint = _similar(os.path.basename(path), names)
        raise TargetError(
            "ERR_NOT_IN_TRACE", f"no code of {path} was recorded{hint}", {"path": path}
        )


def _is_failure(kind: str) -> bool:
    # A KeyboardInterrupt comes from the user, so no value of the program is its cause.
    return not is_exit(kind) and kind != "KeyboardInterrupt"


def _similar(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean a, b?`` with names that are similar; empty if none is."""
    near = difflib.get_close_matches(name, [*dict.fromkeys(known)], 3)
    return f"; did you mean {', '.join(near)}?" if near else ""


def _finished(causes: list[Cause]) -> list[Cause]:
    for cause in causes:
        cause.prune()
    return causes


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UsageError(
            "ERR_BAD_EXPRESSION",
            f"{text!r} is not an expression; name variables, attributes or items, or f() for the"
            " result of the last call of f",
        ) from None
