"""Converts events to the elements of CodeTracer's trace, as JSON.

A generator's calls are one for each time that it runs: it returns what it yields. An exception that
leaves a function is what the function returns, as text. CodeTracer takes the step before a call for
its first one: there is one for each, at the line of ``def``, or where the generator was.

Variables hang on steps: each step has the frame's local variables, and the global ones that its
code names unless they are functions, classes or modules; at most `VARIABLES` of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from codetracer.export.codetracer_values import Values, clean, quote
from codetracer.replay import events
from codetracer.replay.render import render
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
"""How many variables a step has at most."""

RAISED: Final = 20
"""How many objects, and items of each, are looked into for the text of an exception."""

_EVENT_KINDS: Final = {"stdout": 0, "stderr": 2, "stdin": 3}
_NOT_DATA: Final = frozenset({FORM_CLASS, FORM_FUNCTION, FORM_METHOD, FORM_MODULE})
_UNBOUND: Final = raw.UnboundValue()


class Elements:
    """Makes the elements of events, and numbers what they name.

    Parameters:
        state: what variables hold at the event that is asked for.
        sources: numbers the paths.
        define: called with the element of each path, function, type and name, before it is used.
        limits: how much of a value is given.

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
        """Return the elements of an event, in order."""
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
        """Return the elements with which a frame begins, or goes on."""
        code = frame.code
        path = self.path(code.path)
        function = self._functions.get(code)
        if function is None:
            name = f"<{code.module}>" if code.kind == "module" else code.name
            function = self._functions[code] = self.function(name, path, code.line)
        # The backend takes the step before a call for the call's own first one.
        return step(path, frame.line), call(function, arguments)

    def leave(self, value: str) -> str:
        """Return the element with which a frame ends, or is suspended."""
        return f'{{"Return":{{"return_value":{value}}}}}'

    def function(self, name: str, path: int, line: int) -> int:
        """Return the number of a function that has none yet."""
        self._function_count += 1
        record = {"path_id": path, "line": max(line, 1), "name": clean(name)}
        self._define(json.dumps({"Function": record}))
        return self._function_count - 1

    def path(self, path: str) -> int:
        """Return the number of a source file."""
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
        return ",".join(
            f'{{"variable_id":{self._name(name)},"value":{self.values.text(value)}}}'
            for name, value in found
        )

    def _result(self, event: EndEvent) -> str:
        match event:
            case events.ReturnEvent() | events.YieldEvent():
                return self.values.text(event.raw)
            case events.UnwindEvent():
                exception = self._state.resolve(event.raw, RAISED, RAISED)
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
            value = held.get(index, _UNBOUND)
            if type(value) is not raw.UnboundValue:
                if count == VARIABLES:
                    return
                count += 1
                yield f"{beginning}{text(value)}}}}}"
        state = self._state
        namespace = state.namespaces[frame.code.namespace]
        for name, beginning in layout[1]:
            value = namespace.get(name, _UNBOUND)
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
        """Return how the elements of a code's variables begin.

        Returns:
            The local ones by their numbers in the log, and the global ones by their names.
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
    """Return the element of a step."""
    return f'{{"Step":{{"path_id":{path},"line":{max(line, 1)}}}}}'


def call(function: int, arguments: str = "") -> str:
    """Return the element of a call; its arguments are JSON."""
    return f'{{"Call":{{"function_id":{function},"args":[{arguments}]}}}}'
