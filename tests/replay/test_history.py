"""The changes of values, against all changes when the log is read from its beginning."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import codetracer
from codetracer.replay import (
    CallEvent,
    Frame,
    Hidden,
    Moment,
    ObjectValue,
    ResumeEvent,
    StepEvent,
    ThrowEvent,
    Trace,
    Write,
    render,
)
from codetracer_bindings import trace_decoder as raw
from codetracer_bindings.index_format import KEY_OBJECT
from tests.support.recordings import record

CHECKED = 6
"""From so many moments the changes of the values that are there are looked for."""

EACH = 3
"""So many changes in each direction."""

NONE = raw.UnboundValue()


class Changed(NamedTuple):
    known: int
    """The number of steps that had begun."""
    step: int | None
    """The step whose line did it."""
    before: str
    after: str


type Key = tuple[object, ...]


class Everything:
    """All changes of a recording's variables and objects, by what has changed."""

    def __init__(self, trace: Trace) -> None:
        self.changes: dict[Key, list[Changed]] = defaultdict(list)
        replay = trace.processes[0].replay(note_changes=True)
        state, changes = replay.state, replay.changes
        assert changes is not None
        last: dict[Frame, int] = {}
        shown: dict[Key, str] = defaultdict(lambda: "<unbound>")
        values: dict[Key, raw.Value] = {}
        holders: dict[int, set[Key]] = defaultdict(set)
        for event in replay:
            frame = event.frame
            if frame is None:
                continue
            doer: Frame | None = frame
            step = frame.step
            if isinstance(event, StepEvent):
                step = last.get(frame, -1)
                last[frame] = event.number
            elif isinstance(event, CallEvent | ResumeEvent | ThrowEvent):
                doer = frame.caller
                step = -1 if doer is None else doer.step
            if doer is not None and step < 0:
                step = -1 if doer.caller is None else doer.caller.step
            known = event.number if isinstance(event, StepEvent) else replay.steps
            touched: dict[Key, raw.Value] = {}
            for owner, number in changes.variables:
                code = owner.code
                value = state.variable(owner, number)
                if number < len(code.variables):
                    touched["local", owner.number, code.variables[number]] = value
                else:
                    name = code.global_names[number - len(code.variables)]
                    touched["global", code.namespace, name] = value
            if isinstance(event, CallEvent):
                for number, value in frame.values.items():
                    touched["local", frame.number, frame.code.variables[number]] = value
            for number, old in changes.objects.items():
                for attribute, _ in () if old is None else old.attributes:
                    touched["object", number, state.attribute_names[attribute]] = NONE
                for attribute, value in state.objects[number].attributes:
                    name = state.attribute_names[attribute]
                    touched["object", number, name] = value
                touched["object", number] = raw.ReferenceValue(number)
            for key, value in touched.items():
                values[key] = value
                if type(value) is raw.ReferenceValue:
                    holders[value.number].add(key)
            for number in changes.objects:
                for key in holders[number]:
                    if values[key] == raw.ReferenceValue(number):
                        touched[key] = values[key]
            for key, value in touched.items():
                now = whole(state, value)
                if now != shown[key]:
                    found = Changed(known, None if step < 0 else step, shown[key], now)
                    self.changes[key].append(found)
                    shown[key] = now
            changes.clear()


def whole(state: Any, value: raw.Value) -> str:
    """Return a value, and what the object that it is contains, as text."""
    if type(value) is raw.UnboundValue:
        return "<unbound>"
    if type(value) is raw.ReferenceValue:
        return f"#{value.number} {state.objects.get(value.number)!r}"
    return repr(value)


@pytest.fixture(scope="module")
def everything(mixed: Trace) -> Everything:
    return Everything(mixed)


def subjects(moment: Moment) -> Iterator[tuple[str, Frame | None, Key]]:
    """Yield texts, the frame they belong to, and what they mean."""
    for frame in moment.frames:
        for name, value in moment.locals(frame).items():
            yield name, frame, ("local", frame.number, name)
            if isinstance(value, ObjectValue):
                yield f"#{value.number}", None, ("object", value.number)
                for attribute in value.attributes:
                    key = ("object", value.number, attribute)
                    yield f"{name}.{attribute}", frame, key
                    yield f"#{value.number}.{attribute}", None, key
        for name in moment.globals(frame):
            if name not in frame.code.variables:
                yield name, frame, ("global", frame.code.namespace, name)


@pytest.mark.slow
def test_changes_are_found_in_both_directions(mixed: Trace, everything: Everything) -> None:
    steps = mixed.processes[0].timeline().steps
    chosen = random.Random(3)
    looked = 0
    for start in sorted(chosen.sample(range(steps), CHECKED)):
        moment = mixed.at(start)
        there = [*subjects(moment)]
        for subject, frame, key in chosen.sample(there, min(6, len(there))):
            known = everything.changes[key]
            later = [each for each in known if each.known > start]
            earlier = [each for each in known if each.known <= start][::-1]

            forward = [*islice(moment.history(subject, frame), EACH)]
            back = [*islice(moment.history(subject, frame, back=True), EACH)]

            for found, wanted in ((forward, later), (back, earlier)):
                assert [place(write) for write in found] == [
                    each.step for each in wanted[: len(found)]
                ], (moment, subject)
                assert len(found) == min(EACH, len(wanted)), (moment, subject)
            looked += 1
    assert looked > CHECKED


