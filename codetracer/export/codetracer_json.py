"""The events of a recording as the trace.json that CodeTracer 25.11 opens.

That format knows one stack of calls and no threads. So there is a ``<toplevel>`` call around all;
the main thread's calls come first, then those of each other thread, in a ``<thread NAME>`` call of
its own. Time goes forward within each thread.

A generator's calls are one for each time that it runs: it returns what it yields. An exception that
leaves a function is what the function returns, as text. CodeTracer takes the step before a call for
its first one: there is one for each, at the line of ``def``, or where the generator was.

Variables hang on steps: each step has the frame's local variables, and the global ones that its
code names unless they are functions, classes or modules; at most `VARIABLES` of them.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from codetracer.export.codetracer_values import ITEMS, Values, clean
from codetracer.replay import events
from codetracer.replay.render import render
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.trace_format import FORM_CLASS, FORM_FUNCTION, FORM_METHOD, FORM_MODULE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codetracer.export.spool import Spool
    from codetracer.replay.events import (
        CallEvent,
        EndEvent,
        Event,
        OutputEvent,
        ResumeEvent,
        StepEvent,
        ThrowEvent,
    )
    from codetracer.replay.model import Code, Frame, Thread
    from codetracer.replay.replay import Replay

__all__ = ["VARIABLES", "Writer"]

VARIABLES: Final = 100
"""How many variables a step has at most."""

OBJECTS: Final = 200
"""How many objects are looked into for one value."""

_DEFINITIONS: Final = "definitions"
"""The part of what everything else refers to by number; it comes first."""

_ATOMS: Final = 10_000
"""How many values' JSON is kept."""

_BEGIN: Final = "begin"
_END: Final = "end"

_EVENT_KINDS: Final = {"stdout": 0, "stderr": 2, "stdin": 3}
_ERROR: Final = 11
_NOT_DATA: Final = frozenset({FORM_CLASS, FORM_FUNCTION, FORM_METHOD, FORM_MODULE})


