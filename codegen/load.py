"""TOML to validated specs; every mistake becomes one `SpecError` with file, row and key."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from codegen.errors import SpecError
from codegen.model import Argument, Event, Spec, suggestion
from codegen.probes import Probe, ProbeFile
from codegen.trace_model import Form, Header, Log, Record, TraceSpec, TraceValue
from codegen.types_model import KnownType, TypesSpec

SPEC_FILE = Path("spec/events.toml")
"""Where the spec stands, relative to the project's root."""

TRACE_FILE = Path("spec/trace.toml")
"""Where the trace log's spec stands, relative to the project's root."""

TYPES_FILE = Path("spec/types.toml")
"""Where the spec of known types stands, relative to the project's root."""

PROBE_DIR = Path("spec/probes")
"""Where the probes of behaviour stand, relative to the project's root."""

type Location = tuple[int | str, ...]
"""Where pydantic met a mistake."""

type Place = tuple[str, Location, Mapping[str, object]]
"""Where a person finds it: the row, the key in it, and the keys that the row may have."""

_TRACE_TABLES: dict[str, type[BaseModel]] = {
    "header": Header,
    "value": TraceValue,
    "form": Form,
    "record": Record,
}


def load_spec(root: Path) -> Spec:
    """Read and validate ``spec/events.toml`` below `root`.

    Raises:
        SpecError: the file is missing, not UTF-8, not TOML, or says something that is wrong;
            the first mistake found is the one that is named.
    """
    text, data, spec = _load(Spec, root, SPEC_FILE, _place)
    for problem in spec.problems():
        row = _row("event", text, data, problem.row)
        raise SpecError(SPEC_FILE, row, problem.key, problem.text)
    return spec


def load_trace_spec(root: Path) -> TraceSpec:
    """Read and validate ``spec/trace.toml`` below `root`.

    Raises:
        SpecError: as for `load_spec`.
    """
    text, data, spec = _load(TraceSpec, root, TRACE_FILE, _trace_place)
    for problem in spec.problems():
        row = _row(problem.table, text, data, problem.row)
        raise SpecError(TRACE_FILE, row, problem.key, problem.text)
    return spec


def load_types(root: Path) -> TypesSpec:
    """Read and validate ``spec/types.toml`` below `root`.

    Raises:
        SpecError: as for `load_spec`.
    """
    text, data, spec = _load(TypesSpec, root, TYPES_FILE, _types_place)
    for problem in spec.problems():
        row = _row(problem.table, text, data, problem.row)
        raise SpecError(TYPES_FILE, row, problem.key, problem.text)
    return spec


def load_probes(root: Path, spec: Spec) -> list[Probe]:
    """Read and validate ``spec/probes/*.toml`` below `root`; return the probes in their order.

    A row with ``each = true`` is a probe for each of its events.

    Raises:
        SpecError: as for `load_spec`.
    """
    programs = {event.name: event.program for event in spec.event}
    files = {
        path.relative_to(root): _load(ProbeFile, root, path.relative_to(root), _probe_place)
        for path in sorted((root / PROBE_DIR).glob("*.toml"))
    }
    probes: list[Probe] = []
    places: dict[str, str] = {}
    for file, (text, data, found) in files.items():
        for problem in found.problems(spec, places):
            row = _row("probe", text, data, problem.row)
            others = _others_naming(problem.event, (file, problem.row), files)
            raise SpecError(file, row, problem.key, problem.text + others)
        added = [probe for row in found.probe for probe in row.expanded(programs)]
        places |= {probe.name: str(file) for probe in added}
        probes += added
    return probes


def _others_naming(
    event: str,
    first: tuple[Path, int],
    files: Mapping[Path, tuple[str, dict[str, Any], ProbeFile]],
) -> str:
    """Say which rows but the first name an event that is not there: all are to be changed."""
    if not event:
        return ""
    others = [
        f"{file}: {_row('probe', text, data, index)}"
        for file, (text, data, found) in files.items()
        for index, row in enumerate(found.probe)
        if event in row.events and (file, index) != first
    ]
    return f"; {len(others)} more rows name it: {', '.join(others)}" if others else ""


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


def _load[Model: BaseModel](
    model: type[Model],
    root: Path,
    file: Path,
    place: Callable[[Location, str, Mapping[str, Any]], Place],
) -> tuple[str, dict[str, Any], Model]:
    """Return the text of `file`, what TOML makes of it, and the model."""
    text = read_text(root, file)
    data = parse_toml(text, file)
    try:
        return text, data, model.model_validate(data)
    except ValidationError as error:
        first = _telling(error.errors())
        raise _spec_error(file, first, place(first["loc"], text, data)) from error


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
        problem = f"unknown key{suggestion(str(keys[-1]), set(known))}"
    elif error["type"] == "missing":
        problem = "missing key"
    elif error["type"] == "string_pattern_mismatch":
        pattern = error.get("ctx", {}).get("pattern")
        problem = f"{error['input']!r} does not match {pattern}"
    elif found := re.match(r"\[(\w+)\] (.*)", problem, re.DOTALL):
        key, problem = found.groups()
    return SpecError(file, row, key, problem)


def _place(location: Location, text: str, data: Mapping[str, Any]) -> Place:
    """Find what a pydantic location means in ``spec/events.toml``."""
    if len(location) > 1 and location[0] == "event" and isinstance(location[1], int):
        return _row("event", text, data, location[1]), location[2:], Event.model_fields
    if len(location) > 1 and location[0] == "argument":
        return f"argument {location[1]}", location[2:], Argument.model_fields
    return "", location, Spec.model_fields


def _trace_place(location: Location, text: str, data: Mapping[str, Any]) -> Place:
    """Do for spec/trace.toml what `_place` does for the events."""
    table = str(location[0])
    if len(location) > 1 and table in _TRACE_TABLES and isinstance(location[1], int):
        known = _TRACE_TABLES[table].model_fields
        return _row(table, text, data, location[1]), location[2:], known
    if len(location) > 1 and table == "log":
        return "log", location[1:], Log.model_fields
    return "", location, TraceSpec.model_fields


def _types_place(location: Location, text: str, data: Mapping[str, Any]) -> Place:
    """Do for spec/types.toml what `_place` does for the events."""
    if len(location) > 1 and location[0] == "type" and isinstance(location[1], int):
        return _row("type", text, data, location[1]), location[2:], KnownType.model_fields
    return "", location, TypesSpec.model_fields


def _probe_place(location: Location, text: str, data: Mapping[str, Any]) -> Place:
    """Do for a file of spec/probes/ what `_place` does for the events."""
    if len(location) > 1 and location[0] == "probe" and isinstance(location[1], int):
        return _row("probe", text, data, location[1]), location[2:], Probe.model_fields
    return "", location, ProbeFile.model_fields


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
