"""Looks at the variables that the last line may have changed, and writes the changes."""

from __future__ import annotations

from codetracer.inspect.kinds import IS_EXCEPTION, flags_of
from codetracer.own import seal
from codetracer.runtime.actions import ALLOW, DROP, SECRET
from codetracer.runtime.changes import ALL
from codetracer.runtime.effects import ARGUMENTS, UNKNOWN
from codetracer.runtime.scopes import MISSING, Scope
from codetracer.runtime.values import REDACTED, not_new
from codetracer_bindings.trace_encoder import (
    encode_variable,
    value_dropped,
    value_left_out,
    value_unbound,
)
from codetracer_bindings.trace_format import CALL_DEPTH, DETAIL_LINES, DETAIL_VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Final

    from codetracer.runtime.changes import Changes
    from codetracer.runtime.frames import FrameState
    from codetracer.runtime.lines import Line
    from codetracer.runtime.plans import Plan, Variable
    from codetracer.runtime.values import Values

__all__ = ["Variables"]

seal(globals())

_UNBOUND: Final = value_unbound()
_DROPPED: Final = value_dropped()
_LEFT_OUT: Final = value_left_out()

_SHOWN: Final = (list, dict, set, frozenset)
"""The types whose contents are looked at in code without values, beside exceptions."""


