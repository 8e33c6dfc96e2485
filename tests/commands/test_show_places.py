"""Places that `codetracer show` takes and prints, and blocks of a log that it need not read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from codetracer import cli
from codetracer.recording.reader import LogReader
from codetracer.replay.index_file import index_path
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import FORM_EXCEPTION, FORM_LIST, STREAM_STDOUT
from tests.support import logs
from tests.support.logs import NONE
from tests.support.long_recordings import MIXED
from tests.support.recordings import record
from tests.support.running import execute, write

FORKED = """\
import os
x = 1
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
else:
    y = 2
    z = 3
"""


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return what `codetracer show` prints in this process."""
    capsys.readouterr()
    assert cli.main(["show", *map(str, arguments)]) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forked")
    record(folder, FORKED)
    return folder / "out"


@pytest.mark.slow
def test_of_several_processes_each_line_has_the_place_that_step_takes(
    forked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, forked, "--variable", "z").splitlines()
    (line,) = (line for line in lines if "z =" in line)
    place = line.split()[1]
    assert place.startswith("1:")

    at_the_step = shown(capsys, forked, "--step", place)
    call = shown(capsys, forked, "--call", place)

    assert "> z = 3" in at_the_step
    assert f" {place} " in at_the_step
    assert " 1:" in call
    assert " 0:" not in call


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--step", "2:0"), "has no process 2; it has 2, the first one is 0"),
        (("--step", "0:0", "--call", "1:0"), "--step, --call and --process name different"),
    ],
)
def test_a_place_that_is_nowhere_is_refused(
    forked: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["show", str(forked), *options])

    assert ended.value.code == 1
    assert problem in capsys.readouterr().err


