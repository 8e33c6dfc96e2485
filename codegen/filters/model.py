"""The models of spec/filters/: the built-in filters, and the names of secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from codegen.core.load import load_rows, load_spec, read_text
from codegen.core.rows import Problem, Row, Sentence, SpecFile

FOLDER = Path("spec/filters")
FILTERS = ("default", "pytest", "unittest")
"""The built-in filters, in the order of the generated table."""

_SELECTOR = re.compile(r"(pkg|file|obj):(glob|regex|literal):(.+)")
_WORD = re.compile(r"[a-z]+|[0-9]+")

SelectorText = Annotated[str, StringConstraints(pattern=rf"^{_SELECTOR.pattern}$")]
SecretName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+( [a-z0-9]+)*$")]


class Meta(Row):
    """The ``[meta]`` of a filter."""

    name: str = Field(min_length=1)
    version: Literal[1]
    description: Sentence
    labels: list[str] = []


class ScopeRule(Row):
    """A ``[[scope.rules]]`` of a built-in filter, which says nothing about values."""

    selector: SelectorText
    exec: Literal["trace", "skip"]
    reason: Sentence

    @property
    def parts(self) -> tuple[str, str, str]:
        """The kind of name that the selector matches, the kind of pattern, and the pattern."""
        found = _SELECTOR.fullmatch(self.selector)
        assert found is not None, self.selector
        kind, match, pattern = found.groups()
        return kind, match, pattern


class Scope(Row):
    """The ``[scope]`` of a filter."""

    default_exec: Literal["trace", "skip"]
    default_value_action: Literal["allow", "redact", "drop"]
    rules: list[ScopeRule]


class FilterRows(SpecFile):
    """The content of one built-in filter."""

    meta: Meta
    scope: Scope


class BuiltinFilter(NamedTuple):
    """One built-in filter.

    Parameters:
        key: the name of its file.
        sha256: the SHA-256 of its file, in hexadecimal.
        rows: its content.
    """

    key: str
    sha256: str
    rows: FilterRows

    @property
    def literal(self) -> tuple[str, str, str, str, tuple[tuple[str, str, str, str, str], ...]]:
        """The filter as the generated table has it."""
        scope = self.rows.scope
        rules = tuple((*rule.parts, rule.exec, rule.reason) for rule in scope.rules)
        return (
            self.rows.meta.name,
            self.sha256,
            scope.default_exec,
            scope.default_value_action,
            rules,
        )


class Named(Row):
    """A row with names, and the reason why it is there."""

    names: list[SecretName] = Field(min_length=1)
    reason: Sentence

    @model_validator(mode="after")
    def _no_name_is_there_twice(self) -> Self:
        twice = [name for at, name in enumerate(self.names) if name in self.names[:at]]
        if twice:
            raise ValueError(f"[names] {twice[0]!r} is there twice")
        return self


class Secret(Named):
    """A ``[[secret]]``: names of secrets."""

    then: Literal["anything", "nothing"]
    ends: bool = False


class Spelled(Named):
    """A row whose names are spelled as in a program."""

    names: list[str] = Field(min_length=1)


class Harmless(Spelled):
    """A ``[[harmless]]``: names that are no secrets."""

    place: Literal["first", "last", "phrase", "whole"]


class SecretsSpec(SpecFile):
    """All of spec/filters/secrets.toml."""

    FILE: ClassVar[Path] = FOLDER / "secrets.toml"

    secret: list[Secret]
    addition: list[Named]
    harmless: list[Harmless]
    parameter: list[Named]
    reader: list[Spelled]
    visible: list[Spelled]

    def problems(self) -> Iterator[Problem]:
        """Yield names of secrets that are there twice, and words with two meanings."""
        seen: set[str] = set()
        for index, row in enumerate(self.secret):
            for name in row.names:
                if name in seen:
                    yield Problem("secret", index, "names", f"{name!r} is in a row above")
                seen.add(name)
        last = set(self._harmless("last"))
        for index, addition in enumerate(self.addition):
            for name in last.intersection(addition.names):
                yield Problem("addition", index, "names", f"{name!r} is a harmless last word, too")

    @property
    def phrases(self) -> dict[str, bool]:
        """The words of each phrase that names a secret, and whether any words may follow.

        Each is also written as one word. A phrase of two rows may be followed as either says, and
        what the words of ``addition`` say, "anything" says too.
        """
        found: dict[str, bool] = {}
        for row in self.secret:
            for name in row.names:
                for words in (_words(name), _words(name.replace(" ", ""))):
                    found[words] = found.get(words, False) or row.then == "anything"
        return found

    @property
    def longest_phrase(self) -> int:
        """The largest number of words of a phrase."""
        return max(len(words.split()) for words in self.phrases)

    @property
    def first_words(self) -> list[str]:
        """The first word of each phrase that names a secret."""
        return list(dict.fromkeys(words.partition(" ")[0] for words in self.phrases))

    @property
    def ends(self) -> tuple[str, ...]:
        """The ends of words that name secrets."""
        return tuple(name for row in self.secret if row.ends for name in row.names)

    @property
    def additions(self) -> list[str]:
        """The words that may follow a phrase."""
        return [name for row in self.addition for name in row.names]

    @property
    def whole(self) -> list[str]:
        """The names that are harmless when spelled just so."""
        return self._harmless("whole")

    @property
    def harmless_words(self) -> dict[str, list[str]]:
        """The words of harmless names, by their place in a name."""
        return {
            place: list(dict.fromkeys(map(_words, self._harmless(place))))
            for place in ("first", "last", "phrase")
        }

    @property
    def parameters(self) -> list[str]:
        """The names of URLs' parameters that are secret there."""
        return [name for row in self.parameter for name in row.names]

    @property
    def readers(self) -> list[str]:
        """The module-qualified names of functions that read secrets."""
        return [name for row in self.reader for name in row.names]

    def _harmless(self, place: str) -> list[str]:
        return [name for row in self.harmless if row.place == place for name in row.names]


class FiltersSpec(NamedTuple):
    """All of spec/filters/.

    Parameters:
        builtin: the built-in filters.
        secrets: the names of secrets.
    """

    builtin: list[BuiltinFilter]
    secrets: SecretsSpec


def load_filters(root: Path) -> FiltersSpec:
    """Read and validate spec/filters/ below `root`.

    Raises:
        SpecError: a file is missing or wrong.
    """
    return FiltersSpec([_load(root, key) for key in FILTERS], load_spec(SecretsSpec, root))


def _load(root: Path, key: str) -> BuiltinFilter:
    file = FOLDER / f"{key}.toml"
    digest = sha256(read_text(root, file).encode()).hexdigest()
    return BuiltinFilter(key, digest, load_rows(FilterRows, root, file).rows)


def _words(name: str) -> str:
    """Return the words of a name in lower case; codetracer.filters.names splits other names."""
    return " ".join(_WORD.findall(name))
