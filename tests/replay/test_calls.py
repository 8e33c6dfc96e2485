"""Calls, and what a line did, against all events when the log is read from its beginning."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

import codetracer
from codetracer.replay import (
    CallEvent,
    Hidden,
    Moment,
    ReturnEvent,
    StepEvent,
    Trace,
    UnfinishedEvent,
    UnwindEvent,
    render,
)
from tests.support.recordings import record
from tests.support.running import execute, write

CHECKED = 40
"""About so many calls of each function are compared in all that is known of them."""


class Known(NamedTuple):
    first: int | None
    last: int | None
    caller: int | None
    arguments: dict[str, str]
    ended: str
    result: str
    time_ns: int


@pytest.fixture(scope="module")
def known(mixed: Trace) -> dict[str, list[Known]]:
    """Return the calls of each function, in order, read from the beginning."""
    found: dict[int, Known] = {}
    names: dict[str, list[int]] = defaultdict(list)
    for event in mixed:
        match event:
            case CallEvent(frame=frame):
                caller = frame.caller.step if frame.caller is not None else -1
                names[frame.code.name].append(frame.number)
                arguments = {name: render(value) for name, value in event.arguments.items()}
                began = event.time_ns
                found[frame.number] = Known(
                    None, None, None if caller < 0 else caller, arguments, "", "", began
                )
            case StepEvent(frame=frame):
                known = found[frame.number]
                first = event.number if known.first is None else known.first
                found[frame.number] = known._replace(first=first, last=event.number)
            case ReturnEvent(frame=frame):
                known = found[frame.number]
                found[frame.number] = known._replace(ended="returned", result=render(event.value))
            case UnwindEvent(frame=frame):
                known = found[frame.number]
                found[frame.number] = known._replace(ended="raised", result=render(event.exception))
            case UnfinishedEvent(frame=frame):
                found[frame.number] = found[frame.number]._replace(ended="unfinished", result="")
            case _:
                pass
    return {name: [found[number] for number in numbers] for name, numbers in names.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deep", "threaded", "worker", "catching", "Node.add", "main"])
def test_calls_are_found_with_their_beginning_and_their_end(
    mixed: Trace, known: dict[str, list[Known]], name: str
) -> None:
    there = [*mixed.calls(name)]
    each = max(1, len(there) // CHECKED)
    found = [
        Known(
            call.place and call.place.step,
            call.end_place and call.end_place.step,
            call.caller and call.caller.step,
            {argument: render(value) for argument, value in call.arguments.items()},
            call.ended,
            "" if call.result == Hidden("unbound") else render(call.result),
            call.began_ns,
        )
        for call in there[::each]
    ]

    wanted = [
        call._replace(ended=call.ended or "unfinished") for call in known[name][::each]
    ]  # A generator that was suspended at the end has no event then.
    assert len(there) == len(known[name])
    assert found == wanted


@pytest.mark.slow
def test_there_are_no_calls_of_a_function_that_is_not_there(mixed: Trace) -> None:
    assert [*mixed.calls("nothing")] == []


def test_threads_and_tasks_are_those_of_the_program(mixed: Trace) -> None:
    process = mixed.processes[0]

    assert [thread.name for thread in process.threads] == ["MainThread", "T0", "T1", "T2"]
    tasks = {"Task-1", *(f"job{i}" for i in range(8))}
    assert {*process.tasks} == tasks


PROGRAM = """\
import sys
class Order:
    def __init__(self):
        self.total = 0
        self.items = []
def add(order, price):
    order.total += price
    order.items.append(price)
    return order.total
def numbers():
    got = yield 1
    yield got
def fail():
    raise KeyError('none')
def run():
    order = Order()
    price = 3
    total = add(order, price) + add(order, 4)
    print('total', total)
    gen = numbers()
    first = next(gen)
    second = gen.send(total)
    try:
        fail()
    except KeyError as error:
        order = None
    return total