class Writer:
    """Writes the elements of one process' events.

    Parameters:
        replay: the events, of which `write` takes one after the other.
        spool: where the elements go.
        workdir: what relative paths are relative to.

    Attributes:
        paths: the source files by their number in CodeTracer's trace.
    """

    def __init__(self, replay: Replay, spool: Spool, workdir: str) -> None:
        self.paths: list[str] = []
        self._replay = replay
        self._spool = spool
        self._workdir = workdir
        self._values = Values(self._define)
        self._path_numbers: dict[str, int] = {}
        self._functions: dict[Code, int] = {}
        self._function_count = 0
        self._names: dict[str, int] = {}
        self._threads: list[Thread] = []
        self._atoms: dict[tuple[type, int | str], str] = {}
        # Path 0 is that of <toplevel>, which must be the first call.
        toplevel = self._new_function("<toplevel>", self._path(""), 1)
        spool.add(_BEGIN, json.dumps({"Call": {"function_id": toplevel, "args": []}}))
        self._last: tuple[int, int] | None = None

    def sources(self) -> Iterator[tuple[str, str]]:
        """Yield each source file's path as it was recorded, and as CodeTracer's trace has it."""
        for path, number in self._path_numbers.items():
            yield path, self.paths[number]

    def write(self, event: Event) -> None:
        """Write what an event is in CodeTracer's trace."""
        if isinstance(event, events.StepEvent):
            self._step(event)
        elif isinstance(event, events.CallEvent | events.ResumeEvent | events.ThrowEvent):
            self._call(event)
        elif isinstance(
            event,
            events.ReturnEvent
            | events.YieldEvent
            | events.UnwindEvent
            | events.LostEvent
            | events.UnfinishedEvent,
        ):
            self._return(event)
        elif isinstance(event, events.OutputEvent):
            self._output(event)

    def finish(self, path: str, error: str | None) -> None:
        """Write all of it to a file.

        Parameters:
            path: the file.
            error: what ended the program, if an error did.

        Raises:
            HostError: ERR_IO, the file cannot be written.
        """
        for thread in self._threads[1:]:
            self._add(thread, {"Return": {"return_value": self._values.none}})
        if error is not None:
            if self._last is not None and len(self._threads) > 1:
                # CodeTracer shows the error at the last step: back to the main thread's.
                self._spool.add(_END, _step(*self._last))
            record = {"kind": _ERROR, "metadata": "", "content": clean(error)}
            self._spool.add(_END, json.dumps({"Event": record}))
        self._spool.add(_END, json.dumps({"Return": {"return_value": self._values.none}}))
        parts = [_part(thread) for thread in self._threads]
        self._spool.join(path, [_DEFINITIONS, _BEGIN, *parts, _END])

    # ---------------------------------------------------------------- events

    def _step(self, event: StepEvent) -> None:
        frame = event.frame
        where = self._path(frame.code.path), event.line
        self._add_step(event.thread, *where)
        for name, text in self._variables(frame):
            self._spool.add(
                _part(event.thread), f'{{"Value": {{"variable_id": {name}, "value": {text}}}}}'
            )

    def _call(self, event: CallEvent | ResumeEvent | ThrowEvent) -> None:
        frame = event.frame
        code = frame.code
        path = self._path(code.path)
        if event.thread not in self._threads:
            self._begin_thread(event.thread, path, frame.line)
        # The backend takes the step before a call for the call's own first one.
        self._add_step(event.thread, path, frame.line)
        function = self._functions.get(code)
        if function is None:
            name = f"<{code.module}>" if code.kind == "module" else code.name
            function = self._functions[code] = self._new_function(name, path, code.line)
        arguments = []
        if isinstance(event, events.CallEvent):
            arguments = [
                {"variable_id": self._name(name), "value": self._convert(frame.values[index])}
                for index, name in enumerate(code.arguments)
                if index in frame.values
            ]
        elif isinstance(event, events.ThrowEvent):
            value = self._convert(event.raw)
            arguments = [{"variable_id": self._name("exception"), "value": value}]
        self._add(event.thread, {"Call": {"function_id": function, "args": arguments}})

    def _return(self, event: EndEvent) -> None:
        match event:
            case events.ReturnEvent() | events.YieldEvent():
                value = self._convert(event.raw)
            case events.UnwindEvent():
                exception = self._replay.state.resolve(event.raw, OBJECTS, ITEMS)
                value = self._values.raw(render(exception), "exception")
            case events.LostEvent():
                value = self._values.error("<left, nothing told how>")
            case _:
                value = self._values.error("<not finished>")
        self._add(event.thread, {"Return": {"return_value": value}})

    def _output(self, event: OutputEvent) -> None:
        thread: Thread | None = event.thread
        if thread not in self._threads:
            # Nothing of that thread is recorded: it is told among what the main thread did.
            thread = self._threads[0] if self._threads else None
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
        element = json.dumps({"Event": record})
        self._spool.add(_BEGIN if thread is None else _part(thread), element)

    def _begin_thread(self, thread: Thread, path: int, line: int) -> None:
        self._threads.append(thread)
        if len(self._threads) > 1:
            self._add_step(thread, path, line)
            function = self._new_function(f"<thread {thread.name}>", path, line)
            self._add(thread, {"Call": {"function_id": function, "args": []}})

    # ---------------------------------------------------------------- variables

    def _variables(self, frame: Frame) -> Iterator[tuple[int, str]]:
        code, state = frame.code, self._replay.state
        count = 0
        for index, name in enumerate(code.variables):
            value = frame.values.get(index, _UNBOUND)
            if type(value) is not raw.UnboundValue and count < VARIABLES:
                count += 1
                yield self._name(name), self._text(value)
        values = state.namespaces[code.namespace]
        for name in code.global_names:
            value = values.get(name, _UNBOUND)
            if type(value) is raw.UnboundValue or count >= VARIABLES:
                continue
            if type(value) is raw.ReferenceValue:
                known = state.objects.get(value.number)
                if known is not None and known.form in _NOT_DATA:
                    continue
            count += 1
            yield self._name(name), self._text(value)

    def _text(self, value: raw.Value) -> str:
        if not isinstance(value, int | str):
            return json.dumps(self._convert(value))
        # Most variables have not changed since the step before. True is no 1 here.
        key = type(value), value
        text = self._atoms.get(key)
        if text is None:
            if len(self._atoms) > _ATOMS:
                self._atoms.clear()
            text = self._atoms[key] = json.dumps(self._convert(value))
        return text

    def _convert(self, value: raw.Value) -> dict[str, object]:
        return self._values.convert(self._replay.state.resolve(value, OBJECTS, ITEMS))

    # ---------------------------------------------------------------- what has numbers

    def _path(self, path: str) -> int:
        number = self._path_numbers.get(path)
        if number is None:
            number = self._path_numbers[path] = len(self.paths)
            full = path
            if path and not path.startswith("<"):
                full = os.path.normpath(os.path.join(self._workdir, path))
            self.paths.append(clean(full))
            self._define(json.dumps({"Path": self.paths[-1]}))
        return number

    def _name(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            number = self._names[name] = len(self._names)
            self._define(json.dumps({"VariableName": clean(name)}))
        return number

    def _new_function(self, name: str, path: int, line: int) -> int:
        self._function_count += 1
        record = {"path_id": path, "line": max(line, 1), "name": clean(name)}
        self._define(json.dumps({"Function": record}))
        return self._function_count - 1

    def _define(self, element: str) -> None:
        self._spool.add(_DEFINITIONS, element)

    def _add(self, thread: Thread, element: dict[str, object]) -> None:
        self._spool.add(_part(thread), json.dumps(element))

    def _add_step(self, thread: Thread, path: int, line: int) -> None:
        if thread is self._threads[0]:
            self._last = path, line
        self._spool.add(_part(thread), _step(path, line))


_UNBOUND = raw.UnboundValue()


def _step(path: int, line: int) -> str:
    return f'{{"Step": {{"path_id": {path}, "line": {max(line, 1)}}}}}'


def _part(thread: Thread) -> str:
    return f"thread-{thread.number}"
