"""`codetracer export` estimates the size of an export, refuses a large one, and cuts values."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from codetracer.errors import UsageError
from codetracer.export.spool import Spool
from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.exporting import Backend, elements, export
from tests.support.logs import NONE, number, text
from tests.support.running import execute, trace_environ, write

NAMES = [f"v{index}" for index in range(100)]


def large(folder: Path, steps: int) -> None:
    """Write a trace of so many steps; each has a hundred lists of fifty texts."""
    items = [text("x" * 200)] * 50
    records = [
        encode.encode_type("list"),
        encode.encode_source("app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f", parameters=NAMES),
        *(encode.encode_object(n, 1, 0, 50, items, 0, []) for n in range(100)),
        encode.encode_call(0, 0, [encode.value_reference(n) for n in range(100)]),
        encode.encode_step(1),
        encode.encode_step(0) * (steps - 1),
        encode.encode_return(0, NONE),
    ]
    logs.write_trace(folder / "out", logs.log(records))


def estimated(stderr: str) -> float:
    """Return how many bytes the export will have, as standard error has it."""
    found = re.search(r"the export will have about ([\d.]+) (bytes|kB|MB|GB)\n", stderr)
    assert found, stderr
    return float(found[1]) * {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[found[2]]


@pytest.mark.slow
def test_an_export_above_2_gb_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    large(tmp_path, 4_000)

    done = export("out", "-o", "json", cwd=tmp_path)

    assert (done.code, done.stdout) == (2, "")
    said, refused = done.stderr.splitlines()
    size = estimated(f"{said}\n")
    assert 2e9 < size < 4e9
    assert "[ERR_EXPORT_TOO_LARGE] the export would have about " in refused
    for remedy in ("--from-step", "--to-step", "--function", "--depth", "--items", "--force"):
        assert remedy in refused
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_what_is_far_too_large_is_refused_before_all_of_it_is_read(tmp_path: Path) -> None:
    large(tmp_path, 4_000_000)

    done = export("out", "-o", "json", cwd=tmp_path)

    assert (done.code, done.stdout) == (2, "")
    assert "the export would have more than 20 GB" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [["--to-step", "20"], ["--depth", "1", "--items", "2", "--from-step", "3900"]],
)
def test_what_is_too_large_can_be_exported_in_part(tmp_path: Path, options: list[str]) -> None:
    large(tmp_path, 4_000)

    done = export("out", "-o", "json", *options, cwd=tmp_path)

    assert (done.code, done.stdout) == (0, "json\n")
    size = (tmp_path / "json/trace.json").stat().st_size
    assert size / 1.1 < estimated(done.stderr) < size * 1.1


@pytest.mark.slow
def test_the_size_that_is_said_is_that_of_what_is_written(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": "rows = []\nfor number in range(3000):\n"
            "    rows.append({'n': number, 'half': number // 2})\n    last = rows[-1]\n"
        },
    )
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    done = export("out", "-o", "json", cwd=tmp_path)

    size = (tmp_path / "json/trace.json").stat().st_size
    assert size > 1_000_000
    assert size / 1.1 < estimated(done.stderr) < size * 1.1


def test_a_spool_takes_no_more_than_its_limit(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), limit=1_000)
    for _ in range(100):
        spool.add("part", '"0123456789"')

    with pytest.raises(UsageError, match=r"the export has 1\.4 kB already") as caught:
        spool.join(str(tmp_path / "whole"), ["part"])

    assert caught.value.code == "ERR_EXPORT_TOO_LARGE"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_object_that_is_returned_often_takes_the_room_of_one_value_each_time(
    tmp_path: Path,
) -> None:
    items = [text("y" * 490)] * 20_000
    call = [encode.encode_call(0, 0, []), encode.encode_return(0, encode.value_reference(0))]
    records = [
        encode.encode_type("list"),
        encode.encode_source("app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f"),
        encode.encode_object(0, 1, 0, 20_000, items, 0, []),
        *(call * 3_000),
    ]
    logs.write_trace(tmp_path / "out", logs.log(records))

    done = export("out", "-o", "json", cwd=tmp_path)

    assert done.code == 0
    assert (tmp_path / "json/trace.json").stat().st_size < 3_000 * 9_000
    result = Backend(elements(tmp_path / "json")).calls[-1]["result"]
    assert result[0].startswith("yyyy")
    assert result[-1] == f"raw … +{20_000 - len(result) + 1}"


def test_objects_that_lie_in_several_places_are_not_unfolded_at_each_of_them(
    tmp_path: Path,
) -> None:
    # 50 to the power of 8 paths lead through them.
    layers = [
        encode.encode_object(n, 1, 0, 50, [encode.value_reference(n + 1)] * 50, 0, [])
        for n in range(8)
    ]
    records = [
        encode.encode_type("list"),
        encode.encode_source("app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f"),
        *layers,
        encode.encode_call(0, 0, []),
        encode.encode_return(0, encode.value_reference(0)),
    ]
    logs.write_trace(tmp_path / "out", logs.log(records))

    done = export("out", "-o", "json", "--depth", "40", cwd=tmp_path)

    assert done.code == 0
    assert (tmp_path / "json/trace.json").stat().st_size < 20_000


def test_the_long_parts_of_a_value_are_named_and_the_short_ones_given(tmp_path: Path) -> None:
    several = [*map(encode.value_reference, (0, 0, 1)), *map(number, range(18))]
    records = [
        encode.encode_type("list"),
        encode.encode_source("app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f"),
        encode.encode_object(0, 1, 0, 1, [text("short")], 0, []),
        encode.encode_object(1, 1, 0, 90, [text("z" * 400)] * 90, 0, []),
        encode.encode_object(2, 1, 0, 21, several, 0, []),
        encode.encode_call(0, 0, []),
        encode.encode_return(0, encode.value_reference(2)),
    ]
    logs.write_trace(tmp_path / "out", logs.log(records))

    export("out", "-o", "json", "--items", "15", cwd=tmp_path)

    result = Backend(elements(tmp_path / "json")).calls[-1]["result"]
    assert result == [["short"], ["short"], "raw <list #1>", *range(12), "raw … +6"]


def test_each_step_has_what_objects_hold_then_however_deep_the_change_is(tmp_path: Path) -> None:
    program = """\