run()
"""


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    folder = tmp_path_factory.mktemp("orders")
    write(folder, {"app.py": PROGRAM})
    execute("-m", "codetracer", "record", "-q", "-o", "out", "app.py", cwd=folder)
    return codetracer.read(folder / "out")


@pytest.fixture(scope="module")
def lines(orders: Trace) -> dict[int, Moment]:
    """Return the last moment at each line of the program."""
    steps = orders.processes[0].timeline().steps
    return {moment.line: moment for moment in map(orders.at, range(steps))}


def told(moment: Moment) -> list[tuple[str, str, str]]:
    return [(write.subject, shown(write.before), shown(write.after)) for write in moment.changes()]


def shown(value: object) -> str:
    return "-" if value == Hidden("unbound") else render(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        (17, [("price", "-", "3")]),
        (7, [("order.total", "3", "7")]),
        (8, [("order.items[1]", "-", "4")]),
        (18, [("total", "-", "10")]),
        (11, [("got", "-", "10")]),
        (27, []),
    ],
)
def test_a_moment_has_the_changes_that_its_line_made(
    lines: dict[int, Moment], line: int, changes: list[tuple[str, str, str]]
) -> None:
    assert told(lines[line]) == changes
    assert all(write.place == lines[line].place for write in lines[line].changes())


def test_a_moment_has_the_calls_of_its_line_and_not_those_below_them(
    lines: dict[int, Moment],
) -> None:
    calls = lines[18].calls()

    assert [(call.code.name, call.result) for call in calls] == [("add", 3), ("add", 7)]
    assert [call.arguments["price"] for call in calls] == [3, 4]
    assert [call.code.name for call in lines[28].calls()] == ["run"]


def test_a_moment_has_the_output_of_its_line(lines: dict[int, Moment]) -> None:
    assert "".join(output.text for output in lines[19].outputs()) == "total 10\n"
    assert lines[28].outputs() == []


def test_a_moment_has_the_exception_that_its_line_raised_or_that_came_in(
    lines: dict[int, Moment],
) -> None:
    for line in (14, 24):
        assert "KeyError" in render(lines[line].exception)
    assert lines[17].exception == Hidden("unbound")


def test_a_moment_has_the_result_if_its_line_is_the_last_one(lines: dict[int, Moment]) -> None:
    assert lines[9].result == 7
    assert lines[11].result == 1
    assert lines[27].result == 10
    assert lines[17].result == Hidden("unbound")


def test_a_moment_has_the_text_of_its_line(lines: dict[int, Moment]) -> None:
    assert lines[17].source == "price = 3"


@pytest.mark.slow
def test_calls_that_code_makes_which_is_not_recorded_are_those_of_the_line(mixed: Trace) -> None:
    """The event loop calls the workers."""
    call = next(mixed.calls("main"))
    assert call.caller is not None

    calls = mixed.at(call.caller).calls()

    assert [call.code.name for call in calls] == ["main", *["worker"] * 8]


def test_a_text_is_found_in_values_names_and_output(
    orders: Trace, lines: dict[int, Moment]
) -> None:
    place = lines[17].place

    found = {
        text: [(each.name, each.line, shown(each.value)) for each in orders.find(text)]
        for text in ("10", "total 10", "price", "nowhere")
    }

    assert ("total", 18, "10") in found["10"]
    assert ("return", 26, "10") in found["10"] or ("return", 27, "10") in found["10"]
    assert any(name == "stdout" and line == 19 for name, line, _ in found["total 10"])
    assert ("name price", 6, "-") in found["price"]
    assert found["nowhere"] == []
    three = [each for each in orders.find("3") if each.place == place]
    assert [(each.name, each.function) for each in three] == [("price", "run")]


FORKED = """\
import os, time
x = 1
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
    y = 2
else:
    z = 3
"""


def test_processes_have_one_clock(tmp_path: Path) -> None:
    record(tmp_path, FORKED)
    trace = codetracer.read(tmp_path / "out")
    parent, child = trace.processes
    end = trace.at("0:0").run()
    assert end is not None
    in_child = child.timeline().at(child.timeline().steps - 1)

    at_the_end = trace.at_time(end.moment.clock_ns)
    while_the_child_ran = trace.at_time(in_child.clock_ns)
    before = trace.at_time(parent.log.started - 1)

    assert [moment.process for moment in at_the_end] == [0, 1]
    assert at_the_end[0].step == end.moment.step
    assert at_the_end[1].step == in_child.step
    # It may not have come to line 5 yet, and is not past it.
    assert while_the_child_ran[0].line in (3, 4, 5)
    assert before == []
