"""The differences between codetracer and codetracer-python-recorder 0.3.0: each test shows both.

That recorder runs on CPython 3.12 and 3.13.
"""

import itertools
import json
import re
import sys
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from codetracer.replay import (
    CallEvent,
    LostEvent,
    ResumeEvent,
    ReturnEvent,
    StepEvent,
    ThrowEvent,
    UnwindEvent,
    YieldEvent,
)
from tests.support import peer
from tests.support.beside_peer import Pair, record, recorded_by_all
from tests.support.equality import (
    Call,
    Event,
    Line,
    Recording,
    Return,
    Value,
    differences,
    ours,
)
from tests.support.running import Outcome, write

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.only_where(peer.RUNS)]


def recorded_twice(folder: Path, program: str) -> Pair:
    """Record a program with the peer and with our engines, which record the same."""
    theirs, mine = recorded_by_all(folder, {"app.py": program})
    first, *others = mine.values()
    assert others == [first] * len(others)
    return Pair(theirs, first)


def at_line(recording: Recording, line: int) -> dict[str, Value]:
    """Return the variables at the only time that a line ran."""
    (found,) = (
        event.variables
        for event in recording.events
        if isinstance(event, Line) and event.line == line
    )
    return found


def test_the_peer_has_keyword_only_arguments_first_and_we_the_order_of_the_def(
    tmp_path: Path,
) -> None:
    pair = recorded_twice(tmp_path, "def f(a, *rest, key, **more): pass\nf(1, 2, key=3, x=4)\n")

    assert [name for name, _ in pair.theirs.calls[1].arguments] == ["a", "key", "rest", "more"]
    assert [name for name, _ in pair.mine.calls[1].arguments] == ["a", "rest", "key", "more"]


def test_a_global_hidden_by_a_local_that_is_not_yet_bound_is_written_by_the_peer_alone(
    tmp_path: Path,
) -> None:
    pair = recorded_twice(tmp_path, "x = 'global'\ndef f():\n    x = 'local'\n    return x\nf()\n")

    assert at_line(pair.theirs, 3) == {"x": ("str", "global")}
    assert at_line(pair.mine, 3) == {}
    assert at_line(pair.theirs, 4) == at_line(pair.mine, 4) == {"x": ("str", "local")}


def test_at_each_line_the_peer_writes_every_global_and_we_those_that_the_code_names(
    tmp_path: Path,
) -> None:
    recorded_twice(tmp_path, "unused = used = 1\ndef f():\n    return used\nf()\n")

    log = json.loads((tmp_path / "theirs/trace.json").read_text())
    names = [record["VariableName"] for record in log if "VariableName" in record]
    step = log.index({"Step": {"path_id": 0, "line": 3}})
    values = itertools.takewhile(lambda record: "Return" not in record, log[step + 1 :])
    theirs = {names[record["Value"]["variable_id"]] for record in values if "Value" in record}

    assert theirs >= {"unused", "used", "f", "__name__", "__file__"}
    for backend in BACKENDS:
        replay = codetracer.read(tmp_path / backend).replay()
        steps = (event for event in replay if isinstance(event, StepEvent))
        (mine,) = (replay.globals(step.frame) for step in steps if step.line == 3)
        assert mine == {"used": 1}


def test_what_is_long_or_deep_is_whole_in_the_log_of_the_peer_and_cut_in_ours(
    tmp_path: Path,
) -> None:
    pair = recorded_twice(
        tmp_path, "long = 'x' * 10_000\nmany = [0] * 10_000\ndeep = [[[[[[1]]]]]]\npass\n"
    )

    theirs, mine = at_line(pair.theirs, 4), at_line(pair.mine, 4)
    deep: Value = ("int", 1)
    for _ in range(6):
        deep = ("list", (deep,))
    assert theirs == {
        "long": ("str", "x" * 10_000),
        "many": ("list", (("int", 0),) * 10_000),
        "deep": deep,
    }
    assert mine["long"] == mine["many"] == ("cut",)
    assert mine["deep"] == ("list", (("list", (("list", (("list", (("object", "list"),)),)),)),))


