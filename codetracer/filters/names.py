"""Decides which names are secret: those of spec/filters/secrets.toml, and the user's own.

Each name is decided once; the answer is cached. Nearly all names are made of parts in which no
secret's name can begin, and such parts recur in many names, so they are remembered too.
"""

from __future__ import annotations

from codetracer.own import seal
from codetracer_bindings.secret_names import (
    ADDITIONS,
    ENDS,
    FIRST_WORDS,
    HARMLESS_FIRST,
    HARMLESS_LAST,
    HARMLESS_PHRASES,
    HARMLESS_WHOLE,
    LONGEST_PHRASE,
    PARAMETERS,
    PHRASES,
    READERS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    type Words = tuple[str, ...]

__all__ = ["LONGEST_SECRET_NAME", "MOST_NAMES", "SecretNames", "words_of"]

seal(globals())

MOST_NAMES: Final = 10_000
"""The number of names cached with their answers."""

LONGEST_SECRET_NAME: Final = 100
"""The largest number of characters of a name; the key of a dict may be a longer text."""

_LOWER: Final = 1
_UPPER: Final = 2
_DIGIT: Final = 3
_OTHER: Final = 4

_LETTER_KINDS: Final = (
    dict.fromkeys("abcdefghijklmnopqrstuvwxyz", _LOWER)
    | dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _UPPER)
    | dict.fromkeys("0123456789", _DIGIT)
)
"""The kind of each letter and digit of ASCII; of the other characters, some are `_OTHER`."""


class SecretNames:
    """Decides which names are those of secrets.

    Parameters:
        added: more secret names; a name that contains their words in a row is secret.
        readers_only: no name is secret; only the input that functions such as getpass read is.

    Attributes:
        added: the parameter of that name.
        readers_only: the parameter of that name.
        readers: the module-qualified names of functions that read secrets.
    """

    def __init__(self, added: Sequence[str] = (), *, readers_only: bool = False) -> None:
        self.readers_only = readers_only
        self.readers = READERS
        self.added = tuple(added)
        self._added = [words_of(name) for name in added]
        self._known: dict[str, bool] = {}
        self._first_words = FIRST_WORDS.union([words[0] for words in self._added if words])
        # Parts of names, between underscores, that have none of these words, and no word of ENDS.
        self._harmless: set[str] = set()

    def is_secret(self, name: str) -> bool:
        """Return whether a value with this name is secret.

        Parameters:
            name: a `str` (no subclass), in any case and spelling.
        """
        # Not cached either: a long text may have any size, and the cache would keep it alive.
        if len(name) > LONGEST_SECRET_NAME:
            return False
        known = self._known.get(name)
        if known is None:
            known = not (self.readers_only or self._is_harmless(name)) and self._decide(name)
            if len(self._known) < MOST_NAMES:
                self._known[name] = known
        return known

    def is_parameter(self, name: str) -> bool:
        """Return whether the value with this name in the query of a URL is secret."""
        return name.lower() in PARAMETERS or self.is_secret(name)

    def is_word(self, text: str) -> bool:
        """Return whether a text is only the name of a secret, and so no secret itself.

        Examples are ``password``, ``apiKey`` and ``password_hash``, as names of tables and columns.
        """
        # Without digits, as in code, options and headers.
        parts = text.replace("-", "_").split("_") if text.isascii() else ()
        words = words_of(text) if parts and all(part.isalpha() for part in parts) else ()
        return any(
            " ".join(words[:end]) in PHRASES and ADDITIONS.issuperset(words[end:])
            for end in range(1, min(len(words), LONGEST_PHRASE) + 1)
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
            assigned = _assigned(argument)
            if is_next and argument[:1] != "-":
                secrets.append(argument)
                shown.append("<redacted>")
                is_next = False
            elif assigned is not None and self.is_secret(assigned[0]):
                name, sign, value = assigned
                if value:
                    secrets.append(value)
                shown.append(f"{name}{sign}<redacted>")
                is_next = False
            else:
                shown.append(argument)
                is_next = argument[:1] == "-" and self.is_secret(argument)
        return shown, secrets

    def _is_harmless(self, name: str) -> bool:
        """Return whether no name of a secret can begin in any part of a name."""
        # No word has an underscore or white space in it.
        parts = name.replace("_", " ").split()
        harmless = self._harmless
        if harmless.issuperset(parts):
            return True
        for part in parts:
            if part in harmless:
                continue
            words = words_of(part)
            if not self._first_words.isdisjoint(words):
                return False
            for word in words:
                if word.endswith(ENDS):
                    return False
            if len(harmless) < MOST_NAMES:
                harmless.add(part)
        return True

    def _decide(self, name: str) -> bool:
        words = words_of(name)
        if any(_stands(words, added) for added in self._added):
            return True
        if name in HARMLESS_WHOLE or (words[:1] and words[0] in HARMLESS_FIRST):
            return False
        taken = _taken(words)
        for start, word in enumerate(words):
            for end in range(start + 1, min(start + LONGEST_PHRASE, len(words)) + 1):
                then_anything = PHRASES.get(" ".join(words[start:end]))
                if (
                    then_anything is not None
                    and not taken.issuperset(range(start, end))
                    and _may_follow(words[end:], then_anything)
                ):
                    return True
            if word.endswith(ENDS) and _may_follow(words[start + 1 :], True):
                return True
        return False


def words_of(name: str) -> Words:
    """Return the words of a name, in lower case."""
    if name.isascii() and name.isalpha() and (name.islower() or name.istitle() or name.isupper()):
        return (name.lower(),)
    words = []
    start = 0
    last: int | None = None
    for at, character in enumerate(name):
        kind = _LETTER_KINDS.get(character)
        if kind is None and not character.isascii() and character.isalnum():
            kind = _OTHER
        if kind == last:
            continue
        if last == _UPPER and kind == _LOWER:
            # The last capital belongs to the small letters behind it.
            if at - start > 1:
                words.append(name[start : at - 1])
            start = at - 1
        else:
            if last is not None:
                words.append(name[start:at])
            start = at
        last = kind
    if last is not None:
        words.append(name[start:])
    return tuple([word.lower() for word in words])


def _assigned(argument: str) -> tuple[str, str, str] | None:
    """Return the name, the sign and the value of an argument that has them; None if it has not.

    Examples are ``--token=X``, ``API_KEY=X`` and ``Authorization: X``.
    """
    for at, character in enumerate(argument):
        if character in "=:" and at:
            end = at + 1 + (argument[at : at + 2] == ": ")
            return argument[:at], argument[at:end], argument[end:]
        if character in "=:" or character.isspace():
            return None
    return None


def _taken(words: Words) -> set[int]:
    """Return the indexes of the words that belong to a harmless phrase."""
    return {
        at
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
        if " ".join(words[start:end]) in HARMLESS_PHRASES
        for at in range(start, end)
    }


def _may_follow(rest: Words, anything: bool) -> bool:
    if anything:
        return not rest or rest[-1] not in HARMLESS_LAST
    return all(word in ADDITIONS or word.isdigit() for word in rest)


def _stands(words: Words, phrase: Words) -> bool:
    """Return whether words contain a phrase; an empty phrase is in none."""
    size = len(phrase)
    return size > 0 and any(words[at : at + size] == phrase for at in range(len(words)))
