"""The requests that look at a stop: its threads, frames, variables, sources and exceptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from codetracer.debug.dap.checks import RequestError
from codetracer.debug.dap.variables import LINE_LENGTH, Part
from codetracer.replay import EvaluationError, Hidden, ObjectValue, evaluate
from codetracer.replay.details import behind, lacking_in
from codetracer.replay.evaluator import FUNCTIONS
from codetracer.replay.operations import text_of
from codetracer.replay.render import WHOLE, short_type

if TYPE_CHECKING:
    from codetracer.debug.dap.session import Session
    from codetracer.debug.dap.stacks import Place
    from codetracer.replay import Value
    from codetracer_bindings import debug_protocol as protocol

__all__ = ["Looking"]

MOST_MODULES: Final = 10_000
"""The number of modules that a client gets if it names no number."""

_BEFORE: Final = re.compile(r"(?:(?P<owner>[\w.\[\]'\"#]+)\.)?(?P<start>\w*)$")


class Looking:
    """Answers requests that change nothing.

    Parameters:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def threads(self, _: None) -> protocol.ThreadsBody:
        """Return the threads that run something recorded."""
        return {"threads": self._session.stacks.threads()}

    def stack_trace(self, arguments: protocol.StackTraceArguments) -> protocol.StackTraceBody:
        """Return the frames of a thread, or some of them."""
        places = self._session.stacks.stack(arguments["threadId"])
        start, levels = max(arguments.get("startFrame", 0), 0), arguments.get("levels", 0)
        chosen = places[start : start + levels if levels > 0 else None]
        return {"stackFrames": [*map(self._frame, chosen)], "totalFrames": len(places)}

    def scopes(self, arguments: protocol.ScopesArguments) -> protocol.ScopesBody:
        """Return the local and the global variables of a frame."""
        place = self._session.stacks.place(arguments["frameId"])
        scopes: list[protocol.Scope] = []
        of_frame = place.moment.locals(place.frame), place.moment.globals(place.frame)
        for name, values in zip(("Locals", "Globals"), of_frame, strict=True):
            if name == "Locals" and place.frame.code.kind == "module":
                continue
            process = place.moment.process
            parts = [
                Part(each, value, process, each, each, place.frame)
                for each, value in values.items()
            ]
            if why := lacking_in(place.frame.code):
                parts = [Part("…", Hidden(why), process)]
            elif parts and (why := behind(place.frame)):
                parts.append(Part("…", Hidden(why), process))
            scope: protocol.Scope = {
                "name": name,
                "variablesReference": self._session.variables.keep(parts),
                "namedVariables": len(parts),
                "expensive": False,
            }
            if name == "Locals":
                scope["presentationHint"] = "locals"
            scopes.append(scope)
        return {"scopes": scopes}

    def variables(self, arguments: protocol.VariablesArguments) -> protocol.VariablesBody:
        """Return what is inside a value or a scope, or some of it."""
        found = self._session.variables.page(arguments)
        if found is None:
            number = arguments["variablesReference"]
            raise RequestError(f"there are no variables {number} at this stop")
        return {"variables": found}

    def source(self, arguments: protocol.SourceArguments) -> protocol.SourceBody:
        """Return the text of a file as it was recorded."""
        number = arguments.get("source", {}).get("sourceReference", 0)
        text = self._session.sources.text(number or arguments["sourceReference"])
        return {"content": text, "mimeType": "text/x-python"}

    def loaded_sources(self, _: object) -> protocol.LoadedSourcesBody:
        """Return the files of which code was recorded."""
        return {"sources": self._session.sources.every()}

    def modules(self, arguments: protocol.ModulesArguments) -> protocol.ModulesBody:
        """Return the modules of which code was recorded, or some of them."""
        found = self._session.sources.modules()
        start = max(arguments.get("startModule", 0), 0)
        count = arguments.get("moduleCount", 0) or MOST_MODULES
        return {"modules": found[start : start + count], "totalModules": len(found)}

    def evaluate(self, arguments: protocol.EvaluateArguments) -> protocol.EvaluateBody:
        """Return the value of an expression over recorded values."""
        text = arguments["expression"]
        place = self._session.stacks.place(arguments.get("frameId"))
        value = evaluate(text, place.moment, place.frame)
        limit = WHOLE if arguments.get("context") == "clipboard" else LINE_LENGTH
        path = text if re.fullmatch(r"[\w.]+(\[[^\[\]]+\])*", text) else f"({text})"
        shown = self._session.variables.shown(Part("", value, place.moment.process, path), limit)
        found: protocol.EvaluateBody = {
            "result": shown["value"],
            "variablesReference": shown["variablesReference"],
        }
        if "type" in shown:
            found["type"] = shown["type"]
        if "indexedVariables" in shown and "namedVariables" in shown:
            found["indexedVariables"] = shown["indexedVariables"]
            found["namedVariables"] = shown["namedVariables"]
        return found

    def completions(self, arguments: protocol.CompletionsArguments) -> protocol.CompletionsBody:
        """Return the names that may stand before the cursor."""
        place = self._session.stacks.place(arguments.get("frameId"))
        lines = arguments["text"].split("\n")
        number = self._session.line_of_client(arguments.get("line", 1)) if len(lines) > 1 else 1
        line = lines[min(max(number, 1), len(lines)) - 1]
        before = _BEFORE.search(line[: arguments["column"] - self._session.first_column])
        if before is None:
            return {"targets": []}
        start = before["start"]
        names = self._names(place, before["owner"])
        return {
            "targets": [
                {"label": name, "type": kind, "start": before.start("start"), "length": len(start)}
                for name, kind in sorted(names.items())
                if name.startswith(start)
            ]
        }

    def exception_info(
        self, arguments: protocol.ExceptionInfoArguments
    ) -> protocol.ExceptionInfoBody:
        """Return the exception that the line of a thread raises."""
        moment = self._session.stacks.moment(arguments["threadId"])
        exception = moment.exception
        if not isinstance(exception, ObjectValue):
            raise RequestError(f"the line at {moment.place} raises nothing")
        uncaught = self._session.breakpoints.uncaught_in(moment.process)
        details = _details(exception)
        details["stackTrace"] = self._traceback(arguments["threadId"])
        return {
            "exceptionId": exception.type_name,
            "description": text_of(exception),
            "breakMode": "unhandled" if moment.step in uncaught else "always",
            "details": details,
        }

    def _frame(self, place: Place) -> protocol.StackFrame:
        session, code = self._session, place.frame.code
        return {
            "id": session.stacks.keep(place),
            "name": code.name,
            "source": session.sources.of(code),
            "line": session.line_for_client(place.line),
            "column": session.first_column,
            "moduleId": code.path,
        }

    def _names(self, place: Place, owner: str | None) -> dict[str, protocol.CompletionItemType]:
        if owner is None:
            names: dict[str, protocol.CompletionItemType] = dict.fromkeys(FUNCTIONS, "function")
            found = place.moment.globals(place.frame) | place.moment.locals(place.frame)
            for name in found:
                names[name] = "variable"
            return names
        try:
            value = evaluate(owner, place.moment, place.frame)
        except EvaluationError:
            return {}
        held = value.attributes if isinstance(value, ObjectValue) else {}
        return {name: "property" for name in held if name.isidentifier()}

    def _traceback(self, thread: int) -> str:
        lines = ["Traceback (most recent call last):"]
        for place in reversed(self._session.stacks.stack(thread)):
            code = place.frame.code
            lines.append(f'  File "{code.path}", line {place.line}, in {code.short_name}')
            text = self._session.travel.trace.source_line(code.path, place.line)
            lines += [f"    {text}"] * bool(text)
        return "\n".join(lines)


def _details(exception: ObjectValue) -> protocol.ExceptionDetails:
    details: protocol.ExceptionDetails = {
        "message": text_of(exception),
        "typeName": short_type(exception.type_name),
        "fullTypeName": exception.type_name,
    }
    causes: list[Value] = [exception.attributes.get("__cause__")]
    inner = [_details(cause) for cause in causes if isinstance(cause, ObjectValue)]
    if inner:
        details["innerException"] = inner
    return details
