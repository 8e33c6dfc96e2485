"""TOML to validated specs; every mistake becomes one `SpecError` with file, row and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from codegen.core.errors import SpecError
from codegen.core.rows import Problem, SpecFile, suggestion

type Location = tuple[int | str, ...]
"""Where pydantic met a mistake."""


class Place(NamedTuple):
    """Where a person finds a mistake: the row, the key in it, and what keys the row may have."""

    row: str
    keys: Location
    known: Iterable[str]


class Loaded[Rows: SpecFile](NamedTuple):
    """A spec file whose rows are sound each by itself.

    Parameters:
        file: where it stands, relative to the project's root.
        text: its text.
        data: what TOML makes of it.
        rows: the model.
    """

    file: Path
    text: str
    data: dict[str, Any]
    rows: Rows

    def row(self, table: str, index: int) -> str:
        """Return how a message names a row: by its name and the line it begins at."""
        return _row(table, self.text, self.data, index)

    def error(self, problem: Problem) -> SpecError:
        """Return the exception that says what is wrong between the rows, and where."""
        row = self.row(problem.table, problem.row)
        return SpecError(self.file, row, problem.key, problem.text)


def load_spec[Rows: SpecFile](model: type[Rows], root: Path) -> Rows:
    """Read and validate the spec file of `model` below `root`.

    Raises:
        SpecError: the file is missing, not UTF-8, not TOML, or says something that is wrong;
            the first mistake found is the one that is named.
    """
    loaded = load_rows(model, root, model.FILE)
    for problem in loaded.rows.problems():
        raise loaded.error(problem)
    return loaded.rows


def load_rows[Rows: SpecFile](model: type[Rows], root: Path, file: Path) -> Loaded[Rows]:
    """Read `file` below `root`, and validate its rows each by itself.

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
    """Return the text of `file` (relative to `root`); `SpecError` when it cannot be read."""
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
    """Parse `text`, the content of `file`; `SpecError` with line and column on a syntax error."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(file, "", "", f"TOML syntax error: {error}") from error


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """Return the mistake to name: an unknown key may be the one that is missing."""
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
    """Find what a pydantic location means in a spec file: ``("event", 3, "name")`` and so on."""
    table, *keys = location
    field = model.model_fields.get(str(table))
    shape = field and field.annotation
    rows = [part for part in (shape, *get_args(shape)) if _is_row(part)]
    if not rows or not keys:
        return Place("", location, model.model_fields)
    row, known = str(table), rows[0].model_fields
    if get_origin(shape) is list:
        return Place(_row(row, text, data, int(keys[0])), tuple(keys[1:]), known)
    if get_origin(shape) is dict:
        return Place(f"{row} {keys[0]}", tuple(keys[1:]), known)
    return Place(row, tuple(keys), known)


def _is_row(part: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _row(table: str, text: str, data: Mapping[str, Any], index: int) -> str:
    """Name row `index` of `table` as a person finds it: by its name and the line it begins at."""
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
