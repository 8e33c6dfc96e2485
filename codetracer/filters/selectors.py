"""Selectors of filter files: ``kind:pattern`` or ``kind:match:pattern``."""

from __future__ import annotations

import os
import posixpath

from codetracer.filters.model import PatternError
from codetracer.filters.plain import plain_test
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, Literal

    type ValueKind = Literal["local", "global", "arg", "ret", "attr"]
    type Test = Callable[[str], object]

__all__ = [
    "MATCHES",
    "SCOPE_KINDS",
    "VALUE_KINDS",
    "Selector",
    "as_base",
    "file_test",
    "parse_selector",
    "suggestion",
]

seal(globals())

SCOPE_KINDS: Final = ("pkg", "file", "obj")
VALUE_KINDS: Final = ("local", "global", "arg", "ret", "attr")
MATCHES: Final = ("glob", "regex", "literal")


class Selector:
    """One selector.

    Attributes:
        text: the text in the file.
        kind: the kind of name to match: one of `SCOPE_KINDS` or `VALUE_KINDS`.
        match: the kind of pattern: one of `MATCHES`.
        pattern: the pattern; a glob for files without a leading ``./``.
        test: takes a name or path, and returns a true value if it matches.
    """

    __slots__ = ("kind", "match", "pattern", "test", "text")

    def __init__(self, text: str, kind: str, match: str, pattern: str) -> None:
        self.text = text
        self.kind = kind
        self.match = match
        self.pattern = _without_dot(pattern) if kind == "file" and match == "glob" else pattern
        self.test: Test = _test(match, self.pattern)


def parse_selector(text: str, kinds: Sequence[str]) -> Selector:
    """Parse a selector.

    Parameters:
        text: ``kind:pattern`` or ``kind:match:pattern``.
        kinds: the allowed kinds.

    Raises:
        PatternError: the kind or the match is unknown, or the pattern is wrong or missing.
    """
    kind, colon, rest = text.partition(":")
    if kind not in kinds:
        raise PatternError(_wrong_kind(text, kind, kinds))
    first, second_colon, pattern = rest.partition(":")
    match = first if second_colon else "glob"
    if not second_colon:
        pattern = rest
    if match not in MATCHES:
        raise PatternError(
            f"{text!r} has no match called {match!r}{suggestion(match, MATCHES)};"
            f" allowed: {', '.join(MATCHES)}"
        )
    if not pattern:
        raise PatternError(f"{text!r} has no pattern{'' if colon else ': write kind:pattern'}")
    return Selector(text, kind, match, pattern)


def suggestion(word: str, words: Sequence[str]) -> str:
    """Return `` (did you mean 'skip'?)`` if one of `words` is similar; else an empty text."""
    # Imported only for an error, because the import takes milliseconds.
    import difflib

    close = difflib.get_close_matches(word, words, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _wrong_kind(text: str, kind: str, kinds: Sequence[str]) -> str:
    problem = f"{text!r} has no such kind as {kind!r}{suggestion(kind, kinds)}"
    if kind in SCOPE_KINDS:
        problem = f"{kind!r} selects scopes, not values"
    if kind in VALUE_KINDS:
        problem = f"{kind!r} selects values, not scopes"
    return f"{problem}; allowed here: {', '.join(kinds)}"


def _test(match: str, pattern: str) -> Test:
    if match == "literal":
        return pattern.__eq__
    plain = plain_test(pattern) if match == "glob" else None
    if plain is not None:
        return plain
    # Imported here, so that a recording whose filters have no such pattern does not load `re`.
    from codetracer.filters.patterns import compile_glob, compile_regex

    return compile_glob(pattern).match if match == "glob" else compile_regex(pattern).search


def _without_dot(glob: str) -> str:
    while glob.startswith("./"):
        glob = glob[2:]
    return glob


def file_test(selector: Selector, bases: Sequence[str]) -> Test:
    """Return a function that decides whether the path of a file is selected.

    A pattern that begins with a slash (in a regex, after ``^``) is matched with the absolute path.
    Such a glob is also matched with the path below a base, with its leading slash. Any other
    pattern is matched with the path below a base, or with the absolute path if the file is below
    none. So the name of a folder above the project never matches.

    Parameters:
        selector: a selector of kind ``file``.
        bases: the folders from which relative paths start, each ending in a slash.
    """
    test, pattern = selector.test, selector.pattern
    if selector.match == "literal":
        return {pattern, *(posixpath.normpath(base + pattern) for base in bases)}.__contains__
    if selector.match == "regex" and pattern.startswith(("^/", r"\A/", r"^\/")):
        return test
    if not bases:
        return test
    is_rooted = selector.match == "glob" and pattern.startswith("/")

    def selects(file: str) -> bool:
        if is_rooted and test(file):
            return True
        relative = [file[len(base) - is_rooted :] for base in bases if file.startswith(base)]
        return any(map(test, relative or [file]))

    return selects


def as_base(folder: str) -> set[str]:
    """Return the absolute and the real path of a folder, ending in a slash, for `file_test`."""
    names = (os.path.abspath(folder), os.path.realpath(folder))
    return {name.rstrip("/") + "/" for name in names}
