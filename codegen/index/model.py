"""spec/index.toml as frozen models, with every name that the templates need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from codegen.core.rows import FullSentence, Problem, Row, SpecFile
from codegen.trace.fields import Header, Name, c_literal

_OF_TUPLES = {"count", "index"}
HEADERS = ["index_header", "segment_header"]


class IndexFile(Row):
    """The keys that apply to the whole file."""

    magic: str
    version: Annotated[int, Field(ge=1)]
    suffix: Annotated[str, StringConstraints(pattern=r"^\.[a-z]+$")]
    segment_magic: str
    blocks: Annotated[int, Field(ge=1)]
    summary: FullSentence

    @property
    def magic_literal(self) -> str:
        """The file's magic as a Python bytes literal."""
        return repr(self.magic.encode("latin-1"))

    @property
    def segment_magic_literal(self) -> str:
        """A segment's magic as a Python bytes literal."""
        return repr(self.segment_magic.encode("latin-1"))

    @property
    def c_magic(self) -> str:
        """The file's magic as a literal in C."""
        return c_literal(self.magic)

    @property
    def c_segment_magic(self) -> str:
        """A segment's magic as a literal in C."""
        return c_literal(self.segment_magic)


class Section(Header):
    """A part of a segment: rows of one layout."""

    row: Name

    @property
    def constant(self) -> str:
        """The name of the Struct of its rows, such as ``BLOCK_ROW``."""
        return self.row.upper()

    @property
    def class_name(self) -> str:
        """The name of the class of its rows, such as ``BlockRow``."""
        return self.row.title().replace("_", "")

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        taken = sorted({field.name for field in self.fields} & _OF_TUPLES)
        if taken:
            raise ValueError(f"[fields] {taken[0]} is a method of tuples; choose another name")
        return self


class Key(Row):
    """One kind of key."""

    name: Name
    number: Annotated[int, Field(ge=1, le=0xFF)]
    major: FullSentence
    minor: FullSentence
    summary: FullSentence

    @property
    def constant(self) -> str:
        """The name of its number, such as ``KEY_OBJECT``."""
        return f"KEY_{self.name.upper()}"


class IndexSpec(SpecFile):
    """All of spec/index.toml."""

    FILE: ClassVar[Path] = Path("spec/index.toml")

    index: IndexFile
    header: list[Header]
    section: Annotated[list[Section], Field(min_length=1)]
    key: Annotated[list[Key], Field(min_length=1)]

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the rows."""
        if [header.name for header in self.header] != HEADERS:
            yield Problem("header", 0, "name", f"there must be {' and '.join(HEADERS)}, in order")
            return
        counts = self.header[1].fields[-len(self.section) :]
        for index, (section, count) in enumerate(zip(self.section, counts, strict=False)):
            if (count.name, count.type) != (section.name, "u32"):
                yield Problem(
                    "section",
                    index,
                    "name",
                    f"segment_header must end with a u32 field for each section, in order, which"
                    f" counts its rows; {count.name} stands where {section.name} should",
                )
        numbers = [key.number for key in self.key]
        names = [key.name for key in self.key]
        for index, key in enumerate(self.key):
            if key.number in numbers[:index] or key.name in names[:index]:
                yield Problem("key", index, "number", f"{key.name} or its number is there already")

    @property
    def layouts(self) -> list[Header]:
        """The headers and the sections' rows."""
        return [*self.header, *self.section]

    @property
    def names(self) -> list[str]:
        """The names that index_format exports, sorted as ruff sorts them: constants first."""
        names = ["BLOCKS", "INDEX_MAGIC", "INDEX_SUFFIX", "INDEX_VERSION", "SECTIONS"]
        names += ["SEGMENT_MAGIC", *(layout.constant for layout in self.layouts)]
        names += [key.constant for key in self.key]
        return sorted(names) + sorted(section.class_name for section in self.section)
