"""Reading takes time in proportion to the length of a recording, with any content.

The tests count the lines of Python that run, for a recording and one that is four times as long. A
single call into C gets so much work that it would not end in time if it were not linear.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import codetracer
from codetracer.cli import main
from codetracer.replay import LostEvent, ResumeEvent, Value, render, to_json
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import FORM_DICT, FORM_INSTANCE, FORM_LIST, NESTING
from tests.support import logs
from tests.support.logs import NONE, number, text
from tests.support.reading import read
from tests.support.running import execute

BEGIN = [
    encode.encode_source("/app/app.py"),
    encode.encode_type("list"),
    encode.encode_thread(1, "Main"),
    logs.code("work", variables=["y"], global_names=["total"]),
    logs.code("generate", kind=3),
]
EXIT = encode.encode_exit(1, 1, 0)


def stolen(count: int) -> list[bytes]:
    """Generators that are on a thread's stack each, and go on in the main thread."""
    begin = [
        record
        for each in range(count)
        for record in (encode.encode_thread(each, "t"), encode.encode_call(1, 0, []))
    ]
    return [*begin, encode.encode_switch(0), *(encode.encode_resume(n, 0) for n in range(count))]


def unhandled(count: int) -> list[bytes]:
    """Exceptions that are on their way in a thread each, while lines run elsewhere."""
    begin = [
        record
        for each in range(count)
        for record in (
            encode.encode_thread(each, "t"),
            encode.encode_call(0, 0, []),
            encode.encode_raise(encode.value_reference(each)),
        )
    ]
    steps = [encode.encode_step(1), encode.encode_call(0, 0, []), encode.encode_return(0, NONE)]
    return [*begin, *steps * count]


def handled(count: int) -> list[bytes]:
    """A loop that handles an exception each time."""
    loop = [
        record
        for each in range(count)
        for record in (
            encode.encode_raise(encode.value_reference(each)),
            encode.encode_handled(encode.value_reference(each)),
            encode.encode_step(1),
            encode.encode_step(-1),
        )
    ]
    return [encode.encode_call(0, 0, []), *loop, encode.encode_return(0, NONE)]


def bare_calls(count: int) -> list[bytes]:
    """Calls without arguments of code that has many parameters."""
    code = logs.code("wide", parameters=[f"p{each}" for each in range(count)])
    calls = [encode.encode_call(2, 0, []), encode.encode_return(0, NONE)]
    return [code, *calls * count]


def shared(count: int) -> list[bytes]:
    """An object that grows while it is an attribute of more and more others."""
    begin = [encode.encode_attribute("part"), encode.encode_call(0, 0, [])]
    grown = [
        record
        for each in range(count)
        for record in (
            encode.encode_step(0),
            encode.encode_object(1, FORM_LIST, 0, each, [number(each)] * 5, 0, []),
            encode.encode_object(each + 2, FORM_INSTANCE, 0, 0, [], 0, [(0, reference(1))]),
            encode.encode_variable(0, reference(each + 2)),
        )
    ]
    return [*begin, *grown, encode.encode_return(0, NONE)]


reference = encode.value_reference

LONG: dict[str, tuple[Callable[[int], list[bytes]], Sequence[str]]] = {
    "resumes": (stolen, ("info",)),
    "resumes in the tree": (stolen, ("show", "--all")),
    "exceptions on their way": (unhandled, ("show", "--raises", "--limit", "0")),
    "exceptions handled": (handled, ("show", "--raises", "--limit", "0")),
    "calls": (bare_calls, ("show", "--function", "wide", "--limit", "0")),
    "calls as JSON": (bare_calls, ("show", "--format", "json")),
    "one call": (handled, ("show", "--call", "0", "--limit", "0")),
    "lines": (shared, ("show", "--lines", "--limit", "0")),
    "what is found": (shared, ("show", "--find", "7", "--all")),
    "attributes": (shared, ("show", "--variable", "y.part", "--limit", "0")),
    "items": (shared, ("show", "--variable", "y.part[0]", "--limit", "0")),
    "an object": (shared, ("show", "--variable", "#1", "--limit", "0")),
}


