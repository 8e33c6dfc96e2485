"""Makes the environments: the applications, codetracer, the floor and the peers."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.costs.processes import RunError, check, say

__all__ = ["PEERS", "PROGRAMS", "ROOT", "Environment", "install_checkout", "prepare"]

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / "benchmarks/applications"
GROWTH = ROOT / "benchmarks/growth"
FOLDERS = ("codetracer", "generated", "native")
"""With `FILES`, what a build of codetracer takes."""
SOURCES = (".py", ".c", ".h", ".toml", ".pyi")
FILES = ("hatch_build.py", "pyproject.toml", "README.md", "LICENSE")

PEERS = {
    "viztracer": "viztracer==1.1.1",
    "coverage": "coverage==7.17.5",
    "peer": "codetracer-python-recorder==0.3.0",
}
"""The packages that pip installs for each way that is another tool."""

INCLUDE = "import sysconfig; print(sysconfig.get_path('include'))"
VERSION = "import platform; print(platform.python_version())"


class Environment(NamedTuple):
    """An interpreter with everything that runs in it."""

    version: str
    python: Path
    folder: Path
    """The folder of the environments, programs and lists of files."""
    missing: dict[str, str]
    """Peers that cannot be installed here, and why."""

    @property
    def programs(self) -> Path:
        """The copies of the programs."""
        return self.folder / "programs"

    @property
    def floor(self) -> Path:
        """The launcher of the floor."""
        return self.folder / f"floor-{self.version}/floor.py"

    @property
    def as_module(self) -> Path:
        """A script that runs a module."""
        return self.floor.with_name("as_module.py")

    def files_of(self, name: str) -> Path:
        """Return the list of recorded files of an application, which the floor reads."""
        return self.folder / f"files-{self.version}-{name}.txt"


def prepare(python: str, folder: Path, peers: set[str], *, codetracer: bool = True) -> Environment:
    """Make an environment below a folder, or bring one up to date.

    Parameters:
        python: the interpreter.
        folder: where.
        peers: which of `PEERS` are wanted.
        codetracer: whether this checkout is installed, too.
    """
    version = check([python, "-c", VERSION]).strip()
    place = folder / f"python-{version}"
    inside = place / "bin/python"
    folder.mkdir(parents=True, exist_ok=True)
    if not inside.exists():
        say(f"making {place}")
        check([python, "-m", "venv", "--clear", str(place)])
    say(f"{version}: installing the applications")
    install = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    check([*install, "-r", str(PROGRAMS / "requirements.txt")])
    missing = {}
    for peer in sorted(peers & PEERS.keys()):
        try:
            check([*install, PEERS[peer]])
        except RunError as error:
            say(f"{version}: {PEERS[peer]} cannot be installed")
            lines = [line for line in str(error).splitlines() if line.startswith("ERROR")]
            missing[peer] = lines[-1] if lines else "pip fails"
    if codetracer:
        _install_codetracer(install, place / "codetracer.sha256")
    environment = Environment(version, inside, folder, missing)
    for source in (PROGRAMS, GROWTH):
        for program in source.glob("*.py"):
            environment.programs.mkdir(exist_ok=True)
            shutil.copy(program, environment.programs)
    _build_floor(environment)
    return environment


def _install_codetracer(install: list[str], stamp: Path) -> None:
    """Install this checkout, unless the environment has the same, as the stamp says."""
    sources = [*(ROOT / name for name in FILES)]
    for name in FOLDERS:
        sources += [file for file in sorted((ROOT / name).rglob("*")) if file.suffix in SOURCES]
    found = hashlib.sha256()
    for file in sources:
        found.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    if stamp.exists() and stamp.read_text() == found.hexdigest():
        return
    say(f"installing codetracer into {stamp.parent}")
    install_checkout(install)
    stamp.write_text(found.hexdigest())


def install_checkout(install: list[str]) -> None:
    """Install this checkout.

    Parameters:
        install: the command line of pip's ``install``.
    """
    with tempfile.TemporaryDirectory() as copy:
        # A copy, because building compiles into the source tree.
        for name in FOLDERS:
            ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
            shutil.copytree(ROOT / name, Path(copy, name), ignore=ignore)
        for name in FILES:
            shutil.copy(ROOT / name, copy)
        check([*install, "--force-reinstall", "--no-deps", "--no-cache-dir", copy])


def _build_floor(environment: Environment) -> None:
    place = environment.floor.parent
    place.mkdir(exist_ok=True)
    here = Path(__file__).parent
    for launcher in ("floor.py", "as_module.py"):
        shutil.copy(here / launcher, place)
    include = check([environment.python, "-c", INCLUDE]).strip()
    output = place / "floor_callbacks.so"
    check(["cc", "-O2", "-shared", "-fPIC", f"-I{include}", here / "floor.c", "-o", output])
