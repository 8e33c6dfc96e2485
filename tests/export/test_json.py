"""`codetracer export --to codetracer-json`: what CodeTracer 25.11 demands of a trace."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import codetracer
from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.exporting import Backend, elements, export
from tests.support.logs import NONE, number
from tests.support.reading import read
from tests.support.running import execute, write

PROGRAM = """\
import threading


class Point:
    def __init__(self, x):
        self.x = x


def gen():
    yield 1


def work(name):
    return [name]


def fail():
    raise ValueError("no")


point = Point(1)
things = [1, 2.5, "a", None, True, (1, 2), {"k": {3}}, 10**30, b"b", "\\udc80"]
things.append(things)
for _ in gen():
    pass
thread = threading.Thread(target=work, args=("w",), name="Worker")
thread.start()
thread.join()
print("written")
fail()
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with app.py, a recording of it and an export of that, ``json``."""
    folder = tmp_path_factory.mktemp("export")
    write(folder, {"app.py": PROGRAM})
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=folder)
    done = export("out", "-o", "json", cwd=folder)
    assert (done.code, done.stdout) == (0, "json\n")
    return folder


@pytest.mark.slow
def test_the_trace_keeps_what_the_backend_asserts(exported: Path) -> None:
    backend = Backend(elements(exported / "json"))

    assert backend.names["Path"] == json.loads((exported / "json/trace_paths.json").read_text())
    assert backend.names["Path"][0] == ""
    assert str(exported / "app.py") in backend.names["Path"]
    assert backend.names["Type"][0]["kind"] == 30


@pytest.mark.slow
def test_there_is_no_kind_of_element_that_25_11_does_not_know(exported: Path) -> None:
    kinds = Counter(kind for element in elements(exported / "json") for kind in element)

    assert kinds.keys() == {
        "Type",
        "Path",
        "Function",
        "VariableName",
        "Call",
        "Step",
        "Value",
        "Event",
        "Return",
    }
    assert kinds["Call"] == kinds["Return"]


def test_all_calls_are_below_toplevel_and_other_threads_come_after_the_main_one(
    exported: Path,
) -> None:
    backend = Backend(elements(exported / "json"))
    named = {call["name"]: call for call in backend.calls}

    assert backend.calls[0]["name"] == "<toplevel>"
    assert [call["parent"] for call in backend.calls].count([]) == 1
    assert named["<__main__>"]["parent"] == [backend.calls[0]]
    assert named["fail"]["parent"] == [named["<__main__>"]]
    assert named["<thread Worker>"]["parent"] == [backend.calls[0]]
    assert named["work"]["parent"] == [named["<thread Worker>"]]
    order = [call["name"] for call in backend.calls]
    assert order.index("fail") < order.index("<thread Worker>") < order.index("work")


def test_calls_have_arguments_and_results_generators_one_for_each_run(exported: Path) -> None:
    backend = Backend(elements(exported / "json"))
    results = [(call["name"], call["args"], call["result"]) for call in backend.calls]

    assert ("work", {"name": "w"}, ["w"]) in results
    assert ("fail", {}, "raw ValueError('no')") in results
    assert [(name, result) for name, _, result in results if name == "gen"] == [
        ("gen", 1),
        ("gen", None),
    ]


def test_each_call_begins_with_a_step_of_its_own(exported: Path) -> None:
    backend = Backend(elements(exported / "json"))

    begins = [
        (call["name"], next(step["line"] for step in backend.steps if step["call"] is call))
        for call in backend.calls[1:]
    ]

    lines = PROGRAM.splitlines()
    for name in ("fail", "work", "gen"):
        (at,) = (number for number, line in enumerate(lines, 1) if line.startswith(f"def {name}("))
        assert (name, at) in begins


def test_steps_have_the_variables_that_their_lines_see(exported: Path) -> None:
    backend = Backend(elements(exported / "json"))
    last = next(
        values
        for step, values in reversed(list(zip(backend.steps, backend.values, strict=True)))
        if step["call"]["name"] == "<__main__>"
    )

    assert last["point"] == {"x": 1}
    assert last["things"] == [
        *(1, "raw 2.5", "a", None, True, (1, 2), [("k", [3])]),
        f"raw {10**30}",
        "raw b'b'",
        "\\udc80",
        "error <cycle>",
    ]
    assert "work" not in last
    assert "threading" not in last
    (values,) = [
        values
        for step, values in zip(backend.steps, backend.values, strict=True)
        if step["call"]["name"] == "work" and values
    ]
    assert values == {"name": "w"}


def test_output_hangs_on_the_step_that_wrote_it(exported: Path) -> None:
    backend = Backend(elements(exported / "json"))
    line = PROGRAM.splitlines().index('print("written")') + 1

    found = [
        (event["content"], backend.steps[step]["line"])
        for step, event in backend.events
        if event["kind"] == 0
    ]

    assert ("written", line) in found or ("written\n", line) in found


def test_a_program_that_an_error_ended_has_an_error_at_its_end(exported: Path) -> None:
    trace = elements(exported / "json")

    assert trace[-2] == {"Event": {"kind": 11, "metadata": "", "content": "uncaught ValueError"}}
    assert "Step" in trace[-3]


def test_metadata_and_sources_are_where_codetracer_looks(exported: Path) -> None:
    metadata = json.loads((exported / "json/trace_metadata.json").read_text())

    assert metadata["workdir"] == str(exported)
    assert metadata["program"].endswith("app.py")
    assert metadata["args"] == []
    assert metadata["process_exit_status"]["label"] == "uncaught ValueError"
    copy = exported / "json/files" / str(exported / "app.py").lstrip("/")
    assert copy.read_text() == PROGRAM


BEGIN = [
    encode.encode_source("app.py"),
    encode.encode_thread(1, "Main"),
    logs.code("<module>", kind=0),
    encode.encode_call(0, 0, []),
    encode.encode_step(0),
]


def test_frames_that_never_ended_return_all_the_same(tmp_path: Path) -> None:
    logs.write_trace(tmp_path / "out", logs.log(BEGIN))

    done = export("out", cwd=tmp_path)

    assert (done.code, done.stdout) == (0, "out-codetracer-json\n")
    trace = elements(tmp_path / "out-codetracer-json")
    backend = Backend(trace)
    assert backend.calls[1]["result"] == "error <not finished>"
    assert backend.steps[0]["path"] == "/app/app.py"
    assert "has no end" in trace[-2]["Event"]["content"]


def test_of_a_damaged_log_what_can_be_read_is_exported(tmp_path: Path) -> None:
    logs.write_trace(tmp_path / "out", logs.log(BEGIN, [encode.encode_step(1)])[:-1] + b"X")

    done = export("out", "-o", "json", cwd=tmp_path)

    assert done.code == 1
    assert "json has the part that could be read" in done.stderr
    assert "[ERR_TRACE_DAMAGED]" in done.stderr
    assert len(Backend(elements(tmp_path / "json")).calls) == 2


def test_an_export_is_replaced_only_when_that_is_asked_for(tmp_path: Path) -> None:
    logs.write_trace(tmp_path / "out", logs.log(BEGIN))
    export("out", "-o", "json", cwd=tmp_path)
    (tmp_path / "json/trace.json").write_text("old")

    again = export("out", "-o", "json", cwd=tmp_path)
    kept = (tmp_path / "json/trace.json").read_text()
    forced = export("out", "-o", "json", "--force", cwd=tmp_path)

    assert (again.code, again.stdout, kept) == (1, "", "old")
    assert "json exists and is not empty; name another folder, or use --force" in again.stderr
    assert forced.code == 0
    assert elements(tmp_path / "json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["json", "out"]


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_what_is_no_export_is_never_touched(tmp_path: Path, force: list[str]) -> None:
    logs.write_trace(tmp_path / "out", logs.log(BEGIN))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")

    for output in ("mine", "file", "out"):
        done = export("out", "-o", output, *force, cwd=tmp_path)
        assert (done.code, "[ERR_TRACE_DIR_CONFLICT]" in done.stderr) == (1, True)

    assert (tmp_path / "mine/notes.txt").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "out/process-4321.ctlog").exists()


def test_processes_come_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    # Process identifiers may start again; their names as texts have no order either.
    later = [logs.log(BEGIN, pid=pid, after=1) for pid in (3, 10001)]
    logs.write_trace(tmp_path / "out", later[0], later[1], logs.log(BEGIN, pid=9997))

    assert codetracer.read(tmp_path / "out").processes[0].pid == 9997


def test_one_process_of_several_can_be_chosen(tmp_path: Path) -> None:
    step = encode.encode_step(7)
    logs.write_trace(tmp_path / "out", logs.log(BEGIN, pid=3), logs.log([*BEGIN, step], pid=2))

    first = export("out", "-o", "a", cwd=tmp_path)
    second = export("out", "-o", "b", "--process", "2", cwd=tmp_path)
    third = export("out", "-o", "c", "--process", "1", cwd=tmp_path)

    assert "exporting process 3, one of 2; --process PID exports another one" in first.stderr
    assert [len(Backend(elements(tmp_path / name)).steps) for name in "ab"] == [2, 3]
    assert "exporting process" not in second.stderr
    assert (third.code, "has no process 1; there is 3, 2" in third.stderr) == (1, True)


def deep_and_wide(folder: Path) -> Path:
    """Write a trace of a call with a list of 300 numbers, and one with a list 20 deep."""
    wide = encode.encode_object(0, 1, 0, 300, [number(n) for n in range(300)], 0, [])
    deep = [
        encode.encode_object(n, 1, 0, 1, [encode.value_reference(n + 1)], 0, [])
        for n in range(1, 20)
    ]
    records = [
        encode.encode_type("list"),
        *BEGIN[:2],
        logs.code("f", parameters=["wide", "deep"]),
        wide,
        *deep,
        encode.encode_call(0, 0, [encode.value_reference(0), encode.value_reference(1)]),
        encode.encode_return(0, NONE),
    ]
    return logs.write_trace(folder / "out", logs.log(records))


def test_values_are_bounded_in_depth_and_length(tmp_path: Path) -> None:
    deep_and_wide(tmp_path)

    export("out", "-o", "json", cwd=tmp_path)

    call = Backend(elements(tmp_path / "json")).calls[1]
    assert call["args"]["wide"] == [*range(50), "raw … +250"]
    assert call["args"]["deep"] == [[[["raw <list #5>"]]]]


@pytest.mark.slow
def test_depth_and_items_can_be_chosen(tmp_path: Path) -> None:
    deep_and_wide(tmp_path)

    export("out", "-o", "less", "--depth", "2", "--items", "3", cwd=tmp_path)
    export("out", "-o", "more", "--depth", "8", "--items", "300", cwd=tmp_path)

    less = Backend(elements(tmp_path / "less")).calls[1]["args"]
    assert less == {"wide": [0, 1, 2, "raw … +297"], "deep": [["raw <list #3>"]]}
    more = Backend(elements(tmp_path / "more")).calls[1]["args"]
    assert more == {"wide": list(range(300)), "deep": [[[[[[[["raw <list #9>"]]]]]]]]}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["out", "--to", "ct"],
        ["out", "--process", "x"],
        ["out", "--to", "codetracer-json", "--depth", "0"],
        ["out", "--to", "codetracer-json", "--depth", "41"],
        ["out", "--to", "codetracer-json", "--items", "0"],
        ["out", "--to", "codetracer-json", "--from-step", "-1"],
        ["out", "--to", "codetracer-json", "--from-step", "3", "--to-step", "2"],
    ],
)
def test_wrong_usage_is_2(tmp_path: Path, arguments: list[str]) -> None:
    done = read("export", *arguments, cwd=tmp_path)

    assert (done.code, done.stdout) == (2, "")