def test_secrets_are_redacted_by_both_and_more_names_count_as_secret_to_the_peer(
    tmp_path: Path,
) -> None:
    pair = recorded_twice(
        tmp_path, "password = api_token = 'secret'\npasses = tokens_read = 1\npass\n"
    )

    theirs, mine = at_line(pair.theirs, 3), at_line(pair.mine, 3)
    hidden = ("redacted",)
    assert (theirs["password"], theirs["api_token"], theirs["passes"]) == (hidden, hidden, hidden)
    assert (mine["password"], mine["api_token"], mine["passes"]) == (hidden, hidden, ("int", 1))


def test_lambdas_of_one_file_are_one_function_to_the_peer_and_several_to_us(
    tmp_path: Path,
) -> None:
    recorded_twice(tmp_path, "one = lambda: 1\ntwo = lambda: 2\none()\ntwo()\n")

    log = json.loads((tmp_path / "theirs/trace.json").read_text())
    theirs = [record["Function"] for record in log if "Function" in record]
    assert [row["line"] for row in theirs if row["name"] == "<lambda>"] == [1]
    for backend in BACKENDS:
        events = codetracer.read(tmp_path / backend)
        called = [event.frame.code for event in events if isinstance(event, CallEvent)]
        assert [code.line for code in called if code.name == "<lambda>"] == [1, 2]


def test_a_value_that_contains_itself_ends_the_peer_but_not_us(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "loop = [1]\nloop.append(loop)\nprint(len(loop))\n"})

    with pytest.raises(peer.PeerError) as raised:
        peer.record(tmp_path / "app.py", tmp_path / "theirs")
    outcome = record(tmp_path)

    assert raised.value.status == peer.PEER_STACK_OVERFLOW
    assert outcome == Outcome(0, "2\n", "")
    for backend in BACKENDS:
        (module,) = ours(tmp_path / backend, tmp_path).frames
        assert module.lines == [1, 2, 3]
        assert module.final["loop"] == ("list", (("int", 1), ("cycle",)))


def test_the_peer_runs_code_of_the_program_to_record_it_and_we_do_not(tmp_path: Path) -> None:
    program = """\
class Counts:
    texts = 0
    def __str__(self):
        Counts.texts += 1
        return 'counted'
def work(counts):
    here = counts
    return here.texts
print(work(Counts()))
"""
    write(tmp_path, {"app.py": program})

    theirs = peer.run_peer(tmp_path / "app.py", tmp_path / "theirs")
    outcome = record(tmp_path)

    assert int(theirs.stdout) > 0
    assert outcome == Outcome(0, "0\n", "")


def test_the_peer_has_the_texts_of_asyncio_and_of_what_is_in_it_and_we_the_types(
    tmp_path: Path,
) -> None:
    program = """\
import asyncio
class Says:
    def __repr__(self):
        return 'said'
async def work():
    pass
async def main():
    task = asyncio.create_task(work())
    future = asyncio.get_running_loop().create_future()
    future.set_result(Says())
    gathered = asyncio.gather(task)
    await gathered
asyncio.run(main())
"""

    pair = recorded_twice(tmp_path, program)

    theirs, mine = at_line(pair.theirs, 12), at_line(pair.mine, 12)
    assert theirs["future"] == ("text", "<Future finished result=said>")
    assert theirs["gathered"] == ("text", "<_GatheringFuture pending>")
    assert theirs["task"][0] == "text"
    assert re.match(r"<Task pending name='Task-\d' coro=<work\(\) running", theirs["task"][1])
    assert mine == {
        "future": ("object", "_asyncio.Future"),
        "gathered": ("object", "asyncio.tasks._GatheringFuture"),
        "task": ("object", "_asyncio.Task"),
    }


RESULT = ("str", "result")
THROUGH = ("text", "'through'")
HANDLES = """
    try:
        yield 1
    except KeyError:
        return 'result'
"""
FAILS = """
    yield 1
"""


def throws_through(body: str) -> str:
    """Return a program that throws through a ``yield from`` into a generator with this body."""
    return f"""\
def outer():
    try:
        result = yield from inner()
    except KeyError:
        result = 5
    yield result
def inner():{body}steps = outer()
next(steps)
steps.throw(KeyError('through'))
"""