PRINTING = """
for i in range(20):
    print(i, end=' ' if i % 7 else None)
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    write(folder, {"app.py": f"{MIXED}{PRINTING}"})
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=folder)
    return folder / "out"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "view",
    [
        ("--function", "deep"),
        ("--function", "threaded"),
        ("--function", "worker"),
        ("--function", "<module>"),
        ("--raises",),
        ("--raises", "--all"),
        ("--output",),
        # A local variable of deep calls, of suspended generators, of tasks; an argument.
        ("--variable", "x"),
        ("--variable", "got"),
        ("--variable", "seen"),
        ("--variable", "bag"),
        # A global variable that most blocks have: all are read.
        ("--variable", "total"),
        # In objects that change in code that has no such variable.
        ("--variable", "tree.kids[1]"),
        ("--variable", "bag[-1]"),
        ("--variable", "self.name"),
    ],
)
def test_by_the_index_a_view_is_as_by_reading_all(
    mixed: Path, capsys: pytest.CaptureFixture[str], view: tuple[str, ...], form: str
) -> None:
    """A depth needs all calls to be read."""
    common = (mixed, *view, "--limit", 0, "--format", form)

    by_index = shown(capsys, *common)

    (log,) = mixed.glob("*.ctlog")
    assert os.path.exists(index_path(str(log)))
    assert by_index
    assert by_index == shown(capsys, *common, "--depth", 100_000)


@pytest.mark.slow
@pytest.mark.parametrize("view", [("--function", "deep"), ("--output",)])
@pytest.mark.parametrize("block", [0, 1, -1])
def test_of_a_damaged_log_is_shown_what_is_before_the_damage(
    mixed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    view: tuple[str, ...],
    block: int,
) -> None:
    # An index from before the damage says in other words that the log is damaged.
    without = shutil.ignore_patterns("*.ctindex")
    folder = shutil.copytree(mixed, tmp_path / "out", ignore=without)
    (log,) = folder.glob("*.ctlog")
    place = [*LogReader(str(log)).blocks()][block].offset + 30
    content = bytearray(log.read_bytes())
    content[place] ^= 1
    log.write_bytes(content)

    said = []
    for more in ((), ("--depth", 100_000)):
        with pytest.raises(SystemExit) as ended:
            cli.main(["show", *map(str, (folder, *view, "--limit", 0, *more))])
        said.append((ended.value.code, *capsys.readouterr()))

    assert said[0] == said[1]
    assert "damaged" in said[0][2]


OTHER = logs.code("other", line=40)
MUCH = encode.encode_output(STREAM_STDOUT, "", 0, b"x" * 100_000)


def error(number: int) -> bytes:
    return encode.encode_object(number, FORM_EXCEPTION, 0, 0, (), 0, ())


def reference(number: int) -> bytes:
    return encode.value_reference(number)


BEGIN = [
    encode.encode_source("/app/app.py"),
    encode.encode_type("KeyError"),
    encode.encode_type("StopIteration"),
    encode.encode_thread(71, "Main"),
    logs.code("<module>", kind=0),
    logs.code("inner", line=20),
    logs.code("gen", line=30, kind=3),
    OTHER,
]
FATES = [
    [*BEGIN, encode.encode_call(0, 0, []), encode.encode_step(0)],
    # It is raised in one block, leaves the frame in another, and comes to the caller in a third.
    [
        encode.encode_call(1, 0, []),
        encode.encode_step(1),
        error(0),
        encode.encode_raise(reference(0)),
    ],
    [encode.encode_unwind(0, reference(0))],
    [MUCH],
    [encode.encode_raise(reference(0))],
    [encode.encode_handled(reference(0))],
    [MUCH],
    # The line that handles it.
    [encode.encode_step(5)],
    [MUCH],
    # A frame that handles one is lost, and goes on later.
    [encode.encode_call(2, 0, []), encode.encode_step(0), error(1)],
    [encode.encode_raise(reference(1)), encode.encode_handled(reference(1)), encode.encode_step(1)],
    [MUCH],
    [encode.encode_lost()],
    [
        encode.encode_call(1, 0, []),
        encode.encode_step(0),
        error(3),
        encode.encode_raise(reference(3)),
        encode.encode_handled(reference(3)),
        encode.encode_return(0, NONE),
    ],
    [MUCH],
    [encode.encode_resume(2, 0), encode.encode_step(1), encode.encode_return(0, NONE)],
    # Only the frame's next step says that a loop has caught it.
    [
        encode.encode_call(1, 0, []),
        encode.encode_step(0),
        encode.encode_object(2, FORM_EXCEPTION, 1, 0, (), 0, ()),
        encode.encode_raise(reference(2)),
    ],
    [MUCH],
    [encode.encode_step(1), encode.encode_return(0, NONE)],
    [MUCH],
    [encode.encode_return(0, NONE), encode.encode_exit(0, 1, 0)],
]


ENDED = [
    *FATES[:2],
    *([MUCH] for _ in range(3)),
    [encode.encode_unwind(0, reference(0))],
    [MUCH],
    [encode.encode_unwind(0, reference(0))],
]
"""It ends the thread, in a block that has nothing else of it."""

IDLE = [encode.encode_thread(72, "Idle"), MUCH]


@pytest.mark.parametrize(
    ("blocks", "fate"),
    [
        (FATES, "ended a loop"),
        (FATES[:-1], "ended a loop"),
        (FATES[:7], "handled at"),
        (FATES[:2], "its fate was not recorded"),
        (ENDED, "ended thread 0 Main"),
    ],
    ids=["all", "open", "handled", "unknown", "ended"],
)
def test_what_became_of_an_exception_is_found_in_other_blocks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], blocks: list[list[bytes]], fate: str
) -> None:
    logs.write_trace(tmp_path / "out", logs.log(*blocks, *([MUCH] for _ in range(3)), IDLE))
    common = (tmp_path / "out", "--raises", "--all", "--limit", 0)

    by_index = shown(capsys, *common)

    assert [*(tmp_path / "out").glob("*.ctindex")]
    assert fate in by_index
    assert by_index == shown(capsys, *common, "--depth", 100_000)


def listed(value: int) -> bytes:
    return encode.encode_object(0, FORM_LIST, 0, 1, [logs.number(value)], 0, ())


STEP = encode.encode_step(1)
SHARED = [
    [
        encode.encode_source("/app/app.py"),
        encode.encode_type("list"),
        encode.encode_thread(71, "Main"),
        logs.code("<module>", kind=0),
        logs.code("gen", line=30, kind=3, variables=["seen"]),
        logs.code("other", line=40, variables=["held"]),
        encode.encode_call(0, 0, []),
        STEP,
    ],
    # A generator that is on no stack at the beginning of any block.
    [
        encode.encode_call(1, 0, []),
        STEP,
        listed(1),
        encode.encode_variable(0, reference(0)),
        STEP,
        encode.encode_yield(0, NONE),
    ],
    [MUCH],
    # Other code changes its object; only the next block has the line after that.
    [encode.encode_call(2, 0, []), STEP, listed(2)],
    [encode.encode_variable(0, logs.number(7)), STEP, encode.encode_return(0, NONE)],
    *([MUCH] for _ in range(5)),
    [encode.encode_resume(1, 0), listed(3), STEP, encode.encode_yield(0, NONE)],
    *([MUCH] for _ in range(5)),
    [encode.encode_return(0, NONE), encode.encode_exit(0, 1, 0)],
]


@pytest.mark.parametrize(
    ("variable", "lines"),
    [
        ("seen", ["31 1 [1]", "32 5 [2]", "32 2 [3]"]),
        ("seen[0]", ["31 1 1", "41 3 2", "32 2 3"]),
        ("held", ["41 3 7"]),
    ],
)
def test_values_are_found_in_the_blocks_where_code_runs_that_has_them_or_their_object_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], variable: str, lines: list[str]
) -> None:
    logs.write_trace(tmp_path / "out", logs.log(*SHARED))
    common = (tmp_path / "out", "--variable", variable, "--limit", 0)

    by_index = shown(capsys, *common)

    assert [*(tmp_path / "out").glob("*.ctindex")]
    found = [line.split() for line in by_index.splitlines()]
    assert [f"{row[0].removeprefix('app.py:')} {row[1]} {row[5]}" for row in found] == lines
    assert by_index == shown(capsys, *common, "--depth", 100_000)