def lines_that_run(arguments: Sequence[str]) -> int:
    """Return how many lines of Python a command takes."""
    count = 0

    def step(_frame: object, event: str, _argument: object) -> object:
        nonlocal count
        count += event == "line"
        return step

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        before = sys.gettrace()
        sys.settrace(step)  # type: ignore[arg-type]
        try:
            assert main(arguments) == 0
        finally:
            sys.settrace(before)
    return count


@pytest.mark.parametrize("name", LONG)
def test_four_times_the_records_take_about_four_times_the_work(tmp_path: Path, name: str) -> None:
    records, (command, *options) = LONG[name]
    for count in (40, 50, 200):
        log = logs.log([*BEGIN, *records(count), EXIT])
        logs.write_trace(tmp_path / str(count), log)
    # The first run loads what all need. Some commands make an index, of another log each time.
    lines_that_run([command, str(tmp_path / "40"), *options])

    short, long = (lines_that_run([command, str(tmp_path / str(n)), *options]) for n in (50, 200))

    assert long < 5 * short


def test_a_frame_that_goes_on_elsewhere_leaves_its_stack_and_what_lay_above_it_does_too(
    tmp_path: Path,
) -> None:
    records = [
        encode.encode_call(1, 0, []),
        encode.encode_call(0, 0, []),
        encode.encode_call(1, 0, []),
        encode.encode_thread(2, "Other"),
        encode.encode_resume(0, 0),
        encode.encode_resume(2, 0),
        encode.encode_switch(0),
        encode.encode_resume(0, 0),
        EXIT,
    ]
    logs.write_trace(tmp_path, logs.log([*BEGIN, *records]))

    seen = [
        (type(event).__name__, event.thread.name, event.frame.number)
        for event in codetracer.read(tmp_path)
        if isinstance(event, LostEvent | ResumeEvent)
    ]

    assert seen == [
        ("LostEvent", "Main", 2),
        ("LostEvent", "Main", 1),
        ("LostEvent", "Main", 0),
        ("ResumeEvent", "Other", 0),
        ("ResumeEvent", "Other", 2),
        ("LostEvent", "Other", 2),
        ("LostEvent", "Other", 0),
        ("ResumeEvent", "Main", 0),
    ]


