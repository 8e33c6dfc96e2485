r"""Compiles the patterns of selectors for `re`: globs, and regexes of Rust's ``regex``.

The schema of filter files comes from recorders written in Rust, and a file must mean the same here.
Syntax that Rust and Python spell differently is translated. Syntax that only one of them has is
refused, because the other may accept it with another meaning: ``[[:alpha:]]`` and ``\<`` compile in
both.
"""

from __future__ import annotations

import re
from functools import cache

from codetracer.filters.model import PatternError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["compile_glob", "compile_regex"]


@cache
def compile_glob(glob: str) -> re.Pattern[str]:
    """Compile a glob to a regex that matches a whole name or path.

    ``*`` and ``?`` do not match a slash; ``**`` as a whole part of a path matches any number of
    parts; ``[a-z]``, ``[!a-z]``, ``{a,b}`` and a backslash before a character work as usual.

    Raises:
        PatternError: a bracket or brace is not closed or not opened, a range is backwards, or
            nothing follows a backslash.
    """
    return _compile(_Glob(glob).translate(), glob)


@cache
def compile_regex(pattern: str) -> re.Pattern[str]:
    """Compile a regex in the syntax of Rust's ``regex``.

    Raises:
        PatternError: the regex is wrong, or contains syntax that only one of Rust and Python has.
    """
    return _compile(_Regex(pattern).translate(), pattern)


def _compile(translated: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(translated)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"{pattern!r} is not a pattern: {error}") from None


class _Glob:
    """Translates one glob."""

    def __init__(self, glob: str) -> None:
        self._glob = glob
        self._at = 0
        self._depth = 0

    def translate(self) -> str:
        parts: list[str] = []
        while self._at < len(self._glob):
            parts.append(self._next())
        if self._depth:
            raise PatternError(f"{self._glob!r} has a '{{' that is not closed")
        return rf"(?s:{''.join(parts)})\Z"

    def _next(self) -> str:
        glob, start = self._glob, self._at
        char = glob[start]
        self._at += 1
        if char == "*":
            return self._stars(start)
        if char == "?":
            return "[^/]"
        if char == "[":
            return self._brackets()
        if char == "{":
            self._depth += 1
            return "(?:"
        if char == "," and self._depth:
            return "|"
        if char == "}":
            if not self._depth:
                raise PatternError(f"{glob!r} has a '}}' without a '{{'")
            self._depth -= 1
            return ")"
        if char == "\\":
            if self._at == len(glob):
                raise PatternError(f"{glob!r} ends in a backslash with nothing after it")
            self._at += 1
            return re.escape(glob[start + 1])
        if char == "/" and glob.startswith("**", self._at) and glob[self._at + 2 :] in ("", "/"):
            # A pattern that ends in /** matches everything inside, at any depth.
            self._at = len(glob)
            return "/.+"
        return re.escape(char)

    def _stars(self, start: int) -> str:
        while self._glob[self._at : self._at + 1] == "*":
            self._at += 1
        is_part = self._at - start == 2 and self._glob[start - 1 : start] in ("", "/", "{", ",")
        if is_part and self._glob[self._at : self._at + 1] == "/":
            self._at += 1
            return "(?:.*/)?"
        is_end = self._at == len(self._glob) or (self._depth and self._glob[self._at] in ",}")
        if is_part and is_end:
            return ".*"
        return "[^/]*"

    def _brackets(self) -> str:
        end = self._at
        if self._glob[end : end + 1] in ("!", "^"):
            end += 1
        end = self._glob.find("]", end + 1)
        if end < 0:
            raise PatternError(f"{self._glob!r} has a '[' that is not closed")
        content = self._glob[self._at : end]
        self._at = end + 1
        negated = content[0] in "!^"
        body = content[1:] if negated else content
        escaped = re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", body).replace("--", r"-\-")
        # A set never matches a slash, not even a negated one.
        return f"(?!/)[^{escaped}]" if negated else f"(?!/)[{escaped}]"


ESCAPES: Final = frozenset("dDwWsSbBAtnrfva")
"""The letters that mean the same after a backslash in Rust and Python."""

OUTSIDE_CLASS: Final = frozenset("bBAz")
"""The letters that match a position, which cannot be in a class."""

POSIX: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}

HEX_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
WORD_EDGES: Final = {
    "<": r"\b(?=\w)",
    ">": r"\b(?<=\w)",
    "b{start}": r"\b(?=\w)",
    "b{end}": r"\b(?<=\w)",
}
ONLY_PYTHON: Final = {
    "(?=": "lookahead",
    "(?!": "lookahead",
    "(?<=": "lookbehind",
    "(?<!": "lookbehind",
    "(?>": "atomic groups",
    "(?#": "comments in groups",
    "(?(": "conditions",
    "(?P=": "backreferences",
}


