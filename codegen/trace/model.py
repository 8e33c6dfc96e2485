"""The models of spec/trace.toml, with the names and types that templates need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from codegen.core.rows import Expression, FullSentence, Problem, Row, SpecFile
from codegen.trace.fields import OF_VALUES, SEVERAL, Header, Name, TraceField, c_literal

Tag = Annotated[int, Field(ge=0, le=0xFF)]
_MAY_BE_SHORT = ("uint", "sint", "text")


class Log(Row):
    """The properties of a whole log file."""

    magic: str
    version: Annotated[int, Field(ge=1)]
    suffix: Annotated[str, StringConstraints(pattern=r"^\.[a-z]+$")]
    block_magic: str
    block_size: Annotated[int, Field(ge=4096)]
    nesting: Annotated[int, Field(ge=1, le=460)]
    largest_changed: Annotated[int, Field(ge=1, le=10_000)]
    call_depth: Annotated[int, Field(ge=1, le=4)]
    largest_again: Annotated[int, Field(ge=1, le=10_000)]
    summary: FullSentence

    @property
    def magic_literal(self) -> str:
        """The file's magic as a Python bytes literal."""
        return repr(self.magic.encode("latin-1"))

    @property
    def c_magic(self) -> str:
        """The file's magic as a literal in C."""
        return c_literal(self.magic)

    @property
    def c_block_magic(self) -> str:
        """A block's magic as a literal in C."""
        return c_literal(self.block_magic)

    @property
    def block_magic_literal(self) -> str:
        """A block's magic as a Python bytes literal."""
        return repr(self.block_magic.encode("latin-1"))


class Short(Row):
    """Short tags: they contain a small value of the first field."""

    field: Name
    first: Tag
    last: Tag
    lowest: int

    @property
    def highest(self) -> int:
        """The value that the last tag contains."""
        return self.lowest + self.last - self.first

    @property
    def base(self) -> int:
        """The tag of 0, if there were one: a value's tag less the value."""
        return self.first - self.lowest


