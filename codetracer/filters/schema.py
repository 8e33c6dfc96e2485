"""Reads and checks filter files: CodeTracer's TOML schema, version 1.

[meta] name, version, description, labels · [io] capture, streams, modes · [scope] default_exec,
default_value_action, default_detail and [[scope.rules]] selector, exec, value_default, detail,
reason and [[scope.rules.value_patterns]] selector, action, reason · [[formatters]] type, function,
reason. Formatters and details are an addition of codetracer to that schema. Any other key is an
error.
"""

from __future__ import annotations

import re
import tomllib

from codetracer.errors import UsageError
from codetracer.filters.formatters import problem_of_type
from codetracer.filters.lines import key_name, line_of, lines_of_keys
from codetracer.filters.model import FilterFile, IoCapture, PatternError, Rule, ValuePattern
from codetracer.filters.selectors import (
    SCOPE_KINDS,
    VALUE_KINDS,
    parse_selector,
    suggestion,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, NoReturn, TypeGuard

    from codetracer.filters.lines import KeyPath
    from codetracer.filters.model import Action, Detail, Exec
    from codetracer.filters.selectors import Selector

__all__ = ["VERSION", "parse_filter"]

VERSION: Final = 1
"""The newest supported version of the schema."""

EXECS: Final[dict[str, Exec | None]] = {"trace": "trace", "skip": "skip", "inherit": None}
ACTIONS: Final[dict[str, Action]] = {
    "allow": "allow",
    "redact": "redact",
    "drop": "drop",
    # The word for "redact" in early files.
    "deny": "redact",
}
DEFAULT_ACTIONS: Final[dict[str, Action | None]] = {**ACTIONS, "inherit": None}
DETAIL_SETTINGS: Final[dict[str, Detail | None]] = {
    "values": "values",
    "lines": "lines",
    "calls": "calls",
    "inherit": None,
}
STREAMS: Final = ("stdout", "stderr", "stdin", "files")

META_KEYS: Final = ("name", "version", "description", "labels")
IO_KEYS: Final = ("capture", "streams", "modes")
SCOPE_KEYS: Final = ("default_exec", "default_value_action", "default_detail", "rules")
RULE_KEYS: Final = ("selector", "exec", "value_default", "detail", "reason", "value_patterns")
PATTERN_KEYS: Final = ("selector", "action", "reason")
FORMATTER_KEYS: Final = ("type", "function", "reason")

FUNCTION: Final = re.compile(r"(?:[^\W\d]\w*(?:\.[^\W\d]\w*)*:)?[^\W\d]\w*(?:\.[^\W\d]\w*)*")
"""``module:function``, ``module:Class.method``, or the name of a method of the type."""


def parse_filter(text: str, label: str, *, inherits: bool) -> FilterFile:
    """Parse and check the text of a filter file.

    Parameters:
        text: the TOML text.
        label: the file's name in messages.
        inherits: whether there is a filter before it in the chain, from which it may inherit.

    Raises:
        UsageError: ERR_INVALID_FILTER; the message has the file, the line, the key and the allowed
            values.
    """
    try:
        content: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(error, text, label) from None
    except RecursionError:
        raise _invalid(label, 1, "", "it is nested too deep") from None
    return _Reader(text, label, inherits=inherits).read(content)


def _invalid(label: str, line: int, key: str, problem: str) -> UsageError:
    named = f", {key}" if key else ""
    return UsageError(
        "ERR_INVALID_FILTER",
        f"{label}, line {line}{named}: {problem}",
        {"file": label, "line": line, "key": key},
    )


def _not_toml(error: tomllib.TOMLDecodeError, text: str, label: str) -> UsageError:
    # The exception has attributes for the position only since 3.14.
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
    line = int(found[1]) if found and found[1] else text.rstrip("\n").count("\n") + 1
    problem = str(error)[: found.start()] if found else str(error)
    return _invalid(label, line, "", f"it is not TOML: {problem}")


def _is_table(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


class _Reader:
    """Checks the content of one file."""

    def __init__(self, text: str, label: str, *, inherits: bool) -> None:
        self._text = text
        self._label = label
        self._inherits = inherits

    def read(self, content: dict[str, object]) -> FilterFile:
        # First, because a newer version would explain all other problems.
        self._check_version(content)
        self._check_keys(content, (), ("meta", "scope"), ("io", "formatters"))
        name = self._meta(self._table(content, ("meta",)))
        io = self._io(self._table(content, ("io",))) if "io" in content else None
        scope = self._table(content, ("scope",))
        self._check_keys(scope, ("scope",), SCOPE_KEYS[:2], SCOPE_KEYS[2:])
        return FilterFile(
            name,
            self._default(scope, ("scope", "default_exec"), EXECS),
            self._default(scope, ("scope", "default_value_action"), DEFAULT_ACTIONS),
            tuple(
                self._rule(table, path) for table, path in self._tables(scope, ("scope", "rules"))
            ),
            io,
            self._formatters(content),
            self._optional_word(scope, ("scope", "default_detail"), DETAIL_SETTINGS),
        )

    def _fail(self, path: KeyPath, problem: str) -> NoReturn:
        line = line_of(path, lines_of_keys(self._text))
        raise _invalid(self._label, line, key_name(path), problem)

    def _check_version(self, content: dict[str, object]) -> None:
        version = self._table(content, ("meta",)).get("version") if "meta" in content else None
        if type(version) is int and version > VERSION:
            self._fail(
                ("meta", "version"),
                f"version {version} of the schema is newer than the newest known one ({VERSION})",
            )

    def _check_keys(
        self,
        table: dict[str, object],
        path: KeyPath,
        required: Sequence[str],
        optional: Sequence[str],
    ) -> None:
        known = (*required, *optional)
        for key in table:
            if key not in known:
                self._fail(
                    (*path, key),
                    f"there is no such key{suggestion(key, known)}; allowed here:"
                    f" {', '.join(known)}",
                )
        for key in required:
            if key not in table:
                self._fail((*path, key), "it is missing")

    def _meta(self, meta: dict[str, object]) -> str:
        self._check_keys(meta, ("meta",), META_KEYS[:2], META_KEYS[2:])
        version = meta["version"]
        if type(version) is not int or version < 1:
            self._fail(
                ("meta", "version"), f"{version!r} is not a version; the known one is {VERSION}"
            )
        self._optional_text(meta, ("meta", "description"))
        self._texts(meta, ("meta", "labels"))
        name = self._text_of(meta, ("meta", "name"))
        if not name.strip():
            self._fail(("meta", "name"), "it is empty")
        return name

    def _io(self, io: dict[str, object]) -> IoCapture:
        self._check_keys(io, ("io",), (), IO_KEYS)
        capture = io.get("capture", False)
        if not isinstance(capture, bool):
            self._fail(("io", "capture"), f"{capture!r} is neither true nor false")
        streams = self._texts(io, ("io", "streams"))
        for number, stream in enumerate(streams):
            if stream not in STREAMS:
                self._fail_word(("io", "streams", number), stream, STREAMS)
        if self._texts(io, ("io", "modes")):
            self._fail(("io", "modes"), "it is reserved and must be empty")
        if capture and not streams:
            self._fail(("io", "streams"), f"capture needs one or more of {', '.join(STREAMS)}")
        return IoCapture(capture, tuple(dict.fromkeys(streams)))

    def _formatters(self, content: dict[str, object]) -> dict[str, str]:
        found: dict[str, str] = {}
        for table, path in self._tables(content, ("formatters",)):
            self._check_keys(table, path, FORMATTER_KEYS[:2], FORMATTER_KEYS[2:])
            self._optional_text(table, (*path, "reason"))
            kind = self._text_of(table, (*path, "type"))
            problem = problem_of_type(kind)
            if problem is not None:
                self._fail((*path, "type"), problem)
            if kind in found:
                self._fail((*path, "type"), f"there is a formatter for {kind} above")
            function = self._text_of(table, (*path, "function"))
            if not FUNCTION.fullmatch(function) or (":" not in function and "." in function):
                self._fail(
                    (*path, "function"),
                    f"{function!r} is not the name of a function; write module:function,"
                    " module:Class.method, or the name of a method of the type, such as __repr__",
                )
            found[kind] = function
        return found

    def _rule(self, table: dict[str, object], path: KeyPath) -> Rule:
        self._check_keys(table, path, RULE_KEYS[:1], RULE_KEYS[1:])
        selector = self._selector(table, path, SCOPE_KINDS)
        patterns = self._tables(table, (*path, "value_patterns"))
        return Rule(
            selector,
            self._optional_word(table, (*path, "exec"), EXECS),
            self._optional_word(table, (*path, "value_default"), DEFAULT_ACTIONS),
            tuple(self._pattern(pattern, where) for pattern, where in patterns),
            self._optional_text(table, (*path, "reason")) or selector.text,
            self._optional_word(table, (*path, "detail"), DETAIL_SETTINGS),
        )

    def _pattern(self, table: dict[str, object], path: KeyPath) -> ValuePattern:
        self._check_keys(table, path, PATTERN_KEYS[:2], PATTERN_KEYS[2:])
        self._optional_text(table, (*path, "reason"))
        selector = self._selector(table, path, VALUE_KINDS)
        return ValuePattern(selector, self._word(table, (*path, "action"), ACTIONS))

    def _selector(self, table: dict[str, object], path: KeyPath, kinds: Sequence[str]) -> Selector:
        where = (*path, "selector")
        text = self._text_of(table, where)
        try:
            return parse_selector(text, kinds)
        except PatternError as error:
            self._fail(where, str(error))

    def _default[T](
        self, scope: dict[str, object], path: KeyPath, words: dict[str, T | None]
    ) -> T | None:
        value = self._word(scope, path, words)
        if value is None and not self._inherits:
            self._fail(path, "there is no filter before this one to inherit from")
        return value

    def _word[T](self, table: dict[str, object], path: KeyPath, words: dict[str, T]) -> T:
        word = self._text_of(table, path)
        if word not in words:
            self._fail_word(path, word, tuple(words))
        return words[word]

    def _optional_word[T](
        self, table: dict[str, object], path: KeyPath, words: dict[str, T | None]
    ) -> T | None:
        return self._word(table, path, words) if path[-1] in table else None

    def _fail_word(self, path: KeyPath, word: str, words: Sequence[str]) -> NoReturn:
        self._fail(
            path,
            f"{word!r} is not known{suggestion(word, words)}; allowed: {', '.join(words)}",
        )

    # In the methods below, the last part of `path` is the key to look up in `table`.

    def _text_of(self, table: dict[str, object], path: KeyPath) -> str:
        value = table[str(path[-1])]
        if not isinstance(value, str):
            self._fail(path, f"{value!r} is not a text")
        return value

    def _optional_text(self, table: dict[str, object], path: KeyPath) -> str | None:
        return self._text_of(table, path) if path[-1] in table else None

    def _texts(self, table: dict[str, object], path: KeyPath) -> list[str]:
        texts: list[str] = []
        for number, value in enumerate(self._list(table, path)):
            if not isinstance(value, str):
                self._fail((*path, number), f"{value!r} is not a text")
            texts.append(value)
        return texts

    def _table(self, table: dict[str, object], path: KeyPath) -> dict[str, object]:
        return self._as_table(table.get(str(path[-1])), path)

    def _tables(
        self, table: dict[str, object], path: KeyPath
    ) -> list[tuple[dict[str, object], KeyPath]]:
        values = self._list(table, path)
        return [
            (self._as_table(value, (*path, number)), (*path, number))
            for number, value in enumerate(values)
        ]

    def _as_table(self, value: object, path: KeyPath) -> dict[str, object]:
        if not _is_table(value):
            self._fail(path, f"{value!r} is not a table")
        return value

    def _list(self, table: dict[str, object], path: KeyPath) -> list[object]:
        value = table.get(str(path[-1]), [])
        if not _is_list(value):
            self._fail(path, f"{value!r} is not a list")
        return value
