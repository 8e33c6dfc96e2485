"""Runs the commands that read recordings."""

from pathlib import Path

from tests.support.running import Outcome, execute


def read(*arguments: str | Path, cwd: Path, address_space: int = 0) -> Outcome:
    """Run ``codetracer ARGUMENT...`` in `cwd`, with no more bytes of `address_space`, if any."""
    return execute("-m", "codetracer", *arguments, cwd=cwd, address_space=address_space)
