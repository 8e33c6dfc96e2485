"""The command line of `codetracer record`: ways to run a program, options, usage."""

from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent, OutputEvent, ReturnEvent
from tests.support.recorded import PROGRAM, functions, listing, metadata, record
from tests.support.running import Outcome, execute, write

WAYS = {
    "a script": (("app.py",), "app.py"),
    "a module": (("-m", "package.module"), "package.module"),
    "code": (("-c", "import app"), "<string>"),
    "a folder": (("folder",), "folder"),
    "standard input": (("-",), "-"),
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_python_runs_can_be_recorded(tmp_path: Path, way: str) -> None:
    write(
        tmp_path,
        {
            "app.py": PROGRAM,
            "package/__init__.py": "",
            "package/module.py": "import app\n",
            "folder/__main__.py": "import sys; sys.path.append('.'); import app\n",
        },
    )
    arguments, program = WAYS[way]
    extra = ("x",) if way != "standard input" else ()

    outcome = record(tmp_path, "-q", "-o", "out", *arguments, *extra, stdin="import app\n")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert functions(tmp_path / "out")[-1] == "f"
    found = metadata(tmp_path / "out")
    assert (found["program"], found["args"]) == (program, list(extra))


@pytest.mark.parametrize(
    "arguments", [("missing.py",), ("-m", "missing"), ("broken.py",), ("-c", "a b"), ("folder",)]
)
def test_a_program_that_cannot_begin_leaves_no_folder_and_pythons_own_words(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, {"broken.py": "def f(:\n", "folder/x": ""})
    before = listing(tmp_path)
    plain = execute(*arguments, cwd=tmp_path)

    recorded = record(tmp_path, *arguments)

    assert plain.code != 0
    assert recorded == plain
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-o", "out"),
        ("--max-depth", "0", "app.py"),
        ("--max-items", "many", "app.py"),
        ("--io-capture", "all", "app.py"),
        ("--on-recorder-error", "explode", "app.py"),
        ("--log-level", "loud", "app.py"),
        ("--no-such-option", "app.py"),
        ("--trace-filter", "missing.toml", "app.py"),
        ("--trace-filter", "bad.toml", "app.py"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_runs(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, {"app.py": "print('must not run')", "bad.toml": "no toml"})

    outcome = record(tmp_path, *arguments)

    assert (outcome.code, outcome.stdout) == (2, "")
    assert "Traceback" not in outcome.stderr
    assert listing(tmp_path) == ["app.py", "bad.toml"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CODETRACER_CAPTURE_IO", "all"),
        ("CODETRACER_ON_RECORDER_ERROR", "explode"),
        ("CODETRACER_TRACE_FILTER", "missing.toml"),
        ("CODETRACER_REQUIRE_TRACE", "perhaps"),
    ],
)
def test_a_wrong_variable_ends_with_2_and_is_named(
    tmp_path: Path, variable: str, value: str
) -> None:
    write(tmp_path, {"app.py": "print('must not run')"})

    outcome = record(tmp_path, "app.py", environ={variable: value})

    assert (outcome.code, outcome.stdout) == (2, "")
    assert value in outcome.stderr
    assert listing(tmp_path) == ["app.py"]


def test_options_behind_the_program_are_its_own(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import sys; print(sys.argv[1:])"})

    outcome = record(tmp_path, "-q", "-o", "out", "app.py", "-o", "--max-depth", "x")

    assert outcome == Outcome(0, "['-o', '--max-depth', 'x']\n", "")


FILTER = """\
[meta]
name = "{name}"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
[[scope.rules]]
selector = "obj:*.{function}"
exec = "{action}"
"""


@pytest.mark.slow
def test_filters_come_from_files_given_and_from_the_variable_the_last_one_strongest(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "app.py": "def f(): pass\ndef g(): pass\nf(); g()\n",
            "f.toml": FILTER.format(name="no f", function="f", action="skip"),
            "g.toml": FILTER.format(name="no g", function="g", action="skip"),
            "yes.toml": FILTER.format(name="f", function="f", action="trace"),
        },
    )

    record(tmp_path, "-o", "1", "--trace-filter", "f.toml", "app.py")
    record(tmp_path, "-o", "2", "--trace-filter", "f.toml::g.toml", "app.py")
    record(
        *(tmp_path, "-o", "3", "--trace-filter", "yes.toml", "app.py"),
        environ={"CODETRACER_TRACE_FILTER": "f.toml"},
    )

    assert functions(tmp_path / "1") == ["<module>", "g"]
    assert functions(tmp_path / "2") == ["<module>"]
    assert functions(tmp_path / "3") == ["<module>", "f", "g"]
    filters = metadata(tmp_path / "3")["filters"]["filters"]
    assert [row["name"] for row in filters] == ["builtin-default", "no f", "f"]
    assert metadata(tmp_path / "2")["filters"]["stats"]["scopes_traced"] == 1


def test_recording_begins_at_the_activation_path(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"app.py": "def f(): pass\nf()\nimport part\nf()\n", "part.py": "def g(): pass\ng()\n"},
    )

    record(tmp_path, "-o", "out", "--activation-path", "part.py", "app.py")

    # The program's own frame is where that file is imported.
    assert functions(tmp_path / "out") == ["<module>", "<module>", "g"]


