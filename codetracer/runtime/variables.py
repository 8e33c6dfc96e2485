"""Looks at the variables that the last line may have changed, and writes the changes."""

from __future__ import annotations

from codetracer.own import seal
from codetracer.runtime.scopes import MISSING, frame_around, lookup, release, variables_of
from codetracer.runtime.values import ALLOW, DROP, SECRET
from codetracer_bindings.trace_encoder import (
    encode_variable,
    value_dropped,
    value_redacted,
    value_unbound,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType
    from typing import Final

    from codetracer.runtime.frames import FrameState
    from codetracer.runtime.plans import Plan, Variable
    from codetracer.runtime.values import Values

__all__ = ["Variables"]

seal(globals())

_UNBOUND: Final = value_unbound()
_REDACTED: Final = value_redacted()
_DROPPED: Final = value_dropped()


class Variables:
    """Writes the values of variables, of results and of exceptions.

    Parameters:
        out: the current group of records.
        values: encodes values.
        depth: the depth, in objects, to which values are looked at.
    """

    def __init__(self, out: list[bytes], values: Values, depth: int) -> None:
        self._out = out
        self._values = values
        self._depth = depth

    def forget(self) -> None:
        """Forget what has been written, for another log."""
        self._values.forget()

    def value(self, value: object, plan: Plan) -> bytes:
        """Return the bytes of a value that no filter hides."""
        content = self._values.encode(value, self._depth)
        self._values.write_objects(plan.attributes)
        return content

    def arguments(self, state: FrameState, frame: FrameType) -> list[bytes]:
        """Return the bytes of a beginning frame's arguments, which count as written."""
        plan = state.plan
        arguments = []
        if plan.parameters:
            variables = variables_of(frame)
            try:
                self._learn(plan, plan.parameters, variables, frame)
                for variable in plan.parameters:
                    value = self._encode(variable, variables, self._depth) or _DROPPED
                    arguments.append(value)
                    state.written[variable.number] = value
            finally:
                release(frame, variables)
            self._values.write_objects(plan.attributes)
        return arguments

    def write_all(self, state: FrameState, frame: FrameType) -> None:
        """Write all variables of a frame that began before it was seen."""
        changed = self._look(state, frame, state.plan.everything)
        self._values.write_objects(state.plan.attributes)
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
        plan = state.plan
        looks = plan.lines.get(state.line)
        changed = self._look(state, frame, looks) if looks else []
        value = b""
        if result is not MISSING:
            action = plan.return_action if is_result else ALLOW
            value = _DROPPED if action == DROP else _REDACTED
            if action == SECRET:
                self._values.secrets.learn(result)
            if action == ALLOW:
                value = self._values.encode(result, self._depth)
        self._values.write_objects(plan.attributes)
        self._write(state, changed)
        return value

    def _look(
        self, state: FrameState, frame: FrameType, looks: Iterable[tuple[Variable, int]]
    ) -> list[tuple[Variable, bytes]]:
        """Return the variables whose value differs from the one that was written last."""
        changed = []
        variables: Mapping[str, object] | None = None
        around: FrameType | None = None
        space: Mapping[str, object] = {}
        try:
            if state.plan.has_secrets:
                variables = variables_of(frame)
                self._learn(state.plan, [variable for variable, _ in looks], variables, frame)
            for variable, reach in looks:
                if variable.is_global:
                    space = frame.f_globals
                    written = state.namespace.written.get(variable.name)
                else:
                    if variables is None:
                        variables = variables_of(frame)
                    space = variables
                    if variable.is_around and lookup(variables, variable.name) is MISSING:
                        around = frame_around(frame)
                        space = variables_of(around)
                    written = state.written.get(variable.number)
                value = self._encode(variable, space, reach or self._depth)
                if value != written and (written or value != _UNBOUND):
                    changed.append((variable, value))
                    if 0 < reach < self._depth:
                        # Its content may be new, too.
                        self._encode(variable, space, self._depth)
                if around is not None:
                    release(around, space)
                    around = None
        finally:
            if around is not None:
                release(around, space)
            if variables is not None:
                release(frame, variables)
        return changed

    def _learn(
        self,
        plan: Plan,
        looked: Iterable[Variable],
        variables: Mapping[str, object],
        frame: FrameType,
    ) -> None:
        """Remember the values of secret variables before others are encoded that may share them."""
        if not plan.has_secrets:
            return
        for variable in looked:
            if variable.action != SECRET:
                continue
            value = lookup(frame.f_globals if variable.is_global else variables, variable.name)
            if value is MISSING and variable.is_around:
                around = frame_around(frame)
                space = variables_of(around)
                try:
                    value = lookup(space, variable.name)
                finally:
                    release(around, space)
            if value is not MISSING:
                self._values.secrets.learn(value)

    def _write(self, state: FrameState, changed: Iterable[tuple[Variable, bytes]]) -> None:
        for variable, value in changed:
            record = encode_variable(variable.number, value)
            if not variable.is_global:
                state.written[variable.number] = value
            elif value == _UNBOUND:
                state.namespace.written.pop(variable.name, None)
            else:
                state.namespace.written[variable.name] = value
            self._out.append(record)

    def _encode(self, variable: Variable, variables: Mapping[str, object], reach: int) -> bytes:
        """Return the bytes of a variable's value; empty if a filter drops it."""
        if variable.action == DROP:
            return b""
        value = lookup(variables, variable.name)
        if value is MISSING:
            return _UNBOUND
        if variable.action != ALLOW:
            return _REDACTED
        return self._values.encode(value, min(reach, self._depth))
