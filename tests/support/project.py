"""The project as a test may run it, and a copy of it that a test may spoil."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from codegen.core import cache
from tests.support import warm

ROOT = Path(__file__).resolve().parent.parent.parent
SPEC = "spec/events.toml"
CACHE = ".codegen_cache"
BUILT = ("*.so", "*.pyd")
PARTS = ("codegen", "generated", "spec")
"""The folders that the spec compiler reads or writes."""

LINKED = ("codegen", "codetracer")
"""Folders to which no compiler writes: each copy has hard links to the files of one copy."""

GENERATED = sum(
    path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".so", ".pyd")
    for path in (ROOT / "generated").rglob("*")
)
"""The number of generated files."""

THIS_MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
LIVE_EVENTS = {
    name: number
    for name, number in vars(sys.monitoring.events).items()
    if not name.startswith("_") and number
}


def run_python(
    *arguments: str, root: Path = ROOT, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run this interpreter on the code below `root`, with none of CODETRACER_* set but `variables`.

    Nothing is left in the tree: no bytecode is written to a copy.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CODETRACER_")
    } | {"PYTHONPATH": os.pathsep.join((str(root), str(root / "generated")))}
    if root != ROOT:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    if root == ROOT and arguments[:2] == ("-m", "codegen") and warm.fits(variables or {}):
        forked = warm.run_forked(arguments, root, environment | dict(variables or {}))
        stdout, stderr = (text.decode() for text in forked[1:])
        return subprocess.CompletedProcess(arguments, forked.code, stdout, stderr)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment | (dict(variables) if variables else {}),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def one_message(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a failed run said, which is all it said."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    message, rest = done.stderr.split("\n", 1)
    assert (rest, message[:9]) == ("", "codegen: "), done.stderr
    return message


class Project:
    """A copy of the project's sources below a folder of the test's own.

    Parameters:
        folder: the folder.
        whole: whether codetracer is copied, too, so that the copy can be run.
    """

    def __init__(self, folder: Path, *, whole: bool = False) -> None:
        self.root = folder / "project"
        for part in (*PARTS, "codetracer") if whole else PARTS:
            if part in LINKED:
                once = folder.parent / "sources" / part
                if not once.exists():
                    _copy(ROOT / part, once, *BUILT)
                # Making a link takes a fourth of the time of making a file.
                shutil.copytree(once, self.root / part, copy_function=os.link)
            else:
                _copy(ROOT / part, self.root / part, *BUILT, "__pycache__")
        # What has been formatted once is not formatted again in each copy: black takes a second.
        cache.FOLDER.mkdir(exist_ok=True)
        (self.root / CACHE).symlink_to(cache.FOLDER)

    def codegen(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the spec compiler on this copy."""
        return run_python("-m", "codegen", "--root", str(self.root), *arguments)

    def tree(self) -> dict[str, bytes]:
        """Return the content of every file of this copy but the compiler's cache."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and CACHE not in path.parts
        }

    def read(self, file: str = SPEC) -> str:
        """Return the text of a file."""
        return (self.root / file).read_text(encoding="utf-8")

    def write(self, text: str, file: str = SPEC) -> None:
        """Replace a file, or make one."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def edit(self, old: str, new: str, file: str = SPEC) -> None:
        """Replace the first `old` in a file; it must be there."""
        text = self.read(file)
        assert old in text, f"{file} has no {old!r}"
        self.write(text.replace(old, new, 1), file)

    def row(self, name: str) -> str:
        """Return the text of an event's row."""
        (found,) = (row for row in self._rows() if f'\nname = "{name}"\n' in row)
        return found

    def edit_row(self, name: str, old: str, new: str) -> None:
        """Replace `old` in an event's row; it must be there."""
        row = self.row(name)
        assert old in row, f"the row of {name} has no {old!r}"
        self.edit(row, row.replace(old, new, 1))

    def set_key(self, name: str, key: str, value: str | None) -> None:
        """Give `key` in an event's row the TOML text `value`; None takes the key away."""
        row = self.row(name)
        kept, count = re.subn(
            rf'^{key} = (""".*?"""|\[\n.*?^\]|[^\n]*)\n', "", row, flags=re.MULTILINE | re.DOTALL
        )
        assert count == 1 or value is not None, f"the row of {name} has no {key}"
        added = "" if value is None else f"{key} = {value}\n"
        self.edit(row, kept.replace("[[event]]\n", f"[[event]]\n{added}", 1))

    def remove_rows(self, *names: str) -> None:
        """Remove the rows of these events."""
        for name in names:
            self.edit(self.row(name), "")

    def append_row(self, row: str) -> None:
        """Add a row at the end of the spec."""
        self.write(f"{self.read()}\n{row}\n")

    def place(self, name: str) -> str:
        """Return how a message names an event's row: by name, number and line."""
        text = self.read()
        number = self._rows().index(self.row(name)) + 1
        line = text[: text.index(self.row(name))].count("\n") + 1
        return f"event {name} (row {number}, line {line})"

    def _rows(self) -> list[str]:
        return re.findall(
            r"^\[\[event\]\]\n.*?(?=^\[\[event\]\]|^# -----|\Z)",
            self.read(),
            re.MULTILINE | re.DOTALL,
        )


def _copy(folder: Path, to: Path, *without: str) -> None:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(*without))


TELEPORT = """
[[event]]
name = "TELEPORT"
handler = "on_teleport"
since = "3.99"
arguments = ["code", "offset", "destination"]
scope = "local"
disable = "location"
disable_since = "3.99"
shown = "to line {destination_line}"
summary = "Execution goes on somewhere else altogether."
notes = ["Invented for a test."]
program = "x = 1"
"""
"""The row of an event that no CPython has."""