class Tagged(Row):
    """A record or a value, which begins with a tag of one byte."""

    C_TAGS: ClassVar[str]
    """The prefix of the constants of its tags in C."""
    C_NAMES: ClassVar[str]
    """The prefix of the names of its writers in C."""

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
            raise ValueError("[short] must name the first field")
        if self.fields[0].type not in _MAY_BE_SHORT:
            raise ValueError(f"[short] the field must be one of {', '.join(_MAY_BE_SHORT)}")
        if self.short.last < self.short.first:
            raise ValueError("[short] last is before first")
        if self.fields[0].type != "sint" and self.short.lowest < 0:
            raise ValueError("[short] only a sint can be negative")
        if self.fields[0].type == "text":
            self._check_short_text(self.short)
        return self

    def _check_short_text(self, short: Short) -> None:
        # A reader of letters alone, as masks.c, knows the length of a short text by its tag.
        if not isinstance(self, TraceValue) or self.name != "text":
            raise ValueError("[short] only the value text holds a length in its tags; remove short")
        if short.lowest != 0:
            raise ValueError("[short] the shortest text has no bytes; write lowest = 0")

    @property
    def tags(self) -> list[int]:
        """All tags with which it may begin."""
        short = range(self.short.first, self.short.last + 1) if self.short else ()
        return [self.tag, *short]

    @property
    def c_tag(self) -> str:
        """The name of its tag in C."""
        return f"{self.C_TAGS}_{self.name.upper()}"

    @property
    def c_name(self) -> str:
        """Its name in that of its writer in C."""
        return f"{self.C_NAMES}{self.name}"

    @property
    def class_stem(self) -> str:
        """Its name as a class, such as ``CutText``."""
        return self.name.title().replace("_", "")

    @property
    def tag_text(self) -> str:
        """Its tags, in words."""
        tag = f"`{self.tag:#04x}`"
        if not self.short:
            return tag
        return f"{tag}, `{self.short.first:#04x}` to `{self.short.last:#04x}`"

    @property
    def later_fields(self) -> list[TraceField]:
        """Its fields, without the first one if a short tag may contain that."""
        return self.fields[1:] if self.short else self.fields

    @property
    def c_parameters(self) -> str:
        """The parameters of its writer in C, after the buffer."""
        return "".join(f", {field.c_type} {field.name}" for field in self.fields)

    @property
    def c_arguments(self) -> str:
        """The arguments for these parameters."""
        return "".join(f", {field.name}" for field in self.fields)

    @property
    def c_room(self) -> int:
        """Its largest number of bytes, without the content that is passed as bytes."""
        return 1 + sum(field.c_room for field in self.fields)

    @property
    def c_sizes(self) -> str:
        """The sizes of the parameters that are passed as bytes, as a sum in C."""
        sized = (field.name for field in self.fields if field.c_type in ("Bytes", "Several"))
        return "".join(f" + {name}.size" for name in sized)

    @property
    def c_held(self) -> str:
        """The number that its short tags hold, as an expression in C."""
        first = self.fields[0]
        return f"{first.name}.size" if first.type == "text" else first.name

    @property
    def c_is_short(self) -> str:
        """The condition in C for a short tag."""
        assert self.short is not None
        is_low = f"{self.c_held} <= {self.short.highest}"
        # An unsigned number cannot be less than 0.
        has_bound = self.short.lowest != 0 or self.fields[0].type == "sint"
        return f"{self.short.lowest} <= {self.c_held} && {is_low}" if has_bound else is_low

    @property
    def c_store_held(self) -> str:
        """The call in C that stores what a short tag would hold."""
        return self.fields[0].c_stores[0]

    @property
    def c_stores(self) -> list[str]:
        """The calls in C that store its fields, but for what a short tag holds."""
        stores = [store for field in self.fields for store in field.c_stores]
        return stores[1:] if self.short else stores

    @property
    def letters(self) -> str:
        """A letter for each field, which suffices to skip the field."""
        return "".join(field.letter for field in self.fields)

    @property
    def short_letters(self) -> str:
        """The letters after a short tag, which contains the length of a text, or a number."""
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
    """One kind of value. It is decoded to the expression `python`, or to a generated class."""

    C_TAGS = "VALUE"
    C_NAMES = "value_"

    python: Expression | None = None
    earlier: bool = False

    @property
    def class_name(self) -> str:
        """The name of the generated class for the decoded value."""
        return f"{self.class_stem}Value"

    @property
    def is_alone(self) -> bool:
        """True if it contains no other values or texts, and does not stand for an earlier value."""
        return not self.earlier and not any(field.type in SEVERAL for field in self.fields)

    @property
    def begins(self) -> bool:
        """True if its last field is several values, which can also be written one by one."""
        return bool(self.fields) and self.fields[-1].type == "values"

    @property
    def c_first_parameters(self) -> str:
        """The parameters of what begins it in C, but for the count of its last field."""
        return "".join(f", {field.c_type} {field.name}" for field in self.fields[:-1])

    @property
    def is_computed(self) -> bool:
        """True if `python` is neither a constant nor the only field."""
        names = [field.name for field in self.fields]
        return self.python is not None and bool(names) and names != [self.python]

    @property
    def maker(self) -> str:
        """The name in trace_decoder that makes it; empty for a constant or an only field."""
        if self.python is None:
            return "" if self.earlier else self.class_name
        return f"_make_{self.name}" if self.is_computed else ""

    @property
    def made_by(self) -> str:
        """The function in C that calls its maker."""
        return "computed_of" if self.is_computed else "instance_of"

    @property
    def decoded_parameters(self) -> str:
        """Its fields as typed parameters, decoded."""
        return ", ".join(f"{field.name}: {field.python_type}" for field in self.fields)


class Form(Row):
    """One form of objects, which determines the meaning of their items and attributes."""

    name: Name
    number: Annotated[int, Field(ge=0)]
    summary: FullSentence

    @property
    def constant(self) -> str:
        """The name of the constant with its number."""
        return f"FORM_{self.name.upper()}"


class Choice(Row):
    """One of the meanings of a field that contains a number."""

    name: Name
    number: Annotated[int, Field(ge=0, le=31)]
    summary: FullSentence

    @property
    def title(self) -> str:
        """Its name in words."""
        return self.name.replace("_", " ")


class CodeKind(Choice):
    """One kind of code.

    Attributes:
        suspends: whether its frames can be suspended and resumed.
        in_task: whether asyncio's tasks run it.
    """

    suspends: bool = False
    in_task: bool = False


class Record(Tagged):
    """One kind of record."""

    C_TAGS = "RECORD"
    C_NAMES = ""
    earlier: ClassVar[bool] = False

    numbered: Name | None = None

    @property
    def class_name(self) -> str:
        """The name of the generated class for the decoded record."""
        return f"{self.class_stem}Record"

    @property
    def maker(self) -> str:
        """The name in trace_decoder that makes it."""
        return self.class_name

    @property
    def made_by(self) -> str:
        """The function in C that calls its maker."""
        return "instance_of"


