"""What one CPython was seen to do, as spec/observed/<minor>.toml says it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import ValidationError

from codegen.core.errors import SpecError
from codegen.core.load import parse_toml, read_text
from codegen.core.rows import Row, Version, version_key

OBSERVED_DIR = Path("spec/observed")
"""Where the observations stand, relative to the project's root."""

NOT_APPLICABLE = "not applicable"
"""The outcome of a probe where a CPython lacks what it is about."""

FAILED = "failed: "
"""How the outcome of a probe begins whose program raised, or did not print one line."""

TIMEOUT = "timeout"
"""The outcome of a probe that did not end in time."""

_HEADER = """\
# What CPython {version} was seen to do. Written by `make observe`; do not edit.
# README.md in the folder above explains every key.

"""


class ObservedEvent(Row):
    """One event of one interpreter: its id, and what its program in the spec made of it."""

    id: int
    fired: bool
    arity: int | None = None
    types: list[str] = []
    settable: bool
    local: bool
    disable_global: Literal["silenced", "ignored", "error", "not fired"]
    disable_local: Literal["silenced", "ignored", "error", "not fired", "not settable"]


class Observation(Row):
    """One interpreter: its version and release, its events, and the outcomes of probes, by name."""

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
        """The file this observation belongs in, relative to the project's root."""
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
            file, "", key, f"{first['msg']}; `make observe` writes this file anew"
        ) from error
    if observation.file != file:
        raise SpecError(file, "", "version", f"{observation.version} belongs in {observation.file}")
    return observation