@pytest.mark.parametrize(
    ("options", "environ", "caught"),
    [
        ((), {}, ["python"]),
        (("--io-capture", "off"), {}, []),
        ((), {"CODETRACER_CAPTURE_IO": "off"}, []),
        (("--io-capture", "proxies"), {"CODETRACER_CAPTURE_IO": "off"}, ["python"]),
        (("--io-capture", "proxies+fd"), {}, ["python", "descriptor"]),
    ],
)
def test_output_is_caught_where_it_is_asked_for(
    tmp_path: Path, options: tuple[str, ...], environ: dict[str, str], caught: list[str]
) -> None:
    write(
        tmp_path, {"app.py": "import os\nprint('python', flush=True)\nos.write(1, b'descriptor')"}
    )

    outcome = record(tmp_path, "-q", "-o", "out", *options, "app.py", environ=environ)

    assert outcome == Outcome(0, "python\ndescriptor", "")
    data = b"".join(
        event.data for event in codetracer.read(tmp_path / "out") if isinstance(event, OutputEvent)
    )
    assert sorted(data.split()) == sorted(word.encode() for word in caught)


def test_limits_say_how_much_of_a_value_is_recorded(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": PROGRAM})

    record(
        *(tmp_path, "-o", "out", "--max-depth", "2", "--max-items", "3", "--max-text", "4"),
        "app.py",
    )

    found = metadata(tmp_path / "out")["limits"]
    assert (found["depth"], found["items"], found["text"]) == (2, 3, 4)
    for event in codetracer.read(tmp_path / "out"):
        if isinstance(event, CallEvent) and event.frame.code.name == "f":
            assert "45" in repr(event.arguments["text"])  # characters, four of them shown
        if isinstance(event, ReturnEvent) and event.frame.code.name == "f":
            assert len(getattr(event.value, "items", ())) == 3


def test_the_help_names_every_option_and_variable(tmp_path: Path) -> None:
    outcome = record(tmp_path, "--help")

    assert outcome.code == 0
    for name in (
        *("--out-dir", "--activation-path", "--trace-filter", "--io-capture", "--max-depth"),
        *("--max-items", "--max-text", "--on-recorder-error", "--require-trace"),
        *("--keep-partial-trace", "--log-level", "--log-file", "--json-errors"),
        *("--propagate-script-exit", "CODETRACER_PYTHON_RECORDER_OUT_DIR"),
        *("CODETRACER_PYTHON_RECORDER_DISABLED", "CODETRACER_TRACE_FILTER"),
        "CODETRACER_CAPTURE_IO",
    ):
        assert name in outcome.stdout
