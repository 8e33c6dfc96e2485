"""Has pytest rewrite the assertions of the tests once, before there are workers.

pytest keeps what it makes of a file beside it. In a fresh clone each worker would make it of every
file, all at the same time, which takes longer than everything else that they do to collect tests.
"""

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def rewrite_once(processes: int) -> None:
    """Import the test files that are new or have changed, in so many processes.

    An error in a file is reported when the file is collected.
    """
    new = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if not _is_kept(path)]
    children = []
    for first in range(processes):
        child = os.fork()
        if not child:
            _import(new[first::processes])
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _is_kept(path: Path) -> bool:
    name = f"{path.stem}.{sys.implementation.cache_tag}-pytest-{pytest.__version__}.pyc"
    kept = path.parent / "__pycache__" / name
    return kept.exists() and kept.stat().st_mtime >= path.stat().st_mtime


def _import(paths: list[Path]) -> None:
    sys.dont_write_bytecode = False
    for path in paths:
        with suppress(BaseException):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    os._exit(0)
