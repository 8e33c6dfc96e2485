"""spec/types.toml as frozen models, with every name that the templates need."""

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
    """One thing that is read of a value; spec/types.toml says how it is written."""

    name: str
    steps: tuple[str, ...]
    optional: bool
    spread: bool


def read_of(text: str) -> Read:
    """Return what the text of a read means."""
    found = _READ.fullmatch(text)
    assert found is not None, text
    star, name, path, mark = found.groups()
    steps = tuple(path.split("."))
    named = [step for step in steps if not step.isdigit()] or [path]
    return Read(name or named[-1].strip("@()"), steps, bool(mark), bool(star))


class KnownType(Row):
    """A type of CPython's, or of a package's, and how what its instances are is read."""

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
                "[change] says what happens to the example, `changed` how it looks then"
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
                    raise ValueError(f"[{key}] {text!r}: only the first step calls something")
                if read.steps[0].isdigit():
                    raise ValueError(f"[{key}] {text!r}: the first step is no number")
                if key != "items" and read.spread:
                    raise ValueError(f"[{key}] {text!r}: only items are spread")
        for key, text in (
            ("setup", self.setup),
            ("example", self.example),
            ("change", self.change),
        ):
            try:
                compile(text, key, "eval" if key == "example" else "exec")
            except SyntaxError as error:
                raise ValueError(f"[{key}] is no Python: {error.msg}") from error
        if len(self.without_c) not in (0, 2 if self.change else 1):
            raise ValueError("[without_c] has a text for `shown`, and one for `changed`")
        if self.needs_c and not self.without_c:
            raise ValueError("[without_c] how is it shown where there is no engine in C?")
        if isinstance(self.items, str) and (self.form == "dict" or self.form == "instance"):
            raise ValueError("[items] only a list or a value is read whole")
        return self

    @property
    def needs_c(self) -> bool:
        """Whether a part of it can only be read by the engine in C."""
        reads = [*self.item_reads, *self.attribute_reads]
        steps = {step for read in reads for step in read.steps if step.startswith("@")}
        return self.way in ("buffer", "bytes") or bool(steps - {"@decimal"})

    @property
    def names(self) -> list[str]:
        """The names that the type has in one CPython or another."""
        return [self.name, *self.also]

    @property
    def form_constant(self) -> str:
        """The name of its form's number."""
        return f"FORM_{self.form.upper()}"

    @property
    def way(self) -> str:
        """How its items are read: one after the other, or all in one way."""
        return self.items if isinstance(self.items, str) else "reads" if self.items else "none"

    @property
    def item_reads(self) -> list[Read]:
        """What is read for items, one after the other."""
        return [] if isinstance(self.items, str) else [read_of(text) for text in self.items]

    @property
    def attribute_reads(self) -> list[Read]:
        """What is read for attributes."""
        return [read_of(text) for text in self.attributes]

    @property
    def size_steps(self) -> tuple[str, ...]:
        """What says how large one is; nothing where they are all small."""
        return () if self.size is None else read_of(self.size).steps

    @property
    def read_text(self) -> str:
        """How it is read, for people."""
        items = (
            [f"by {self.items}"] if isinstance(self.items, str) else [f"`{i}`" for i in self.items]
        )
        return ", ".join([*items, *(f"`{text}`" for text in self.attributes)]) or "as any"


class TypesSpec(SpecFile):
    """All of spec/types.toml."""

    FILE: ClassVar[Path] = Path("spec/types.toml")

    type: list[KnownType]

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the rows."""
        seen: set[str] = set()
        for index, row in enumerate(self.type):
            for name in row.names:
                if name in seen:
                    yield Problem("type", index, "name", f"{name} is there already")
                seen.add(name)
