"""`codetracer record --include` and `--exclude`: which files are recorded, beside the filters."""

import json
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import CallEvent, Hidden, ReturnEvent
from tests.support.reading import read
from tests.support.running import Outcome, execute, write

FILES = {
    "app.py": "import json\nimport package.part, package.other\n"
    "def main():\n    package.part.f(1)\n    package.other.g(2)\n    json.dumps([])\nmain()\n",
    "package/__init__.py": "",
    "package/part.py": "def f(x):\n    mine = x\n    quiet()\n    return mine\ndef quiet(): pass\n",
    "package/other.py": "def g(x): return x\n",
}
FILTER = """\
[meta]
name = "mine"
version = 1
[scope]
default_exec = "{default}"
default_value_action = "allow"
[[scope.rules]]
selector = "pkg:package.part"
exec = "skip"
[[scope.rules.value_patterns]]
selector = "ret:*.f"
action = "redact"
[[scope.rules]]
selector = "obj:*.quiet"
exec = "skip"
"""


def record(folder: Path, *options: str, backend: str = BACKENDS[0]) -> Outcome:
    write(folder, FILES)
    return execute(
        *("-m", "codetracer", "record", "-o", "out", *options, "app.py"),
        cwd=folder,
        environ={"CODETRACER_BACKEND": backend},
    )


def called(folder: Path) -> set[str]:
    """Return the functions that were recorded, by file and name."""
    trace = codetracer.read(folder / "out")
    assert trace.complete, trace.problem
    codes = {event.frame.code for event in trace if isinstance(event, CallEvent)}
    return {f"{Path(code.path).name}:{code.short_name}" for code in codes}


MAIN = {"app.py:<module>", "app.py:main"}
PART = {"part.py:<module>", "part.py:f", "part.py:quiet"}
OTHER = {"other.py:<module>", "other.py:g"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--include", "app.py"], MAIN),
        (["--include", "package/p*.py"], PART),
        (["--include", "./app.py", "--include=part.py"], MAIN | PART),
        (["--exclude", "package/*"], MAIN),
        (["--exclude", "./package/part.py"], MAIN | OTHER | {"__init__.py:<module>"}),
        (["--include", "*.py", "--exclude", "*/json/*", "--exclude", "app.py"], PART | OTHER),
    ],
)
def test_the_files_that_globs_choose_are_recorded_and_no_others(
    tmp_path: Path, options: list[str], expected: set[str], backend: str
) -> None:
    outcome = record(tmp_path, *options, backend=backend)

    assert outcome.code == 0, outcome
    found = called(tmp_path)
    if "*.py" in options:
        # All of the standard library, too.
        found = {name for name in found if name.partition(":")[0] in ("part.py", "other.py")}
        assert "json" not in " ".join(called(tmp_path))
    assert found == expected


def test_the_standard_library_is_recorded_where_a_glob_includes_it(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, "--include", "json/__init__.py", backend=backend)

    assert "__init__.py:dumps" in called(tmp_path)
    assert not called(tmp_path) & MAIN


@pytest.mark.parametrize("default", ["trace", "skip"])
def test_globs_choose_files_in_place_of_filters_whose_word_on_functions_and_values_holds(
    tmp_path: Path, default: str, backend: str
) -> None:
    write(tmp_path, {"filter.toml": FILTER.format(default=default)})

    record(
        *(tmp_path, "--trace-filter", "filter.toml", "--include", "part.py"),
        backend=backend,
    )

    assert called(tmp_path) == PART - {"part.py:quiet"}
    results = [
        event.value
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, ReturnEvent) and event.frame.code.short_name == "f"
    ]
    assert results == [Hidden("redacted")]


@pytest.mark.slow
def test_filters_hold_for_what_is_not_excluded(tmp_path: Path) -> None:
    write(tmp_path, {"filter.toml": FILTER.format(default="trace")})

    record(tmp_path, "--trace-filter", "filter.toml", "--exclude", "other.py")

    assert called(tmp_path) >= MAIN
    assert not called(tmp_path) & (PART | OTHER)


def test_the_recording_and_info_say_which_globs_there_were(tmp_path: Path) -> None:
    record(tmp_path, "--include", "app.py", "--include", "part.py", "--exclude", "x.py")

    metadata = json.loads((tmp_path / "out/trace_metadata.json").read_text())
    filters = metadata["filters"]
    assert (filters["include"], filters["exclude"]) == (["app.py", "part.py"], ["x.py"])
    assert filters["stats"]["skipped_by"]["--include and --exclude"] > 0
    info = read("info", "out", cwd=tmp_path).stdout
    assert "; only files that match app.py or part.py; no files that match x.py\n" in info


@pytest.mark.parametrize("command", ["record", "watch"])
@pytest.mark.parametrize("option", ["--include", "--exclude"])
@pytest.mark.parametrize(
    ("glob", "problem"),
    [
        ("", "a glob must not be empty"),
        ("part[0-9.py", "'part[0-9.py' has a '[' that is not closed; write [[] for a bracket"),
        ("app[].py", "'app[].py' has a '[' that is not closed"),
        ("app[!].py", "'app[!].py' has a '[' that is not closed"),
        ("[]]" * 50 + "[", f"'{'[]]' * 50}[' has a '[' that is not closed"),
        ("package", "'package' is a folder; 'package/*' matches the files in it"),
        ("no/such/", "'no/such/' is a folder; 'no/such/*' matches the files in it"),
    ],
)
def test_a_glob_that_can_match_nothing_is_refused_before_anything_runs(
    tmp_path: Path, command: str, option: str, glob: str, problem: str
) -> None:
    write(tmp_path, FILES)

    outcome = execute(
        *("-m", "codetracer", command, "-o", "out", f"{option}={glob}", "app.py"), cwd=tmp_path
    )

    assert (outcome.code, outcome.stdout) == (2, "")
    assert f"codetracer {command}: error: argument {option}: {problem}" in outcome.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("glob", ["a[[]b].py", "a[[]*", "?[]]*", "a[!x]b].py", "{a*", "a[[]b]*"])
def test_a_glob_may_have_brackets_in_it(tmp_path: Path, glob: str) -> None:
    name = "{a.py" if glob[0] == "{" else "x]b.py" if glob[0] == "?" else "a[b].py"
    write(tmp_path, {name: "def f(): pass\nf()\n"})

    outcome = execute(
        *("-m", "codetracer", "record", "-o", "out", "--include", glob, name), cwd=tmp_path
    )

    assert outcome.code == 0, outcome
    assert called(tmp_path) == {f"{name}:<module>", f"{name}:f"}
