"""The exceptions of the spec compiler."""

from pathlib import Path


class CodegenError(Exception):
    """The compiler cannot continue; the message is for the person who runs it."""


class SpecError(CodegenError):
    """A spec file is wrong.

    Parameters:
        file: the spec file, as messages show it.
        row: the row (table) in it, such as ``event PY_START (line 41)``; empty for the whole file.
        key: the key in that row; empty for the whole row.
        problem: what is wrong, and what would be right.
    """

    def __init__(self, file: Path, row: str, key: str, problem: str) -> None:
        self.file = file
        self.row = row
        self.key = key
        self.problem = problem
        place = ": ".join(
            part for part in (str(file), row, f"key '{key}'" if key else "", problem) if part
        )
        super().__init__(place)
