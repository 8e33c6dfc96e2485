"""The models of spec/types.toml, with the names that templates need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import StringConstraints, model_validator

from codegen.core.rows import Problem, Row, Sentence, SpecFile

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STEP = rf"(?:{_NAME}(?:\(\))?|@[a-z]+|[0-9]+)"
_READ = re.compile(rf"(\*)?(?:({_NAME})=)?({_STEP}(?:\.{_STEP})*)(\?)?")
_LATER = re.compile(rf"(?:{_NAME}|[0-9]+)")

QualifiedName = Annotated[str, StringConstraints(pattern=rf"^{_NAME}(\.{_NAME})*$")]
ReadText = Annotated[str, StringConstraints(pattern=rf"^{_READ.pattern}$")]


class Read(NamedTuple):
    """One read of a part of a value; spec/types.toml explains the notation.

    Parameters:
        name: the name of the part.
        steps: the steps from the value to the part.
        optional: whether the part is left out if it is None, False, 0 or ().
        spread: whether the items of the part replace it.
    """

    name: str
    steps: tuple[str, ...]
    optional: bool
    spread: bool


def read_of(text: str) -> Read:
    """Parse the text of a read."""
    found = _READ.fullmatch(text)
    assert found is not None, text
    star, name, path, mark = found.groups()
    steps = tuple(path.split("."))
    named = [step for step in steps if not step.isdigit()] or [path]
    return Read(name or named[-1].strip("@()"), steps, bool(mark), bool(star))


class KnownType(Row):
    """A type of CPython or of a package, and the way to read its instances."""

    name: QualifiedName
    also: list[QualifiedName] = []
    home: QualifiedName | None = None
    form: Literal["value", "instance", "list", "dict"]
    items: list[ReadText] | Literal["iteration", "buffer", "bytes"] = []
    attributes: list[ReadText] = []
    size: ReadText | None = None
    hides: list[str] = []
    words: Literal["uuid"] | None = None
    summary: Sentence
    setup: str = ""
    example: str
    shown: str
    change: str = ""
    changed: str = ""
    without_c: list[str] = []

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        if bool(self.change) != bool(self.changed):
            raise ValueError(
                "[change] changes the example and needs `changed`, its text after that"
            )
        size = [] if self.size is None else [self.size]
        for key, reads in (
            ("items", self.items),
            ("attributes", self.attributes),
            ("size", size),
        ):
            for text in [] if isinstance(reads, str) else reads:
                read = read_of(text)
                if not all(_LATER.fullmatch(step) for step in read.steps[1:]):
                    raise ValueError(f"[{key}] {text!r}: only the first step may be a call")
                if read.steps[0].isdigit():
                    raise ValueError(f"[{key}] {text!r}: the first step must not be a number")
                if key != "items" and read.spread:
                    raise ValueError(f"[{key}] {text!r}: only items may be spread")
        for key, text in (
            ("setup", self.setup),
            ("example", self.example),
            ("change", self.change),
        ):
            try:
                compile(text, key, "eval" if key == "example" else "exec")
            except SyntaxError as error:
                raise ValueError(f"[{key}] is not Python: {error.msg}") from error
        if len(self.without_c) not in (0, 2 if self.change else 1):
            raise ValueError("[without_c] needs a text for `shown`, and one for `changed`")
        if self.needs_c and not self.without_c:
            raise ValueError("[without_c] must have the text without the engine in C")
        if isinstance(self.items, str) and (self.form == "dict" or self.form == "instance"):
            raise ValueError("[items] only a list or a value can be read as a whole")
        return self

    @property
    def needs_c(self) -> bool:
        """True if only the engine in C can read a part of it."""
        reads = [*self.item_reads, *self.attribute_reads]
        steps = {step for read in reads for step in read.steps if step.startswith("@")}
        return self.way in ("buffer", "bytes") or bool(steps - {"@decimal"})

    @property
    def names(self) -> list[str]:
        """All names of the type, which differ between versions of CPython."""
        return [self.name, *self.also]

    @property
    def form_constant(self) -> str:
        """The name of the constant with the number of its form."""
        return f"FORM_{self.form.upper()}"

    @property
    def way(self) -> str:
        """The way to read its items: ``reads`` for single reads, else a way to read them all."""
        return self.items if isinstance(self.items, str) else "reads" if self.items else "none"

    @property
    def item_reads(self) -> list[Read]:
        """The reads for its items, in order."""
        return [] if isinstance(self.items, str) else [read_of(text) for text in self.items]

    @property
    def attribute_reads(self) -> list[Read]:
        """The reads for its attributes."""
        return [read_of(text) for text in self.attributes]

    @property
    def size_steps(self) -> tuple[str, ...]:
        """The steps to the size of an instance; empty if all instances are small."""
        return () if self.size is None else read_of(self.size).steps

    @property
    def read_text(self) -> str:
        """The way in which it is read, in words."""
        items = (
            [f"by {self.items}"] if isinstance(self.items, str) else [f"`{i}`" for i in self.items]
        )
        return ", ".join([*items, *(f"`{text}`" for text in self.attributes)]) or "as any"


class TypesSpec(SpecFile):
    """All of spec/types.toml."""

    FILE: ClassVar[Path] = Path("spec/types.toml")

    type: list[KnownType]

    def problems(self) -> Iterator[Problem]:
        """Yield the contradictions between rows."""
        seen: set[str] = set()
        for index, row in enumerate(self.type):
            for name in row.names:
                if name in seen:
                    yield Problem("type", index, "name", f"{name} exists already")
                seen.add(name)
