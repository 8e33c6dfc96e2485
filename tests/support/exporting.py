"""Exports of recordings, and what CodeTracer 25.11 takes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.reading import read
from tests.support.running import Outcome

type Element = dict[str, Any]


def export(*arguments: str | Path, cwd: Path) -> Outcome:
    return read("export", *arguments, "--to", "codetracer-json", cwd=cwd)


def elements(folder: Path) -> list[Element]:
    found: list[Element] = json.loads((folder / "trace.json").read_text("utf-8"))
    return found


class Backend:
    """Takes a trace as CodeTracer 25.11.1 does (trace_processor.rs), with what it asserts.

    A call takes the step before it for its first one; a value hangs on the last step.
    """

    def __init__(self, trace: list[Element]) -> None:
        self.names: dict[str, list[Any]] = {
            "Path": [],
            "Function": [],
            "Type": [],
            "VariableName": [],
        }
        self.calls: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.values: list[dict[str, Any]] = []
        self.events: list[tuple[int, Element]] = []
        self.stack: list[dict[str, Any]] = []
        for element in trace:
            ((kind, content),) = element.items()
            if kind in self.names:
                self.names[kind].append(content)
            else:
                getattr(self, f"on_{kind.lower()}")(content)
        assert not self.stack, "calls and returns are balanced"

    def on_step(self, content: Element) -> None:
        assert self.stack, "a call comes before the first step"
        path = self.names["Path"][content["path_id"]]
        assert isinstance(content["line"], int)
        self.steps.append(
            {"path": path, "line": content["line"], "call": self.stack[-1], "begins": False}
        )
        self.values.append({})

    def on_call(self, content: Element) -> None:
        function = self.names["Function"][content["function_id"]]
        assert 0 <= function["path_id"] < len(self.names["Path"])
        call = {"name": function["name"], "args": {}, "parent": self.stack[-1:], "result": None}
        for argument in content["args"]:
            name = self.names["VariableName"][argument["variable_id"]]
            call["args"][name] = self.value(argument["value"])
        if self.steps and not self.steps[-1]["begins"]:
            assert not self.values[-1], "the step is that of a line"
            self.steps[-1] |= {"call": call, "begins": True}
        self.calls.append(call)
        self.stack.append(call)

    def on_return(self, content: Element) -> None:
        assert self.stack
        self.stack.pop()["result"] = self.value(content["return_value"])

    def on_value(self, content: Element) -> None:
        name = self.names["VariableName"][content["variable_id"]]
        assert name not in self.values[-1]
        self.values[-1][name] = self.value(content["value"])

    def on_event(self, content: Element) -> None:
        assert content.keys() == {"kind", "metadata", "content"}
        self.events.append((len(self.steps) - 1, content))

    def value(self, record: Element) -> Any:
        """Return a plain object for a value that runtime_tracing 0.14.2 can read."""
        type_ = self.names["Type"][record["type_id"]]
        match record:
            case {"kind": "Int", "i": int(i)}:
                assert -(2**63) <= i < 2**63
                return i
            case {"kind": "Bool", "b": bool(b)}:
                return b
            case {"kind": "String", "text": str(text)}:
                return text
            case {"kind": "Sequence", "elements": list(items), "is_slice": False}:
                return [self.value(item) for item in items]
            case {"kind": "Tuple", "elements": list(items)}:
                return tuple(self.value(item) for item in items)
            case {"kind": "Struct", "field_values": list(values)}:
                fields = type_["specific_info"]["fields"]
                assert len(fields) == len(values)
                pairs = zip(fields, values, strict=True)
                return {field["name"]: self.value(value) for field, value in pairs}
            case {"kind": "Raw", "r": str(text)}:
                return f"raw {text}"
            case {"kind": "Error", "msg": str(text)}:
                return f"error {text}"
            case {"kind": "None"}:
                return None
        raise AssertionError(f"no value of 0.14.2: {record}")
