"""Other tools, as PyPI has them, in a folder that tests may put on the path."""

import fcntl
import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.project import ROOT

PINS = (
    "coverage==7.17.3",
    "greenlet==3.5.6",
    "pytest==9.2.0",
    "pytest-cov==7.1.0",
    "viztracer==1.1.1",
)
VARIABLE = "COMPANY_SITE"
"""Names a folder that has them, as `pip install --target` makes it; none is installed then."""


@cache
def site() -> Path:
    """Return a folder that has the tools for this interpreter, installing them if there is none."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    pins = hashlib.sha256(" ".join(PINS).encode()).hexdigest()[:8]
    folder = ROOT / f".venvs/company-{pins}-{sys.implementation.cache_tag}"
    folder.parent.mkdir(exist_ok=True)
    # Other workers of pytest want it at the same time.
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "ready"
        if not ready.exists():
            command = [sys.executable, "-m", "pip", "install", "--upgrade", "--target", str(folder)]
            done = subprocess.run([*command, *PINS], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (
                f"pip cannot install {' '.join(PINS)}; where there is no package index, say"
                f" {VARIABLE}=FOLDER that has them:\n{done.stderr}"
            )
            ready.touch()
    return folder