class TraceSpec(SpecFile):
    """All of spec/trace.toml."""

    FILE: ClassVar[Path] = Path("spec/trace.toml")

    log: Log
    header: list[Header]
    value: Annotated[list[TraceValue], Field(min_length=1)]
    form: Annotated[list[Form], Field(min_length=1)]
    code_kind: Annotated[list[CodeKind], Field(min_length=1)]
    stream: Annotated[list[Choice], Field(min_length=1)]
    ending: Annotated[list[Choice], Field(min_length=1)]
    detail: Annotated[list[Choice], Field(min_length=1)]
    record: Annotated[list[Record], Field(min_length=1)]

    def problems(self) -> Iterator[Problem]:
        """Yield the contradictions between rows."""
        headers = [header.name for header in self.header]
        if sorted(headers) != ["block_header", "file_header"]:
            yield Problem("header", 0, "name", "there must be a file_header and a block_header")
        for table, rows in (("value", self.value), ("record", self.record)):
            owners: dict[int, str] = {}
            for index, row in enumerate(rows):
                for tag in row.tags:
                    if tag in owners:
                        yield Problem(
                            table, index, "tag", f"tag {tag:#04x} belongs to {owners[tag]} already"
                        )
                    owners.setdefault(tag, row.name)
        for index, record in enumerate(self.record):
            if 0 in record.tags:
                yield Problem("record", index, "tag", "tag 0 is where a block's records end")
        named: list[tuple[str, Sequence[TraceValue | Record | Form | Choice]]] = [
            ("value", self.value),
            ("record", self.record),
            ("form", self.form),
            *((table, rows) for table, _, rows in self.choices),
        ]
        numbered: list[tuple[str, Sequence[Form | Choice]]] = [
            ("form", self.form),
            *((table, rows) for table, _, rows in self.choices),
        ]
        told: list[tuple[str, list[str] | list[int]]] = [
            *((table, [row.name for row in rows]) for table, rows in named),
            *((table, [row.number for row in rows]) for table, rows in numbered),
        ]
        for table, names in told:
            for index, name in enumerate(names):
                if name in names[:index]:
                    yield Problem(table, index, "name", f"{name} exists already")

    @property
    def choices(self) -> list[tuple[str, str, Sequence[Choice]]]:
        """The tables of meanings of numbers: the name, the prefix of constants, and the rows."""
        return [
            ("code_kind", "KIND", self.code_kind),
            ("stream", "STREAM", self.stream),
            ("ending", "ENDING", self.ending),
            ("detail", "DETAIL", self.detail),
        ]

    @property
    def record_room(self) -> int:
        """The largest number of bytes of any record, without content that is passed as bytes."""
        return max(record.c_room for record in self.record)

    @property
    def classes(self) -> list[TraceValue]:
        """The values that are decoded to generated classes."""
        return [value for value in self.value if value.python is None and not value.earlier]

    @property
    def format_names(self) -> list[str]:
        """The names that trace_format exports, sorted."""
        names = [
            "BLOCK_MAGIC",
            "BLOCK_SIZE",
            "CALL_DEPTH",
            "DETAIL_NAMES",
            "FIRST_PAYLOAD",
            "FORM_NAMES",
            "LOG_SUFFIX",
            "LOG_VERSION",
            "MAGIC",
        ]
        names += [header.constant for header in self.header]
        names += ["KINDS_IN_TASKS", "KINDS_THAT_SUSPEND", "KIND_NAMES"]
        names += ["LARGEST_AGAIN", "LARGEST_CHANGED", "NESTING", "STREAM_NAMES"]
        names += [
            f"{prefix}_{row.name.upper()}" for _, prefix, rows in self.choices for row in rows
        ]
        names += [f"RECORD_{record.name.upper()}" for record in self.record]
        return sorted(names + [form.constant for form in self.form])

    @property
    def encoder_names(self) -> list[str]:
        """The names that trace_encoder exports, sorted."""
        encoders = [f"encode_{record.name}" for record in self.record]
        return sorted(encoders + [f"value_{value.name}" for value in self.value])

    @property
    def encoded_types(self) -> list[str]:
        """The types of encoded fields, sorted; a text with short tags is encoded as bytes."""
        types = {field.type for row in self._tagged for field in row.later_fields}
        short = {row.fields[0].type for row in self._tagged if row.short}
        return sorted(types | {"bytes" if first == "text" else first for first in short})

    @property
    def decoded_types(self) -> list[str]:
        """The types of fields that trace_decoding reads, sorted; ``slice`` for a short text."""
        types: set[str] = {field.type for row in self._tagged for field in row.fields}
        types -= OF_VALUES | {"uint"}
        short = {row.fields[0].type for row in self._tagged if row.short}
        return sorted(types | ({"slice"} if "text" in short else set()))

    @property
    def _tagged(self) -> list[Tagged]:
        return [*self.record, *self.value]

    @property
    def decoder_names(self) -> list[str]:
        """The names that trace_decoder exports, sorted."""
        classes = [record.class_name for record in self.record]
        classes += [value.class_name for value in self.classes]
        names = sorted([*classes, "Record", "Records", "Value"])
        return [*names, "decode_record", "decode_value", "positions_of"]
