"""The observed behaviour of one CPython: the content of spec/observed/<minor>.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import ValidationError

from codegen.core.errors import SpecError
from codegen.core.load import parse_toml, read_text
from codegen.core.rows import Row, Version, version_key

OBSERVED_DIR = Path("spec/observed")
"""The folder of the observations, relative to the project's root."""

NOT_APPLICABLE = "not applicable"
"""The outcome of a probe if the CPython lacks the subject of its question."""

FAILED = "failed: "
"""The beginning of an outcome if the program raised an exception, or did not print one line."""

TIMEOUT = "timeout"
"""The outcome of a probe that did not end in time."""

_HEADER = """\
# The observed behaviour of CPython {version}. Written by `make observe`; do not edit.
# README.md in the folder above explains every key.

"""


class ObservedEvent(Row):
    """One event of one interpreter: its id, and what was observed with its program in the spec."""

    id: int
    fired: bool
    arity: int | None = None
    types: list[str] = []
    settable: bool
    local: bool
    disable_global: Literal["silenced", "ignored", "error", "not fired"]
    disable_local: Literal["silenced", "ignored", "error", "not fired", "not settable"]


class Observation(Row):
    """One interpreter: its version, its release, its events and its outcomes of probes, by name."""

    version: Version
    release: str
    event: dict[str, ObservedEvent]
    probe: dict[str, str] = {}

    def to_toml(self) -> str:
        """Return the text of this observation's file."""
        data = self.model_dump(exclude_none=True)
        if not self.probe:
            del data["probe"]
        return _HEADER.format(version=self.version) + tomli_w.dumps(data)

    @property
    def file(self) -> Path:
        """The file of this observation, relative to the project's root."""
        return OBSERVED_DIR / f"{self.version}.toml"


def load_observations(root: Path) -> list[Observation]:
    """Return every observation below `root`, oldest CPython first.

    Raises:
        SpecError: a file is not TOML, or not an observation.
    """
    observations = [
        _load(root, path.relative_to(root)) for path in (root / OBSERVED_DIR).glob("*.toml")
    ]
    return sorted(observations, key=lambda observation: version_key(observation.version))


def _load(root: Path, file: Path) -> Observation:
    try:
        observation = Observation.model_validate(parse_toml(read_text(root, file), file))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SpecError(
            file, "", key, f"{first['msg']}; `make observe` writes this file again"
        ) from error
    if observation.file != file:
        raise SpecError(file, "", "version", f"{observation.version} belongs in {observation.file}")
    return observation
