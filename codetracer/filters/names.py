"""Decides which names are secret: those of ``builtin/secrets.toml``, and the user's own.

Each name is decided once; the answer is cached.
"""

from __future__ import annotations

import re
import tomllib

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Final

    type Words = tuple[str, ...]

__all__ = ["LONGEST", "MOST_NAMES", "SecretNames", "words_of"]

seal(globals())

MOST_NAMES: Final = 10_000
"""How many names are cached with their answers."""

LONGEST: Final = 100
"""The largest number of characters of a name; the key of a dict may be a longer text."""

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W0-9A-Za-z_]+")

_IDENTIFIER: Final = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)*")
"""A name without digits, as in code, options and headers."""

_ASSIGNED: Final = re.compile(r"([^\s=:]+)(=|: ?)(.*)", re.DOTALL)
"""An argument with a name and a value: ``--token=X``, ``API_KEY=X``, ``Authorization: X``."""


class _Phrase:
    """A sequence of words that names a secret.

    Attributes:
        words: the words, in lower case.
        then_anything: whether any words may follow, or only digits and the ``addition`` words.
    """

    __slots__ = ("then_anything", "words")

    def __init__(self, words: Words, then_anything: bool) -> None:
        self.words = words
        self.then_anything = then_anything


class SecretNames:
    """Decides which names are those of secrets.

    Parameters:
        text: the rows, in TOML; ``builtin/secrets.toml`` explains them.
        added: more secret names; a name that contains their words in a row is secret.
        readers_only: no name is secret; only the input that functions such as getpass read is.

    Attributes:
        added: the parameter of that name.
        readers_only: the parameter of that name.
        readers: the module-qualified names of functions that read secrets.
    """

    def __init__(self, text: str, added: Sequence[str] = (), *, readers_only: bool = False) -> None:
        self.readers_only = readers_only
        rows = tomllib.loads(text)
        self._phrases: dict[str, list[_Phrase]] = {}
        self._ends: tuple[str, ...] = ()
        for row in rows["secret"]:
            for name in row["names"]:
                self._add(words_of(name), row["then"] == "anything")
                if row.get("ends"):
                    self._ends += (name,)
        self._additions = frozenset(_names(rows["addition"]))
        self._harmless: dict[str, frozenset[Words]] = {
            place: frozenset(
                words_of(name)
                for row in rows["harmless"]
                if row["place"] == place
                for name in row["names"]
            )
            for place in ("first", "last", "phrase")
        }
        self._whole = frozenset(_names(row for row in rows["harmless"] if row["place"] == "whole"))
        self._parameters = frozenset(_names(rows["parameter"]))
        self.readers = frozenset(_names(rows["reader"]))
        self.added = tuple(added)
        self._added = [words_of(name) for name in added]
        self._known: dict[str, bool] = {}

    def _add(self, words: Words, then_anything: bool) -> None:
        forms = {words, words_of("".join(words))}
        for form in forms:
            self._phrases.setdefault(form[0], []).append(_Phrase(form, then_anything))

    def is_secret(self, name: str) -> bool:
        """Return whether a value with this name is secret.

        Parameters:
            name: a `str` (no subclass), in any case and spelling.
        """
        # Not cached either: a long text may have any size, and the cache would keep it alive.
        if len(name) > LONGEST:
            return False
        known = self._known.get(name)
        if known is None:
            known = not self.readers_only and self._decide(name)
            if len(self._known) < MOST_NAMES:
                self._known[name] = known
        return known

    def is_parameter(self, name: str) -> bool:
        """Return whether the value with this name in the query of a URL is secret."""
        return name.lower() in self._parameters or self.is_secret(name)

    def is_word(self, text: str) -> bool:
        """Return whether a text is only the name of a secret, and so no secret itself.

        Examples are ``password``, ``apiKey`` and ``password_hash``, as names of tables and columns.
        """
        words = words_of(text) if _IDENTIFIER.fullmatch(text) else ()
        return any(
            phrase.words == words[: len(phrase.words)]
            and self._additions.issuperset(words[len(phrase.words) :])
            for phrase in self._phrases.get(words[0] if words else "", ())
        )

    def hide_arguments(self, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
        """Hide the values of secret names in a command's arguments.

        Parameters:
            arguments: the arguments, for example ``--password X``, ``--token=X``, ``API_KEY=X``.

        Returns:
            The arguments with ``<redacted>`` in place of these values, and the values.
        """
        shown: list[str] = []
        secrets: list[str] = []
        is_next = False
        for argument in arguments:
            assigned = _ASSIGNED.fullmatch(argument)
            if is_next and argument[:1] != "-":
                secrets.append(argument)
                shown.append("<redacted>")
                is_next = False
            elif assigned is not None and self.is_secret(assigned[1]):
                if assigned[3]:
                    secrets.append(assigned[3])
                shown.append(f"{assigned[1]}{assigned[2]}<redacted>")
                is_next = False
            else:
                shown.append(argument)
                is_next = argument[:1] == "-" and self.is_secret(argument)
        return shown, secrets

    def _decide(self, name: str) -> bool:
        words = words_of(name)
        if any(_stands(words, added) for added in self._added):
            return True
        if name in self._whole or words[:1] in self._harmless["first"]:
            return False
        taken = self._taken(words)
        for start, word in enumerate(words):
            for phrase in self._phrases.get(word, ()):
                end = start + len(phrase.words)
                if (
                    words[start:end] == phrase.words
                    and not taken.issuperset(range(start, end))
                    and self._may_follow(words[end:], phrase.then_anything)
                ):
                    return True
            if word.endswith(self._ends) and self._may_follow(words[start + 1 :], True):
                return True
        return False

    def _taken(self, words: Words) -> set[int]:
        """Return the indexes of the words that belong to a harmless phrase."""
        return {
            at
            for start in range(len(words))
            for end in range(start + 1, len(words) + 1)
            if words[start:end] in self._harmless["phrase"]
            for at in range(start, end)
        }

    def _may_follow(self, rest: Words, anything: bool) -> bool:
        if anything:
            return rest[-1:] not in self._harmless["last"]
        return all(word in self._additions or word.isdigit() for word in rest)


def words_of(name: str) -> Words:
    """Return the words of a name, in lower case."""
    return tuple([word.lower() for word in _WORDS.findall(name)])


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [name for row in rows for name in row["names"]]


def _stands(words: Words, phrase: Words) -> bool:
    """Return whether words contain a phrase; an empty phrase is in none."""
    size = len(phrase)
    return size > 0 and any(words[at : at + size] == phrase for at in range(len(words)))
