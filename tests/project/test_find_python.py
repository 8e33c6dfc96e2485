"""scripts/find-python.sh finds interpreters by running them, with a PATH of the test's own."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT

SCRIPT = ROOT / "scripts/find-python.sh"
TOOLS = ("sh", "tr", "sort", "head", "cut", "uname")
RELEASE = platform.python_version() + sys.abiflags

WORKS = f'exec "{sys.executable}" "$@"'
FAILS = "echo 'no such version' >&2; exit 127"


def believes(what: str) -> str:
    """Return a script that runs this interpreter, which takes itself for another one."""
    return f'exec "{sys.executable}" -I -c "import sys; {what}; exec(sys.argv[1])" "$3"'


TOO_OLD = believes("sys.version_info = (3, 11, 9)")
NOT_CPYTHON = believes("sys.implementation.name = 'pypy'")
NONE_FOUND = (
    "find-python: no CPython 3.12 or newer found (on PATH, in pyenv, by uv);"
    " install one, or say PYTHON=/path/to/python3\n"
)


def shim(path: Path, script: str) -> Path:
    """Make an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def pretends(release: str) -> str:
    """Return a script that answers as an interpreter of that release would."""
    return f"echo {release}"


class Machine:
    """A machine with the tools the script needs, and no Python but those a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path: list[Path] = []
        self.variables = {"HOME": str(folder / "home")}
        tools = folder / "tools"
        tools.mkdir()
        for name in TOOLS:
            found = shutil.which(name)
            assert found is not None, name
            (tools / name).symlink_to(found)
        self.tools = tools

    def on_path(self, place: str, **scripts: str) -> Path:
        """Put a folder at the end of PATH, with a shim for each of `scripts`."""
        folder = self.folder / place
        for name, script in scripts.items():
            shim(folder / name.replace("_", "."), script)
        self.path.append(folder)
        return folder

    def find(self, *arguments: str | Path, **variables: str) -> tuple[int, str, str]:
        """Run the script; return its status, stdout and stderr."""
        path = ":".join(map(str, [*self.path, self.tools]))
        done = subprocess.run(
            ["/bin/sh", SCRIPT, *map(str, arguments)],
            env={"PATH": path, **self.variables, **variables},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_shim_that_fails_is_passed_over_for_one_that_runs(machine: Machine) -> None:
    machine.on_path("shims", python3_13=FAILS, python3_12=FAILS, python3=FAILS)
    good = machine.on_path("good", python3_13=WORKS)

    assert machine.find() == (0, f"{good}/python3.13\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("script", [TOO_OLD, NOT_CPYTHON], ids=["too old", "not CPython"])
def test_a_python3_that_runs_but_will_not_do_is_passed_over(machine: Machine, script: str) -> None:
    machine.on_path("old", python3=script)
    good = machine.on_path("good", python3=WORKS)

    assert machine.find() == (0, f"{good}/python3\n", "")


def test_what_is_no_interpreter_at_all_is_passed_over(machine: Machine) -> None:
    folder = machine.on_path("odd")
    (folder / "python3.15").mkdir(parents=True)
    (folder / "python3.14").write_text("not executable")
    (folder / "python3.13").symlink_to("nowhere")
    good = machine.on_path("good", python3_12=WORKS)

    assert machine.find() == (0, f"{good}/python3.12\n", "")


def test_a_newer_version_by_name_comes_first(machine: Machine) -> None:
    machine.on_path("first", python3=WORKS, python3_12=WORKS)
    second = machine.on_path("second", python3_14=WORKS)

    assert machine.find() == (0, f"{second}/python3.14\n", "")


@pytest.mark.slow
def test_the_interpreters_of_pyenv_are_found_through_their_links(machine: Machine) -> None:
    machine.on_path("shims", python3=FAILS)
    python = machine.folder / "pyenv/versions/3.13.0/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    shim(machine.folder / "pyenv/versions/3.9.1/bin/python", TOO_OLD)

    found = machine.find(PYENV_ROOT=str(machine.folder / "pyenv"))

    assert found == (0, f"{python}\n", "")


def test_pyenv_is_looked_for_in_the_home_folder_too(machine: Machine) -> None:
    python = shim(machine.folder / "home/.pyenv/versions/3.13.0/bin/python", WORKS)

    assert machine.find() == (0, f"{python}\n", "")


@pytest.mark.slow
def test_the_newest_of_pyenv_comes_first(machine: Machine) -> None:
    versions = machine.folder / "home/.pyenv/versions"
    for version in ("3.9.20", "3.12.1", "3.12.10", "3.12.9"):
        shim(versions / version / "bin/python", WORKS)

    assert machine.find() == (0, f"{versions}/3.12.10/bin/python\n", "")


def test_what_uv_knows_is_found_but_not_the_environment_of_the_folder(machine: Machine) -> None:
    own = shim(machine.folder / "own/.venv/bin/python", WORKS)
    python = shim(machine.folder / "uv pythons/python", WORKS)
    machine.on_path(
        "with-uv",
        uv=f"""
        case "$*" in
            "python find --system --no-python-downloads 3.13") echo '{python}' ;;
            *--system*) exit 2 ;;
            *) echo '{own}' ;;
        esac
        """,
    )

    assert machine.find() == (0, f"{python}\n", "")


def test_the_variable_python_comes_before_everything_else(machine: Machine) -> None:
    machine.on_path("good", python3_15=WORKS)
    mine = shim(machine.folder / "mine/my-python", WORKS)

    assert machine.find(PYTHON=str(mine)) == (0, f"{mine}\n", "")


def test_the_variable_python_may_be_a_name_on_path(machine: Machine) -> None:
    machine.on_path("good", python3_15=WORKS)
    named = machine.on_path("named", snake=WORKS)

    assert machine.find(PYTHON="snake") == (0, f"{named}/snake\n", "")


@pytest.mark.parametrize("arguments", [(), ("--all",)], ids=["first", "all"])
@pytest.mark.parametrize("python", ["/nowhere/python3", "old", "no-such-name"])
def test_an_unusable_python_variable_is_an_error_that_names_it(
    machine: Machine, python: str, arguments: tuple[str, ...]
) -> None:
    machine.on_path("good", python3_15=WORKS, old=TOO_OLD)

    found = machine.find(*arguments, PYTHON=python)

    message = f"find-python: PYTHON={python} is not a CPython 3.12 or newer that runs\n"
    assert found == (1, "", message)


@pytest.mark.parametrize("arguments", [(), ("--all",)], ids=["first", "all"])
def test_nothing_found_is_one_message(machine: Machine, arguments: tuple[str, ...]) -> None:
    machine.on_path("bad", python3=TOO_OLD, python3_13=FAILS)

    assert machine.find(*arguments) == (1, "", NONE_FOUND)


def test_the_shims_of_this_test_are_refused_for_what_they_believe_alone(machine: Machine) -> None:
    folder = machine.on_path("believer", python3=believes("sys.version_info = (3, 12, 0)"))

    assert machine.find() == (0, f"{folder}/python3\n", "")


@pytest.mark.slow
def test_no_home_folder_is_no_error(machine: Machine) -> None:
    del machine.variables["HOME"]
    good = machine.on_path("good", python3=WORKS)

    assert machine.find() == (0, f"{good}/python3\n", "")
    assert machine.find("--all") == (0, f"{RELEASE} {good}/python3\n", "")


def test_all_lists_each_release_once_oldest_first(machine: Machine) -> None:
    first = machine.on_path(
        "first",
        python3_13=pretends("3.13.10"),
        python3_12=pretends("3.12.7"),
        python3=pretends("3.13.2"),
    )
    machine.on_path("second", python3_13=pretends("3.13.10"), python3=pretends("3.12.7"))

    status, stdout, stderr = machine.find("--all")

    assert (status, stderr) == (0, "")
    assert stdout.splitlines() == [
        f"3.12.7 {first}/python3.12",
        f"3.13.2 {first}/python3",
        f"3.13.10 {first}/python3.13",
    ]


def test_all_includes_the_paths_that_are_given_and_prefers_them(machine: Machine) -> None:
    folder = machine.on_path("path", python3=pretends("3.13.2"))
    same = shim(machine.folder / "given/same", pretends("3.13.2"))
    newer = shim(machine.folder / "given/newer", pretends("3.15.0"))

    both = machine.find("--all", newer, same)
    one = machine.find("--all", newer)

    assert both == (0, f"3.13.2 {same}\n3.15.0 {newer}\n", "")
    assert one == (0, f"3.13.2 {folder}/python3\n3.15.0 {newer}\n", "")


def test_all_includes_the_variable_python(machine: Machine) -> None:
    mine = shim(machine.folder / "mine", pretends("3.14.1"))
    machine.on_path("path", python3_14=pretends("3.14.1"))

    assert machine.find("--all", PYTHON=str(mine)) == (0, f"3.14.1 {mine}\n", "")


def test_all_refuses_a_given_path_that_does_not_run(machine: Machine) -> None:
    machine.on_path("good", python3=WORKS)
    bad = shim(machine.folder / "bad", FAILS)

    found = machine.find("--all", bad)

    message = f"find-python: {bad} is not a CPython 3.12 or newer that runs\n"
    assert found == (1, "", message)


def test_all_says_the_release_that_the_interpreter_itself_says(machine: Machine) -> None:
    good = machine.on_path("good", python3=WORKS)

    assert machine.find("--all") == (0, f"{RELEASE} {good}/python3\n", "")


def test_spaces_in_any_path_do_no_harm(machine: Machine) -> None:
    folder = machine.on_path("on path", python3_15=pretends("3.15.1"))
    given = shim(machine.folder / "is given/python", pretends("3.14.1"))
    mine = shim(machine.folder / "by variable/python", pretends("3.13.1"))
    root = machine.folder / "py env"
    pyenv = shim(root / "versions/3.12.1/bin/python", pretends("3.12.1"))

    every = machine.find("--all", given, PYTHON=str(mine), PYENV_ROOT=str(root))
    first = machine.find()
    machine.path.clear()
    from_pyenv = machine.find(PYENV_ROOT=str(root))

    assert every == (
        0,
        f"3.12.1 {pyenv}\n3.13.1 {mine}\n3.14.1 {given}\n3.15.1 {folder}/python3.15\n",
        "",
    )
    assert first == (0, f"{folder}/python3.15\n", "")
    assert from_pyenv == (0, f"{pyenv}\n", "")
