"""`show`, `info` and `export` without a folder: the newest recording in the current one."""

import os
from pathlib import Path

import pytest

from tests.support.reading import read
from tests.support.running import Outcome, execute, write

EXPORT = ("export", "--to", "codetracer-json")
COMMANDS: list[tuple[str, ...]] = [("show",), ("info",), EXPORT]
NOTE = "codetracer: reading {}, the newest recording here"


def record(folder: Path, name: str, out: str) -> None:
    """Record a function that is called `name`; each recording is newer than the one before."""
    write(folder, {"app.py": f"def {name}(): pass\n{name}()\n"})
    done = execute("-m", "codetracer", "record", "-q", "-o", out, "app.py", cwd=folder)
    assert (done.code, done.stderr) == (0, "")


def run(*command: str, cwd: Path) -> Outcome:
    return read(*command, cwd=cwd)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_newest_recording_is_read_and_named_on_standard_error(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    record(tmp_path, "first", "z")
    record(tmp_path, "second", "a")

    found = run(*command, cwd=tmp_path)
    named = run(*command, "a", *(["--force"] if command == EXPORT else []), cwd=tmp_path)

    assert found.code == named.code == 0, found
    note, *rest = found.stderr.splitlines()
    assert note == NOTE.format("a")
    assert (found.stdout, rest) == (named.stdout, named.stderr.splitlines())


def test_a_recording_that_ends_becomes_the_newest(tmp_path: Path) -> None:
    record(tmp_path, "first", "a")
    record(tmp_path, "second", "b")
    # The system's clock ticks a few times in ten milliseconds: the present may be no later.
    ended = os.stat(tmp_path / "b/trace_metadata.json").st_mtime_ns + 1
    os.utime(tmp_path / "a/trace_metadata.json", ns=(ended, ended))

    assert run("show", cwd=tmp_path).stderr == f"{NOTE.format('a')}\n"


@pytest.mark.parametrize("what", ["export", "empty folder", "file", "link", "no log", "deeper"])
def test_what_is_no_recording_here_is_passed_over(tmp_path: Path, what: str) -> None:
    record(tmp_path, "only", "out")
    other = tmp_path / "other"
    if what == "export":
        assert run(*EXPORT, "out", "-o", "other", cwd=tmp_path).code == 0
    elif what == "empty folder":
        other.mkdir()
    elif what == "file":
        other.write_text("")
    elif what == "no log":
        write(tmp_path, {"other/trace_metadata.json": "{}"})
    else:
        elsewhere = tmp_path / ("elsewhere" if what == "deeper" else ".hidden/elsewhere")
        elsewhere.mkdir(parents=True)
        record(elsewhere, "newer", "out")
        if what == "link":
            other.symlink_to(elsewhere / "out")

    shown = run("show", cwd=tmp_path)

    assert shown.stderr == f"{NOTE.format('out')}\n"
    assert "only()" in shown.stdout


def test_the_current_folder_may_be_the_recording(tmp_path: Path) -> None:
    record(tmp_path, "only", "out")

    shown = run("show", cwd=tmp_path / "out")

    assert shown.stderr == f"{NOTE.format('.')}\n"
    assert "only()" in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_recording_the_error_says_how_to_make_one(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert run(*command, cwd=tmp_path) == (
        1,
        "",
        "codetracer: error: [ERR_TRACE_MISSING] there is no recording in the current folder; name"
        " the folder of one, or make one: codetracer record SCRIPT\n",
    )


def test_a_name_that_a_terminal_would_obey_is_made_safe(tmp_path: Path) -> None:
    record(tmp_path, "only", "\x1b[31mred\ncodetracer: forged")

    (line,) = run("show", cwd=tmp_path).stderr.splitlines()

    assert line == NOTE.format("\\x1b[31mred\\ncodetracer: forged")


def test_a_link_in_place_of_the_metadata_is_not_followed(tmp_path: Path) -> None:
    record(tmp_path, "only", "out")
    record(tmp_path, "newer", "other")
    (tmp_path / "other/trace_metadata.json").rename(tmp_path / "other/moved.json")
    (tmp_path / "other/trace_metadata.json").symlink_to("moved.json")

    assert run("show", cwd=tmp_path).stderr == f"{NOTE.format('out')}\n"
