"""Reads and validates spec files; a mistake becomes a `SpecError` with file, row and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from codegen.core.errors import SpecError
from codegen.core.rows import Problem, SpecFile, suggestion

type Location = tuple[int | str, ...]
"""The place of a mistake in pydantic's form."""


class Place(NamedTuple):
    """The place of a mistake for people.

    Parameters:
        row: the name of the row.
        keys: the way to the key in the row.
        known: the keys that the row may have.
    """

    row: str
    keys: Location
    known: Iterable[str]


class Loaded[Rows: SpecFile](NamedTuple):
    """A spec file whose rows are each valid; they may still contradict each other.

    Parameters:
        file: its path relative to the project's root.
        text: its text.
        data: the parsed TOML.
        rows: the model.
    """

    file: Path
    text: str
    data: dict[str, Any]
    rows: Rows

    def row(self, table: str, index: int) -> str:
        """Return a row's name in messages, with the line at which it begins.

        Parameters:
            table: the name of the table.
            index: the index of the row in it.
        """
        return _row(table, self.text, self.data, index)

    def error(self, problem: Problem) -> SpecError:
        """Return the exception for a contradiction between rows."""
        row = self.row(problem.table, problem.row)
        return SpecError(self.file, row, problem.key, problem.text)


def load_spec[Rows: SpecFile](model: type[Rows], root: Path) -> Rows:
    """Read and validate the spec file of `model` below `root`.

    Raises:
        SpecError: the file is missing, not UTF-8, not TOML, or wrong; the message describes the
            first mistake.
    """
    loaded = load_rows(model, root, model.FILE)
    for problem in loaded.rows.problems():
        raise loaded.error(problem)
    return loaded.rows


def load_rows[Rows: SpecFile](model: type[Rows], root: Path, file: Path) -> Loaded[Rows]:
    """Read `file` below `root`, and validate each of its rows.

    Raises:
        SpecError: as for `load_spec`.
    """
    text = read_text(root, file)
    data = parse_toml(text, file)
    try:
        return Loaded(file, text, data, model.model_validate(data))
    except ValidationError as error:
        first = _telling(error.errors())
        raise _spec_error(file, first, _place(model, first["loc"], text, data)) from error


def read_text(root: Path, file: Path) -> str:
    """Return the text of `file` (relative to `root`); raise `SpecError` if it cannot be read."""
    try:
        return (root / file).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SpecError(file, "", "", f"no such file below {root}") from error
    except OSError as error:
        raise SpecError(file, "", "", f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(
            file, f"line {line}", "", f"not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from error


def parse_toml(text: str, file: Path) -> dict[str, Any]:
    """Parse `text`, the content of `file`; a syntax error becomes a `SpecError` with its place."""
    try:
        return _parsed(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(file, "", "", f"TOML syntax error: {error}") from error


@cache
def _parsed(text: str) -> dict[str, Any]:
    """Parse what many tests load; nobody changes what this returns."""
    return tomllib.loads(text)


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """Return the mistake to report: the first, or an unknown key in place of a missing one.

    If a key is misspelled, pydantic reports that it is missing and, later, that it is unknown.
    """
    first = errors[0]
    if first["type"] == "missing":
        row = first["loc"][:-1]
        for error in errors:
            if error["type"] == "extra_forbidden" and error["loc"][:-1] == row:
                return error
    return first


def _spec_error(file: Path, error: ErrorDetails, place: Place) -> SpecError:
    row, keys, known = place
    problem = error["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in keys if part != "[key]")
    if error["type"] == "extra_forbidden":
        problem = f"unknown key{suggestion(str(keys[-1]), known)}"
    elif error["type"] == "missing":
        problem = "missing key"
    elif error["type"] == "string_pattern_mismatch":
        pattern = error.get("ctx", {}).get("pattern")
        problem = f"{error['input']!r} does not match {pattern}"
    elif found := re.match(r"\[(\w+)\] (.*)", problem, re.DOTALL):
        key, problem = found.groups()
    return SpecError(file, row, key, problem)


def _place(model: type[BaseModel], location: Location, text: str, data: Mapping[str, Any]) -> Place:
    """Return the place in a spec file for pydantic's location, such as ``("event", 3, "name")``."""
    table, *keys = location
    field = model.model_fields.get(str(table))
    shape = field and field.annotation
    rows = _rows_in(shape)
    if not rows or not keys:
        return Place("", location, model.model_fields)
    row, known = str(table), _fields(rows[0], keys)
    if get_origin(shape) is list:
        return Place(_row(row, text, data, int(keys[0])), tuple(keys[1:]), known)
    if get_origin(shape) is dict:
        return Place(f"{row} {keys[0]}", tuple(keys[1:]), known)
    return Place(row, tuple(keys), known)


def _rows_in(shape: object) -> list[type[BaseModel]]:
    return [part for part in (shape, *get_args(shape)) if _is_row(part)]


def _fields(row: type[BaseModel], keys: Iterable[int | str]) -> Iterable[str]:
    """Return the keys of `row`, or those of the innermost row in it to which `keys` lead."""
    for key in keys:
        field = row.model_fields.get(str(key))
        inner = _rows_in(field.annotation) if field is not None else []
        row = inner[0] if inner else row
    return row.model_fields


def _is_row(part: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _row(table: str, text: str, data: Mapping[str, Any], index: int) -> str:
    """Return the name of row `index` of `table` in messages, with the line at which it begins."""
    row = data[table][index]
    name = row.get("name", "") if isinstance(row, dict) else ""
    headers = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if re.match(rf"\s*\[\[\s*{table}\s*\]\]", line)
    ]
    line = f"line {headers[index]}" if index < len(headers) else ""
    place = ", ".join(part for part in (f"row {index + 1}", line) if part)
    return f"{table} {name} ({place})" if name else f"{table} in {place}"