class _Regex:
    """Translates one regex.

    In Rust, flags such as ``(?i)`` apply from their position to the end of their group, across any
    ``|``. Python accepts them only at the beginning or as ``(?i:...)``. So each becomes a group
    that is closed before and opened again after every ``|`` of the group around it.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._parts: list[str] = []
        self._flags: list[list[str]] = [[]]

    def translate(self) -> str:
        while self._at < len(self._pattern):
            self._next()
        if len(self._flags) > 1:
            raise self._wrong("has a '(' that is not closed")
        self._close_flags()
        return "".join(self._parts)

    def _next(self) -> None:
        char = self._pattern[self._at]
        if char == "\\":
            self._parts.append(self._escape(in_class=False))
        elif char == "[":
            self._class()
        elif char == "(":
            self._open()
        elif char == ")":
            if len(self._flags) == 1:
                raise self._wrong("has a ')' without a '('")
            self._close_flags()
            self._flags.pop()
            self._take(")")
        elif char == "|":
            self._close_flags()
            self._take("|")
            self._parts.extend(self._flags[-1])
        elif char in "*+?}" and self._pattern.startswith("+", self._at + 1):
            raise self._wrong(f"has {char}+, which repeats a repetition in Rust only; group it")
        elif char == "$":
            # Without (?m), Python's $ also matches before a newline at the end.
            is_multiline = re.search(r"\(\?[a-zA-Z]*m", self._pattern)
            self._take("$", "$" if is_multiline else r"\Z")
        else:
            self._take(char)

    def _take(self, text: str, replacement: str | None = None) -> None:
        self._at += len(text)
        self._parts.append(text if replacement is None else replacement)

    def _close_flags(self) -> None:
        self._parts.append(")" * len(self._flags[-1]))

    def _wrong(self, problem: str) -> PatternError:
        return PatternError(f"the regex {self._pattern!r} {problem}")

    def _foreign(self, what: str) -> PatternError:
        return self._wrong(f"has {what}, which the regexes of filter files do not")

    def _open(self) -> None:
        rest = self._pattern[self._at :]
        if not rest.startswith("(?"):
            self._take("(")
            self._flags.append([])
            return
        for start, what in ONLY_PYTHON.items():
            if rest.startswith(start):
                raise self._foreign(what)
        for start in ("(?P<", "(?<", "(?:"):
            if rest.startswith(start):
                self._take(start, "(?P<" if start == "(?<" else start)
                self._flags.append([])
                return
        self._open_flags(rest)

    def _open_flags(self, rest: str) -> None:
        found = re.match(r"\(\?([a-zA-Z]*)(-?)([a-zA-Z]*)([:)])", rest)
        if found is None or not (found[1] or found[3]):
            raise self._wrong(f"has {rest[:3]!r}, which begins no group")
        for flag in found[1] + found[3]:
            if flag not in "imsuU" or (flag == "u" and flag in found[3]):
                raise self._foreign(f"the flag {flag!r} here")
        # The flags for Unicode and greediness do not change whether a text matches.
        on, off = (re.sub("[uU]", "", flags) for flags in (found[1], found[3]))
        opened = f"(?{on}{'-' if off else ''}{off}:"
        self._take(found[0], opened)
        if found[4] == ":":
            self._flags.append([])
        else:
            self._flags[-1].append(opened)

    def _escape(self, *, in_class: bool) -> str:
        rest = self._pattern[self._at + 1 :]
        letter = rest[:1]
        if not in_class:
            for edge, replacement in WORD_EDGES.items():
                if rest.startswith(edge):
                    self._at += 1 + len(edge)
                    return replacement
        if letter in HEX_DIGITS:
            return self._code_point(letter, rest[1:])
        self._at += 2
        if in_class and letter in OUTSIDE_CLASS:
            raise self._wrong(f"has \\{letter} in a class, which is a place, not a character")
        if letter == "z":
            return r"\Z"
        if letter in ESCAPES or (letter and letter.isascii() and not letter.isalnum()):
            if letter in "<>":
                raise self._wrong(f"has \\{letter} in a class, which is a place, not a character")
            return "\\" + letter
        if letter.isdigit():
            raise self._foreign("backreferences")
        if letter in ("p", "P"):
            raise self._wrong(
                f"has \\{letter}, the classes of Unicode, which Python lacks; write ranges instead"
            )
        raise self._wrong(f"has \\{letter}, which means nothing")

    def _code_point(self, letter: str, rest: str) -> str:
        digits = HEX_DIGITS[letter]
        found = re.match(rf"\{{([0-9A-Fa-f]{{1,8}})\}}|([0-9A-Fa-f]{{{digits}}})", rest)
        number = int(found[1] or found[2], 16) if found else -1
        if found is None or number > 0x10FFFF:
            raise self._wrong(f"has \\{letter} without the number of a character")
        self._at += 2 + found.end()
        return f"\\U{number:08X}"

    def _class(self) -> None:
        self._take("[^" if self._pattern.startswith("[^", self._at) else "[")
        if self._pattern.startswith("]", self._at):
            self._take("]", r"\]")
        while True:
            rest = self._pattern[self._at :]
            if not rest:
                raise self._wrong("has a '[' that is not closed")
            if rest[0] == "]":
                self._take("]")
                return
            if rest[0] == "[":
                self._posix(rest)
            elif rest[:2] in ("&&", "--", "~~"):
                raise self._wrong(f"has {rest[:2]} in a class, which Python lacks")
            elif rest[0] == "\\":
                self._parts.append(self._escape(in_class=True))
            else:
                # Python warns of a second | in a row.
                self._take(rest[0], r"\|" if rest[0] == "|" else rest[0])

    def _posix(self, rest: str) -> None:
        found = re.match(r"\[:([a-z]+):\]", rest)
        if found is None or found[1] not in POSIX:
            raise self._wrong("has a class in a class, which Python lacks; for a bracket write \\[")
        self._take(found[0], POSIX[found[1]])
