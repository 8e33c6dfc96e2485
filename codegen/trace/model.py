"""spec/trace.toml as frozen models, with every name that the templates need."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from codegen.core.rows import Expression, FullSentence, Problem, Row, Sentence, SpecFile

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]
Tag = Annotated[int, Field(ge=0, le=0xFF)]
FieldType = Literal[
    "uint", "sint", "f64", "text", "bytes", "value", "values", "texts", "attributes"
]

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
_MAY_BE_SHORT = ("uint", "sint", "text")
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


class Log(Row):
    """What holds for the whole file."""

    magic: str
    version: Annotated[int, Field(ge=1)]
    suffix: Annotated[str, StringConstraints(pattern=r"^\.[a-z]+$")]
    block_magic: str
    block_size: Annotated[int, Field(ge=4096)]
    summary: FullSentence

    @property
    def magic_literal(self) -> str:
        """The file's magic as a Python bytes literal."""
        return repr(self.magic.encode("latin-1"))

    @property
    def c_magic(self) -> str:
        """The file's magic as a literal in C."""
        return '"' + "".join(f"\\{byte:03o}" for byte in self.magic.encode("latin-1")) + '"'

    @property
    def block_magic_literal(self) -> str:
        """A block's magic as a Python bytes literal."""
        return repr(self.block_magic.encode("latin-1"))


class HeaderField(Row):
    """One field of a header, of a fixed size."""

    name: Name
    type: Annotated[str, StringConstraints(pattern=r"^(u32|u64|s[0-9]+)$")]
    summary: Sentence

    @property
    def code(self) -> str:
        """Its letter for the module struct."""
        return f"{self.type[1:]}s" if self.type[0] == "s" else _INTEGERS[self.type][0]

    @property
    def python_type(self) -> str:
        """The type of its value in Python."""
        return "bytes" if self.type[0] == "s" else "int"


class Header(Row):
    """A header: fields of fixed sizes, one after the other."""

    name: Name
    summary: FullSentence
    fields: Annotated[list[HeaderField], Field(min_length=1)]

    @property
    def constant(self) -> str:
        """The name of its Struct, such as ``FILE_HEADER``."""
        return self.name.upper()

    @property
    def format(self) -> str:
        """Its format for the module struct."""
        return "<" + "".join(field.code for field in self.fields)

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return struct.calcsize(self.format)


class TraceField(Row):
    """One field of a record or value."""

    name: Name
    type: FieldType
    summary: FullSentence

    @property
    def python_type(self) -> str:
        """The type it is decoded to."""
        return _PYTHON_TYPES[self.type]

    @property
    def encoded_type(self) -> str:
        """The type that its encoder takes; values come encoded already."""
        return _ENCODED_TYPES[self.type]


class Short(Row):
    """Tags that hold a small value of the first field themselves."""

    field: Name
    first: Tag
    last: Tag
    lowest: int

    @property
    def highest(self) -> int:
        """The largest value that is held by the last tag."""
        return self.lowest + self.last - self.first


class Tagged(Row):
    """Something that begins with a tag byte."""

    name: Name
    tag: Tag
    fields: list[TraceField] = []
    short: Short | None = None
    summary: FullSentence

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        if self.short is None:
            return self
        if not self.fields or self.fields[0].name != self.short.field:
            raise ValueError("[short] holds the first field; name that one")
        if self.fields[0].type not in _MAY_BE_SHORT:
            raise ValueError(f"[short] the field must be one of {', '.join(_MAY_BE_SHORT)}")
        if self.short.last < self.short.first:
            raise ValueError("[short] last is before first")
        if self.fields[0].type != "sint" and self.short.lowest < 0:
            raise ValueError("[short] only a sint has values below 0")
        return self

    @property
    def tags(self) -> list[int]:
        """Every tag that it may begin with."""
        short = range(self.short.first, self.short.last + 1) if self.short else ()
        return [self.tag, *short]

    @property
    def constant(self) -> str:
        """The name of its tag in C."""
        return self.name.upper()

    @property
    def class_stem(self) -> str:
        """Its name as a class, such as ``CutText``."""
        return self.name.title().replace("_", "")

    @property
    def tag_text(self) -> str:
        """Its tags, for people."""
        tag = f"`{self.tag:#04x}`"
        if not self.short:
            return tag
        return f"{tag}, `{self.short.first:#04x}` to `{self.short.last:#04x}`"

    @property
    def later_fields(self) -> list[TraceField]:
        """Its fields but for one that a short tag may hold."""
        return self.fields[1:] if self.short else self.fields

    @property
    def letters(self) -> str:
        """A letter for each field: what has to be known to pass over it."""
        return "".join(_LETTERS[field.type] for field in self.fields)

    @property
    def short_letters(self) -> str:
        """The same of a short tag, which holds how long a text is, or a number."""
        held = "s" if self.fields[0].type == "text" else ""
        return held + self.letters[1:]

    @property
    def encoder_parameters(self) -> str:
        """The typed parameters of its encoder."""
        return ", ".join(f"{field.name}: {field.encoded_type}" for field in self.fields)

    @property
    def field_names(self) -> str:
        """The names of its fields, comma-separated."""
        return ", ".join(field.name for field in self.fields)


