"""Builds what is shipped, from a copy of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = ("codegen", "codetracer", "generated", "native", "spec")
FILES = ("LICENSE", "README.md", "hatch_build.py", "pyproject.toml", ".gitignore")


def copy_of_the_project(to: Path) -> Path:
    for name in SHIPPED:
        shutil.copytree(
            ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
        )
    for name in FILES:
        shutil.copy(ROOT / name, to / name)
    return to


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "CODETRACER_BACKEND"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def build(project: Path, target: str = "wheel", **environment: str) -> tuple[Path, str]:
    """Build a distribution; return it, and what the build said."""
    done = run("-m", "hatchling", "build", "-t", target, "-d", "dist", cwd=project, **environment)
    assert done.returncode == 0, done.stderr
    (built,) = (project / "dist").glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built, done.stdout + done.stderr
