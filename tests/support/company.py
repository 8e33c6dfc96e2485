"""Other tools, as PyPI has them, in a folder that tests may put on the path."""

import fcntl
import hashlib
import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

from tests.support.project import ROOT

PINS = (
    "coverage==7.17.3",
    "greenlet==3.5.6",
    "pytest==9.2.0",
    "pytest-cov==7.1.0",
    "viztracer==1.1.1",
)
VARIABLE = "COMPANY_SITE"
"""Names a folder that has them, as `pip install --target` makes it; none is installed then."""


def site() -> Path:
    """Return a folder that has the tools for this interpreter, installing them if there is none."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else _folder(PINS)


def type_checkers() -> Path:
    """Return a folder that has mypy and pyright, as `make lint` has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lint = project["dependency-groups"]["lint"]
    return _folder(tuple(pin for pin in lint if str(pin).startswith(("mypy", "pyright"))))


@cache
def _folder(pins: tuple[str, ...]) -> Path:
    digest = hashlib.sha256(" ".join(pins).encode()).hexdigest()[:8]
    folder = ROOT / f".venvs/company-{digest}-{sys.implementation.cache_tag}"
    folder.parent.mkdir(exist_ok=True)
    # Other workers of pytest want it at the same time.
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "ready"
        if not ready.exists():
            command = [sys.executable, "-m", "pip", "install", "--upgrade", "--target", str(folder)]
            done = subprocess.run([*command, *pins], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (
                f"pip cannot install {' '.join(pins)}; where there is no package index, say"
                f" {VARIABLE}=FOLDER that has them:\n{done.stderr}"
            )
            ready.touch()
    return folder