def fill(tree):
    tree[0][0].append(1)
    tree[0].append(tree[0][0])
    tree[0][0].append(2)
    tree[0][0].append(tree)
    return len(tree)
fill([[[]], "same"])
"""
    write(tmp_path, {"app.py": program})
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=tmp_path)

    export("out", "-o", "json", cwd=tmp_path)

    backend = Backend(elements(tmp_path / "json"))
    seen = [values["tree"] for values in backend.values if "tree" in values]
    cycle = [1, 2, "error <cycle>"]
    assert seen == [
        [[[]], "same"],
        [[[1]], "same"],
        [[[1], [1]], "same"],
        [[[1, 2], [1, 2]], "same"],
        [[cycle, cycle], "same"],
    ]


@pytest.mark.parametrize("order", [(0, 2, 0), (2, 0, 2)])
def test_a_cycle_is_named_where_it_closes_whatever_was_exported_before(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    # 0 and 1 lie in each other; 2 holds 1.
    holds = {0: 1, 1: 0, 2: 1}
    records = [
        encode.encode_type("list"),
        encode.encode_source("app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f"),
        *(
            encode.encode_object(n, 1, 0, 1, [encode.value_reference(inner)], 0, [])
            for n, inner in holds.items()
        ),
    ]
    for returned in order:
        records.append(encode.encode_call(0, 0, []))
        records.append(encode.encode_return(0, encode.value_reference(returned)))
    logs.write_trace(tmp_path / "out", logs.log(records))

    export("out", "-o", "json", cwd=tmp_path)

    expected = {0: [["error <cycle>"]], 2: [[["error <cycle>"]]]}
    results = [call["result"] for call in Backend(elements(tmp_path / "json")).calls[1:]]
    assert results == [expected[returned] for returned in order]


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_shows_how_far_it_is_on_a_terminal_alone(tmp_path: Path, terminal: bool) -> None:
    large(tmp_path, 300)
    leader, follower = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "codetracer", "export", "out", "-o", "json"),
            *("--items", "2", "--to", "codetracer-json"),
        ],
        cwd=tmp_path,
        env=trace_environ(),
        stdout=subprocess.DEVNULL,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 1 << 16):
            shown += chunk
    except OSError:
        # A terminal whose last process has ended.
        pass
    os.close(leader)

    assert process.wait() == 0
    assert (b"% measured" in shown, b"% written" in shown) == (terminal, terminal)
    assert (b"\r" in shown.replace(b"\r\n", b"")) == terminal
    assert b"the export will have about " in shown