def shown(folder: Path, records: Iterable[bytes], *options: str) -> list[str]:
    logs.write_trace(folder / "trace", logs.log([*BEGIN, *records, EXIT]))
    done = read("show", "trace", *options, cwd=folder)
    assert (done.code, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.slow
def test_output_that_never_ends_a_line_is_put_together_once(tmp_path: Path) -> None:
    part = encode.encode_output(1, "/app/app.py", 3, b"x" * 500)

    (line,) = shown(tmp_path, [part] * 60_000, "--output", "--width", "0")

    assert len(line) > 60_000 * 500


@pytest.mark.slow
def test_code_with_many_variables_is_searched_once_for_one(tmp_path: Path) -> None:
    code = logs.code("wide", variables=[f"v{each}" for each in range(50_000)], global_names=["g"])
    begin = [code, encode.encode_call(2, 0, []), encode.encode_variable(49_999, number(7))]

    found = shown(tmp_path, [*begin, *[encode.encode_step(0)] * 100_000], "--variable", "v49999")

    assert len(found) == 1
    assert found[0].endswith("v49999 = 7")


def nested(wrap: Callable[[bytes], bytes], depth: int) -> bytes:
    value = number(1)
    for _ in range(depth):
        value = wrap(value)
    return value


DEEP: dict[str, Callable[[bytes], bytes]] = {
    "tuple": lambda value: encode.value_tuple([value]),
    "cut tuple": lambda value: encode.value_cut_tuple(9, [value]),
    "range": lambda value: encode.value_range(value, number(2), number(3)),
}
VIEWS = (
    (),
    ("--function", "work"),
    ("--variable", "y"),
    ("--step", "0"),
    ("--raises",),
    ("--lines", "--find", "work"),
)


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("depth", [400, NESTING])
def test_a_value_that_can_be_decoded_can_be_shown(
    tmp_path: Path, depth: int, kind: str, view: tuple[str, ...]
) -> None:
    value = nested(DEEP[kind], depth)
    records = [
        encode.encode_object(3, FORM_LIST, 0, 1, [value], 0, []),
        encode.encode_call(0, 0, [value]),
        encode.encode_step(0),
        encode.encode_variable(1, value),
        encode.encode_raise(value),
        encode.encode_handled(value),
        encode.encode_raise(encode.value_reference(3)),
        encode.encode_return(0, value),
    ]

    assert shown(tmp_path, records, *view)
    for line in shown(tmp_path, records, *view, "--format", "json"):
        json.loads(line)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_an_int_of_any_size_can_be_shown_wherever_a_value_is(
    tmp_path: Path, view: tuple[str, ...]
) -> None:
    value = encode.value_big_integer((1 << 40_000).to_bytes(5002, "little"))
    records = [
        encode.encode_call(0, 0, [value]),
        encode.encode_step(0),
        encode.encode_variable(1, encode.value_tuple([value])),
        encode.encode_raise(value),
        encode.encode_handled(value),
        encode.encode_raise(encode.value_tuple([value])),
        encode.encode_unwind(0, value),
    ]
    logs.write_trace(tmp_path / "trace", logs.log([*BEGIN, *records, EXIT]))

    for options in ((), ("--format", "json")):
        done = execute(
            "-m",
            "codetracer",
            *("show", "trace", *view, *options),
            cwd=tmp_path,
            environ={"PYTHONINTMAXSTRDIGITS": "640"},
        )
        assert (done.code, done.stderr) == (0, ""), done


@pytest.mark.parametrize("digits", [100, 617, 640, 700, 1300])
def test_an_int_is_decimal_only_where_every_limit_of_digits_allows_it(digits: int) -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        value: Value = 10 ** (digits - 1)
        assert render(value)
        assert json.dumps(to_json(value))
    finally:
        sys.set_int_max_str_digits(before)


def test_an_object_of_many_items_is_told_up_to_a_number_of_them_each_time(tmp_path: Path) -> None:
    records = [
        encode.encode_object(3, FORM_LIST, 0, 20_000, [number(1)] * 20_000, 0, []),
        encode.encode_object(4, FORM_DICT, 0, 6_000, [number(1)] * 12_000, 0, []),
        encode.encode_call(0, 0, []),
        encode.encode_return(0, encode.value_tuple([encode.value_reference(3)] * 2)),
        encode.encode_call(0, 0, []),
        encode.encode_return(0, encode.value_tuple([number(1)] * 20_000)),
        encode.encode_call(0, 0, []),
        encode.encode_return(0, encode.value_reference(4)),
    ]

    lines = [json.loads(line) for line in shown(tmp_path, records, "--format", "json")]

    values = [line["value"] for line in lines if line["event"] == "return"]
    first = values[0]["tuple"][0]
    assert (len(first["items"]), first["total"], first["cut"]) == (9_998, 20_000, 10_002)
    assert (len(values[1]["tuple"]), values[1]["total"]) == (10_000, 20_000)
    assert (len(values[2]["items"]), values[2]["cut"]) == (12_000, 0)


def test_names_are_cut_where_they_are_longer_than_any_name(tmp_path: Path) -> None:
    name = "n" * 60_000
    records = [
        encode.encode_type(name),
        encode.encode_object(3, FORM_LIST, 1, 0, [], 0, []),
        logs.code(name, module=name, parameters=[name]),
        encode.encode_thread(2, name),
        *[encode.encode_call(2, 0, [encode.value_reference(3)]), encode.encode_return(0, NONE)]
        * 50,
    ]

    found = shown(tmp_path, records, "--format", "json")

    assert len(found) == 101
    assert max(map(len, found)) < 60_000


@pytest.mark.slow
def test_calls_that_lie_deep_tell_their_depth_and_are_not_indented_more(tmp_path: Path) -> None:
    records = [encode.encode_call(0, 0, [text("a")])] * 3000

    found = shown(tmp_path, records, "--all", "--width", "0")

    assert f"  {'  ' * 40}work()" in found[40]
    assert f"  {'  ' * 40}[41] work()" in found[41]
    assert max(map(len, found)) < 150
