"""The fields of headers, records and values, with their types in Python and in C."""

from __future__ import annotations

import struct
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from codegen.core.rows import FullSentence, Row, Sentence

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]
FieldType = Literal[
    "uint", "sint", "f64", "text", "bytes", "value", "values", "texts", "attributes"
]

OF_VALUES = {"value", "values", "attributes"}
"""The types of fields that contain values."""

SEVERAL = OF_VALUES | {"texts"}
"""The types of fields that contain values, or several texts."""

_INTEGERS = {"u32": ("I", 4, "int"), "u64": ("Q", 8, "int")}
_PYTHON_TYPES = {
    "uint": "int",
    "sint": "int",
    "f64": "float",
    "text": "str",
    "bytes": "bytes",
    "value": "Value",
    "values": "tuple[Value, ...]",
    "texts": "tuple[str, ...]",
    "attributes": "tuple[tuple[int, Value], ...]",
}
_ENCODED_TYPES = _PYTHON_TYPES | {
    "value": "bytes",
    "values": "Sequence[bytes]",
    "texts": "Sequence[str]",
    "attributes": "Sequence[tuple[int, bytes]]",
}
_C_TYPES = {
    "uint": "uint64_t",
    "sint": "int64_t",
    "f64": "double",
    "text": "Bytes",
    "bytes": "Bytes",
    "value": "Bytes",
    "values": "Several",
    "texts": "Several",
    "attributes": "Several",
}
_C_HEADER_TYPES = {"u32": "uint32_t ", "u64": "uint64_t "}
_C_NAMES = frozenset(
    [
        "at",
        "to",
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
    ]
)
"""Names that no field may have: keywords of C, and names of the generated writers."""
_LONGEST_NUMBER = 10
"""The largest number of bytes of a uint or sint of 64 bits."""
_LETTERS = {
    "uint": "n",
    "sint": "n",
    "f64": "d",
    "text": "t",
    "bytes": "b",
    "value": "v",
    "values": "V",
    "texts": "T",
    "attributes": "A",
}


def c_literal(text: str) -> str:
    """Return the characters, each a byte, as a string literal in C."""
    return '"' + "".join(f"\\{byte:03o}" for byte in text.encode("latin-1")) + '"'


class HeaderField(Row):
    """One field of a header, of a fixed size."""

    name: Name
    type: Annotated[str, StringConstraints(pattern=r"^(u32|u64|s[0-9]+)$")]
    summary: Sentence

    @property
    def code(self) -> str:
        """The field's letter in a format of the module struct."""
        return f"{self.type[1:]}s" if self.type[0] == "s" else _INTEGERS[self.type][0]

    @property
    def python_type(self) -> str:
        """The type of the field's value in Python."""
        return "bytes" if self.type[0] == "s" else "int"

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return int(self.type[1:]) if self.type[0] == "s" else _INTEGERS[self.type][1]

    @property
    def c_parameter(self) -> str:
        """The field's parameter in C."""
        return _C_HEADER_TYPES.get(self.type, "const void *") + self.name

    @property
    def c_source(self) -> str:
        """The address of its bytes in C. A text's parameter is an address already."""
        return self.name if self.type[0] == "s" else f"&{self.name}"


class Header(Row):
    """A header: fields of fixed sizes, one after the other."""

    name: Name
    summary: FullSentence
    fields: Annotated[list[HeaderField], Field(min_length=1)]

    @property
    def constant(self) -> str:
        """The name of the header's Struct, such as ``FILE_HEADER``."""
        return self.name.upper()

    @property
    def format(self) -> str:
        """The header's format for the module struct."""
        return "<" + "".join(field.code for field in self.fields)

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return struct.calcsize(self.format)

    @property
    def placed_fields(self) -> list[tuple[int, HeaderField]]:
        """Each of its fields with its offset in bytes."""
        sizes = [field.size for field in self.fields]
        return [(sum(sizes[:index]), field) for index, field in enumerate(self.fields)]


class TraceField(Row):
    """One field of a record or value."""

    name: Name
    type: FieldType
    one_of: Literal["code_kind", "stream", "ending", "detail", "form"] | None = None
    summary: FullSentence

    @model_validator(mode="after")
    def _key_agrees(self) -> Self:
        if self.one_of is not None and self.type != "uint":
            raise ValueError(f"[one_of] a number of {self.one_of} must be a uint")
        if self.name in _C_NAMES:
            raise ValueError(f"[name] {self.name} has another meaning in C; choose another name")
        return self

    @property
    def c_type(self) -> str:
        """The type of the field's parameter in C; values are already encoded."""
        return _C_TYPES[self.type]

    @property
    def c_room(self) -> int:
        """The largest number of bytes of the field, without the content that is passed as bytes."""
        return {"f64": 8, "value": 0}.get(self.type, _LONGEST_NUMBER)

    @property
    def c_stores(self) -> list[str]:
        """The calls in C that store it, one behind the other."""
        content = f"store_bytes(at, {self.name}.bytes, {self.name}.size)"
        match self.type:
            case "uint" | "sint" | "f64":
                return [f"store_{self.type}(at, {self.name})"]
            case "value":
                return [content]
            case "text" | "bytes":
                return [f"store_uint(at, {self.name}.size)", content]
            case "values" | "texts" | "attributes":
                return [f"store_uint(at, {self.name}.count)", content]

    @property
    def letter(self) -> str:
        """A letter that suffices to skip the field."""
        return _LETTERS[self.type]

    @property
    def takes_nesting(self) -> bool:
        """True if its reader has to know how many values are around it."""
        return self.type in OF_VALUES

    @property
    def python_type(self) -> str:
        """The type of the decoded field."""
        return _PYTHON_TYPES[self.type]

    @property
    def encoded_type(self) -> str:
        """The type of the field's parameter in Python's encoder; values are already encoded."""
        return _ENCODED_TYPES[self.type]