class TraceValue(Tagged):
    """One kind of value; without `python`, it is decoded to a class of its own."""

    python: Expression | None = None

    @property
    def class_name(self) -> str:
        """The class it is decoded to, where `python` gives no expression."""
        return f"{self.class_stem}Value"


class Form(Row):
    """One form of object: what its items and attributes are."""

    name: Name
    number: Annotated[int, Field(ge=0)]
    summary: FullSentence

    @property
    def constant(self) -> str:
        """The name of its number."""
        return f"FORM_{self.name.upper()}"


class Record(Tagged):
    """One kind of record."""

    numbered: Name | None = None

    @property
    def class_name(self) -> str:
        """The class it is decoded to."""
        return f"{self.class_stem}Record"


class TraceSpec(SpecFile):
    """All of spec/trace.toml."""

    FILE: ClassVar[Path] = Path("spec/trace.toml")

    log: Log
    header: list[Header]
    value: Annotated[list[TraceValue], Field(min_length=1)]
    form: Annotated[list[Form], Field(min_length=1)]
    record: Annotated[list[Record], Field(min_length=1)]

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the rows."""
        headers = [header.name for header in self.header]
        if sorted(headers) != ["block_header", "file_header"]:
            yield Problem("header", 0, "name", "there must be a file_header and a block_header")
        for table, rows in (("value", self.value), ("record", self.record)):
            owners: dict[int, str] = {}
            for index, row in enumerate(rows):
                for tag in row.tags:
                    if tag in owners:
                        yield Problem(
                            table, index, "tag", f"tag {tag:#04x} is {owners[tag]}'s already"
                        )
                    owners.setdefault(tag, row.name)
        for index, record in enumerate(self.record):
            if 0 in record.tags:
                yield Problem("record", index, "tag", "tag 0 is where a block's records end")
        for table, names in (
            ("value", [row.name for row in self.value]),
            ("record", [row.name for row in self.record]),
            ("form", [row.name for row in self.form]),
            ("form", [row.number for row in self.form]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    yield Problem(table, index, "name", f"{name} is there already")

    @property
    def classes(self) -> list[TraceValue]:
        """The values that are decoded to classes of their own."""
        return [value for value in self.value if value.python is None]

    @property
    def format_names(self) -> list[str]:
        """What trace_format exports, sorted."""
        names = ["BLOCK_MAGIC", "BLOCK_SIZE", "FORM_NAMES", "LOG_SUFFIX", "LOG_VERSION", "MAGIC"]
        names += [header.constant for header in self.header]
        return sorted(names + [form.constant for form in self.form])

    @property
    def encoder_names(self) -> list[str]:
        """What trace_encoder exports, sorted."""
        encoders = [f"encode_{record.name}" for record in self.record]
        return sorted(encoders + [f"value_{value.name}" for value in self.value])

    @property
    def decoder_names(self) -> list[str]:
        """What trace_decoder exports, sorted."""
        classes = [record.class_name for record in self.record]
        classes += [value.class_name for value in self.classes]
        return [*sorted([*classes, "Record", "Value"]), "decode_record", "decode_value"]