@pytest.mark.slow
@pytest.mark.parametrize("attribute", ["name", "n", "kids"])
def test_an_attribute_is_found_past_changes_of_others(
    mixed: Trace, everything: Everything, attribute: str
) -> None:
    """Of an object that gets a child at each turn, over many blocks."""
    end = next(mixed.calls("threaded")).end_place
    assert end is not None
    moment = mixed.at(end)
    tree = moment.locals()["tree"]
    assert isinstance(tree, ObjectValue)
    known = everything.changes["object", tree.number, attribute]
    earlier = [each.step for each in known if each.known <= moment.step]

    found = moment.history(f"tree.{attribute}", back=True)

    assert [place(write) for write in found] == earlier[::-1]


def place(write: Write) -> int | None:
    return None if write.place is None else write.place.step


SPREAD = """\
class Box:
    def __init__(self):
        self.a = self.b = 0
boxes = [Box() for _ in range(200)]
for i in range(1600):
    box = boxes[i % 200]
    long = f'{i:500}'
    if i // 200 % 3:
        box.b = i
    else:
        box.a = i
"""


@pytest.mark.slow
def test_a_change_is_found_that_is_the_only_record_in_its_block(tmp_path: Path) -> None:
    record(tmp_path, SPREAD)
    trace = codetracer.read(tmp_path / "out")
    index = trace.processes[0].timeline().index
    everything = Everything(trace)
    end = trace.at(0).run()
    assert end is not None
    number = next(key[1] for key in everything.changes if key[0] == "object" and key[2:] == ("a",))
    assert isinstance(number, int)
    assert [row.records for row in index.after(0, KEY_OBJECT, number)].count(1) > 4

    for attribute in ("a", "b"):
        known = [each.step for each in everything.changes["object", number, attribute]]
        subject = f"#{number}.{attribute}"

        back = [*map(place, end.moment.history(subject, back=True))]
        forward = [*map(place, trace.at(0).history(subject))]

        assert len(known) > 2
        assert (back, forward) == (known[::-1], known)


PROGRAM = """\
import collections
count = 0
class Order:
    def __init__(self, items):
        self.items = items
        self.total = 0
    def add(self, price):
        self.items.append(price)
        self.total += price
def fill(order, times):
    global count
    for i in range(times):
        order.add(i)
        count += 1
    pair = (order, i)
    return order
def run():
    order = Order([])
    result = fill(order, 3)
    prices = {'a': 1}
    prices['a'] = 2
    prices['b'] = result.total
    del order
    return prices
known = run()
"""


@pytest.fixture(scope="module")
def end(tmp_path_factory: pytest.TempPathFactory) -> Moment:
    """Return the moment before the function returns."""
    folder = tmp_path_factory.mktemp("orders")
    record(folder, PROGRAM)
    trace = codetracer.read(folder / "out")
    last = trace.at(0).run()
    assert last is not None
    return last.moment


def told(writes: Iterator[Write]) -> list[tuple[int | None, str, str, str]]:
    """Return the line that did each change, how, and the values as text."""
    return [
        (
            None if write.moment is None else write.moment.line,
            write.how,
            shown(write.before),
            shown(write.after),
        )
        for write in writes
    ]


def shown(value: Any) -> str:
    return "-" if value == Hidden("unbound") else render(value)


HISTORIES: dict[str, list[tuple[int | None, str, str, str]]] = {
    "prices": [
        (22, "contents", "{'a': 2}", "{'a': 2, 'b': 3}"),
        (21, "contents", "{'a': 1}", "{'a': 2}"),
        (20, "line", "-", "{'a': 1}"),
    ],
    "prices['a']": [(21, "line", "1", "2"), (20, "line", "-", "1")],
    "result.total": [
        (9, "line", "1", "3"),
        (9, "line", "0", "1"),
        (6, "line", "-", "0"),
    ],
    "result.items[0]": [(8, "line", "-", "0")],
    "result.items[-1]": [(8, "line", "1", "2"), (8, "line", "0", "1"), (8, "line", "-", "0")],
    "count": [(14, "line", "2", "3"), (14, "line", "1", "2"), (14, "line", "0", "1")],
    "order": [(23, "line", "<Order #6 items=[0, 1, 2], total=3>", "-")],
}


@pytest.mark.parametrize("subject", HISTORIES)
def test_each_change_has_its_line_and_both_values(end: Moment, subject: str) -> None:
    wanted = HISTORIES[subject]

    found = told(islice(end.history(subject, back=True), len(wanted)))

    assert found == wanted


def test_a_parameter_that_nothing_rebinds_was_changed_by_the_call(end: Moment) -> None:
    moment = next(m for m in walk(end) if m.frame.code.name == "fill")

    write = moment.last_change("times")

    assert write is not None
    assert write.how == "argument"
    assert write.moment is not None
    assert write.moment.line == 19
    assert write.after == 3
    assert write.frame is not None
    assert write.frame.number == moment.frame.number
    assert moment.next_change("times") is None


def walk(moment: Moment | None) -> Iterator[Moment]:
    while moment is not None:
        yield moment
        moment = moment.back()


def test_the_next_change_is_the_first_of_the_history(end: Moment) -> None:
    start = next(m for m in walk(end) if m.line == 18)

    write = start.next_change("order")

    assert write is not None
    assert write.moment is not None
    assert (write.moment.line, write.how) == (18, "line")
    assert [each.how for each in start.history("order")] == ["line", *["contents"] * 2, "line"]
