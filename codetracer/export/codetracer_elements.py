"""Converts events to the elements of CodeTracer's trace, as JSON.

CodeTracer's format has calls, returns, steps and values, but no generators and no exceptions. Each
run of a generator becomes a call of its own, which returns the yielded value. A function that an
exception leaves returns the exception as text. CodeTracer treats the step before a call as the
call's first step, so a step is written before each call: at the line of ``def``, or at the line
where the generator was suspended.

Variables belong to steps. Each step has the frame's local variables, and the global variables that
the code names, without functions, classes and modules; at most `VARIABLES` together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from codetracer.export.codetracer_values import Values, clean, quote
from codetracer.replay import events
from codetracer.replay.render import render
from codetracer.replay.state import depth_of
from codetracer.replay.subjects import UNBOUND
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import FORM_CLASS, FORM_FUNCTION, FORM_METHOD, FORM_MODULE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from codetracer.export.codetracer_values import Limits
    from codetracer.export.sources import Sources
    from codetracer.replay.events import (
        CallEvent,
        EndEvent,
        Event,
        OutputEvent,
        ResumeEvent,
        ThrowEvent,
    )
    from codetracer.replay.model import Code, Frame
    from codetracer.replay.state import State

__all__ = ["VARIABLES", "Elements", "call", "step"]

VARIABLES: Final = 100
"""The largest number of variables that one step has."""

IN_RAISED: Final = 20
"""The number of objects, and of items of each, that the text of an exception may contain."""

_EVENT_KINDS: Final = {"stdout": 0, "stderr": 2, "stdin": 3}
_NOT_DATA: Final = frozenset({FORM_CLASS, FORM_FUNCTION, FORM_METHOD, FORM_MODULE})


class Elements:
    """Makes the elements of events, and numbers the paths, functions and names in them.

    Parameters:
        state: the values of variables at the replay's current event.
        sources: numbers the paths.
        define: called with the JSON element that defines a path, function, type or name, before
            any other element uses its number.
        limits: how much of each value is written.

    Attributes:
        values: makes the JSON of values.
    """

    def __init__(
        self, state: State, sources: Sources, define: Callable[[str], None], limits: Limits
    ) -> None:
        self.values = Values(state, define, limits)
        self._state = state
        self._sources = sources
        self._define = define
        self._functions: dict[Code, int] = {}
        self._function_count = 0
        self._names: dict[str, int] = {}
        self._layouts: dict[Code, tuple[list[tuple[int, str]], list[tuple[str, str]]]] = {}

    def of(self, event: Event) -> Iterable[str]:
        """Return the JSON elements of an event, in order; empty for events that have none."""
        match event:
            case events.StepEvent():
                frame = event.frame
                return step(self.path(frame.code.path), event.line), *self._variables(frame)
            case events.CallEvent() | events.ResumeEvent() | events.ThrowEvent():
                return self.begin(event.frame, self._arguments(event))
            case (
                events.ReturnEvent()
                | events.YieldEvent()
                | events.UnwindEvent()
                | events.LostEvent()
                | events.UnfinishedEvent()
            ):
                return (self.leave(self._result(event)),)
            case events.OutputEvent():
                return (self._output(event),)
        return ()

    def begin(self, frame: Frame, arguments: str = "") -> tuple[str, str]:
        """Return the step and the call with which a frame begins or is resumed.

        Parameters:
            arguments: the JSON of the arguments, separated by commas.
        """
        code = frame.code
        path = self.path(code.path)
        function = self._functions.get(code)
        if function is None:
            name = f"<{code.module}>" if code.kind == "module" else code.name
            function = self._functions[code] = self.function(name, path, code.line)
        # CodeTracer treats the step before a call as the call's first step.
        return step(path, frame.line), call(function, arguments)

    def leave(self, value: str) -> str:
        """Return the element with which a frame ends or is suspended.

        Parameters:
            value: the JSON of the value that it returns or yields.
        """
        return f'{{"Return":{{"return_value":{value}}}}}'

    def function(self, name: str, path: int, line: int) -> int:
        """Define a function that has no number yet, and return its new number.

        Parameters:
            path: the number of its file.
            line: its first line; numbers below 1 are written as 1.
        """
        self._function_count += 1
        record = {"path_id": path, "line": max(line, 1), "name": clean(name)}
        self._define(json.dumps({"Function": record}))
        return self._function_count - 1

    def path(self, path: str) -> int:
        """Return the number of a source file, which is defined first if it has none yet."""
        number = self._sources.number(path)
        if number is None:
            number = self._sources.add(path)
            self._define(f'{{"Path":{quote(self._sources.paths[number])}}}')
        return number

    def _arguments(self, event: CallEvent | ResumeEvent | ThrowEvent) -> str:
        found: Iterable[tuple[str, raw.Value]] = ()
        if isinstance(event, events.CallEvent):
            values = event.frame.values
            found = (
                (name, values[index])
                for index, name in enumerate(event.frame.code.arguments)
                if index in values
            )
        elif isinstance(event, events.ThrowEvent):
            found = (("exception", event.raw),)
        text, depth = self.values.text_to, depth_of(event.frame)
        return ",".join(
            f'{{"variable_id":{self._name(name)},"value":{text(value, depth)}}}'
            for name, value in found
        )

    def _result(self, event: EndEvent) -> str:
        match event:
            case events.ReturnEvent() | events.YieldEvent():
                return self.values.text_to(event.raw, depth_of(event.frame))
            case events.UnwindEvent():
                depth = depth_of(event.frame)
                exception = self._state.resolve(event.raw, IN_RAISED, IN_RAISED, depth=depth)
                return self.values.raw(render(exception), "exception")
            case events.LostEvent():
                return self.values.error("<ended unseen>")
        return self.values.error("<not finished>")

    def _output(self, event: OutputEvent) -> str:
        metadata = {
            "stream": event.stream,
            "thread": event.thread.ident,
            "path": clean(event.path),
            "line": event.line,
        }
        record = {
            "kind": _EVENT_KINDS[event.stream],
            "metadata": json.dumps(metadata),
            "content": event.text,
        }
        return json.dumps({"Event": record})

    def _variables(self, frame: Frame) -> Iterator[str]:
        layout = self._layouts.get(frame.code)
        if layout is None:
            layout = self._layouts[frame.code] = self._layout(frame.code)
        count = 0
        text, held = self.values.text, frame.values
        for index, beginning in layout[0]:
            value = held.get(index, UNBOUND)
            if type(value) is not raw.UnboundValue:
                if count == VARIABLES:
                    return
                count += 1
                yield f"{beginning}{text(value)}}}}}"
        state = self._state
        namespace = state.namespaces[frame.code.namespace]
        for name, beginning in layout[1]:
            value = namespace.get(name, UNBOUND)
            if type(value) is raw.UnboundValue:
                continue
            if type(value) is raw.ReferenceValue:
                known = state.objects.get(value.number)
                if known is not None and known.form in _NOT_DATA:
                    continue
            if count == VARIABLES:
                return
            count += 1
            yield f"{beginning}{text(value)}}}}}"

    def _layout(self, code: Code) -> tuple[list[tuple[int, str]], list[tuple[str, str]]]:
        """Return the beginnings of the elements of a code object's variables.

        Returns:
            Two lists of pairs: for local variables their index in the log and the beginning, for
            global variables their name and the beginning.
        """
        return (
            [(index, self._beginning(name)) for index, name in enumerate(code.variables)],
            [(name, self._beginning(name)) for name in code.global_names],
        )

    def _beginning(self, name: str) -> str:
        return f'{{"Value":{{"variable_id":{self._name(name)},"value":'

    def _name(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            number = self._names[name] = len(self._names)
            self._define(f'{{"VariableName":{quote(name)}}}')
        return number


def step(path: int, line: int) -> str:
    """Return the element of a step.

    Parameters:
        path: the number of the file.
        line: the line in it; numbers below 1 are written as 1.
    """
    return f'{{"Step":{{"path_id":{path},"line":{max(line, 1)}}}}}'


def call(function: int, arguments: str = "") -> str:
    """Return the element of a call.

    Parameters:
        function: the function's number.
        arguments: the JSON of the arguments, separated by commas.
    """
    return f'{{"Call":{{"function_id":{function},"args":[{arguments}]}}}}'