class Variables:
    """Writes the values of variables, of results and of exceptions.

    Parameters:
        out: the current group of records.
        values: encodes values.
        changes: decides what a line may have changed.
        depth: the depth, in objects, to which values are looked at.

    Attributes:
        is_behind: whether an event was lost, so that the next one looks at all variables.
    """

    def __init__(self, out: list[bytes], values: Values, changes: Changes, depth: int) -> None:
        self._out = out
        self._values = values
        self._changes = changes
        self._depth = depth
        self.is_behind = False

    def forget(self) -> None:
        """Forget what has been written, for another log."""
        self._values.forget()

    @property
    def event(self) -> int:
        """The number of the current event."""
        return self._values.event

    def doubt(self) -> None:
        """From now on, trust no object: code has run that is not recorded."""
        self._values.doubt()

    def value(self, value: object, plan: Plan) -> bytes:
        """Return the bytes of an exception, which may have been made just now."""
        self._values.levels = ALL
        content = self._passed(plan, value)
        self._values.write_objects(plan.attributes)
        return content

    def arguments(
        self, state: FrameState, frame: FrameType, caller: FrameState | None
    ) -> list[bytes]:
        """Return the bytes of a beginning frame's arguments, which count as written.

        There are none if the frame is recorded without values.

        Parameters:
            caller: the state of the frame that calls it directly; None if that is not recorded.
        """
        plan, scope = state.plan, Scope(frame)
        if plan.detail == DETAIL_LINES:
            return []
        outer = None if caller is None or frame.f_back is None else Scope(frame.f_back)
        arguments = []
        try:
            self._judge_call(plan, scope, caller, outer)
            self._learn(plan, plan.parameters, scope)
            if caller is not None and caller.changing is not None and outer is not None:
                self._look_at_found(caller, caller.changing, outer)
            for variable in plan.parameters:
                value = _DROPPED
                if plan.gathers and variable is plan.parameters[-1]:
                    self._expect_new_dict(scope.value(variable))
                if variable.action != DROP:
                    value = self._argument(plan, variable, scope)
                arguments.append(value)
                if plan.detail == DETAIL_VALUES:
                    state.written[variable.number] = value
            self._values.write_objects(plan.attributes)
        finally:
            self._values.judge = not_new
            del self._changes.found[:]
            scope.close()
            if outer is not None:
                outer.close()
        return arguments

    def _look_at_found(self, state: FrameState, line: Line, scope: Scope) -> None:
        """Look at the objects that a line may have changed."""
        values, changes = self._values, self._changes
        before = values.levels
        found = self._changes.found
        for value, levels, grows in found:
            values.levels = changes.levels_of_found(state, line, scope, levels) if levels else 1
            values.encode(value, min(values.levels, self._depth))
            if grows and len(found) == 1 and not line.is_wide:
                values.note_growth(value)
        values.levels = before

    def _expect_new_dict(self, gathered: object) -> None:
        """Have a dict of keyword arguments looked at: the call has made it."""
        values = self._values
        if values.levels is None:
            values.levels = 1 + (0 if gathered is MISSING else values.judge(gathered))

    def _judge_call(
        self, plan: Plan, scope: Scope, caller: FrameState | None, outer: Scope | None
    ) -> None:
        """Find out what may have changed in a caller's line before a call begins."""
        values, changes = self._values, self._changes
        line = None if caller is None else caller.changing
        if caller is None or outer is None or line is None:
            values.doubt()
            return
        first = scope.value(plan.parameters[0]) if plan.parameters else MISSING
        if changes.at_call(caller, line, outer, plan, first):
            values.doubt()
        if plan.makes:
            values.levels = ALL
            return
        values.levels = None
        values.judge = lambda value: changes.levels_of(caller, line, outer, value)

    def resumes(self, frame: FrameType, caller: FrameState | None) -> None:
        """Find out what may have changed when a generator or coroutine is resumed."""
        outer = None if caller is None or frame.f_back is None else Scope(frame.f_back)
        line = None if caller is None else caller.changing
        if caller is None or outer is None or line is None:
            self._values.doubt()
            return
        try:
            if self._changes.at_resume(caller, line, outer):
                self._values.doubt()
            if self._changes.found:
                self._look_at_found(caller, line, outer)
                self._values.write_objects(caller.plan.attributes)
        finally:
            del self._changes.found[:]
            outer.close()

    def write_all(self, state: FrameState, frame: FrameType) -> None:
        """Write all variables of a frame that began before it was seen."""
        scope = Scope(frame)
        self._values.doubt()
        try:
            changed = self._look(state, state.plan.everything, scope)
            self._values.write_objects(state.plan.attributes)
        finally:
            scope.close()
        self._write(state, changed)

    def settle(
        self,
        state: FrameState,
        frame: FrameType,
        result: object = MISSING,
        *,
        is_result: bool = True,
    ) -> bytes:
        """Write the changes of the last line; return the bytes of `result`.

        Parameters:
            is_result: whether `result` is a result that filters may hide.
        """
        plan, values, line = state.plan, self._values, state.at
        if plan.detail != DETAIL_VALUES:
            return self._conclude(plan, result, is_result=is_result)
        changed: list[tuple[Variable, bytes]] = []
        value = b""
        scope = Scope(frame)
        try:
            if line is not None or self.is_behind:
                changed = self._look_after(state, line, scope)
            if result is not MISSING:
                value = self._result(plan, result, is_result=is_result)
            values.write_objects(plan.attributes)
        finally:
            values.judge = not_new
            del self._changes.found[:]
            scope.close()
        self._write(state, changed)
        return value

    def _result(self, plan: Plan, result: object, *, is_result: bool) -> bytes:
        """Return the bytes of a result, or of an exception that ends a frame."""
        action = plan.return_action if is_result else ALLOW
        if action == SECRET:
            self._values.secrets.learn(result)
        if is_result and plan.detail == DETAIL_LINES:
            return _LEFT_OUT
        if action != ALLOW:
            return _DROPPED if action == DROP else REDACTED
        if not is_result:
            self._values.levels = ALL
        return self._passed(plan, result)

    def _passed(self, plan: Plan, value: object) -> bytes:
        """Return the bytes of a value that is passed to code or by it."""
        depth = self._depth
        if plan.detail != DETAIL_VALUES:
            kind = type(value)
            shows = any(kind is each for each in _SHOWN) or flags_of(kind) & IS_EXCEPTION
            depth = CALL_DEPTH if shows else 0
        self._values.look_to(depth)
        return self._values.encode(value, depth)

    def _argument(self, plan: Plan, variable: Variable, scope: Scope) -> bytes:
        value = scope.value(variable)
        if value is MISSING:
            return _UNBOUND
        return self._passed(plan, value) if variable.action == ALLOW else REDACTED

    def _conclude(self, plan: Plan, result: object, *, is_result: bool) -> bytes:
        """Do what `settle` does for a frame whose variables are not recorded."""
        if result is MISSING:
            return b""
        # Its lines may have changed any object.
        self._values.doubt()
        value = self._result(plan, result, is_result=is_result)
        self._values.write_objects(plan.attributes)
        return value

    def _look_after(
        self, state: FrameState, line: Line | None, scope: Scope
    ) -> list[tuple[Variable, bytes]]:
        """Look at what a line may have changed, and leave `Values` ready for its result."""
        values, changes = self._values, self._changes
        if line is None or self.is_behind:
            self.is_behind = False
            values.doubt()
            values.levels = 0
            return self._look(state, state.plan.everything, scope)
        effect = changes.after_line(state, line, scope)
        values.judge = lambda value: changes.levels_of(state, line, scope, value)
        values.levels = None
        if effect == UNKNOWN:
            values.doubt()
            line.looked = values.event
            return self._look(state, line.named, scope)
        if effect == ARGUMENTS:
            values.levels = ALL
            changed = self._look(state, line.named, scope)
        elif values.in_doubt(state.since) and values.in_doubt(line.looked):
            line.looked = values.event
            changed = self._look(state, line.named, scope)
        else:
            changed = self._look(state, line.bound, scope)
            changed += self._look(state, self._stale(state, line), scope)
        self._look_at_found(state, line, scope)
        values.levels = None
        values.checks_cut = effect == ARGUMENTS or any(each[1] > 1 for each in changes.found)
        return changed

    def _stale(self, state: FrameState, line: Line) -> list[tuple[Variable, int]]:
        """Return the global variables that other code may have bound since they were looked at."""
        looked, values = state.namespace.looked, self._values
        return [look for look in line.globals if values.in_doubt(looked.get(look[0].name, -1))]

    def _look(
        self, state: FrameState, looks: Iterable[tuple[Variable, int]], scope: Scope
    ) -> list[tuple[Variable, bytes]]:
        """Return the variables whose value differs from the one that was written last."""
        changed = []
        self._learn(state.plan, [variable for variable, _ in looks], scope)
        for variable, reach in looks:
            if variable.is_global:
                written = state.namespace.written.get(variable.name)
                state.namespace.looked[variable.name] = self._values.event
            else:
                written = state.written.get(variable.number)
            value = self._encode(variable, scope, reach or self._depth)
            if value != written and (written or value != _UNBOUND):
                changed.append((variable, value))
                if 0 < reach < self._depth:
                    # Its content may be new, too.
                    self._encode(variable, scope, self._depth)
        return changed

    def _learn(self, plan: Plan, looked: Iterable[Variable], scope: Scope) -> None:
        """Remember the values of secret variables before others are encoded that may share them."""
        if not plan.has_secrets:
            return
        for variable in looked:
            if variable.action == SECRET and (value := scope.value(variable)) is not MISSING:
                self._values.secrets.learn(value)

    def _write(self, state: FrameState, changed: Iterable[tuple[Variable, bytes]]) -> None:
        for variable, value in changed:
            record = encode_variable(variable.number, value)
            if not variable.is_global:
                state.written[variable.number] = value
            elif value == _UNBOUND:
                if variable.name in state.namespace.written:
                    del state.namespace.written[variable.name]
            else:
                state.namespace.written[variable.name] = value
            self._out.append(record)

    def _encode(self, variable: Variable, scope: Scope, reach: int) -> bytes:
        """Return the bytes of a variable's value; empty if a filter drops it."""
        if variable.action == DROP:
            return b""
        value = scope.value(variable)
        if value is MISSING:
            return _UNBOUND
        if variable.action != ALLOW:
            return REDACTED
        return self._values.encode(value, min(reach, self._depth))
