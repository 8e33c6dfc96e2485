"""The requests that set breakpoints."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from codetracer.debug.dap.breakpoints import Data, Wanted
from codetracer.debug.dap.checks import RequestError
from codetracer.debug.dap.variables import Part
from codetracer.errors import RecorderError
from codetracer_bindings.index_format import KEY_LINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.debug.dap.session import Session
    from codetracer_bindings import debug_protocol as protocol

__all__ = ["FILTERS", "Setting"]

FILTERS: list[protocol.ExceptionBreakpointsFilter] = [
    {
        "filter": "uncaught",
        "label": "Uncaught Exceptions",
        "description": "Stop where an exception was raised that no recorded code caught.",
        "default": True,
    },
    {
        "filter": "raised",
        "label": "Raised Exceptions",
        "description": "Stop wherever an exception is raised.",
        "default": False,
        "supportsCondition": True,
        "conditionDescription": "Names of types, such as KeyError, ValueError",
    },
]


class Setting:
    """Answers requests that set breakpoints, each in place of those of the same kind before.

    Parameters:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._data: dict[str, Data] = {}

    def lines(self, arguments: protocol.SetBreakpointsArguments) -> protocol.SetBreakpointsBody:
        """Set the breakpoints of a file."""
        session, source = self._session, arguments["source"]
        path = session.sources.path(source)
        group = f"file {path or source.get('path')}"
        session.breakpoints.clear(group)
        old = [{"line": line} for line in arguments.get("lines", ())]
        wanted: list[Any] = [*arguments.get("breakpoints", old)]
        return {"breakpoints": [self._line(group, path, each) for each in wanted]}

    def functions(
        self, arguments: protocol.SetFunctionBreakpointsArguments
    ) -> protocol.SetFunctionBreakpointsBody:
        """Set the breakpoints at functions."""
        breakpoints = self._session.breakpoints
        breakpoints.clear("functions")

        def add(each: protocol.FunctionBreakpoint) -> int:
            name = each["name"].strip()
            codes = (
                code
                for timeline in self._session.travel.timelines.values()
                for code in timeline.source.codes
            )
            if not any(code.is_named(name) for code in codes):
                raise RequestError(f"the recording has no call of {name}")
            return breakpoints.add_function(name, _wanted(each))

        wanted = arguments["breakpoints"]
        return {"breakpoints": [_set(partial(add, each)) for each in wanted]}

    def exceptions(self, arguments: protocol.SetExceptionBreakpointsArguments) -> None:
        """Set whether to stop at exceptions."""
        breakpoints = self._session.breakpoints
        breakpoints.clear("exceptions")
        conditions = dict.fromkeys(arguments["filters"], "")
        for option in arguments.get("filterOptions", ()):
            conditions[option["filterId"]] = option.get("condition", "")
        known = [each["filter"] for each in FILTERS]
        for name in conditions:
            if name not in known:
                raise RequestError(f"there is no filter {name}; known: {', '.join(known)}")
        if "raised" in conditions:
            breakpoints.add_raised(conditions["raised"])
        if "uncaught" in conditions:
            breakpoints.add_uncaught()

    def data_info(
        self, arguments: protocol.DataBreakpointInfoArguments
    ) -> protocol.DataBreakpointInfoBody:
        """Say whether changes of a value can be found."""
        session, name = self._session, arguments["name"]
        reference = arguments.get("variablesReference", 0)
        place = session.stacks.place(arguments.get("frameId"))
        if reference:
            part = session.variables.named(reference, name)
        else:
            part = Part(name, None, place.moment.process, name, name, place.frame)
        if part is None or not part.subject:
            why = f"{name}: changes can be found of variables, attributes and items of objects"
            return {"dataId": None, "description": why}
        moment = session.travel.in_process(part.process) or place.moment
        try:
            moment.last_change(part.subject, part.frame)
        except RecorderError as error:
            return {"dataId": None, "description": error.message}
        owner = "" if part.frame is None else f" in frame {part.frame.number}"
        data_id = f"{moment.process}: {part.subject}{owner}"
        self._data[data_id] = Data(moment.process, part.subject, part.frame)
        return {
            "dataId": data_id,
            "description": part.path or part.subject,
            "accessTypes": ["write"],
            "canPersist": False,
        }

    def data(
        self, arguments: protocol.SetDataBreakpointsArguments
    ) -> protocol.SetDataBreakpointsBody:
        """Set the breakpoints at changes of values."""
        breakpoints = self._session.breakpoints
        breakpoints.clear("data")

        def add(each: protocol.DataBreakpoint) -> int:
            data = self._data.get(each["dataId"])
            if data is None:
                raise RequestError(
                    f"there is no data {each['dataId']!r}; send dataBreakpointInfo first"
                )
            if each.get("accessType", "write") != "write":
                raise RequestError("only writes of a value are recorded, not reads")
            return breakpoints.add_data(data, _wanted(each))

        wanted = arguments["breakpoints"]
        return {"breakpoints": [_set(partial(add, each)) for each in wanted]}

    def _line(
        self, group: str, path: str | None, each: protocol.SourceBreakpoint
    ) -> protocol.Breakpoint:
        session = self._session
        wanted = session.line_of_client(each["line"])
        line = wanted if path is None else self._line_that_runs(path, wanted)

        def add() -> int:
            if path is None:
                raise RequestError("the recording has no such file")
            if line is None:
                raise RequestError("the line never runs in this recording")
            return session.breakpoints.add_line(group, path, line, _wanted(each))

        found = _set(add)
        found["line"] = session.line_for_client(wanted if line is None else line)
        return found

    def _line_that_runs(self, path: str, line: int) -> int | None:
        """Return a line, or the next one if it is empty or a comment; None if it never runs."""
        lines = self._session.sources.lines(path)
        while 0 < line <= len(lines) and lines[line - 1].strip()[:1] in ("", "#"):
            line += 1
        for timeline in self._session.travel.timelines.values():
            for code in timeline.source.codes:
                runs = timeline.index.after(-1, KEY_LINE, code.number, line)
                if code.path == path and next(runs, None) is not None:
                    return line
        return None


def _set(add: Callable[[], int]) -> protocol.Breakpoint:
    """Return the answer to the client about a breakpoint."""
    try:
        return {"id": add(), "verified": True}
    except RequestError as error:
        return {"verified": False, "message": str(error)}
    except RecorderError as error:
        return {"verified": False, "message": error.message}


def _wanted(each: Any) -> Wanted:
    return Wanted(
        each.get("condition", ""), each.get("hitCondition", ""), each.get("logMessage", "")
    )
