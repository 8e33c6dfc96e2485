"""spec/dap/ as types of Python: the messages of the Debug Adapter Protocol that are spoken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from codegen.core.errors import SpecError
from codegen.core.load import load_rows, read_text
from codegen.core.rows import FullSentence, Problem, Row, SpecFile, suggestion

SCHEMA = Path("spec/dap/debugProtocol.json")
_REFERENCE = "#/definitions/"
_PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}
_LAUNCH = {
    "text": "str",
    "flag": "bool",
    "texts": "list[str]",
    "variables": "dict[str, str | None]",
}


class LaunchArgument(Row):
    """An argument of ``launch`` of codetracer's own."""

    name: str
    type: Literal["text", "flag", "texts", "variables"]
    summary: FullSentence

    @property
    def python_type(self) -> str:
        """The type of its value."""
        return _LAUNCH[self.type]


class AdapterFile(SpecFile):
    """spec/dap/adapter.toml: which messages are spoken."""

    FILE: ClassVar[Path] = Path("spec/dap/adapter.toml")

    requests: list[str]
    events: list[str]
    launch: list[LaunchArgument]

    def problems(self) -> Iterator[Problem]:
        """Yield arguments of ``launch`` that are there twice."""
        names = [row.name for row in self.launch]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield Problem("launch", place, "name", f"{name} is there twice")


class Key(NamedTuple):
    """A key of an object in a message.

    Parameters:
        name: its name.
        type: its type in Python.
        required: whether it must be there.
    """

    name: str
    type: str
    required: bool

    @property
    def annotation(self) -> str:
        """The key's annotation in a TypedDict."""
        return self.type if self.required else f"NotRequired[{self.type}]"


class Shape(NamedTuple):
    """A type of the protocol: an object with keys, or a choice of texts.

    Parameters:
        name: the name of the type.
        summary: what it is.
        keys: the keys of an object.
        choice: the type, if it is no object.
    """

    name: str
    summary: str
    keys: tuple[Key, ...] = ()
    choice: str = ""


class ProtocolSpec:
    """The types that the messages of spec/dap/adapter.toml need, each after those it uses.

    Attributes:
        shapes: the types.
        arguments: the type of each request's arguments, by its command; None if it has none.
        events: the type of each event's body, by its name; None if it has none.
    """

    def __init__(self, adapter: AdapterFile, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._begun: set[str] = set()
        self._open: set[str] = set()
        self.shapes: list[Shape] = []
        own = tuple(Key(row.name, row.python_type, False) for row in adapter.launch)
        self.arguments: dict[str, str | None] = {}
        for command in adapter.requests:
            title = command[0].upper() + command[1:]
            parts = self._parts(self._definition(f"{title}Request", "requests", command))
            self.arguments[command] = self._type_of(parts, "arguments", f"{title}Arguments", own)
            if f"{title}Response" in definitions:
                self._type_of(self._parts(definitions[f"{title}Response"]), "body", f"{title}Body")
        self.events: dict[str, str | None] = {}
        for event in adapter.events:
            title = event[0].upper() + event[1:]
            parts = self._parts(self._definition(f"{title}Event", "events", event))
            self.events[event] = self._type_of(parts, "body", f"{title}EventBody")

    @property
    def names(self) -> list[str]:
        """The names that the generated module exports, in the order of the project."""
        return ["ARGUMENTS", *sorted(shape.name for shape in self.shapes)]

    def _definition(self, name: str, key: str, wanted: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self._definitions.get(name)
        if found is None:
            ending = name.removeprefix(wanted[0].upper() + wanted[1:])
            known = [
                each[0].lower() + each[1:].removesuffix(ending)
                for each in self._definitions
                if each.endswith(ending)
            ]
            problem = f"the schema has no {wanted!r}{suggestion(wanted, known)}"
            raise SpecError(AdapterFile.FILE, "", key, problem)
        return found

    def _parts(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the properties of a message itself, without those of every message."""
        found: dict[str, Any] = schema["allOf"][-1].get("properties", {})
        return found

    def _whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a type with the properties of those that it extends."""
        if "$ref" in schema:
            return self._whole(self._definitions[schema["$ref"].removeprefix(_REFERENCE)])
        if "allOf" not in schema:
            return schema
        parts = [self._whole(part) for part in schema["allOf"]]
        properties = {key: part for each in parts for key, part in each["properties"].items()}
        required = [key for each in parts for key in each.get("required", ())]
        return {"properties": properties, "required": required}

    def _type_of(
        self, properties: dict[str, Any], key: str, name: str, own: tuple[Key, ...] = ()
    ) -> str | None:
        """Return the name of the type of a message's arguments or body, and note the type."""
        schema = properties.get(key)
        if schema is None or ("$ref" not in schema and "properties" not in schema):
            return None
        reference: str = schema.get("$ref", "")
        name = reference.removeprefix(_REFERENCE) or name
        if name not in self._begun:
            found = self._definitions[name] if reference else schema
            self._note(name, found, own if name == "LaunchRequestArguments" else ())
        return name

    def _note(self, name: str, schema: dict[str, Any], own: tuple[Key, ...] = ()) -> None:
        self._begun.add(name)
        self._open.add(name)
        summary = f"`{name}` of the protocol."
        schema = self._whole(schema)
        if "properties" in schema:
            required = schema.get("required", ())
            keys = tuple(
                Key(key, self._python(value), key in required)
                for key, value in schema["properties"].items()
                # In a class, Python would rename these.
                if not key.startswith("__")
            )
            self.shapes.append(Shape(name, summary, (*keys, *own)))
        else:
            self.shapes.append(Shape(name, summary, (), self._python(schema)))
        self._open.remove(name)

    def _python(self, schema: dict[str, Any]) -> str:
        """Return a type of the schema as Python writes it."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_REFERENCE)
            if name not in self._begun:
                self._note(name, self._definitions[name])
            return f'"{name}"' if name in self._open else name
        if "enum" in schema:
            return f"Literal[{', '.join(json.dumps(each) for each in schema['enum'])}]"
        kinds = schema["type"]
        if isinstance(kinds, list):
            return "Any" if len(kinds) == len(_PLAIN) + 1 else " | ".join(_PLAIN[k] for k in kinds)
        if kinds == "array":
            return f"list[{self._python(schema['items'])}]"
        if kinds == "object" and isinstance(schema.get("additionalProperties"), dict):
            return f"dict[str, {self._python(schema['additionalProperties'])}]"
        return _PLAIN[kinds]


def load_protocol(root: Path) -> ProtocolSpec:
    """Read spec/dap/ below `root`.

    Raises:
        SpecError: a file is missing or wrong, or the schema has no such message.
    """
    loaded = load_rows(AdapterFile, root, AdapterFile.FILE)
    for problem in loaded.rows.problems():
        raise loaded.error(problem)
    try:
        definitions = json.loads(read_text(root, SCHEMA))["definitions"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise SpecError(SCHEMA, "", "", f"no schema of the protocol: {error}") from error
    return ProtocolSpec(loaded.rows, definitions)