@pytest.mark.parametrize(
    ("body", "inside", "comes_out", "after"),
    [
        (
            HANDLES,
            [Line(10, {}), Line(11, {}), Return(RESULT)],
            ("text", "result"),
            [Line(3, {}), Line(6, {"result": RESULT}), Return(RESULT)],
        ),
        (
            FAILS,
            [Return(THROUGH)],
            THROUGH,
            [
                # CPython 3.13 has a LINE event for the `yield from` that the exception leaves.
                *([Line(3, {})] if sys.version_info >= (3, 13) else []),
                *(Line(4, {}), Line(5, {}), Line(6, {"result": ("int", 5)}), Return(("int", 5))),
            ],
        ),
    ],
    ids=["the inner handles it", "the outer handles it"],
)
def test_the_outer_frame_goes_on_for_the_peer_after_what_is_thrown_through_it_and_for_us_before(
    tmp_path: Path, body: str, inside: list[Event], comes_out: Value, after: list[Event]
) -> None:
    # throw() hands the exception on through `yield from` without running the outer frame, so
    # CPython (3.12.1, 3.13.0) has no PY_RESUME for it. What comes out of the inner frame, an
    # exception or the StopIteration of its return, is a PY_THROW in the outer one, which the peer
    # has as a call. We infer that the outer frame goes on from its being below the inner one when
    # that does.
    pair = recorded_twice(tmp_path, throws_through(body))

    thrown = Call("app.py:inner", (("exception", THROUGH),))
    before = pair.theirs.events.index(thrown)
    assert differences(pair.theirs.events[:before], pair.mine.events[:before]) == []
    end = Return(("none",))
    caught = Call("app.py:outer", (("exception", comes_out),))
    assert pair.theirs.events[before:] == [thrown, *inside, caught, *after, end]
    assert pair.mine.events[before:] == [Call("app.py:outer", ()), thrown, *inside, *after, end]


@pytest.mark.parametrize(
    ("body", "leaves"),
    [(HANDLES, ReturnEvent), (FAILS, UnwindEvent)],
    ids=["the inner handles it", "the outer handles it"],
)
def test_our_calls_and_returns_balance_when_something_is_thrown_through_yield_from(
    tmp_path: Path, body: str, leaves: type
) -> None:
    write(tmp_path, {"app.py": throws_through(body)})

    record(tmp_path)

    kinds = (CallEvent, ResumeEvent, ThrowEvent, YieldEvent, ReturnEvent, UnwindEvent, LostEvent)
    module, outer, inner = range(3)
    for backend in BACKENDS:
        events = codetracer.read(tmp_path / backend)
        told = [(type(one), one.frame.number) for one in events if isinstance(one, kinds)]
        assert told == [
            (CallEvent, module),
            (CallEvent, outer),
            (CallEvent, inner),
            (YieldEvent, inner),
            (YieldEvent, outer),
            (ResumeEvent, outer),
            (ThrowEvent, inner),
            (leaves, inner),
            # Into the frame that is the last one again.
            (ThrowEvent, outer),
            (YieldEvent, outer),
            (ReturnEvent, module),
        ]


def test_a_module_beside_the_program_is_found_without_help_by_us_alone(tmp_path: Path) -> None:
    write(tmp_path, {"program/app.py": "import helper\n", "program/helper.py": "found = 1\n"})

    theirs = peer.run_peer(tmp_path / "program/app.py", tmp_path / "theirs", path=())
    outcome = record(tmp_path / "program")

    assert "No module named 'helper'" in theirs.stderr
    assert outcome == Outcome(0, "", "")


def test_an_uncaught_exception_fails_the_recording_of_the_peer_alone(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "raise ValueError('uncaught')\n"})

    theirs = peer.run_peer(tmp_path / "app.py", tmp_path / "theirs")
    outcome = record(tmp_path)

    assert theirs.returncode == outcome.code == 1
    assert "ValueError: uncaught" in outcome.stderr
