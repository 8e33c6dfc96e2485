"""Tests each part of a recorder alone."""

import collections
import enum
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from codetracer.inspect.code import parameters
from codetracer.inspect.kinds import type_name
from codetracer.limits import Limits
from codetracer.recording.reader import LogReader
from codetracer.recording.writer import LogWriter
from codetracer.replay.contents import CHANGES, changed
from codetracer.replay.state import Held
from codetracer.runtime.actions import DROP, REDACT, NameActions
from codetracer.runtime.bytecode import CodeReading, facts_by_line
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.frames import FrameState, Namespace
from codetracer.runtime.layouts import layout_of
from codetracer.runtime.plans import Plan
from codetracer.runtime.scopes import MISSING, lookup, release, variables_of
from codetracer.runtime.values import Values
from codetracer_bindings.trace_decoder import (
    AttributeRecord,
    ObjectRecord,
    RedactedValue,
    ReferenceValue,
    TypeRecord,
    decode_record,
    decode_value,
)
from codetracer_bindings.trace_encoder import encode_lost, encode_type
from codetracer_bindings.trace_format import (
    FORM_ENUM,
    FORM_INSTANCE,
    FORM_LIST,
    FORM_NAMED_TUPLE,
    FORM_OPAQUE,
    FORM_UNSEEN,
    FORM_WRAPPED,
)
from tests.support.running import execute, write


def code_of(text: str, name: str | None = None) -> CodeType:
    """Return the code of a module, or of what it defines."""
    code = compile(text, "app.py", "exec")
    if name is None:
        return code
    (found,) = (
        each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == name
    )
    return found


def named(code: CodeType) -> dict[int, tuple[dict[str, bool], dict[str, bool], int]]:
    """Return for each line its local and global names and how far it reaches."""
    return {
        line: (names.locals, names.globals, names.reach)
        for line, names in facts_by_line(code).items()
        if line
    }


def test_a_line_of_a_module_names_global_variables_which_it_binds_or_loads() -> None:
    found = named(code_of("x = y\ndel x\nz.a[0].b\npass\n"))

    assert found[1] == ({}, {"y": False, "x": True}, 0)
    assert found[2] == ({}, {"x": True}, 0)
    assert found[3] == ({}, {"z": False}, 3)
    assert found[4] == ({}, {}, 0)


def test_a_line_of_a_function_names_its_variables_cells_and_globals() -> None:
    text = """\
def f(a, b):
    a, b = b, a
    for c in g(a.x[b]): d = c
    def inner():
        nonlocal d
        global h
        h = d
    try: del a
    except E as e: e.args
    return [b for b in c]
"""
    found = named(code_of(text, "f"))

    assert found[2] == ({"a": True, "b": True}, {}, 0)
    assert found[3][0] == {"a": False, "b": False, "c": True, "d": True}
    assert found[3][1:] == ({"g": False}, 2)
    assert found[8][0] == {"a": True}
    assert found[9][0]["e"] is True
    assert found[9][1:] == ({"E": False}, 1)
    assert found[10][0] == {"b": True, "c": False}


def test_a_line_of_a_class_names_variables_of_the_class_or_global_ones() -> None:
    found = named(code_of("class A:\n    x = y\n    def m(self): pass\n", "A"))

    assert found[2] == ({"y": False, "x": True}, {"y": False, "x": False}, 0)
    assert found[3][0] == {"m": True}
    # What the interpreter puts there is not the program's.
    assert "__module__" not in found[1][0]


def test_names_with_numbers_beyond_a_byte_are_found() -> None:
    many = "".join(f"    v{i} = {i}\n" for i in range(300))
    found = named(code_of(f"def f():\n{many}    v299 = v298\n", "f"))

    assert found[302][0] == {"v298": False, "v299": True}


def test_parameters_come_in_the_order_of_the_definition_and_before_the_others() -> None:
    code = code_of("def f(a, /, b, *c, d, **e):\n    g = a\n    return lambda: (g, h)\n", "f")

    assert parameters(code) == ["a", "b", "c", "d", "e"]
    assert CodeReading(code).locals == ["a", "b", "c", "d", "e", "g"]
    assert parameters(code_of("x = 1\n")) == []


class Color(enum.Enum):
    RED = 1


class Slotted:
    __slots__ = ("a", "b")
    a: int
    b: int


class Holder:
    pass


Pair = collections.namedtuple("Pair", "one two")


def test_a_layout_says_what_instances_hold_and_reads_it() -> None:
    slotted = Slotted()
    slotted.a = 5
    holder = Holder()
    holder.x = 1  # type: ignore[attr-defined]

    layout = layout_of(Slotted)
    assert (layout.form, list(layout.slots), layout.dict_of) == (FORM_INSTANCE, ["a", "b"], None)
    assert layout.slots["a"](slotted) == 5
    of_dict = layout_of(Holder).dict_of
    assert of_dict is not None
    assert of_dict(holder) == {"x": 1}
    assert [read(Pair(1, 2)) for read in layout_of(Pair).slots.values()] == [1, 2]
    assert layout_of(Pair).form == FORM_NAMED_TUPLE
    assert layout_of(Color).form == FORM_ENUM
    assert layout_of(object).form == FORM_OPAQUE
    queue = layout_of(collections.deque)
    assert queue.form == FORM_LIST
    assert queue.reading is not None
    assert queue.reading.base is collections.deque


def test_a_wrapped_value_is_read_whatever_its_methods_do() -> None:
    class Loud(int):
        def __int__(self) -> int:
            raise SystemError

        __index__ = __trunc__ = bit_length = __le__ = __int__  # type: ignore[assignment]

    def write(values: Values) -> None:
        values.encode(Loud(7), 1)
        values.write_objects(ALLOW_ALL)

    assert layout_of(Loud).form == FORM_WRAPPED
    assert written(write)[1:] == [ObjectRecord(0, FORM_WRAPPED, 0, 1, (7,), 0, ())]


def test_a_type_is_named_by_its_module_unless_it_is_a_builtin() -> None:
    assert (type_name(int), type_name(Holder)) == ("int", f"{__name__}.Holder")


def written(write: Callable[[Values], object], limits: Limits | None = None) -> list[object]:
    """Return the records that a value's objects become."""
    definitions = Definitions()
    write(Values(definitions, limits or Limits()))
    return [decode_record(record, 0)[0] for record in definitions.out]


def contents(records: list[object]) -> list[tuple[object, ...]]:
    """Return the items that an object has after each record about one."""
    held: dict[int, Held] = {}
    found = []
    for record in records:
        if isinstance(record, ObjectRecord):
            held[record.number] = record
        elif isinstance(record, CHANGES):
            held[record.number] = changed(held[record.number], record)
        else:
            continue
        found.append(held[record.number].items)
    return found


ALLOW_ALL = NameActions(lambda _: 0)


def test_values_need_no_more_than_definitions() -> None:
    def write(values: Values) -> None:
        content = values.encode([1, "x"], 3)
        assert decode_value(content, 0)[0] == ReferenceValue(0)
        values.write_objects(ALLOW_ALL)

    assert written(write) == [TypeRecord("list"), ObjectRecord(0, FORM_LIST, 0, 2, (1, "x"), 0, ())]


PATCHED = """
import builtins, collections, enum
from codetracer.runtime.definitions import Definitions
from codetracer.limits import Limits
from codetracer.runtime.actions import NameActions
from codetracer.runtime.values import Values
class Text(str): pass
class Number(int): pass
class Plain: pass
class Slotted: __slots__ = ('a',)
class Color(enum.Enum): RED = 1
Pair = collections.namedtuple('Pair', 'one two')
def function(): pass
plain, slotted = Plain(), Slotted()
plain.b = slotted.a = 1
each = [
    1, 1 << 99, 1 << 9999, 's', '\\xe9' * 600, 2.0, 1j, b'b', bytes(600), (1, (2,)), range(3), ...,
    [1], {'k': 2}, {1}, frozenset('a'), bytearray(3), collections.deque([1]), Text('x'),
    Number(1 << 9999), plain, slotted, Color.RED, Pair(1, 2), KeyError(1), function, len,
    plain.__init__, enum, Plain, iter([]),
]
actions = NameActions({}.get)
actions.update({name: 0 for name in ('a', 'b', 'k', 'name', 'value', 'one', 'two', '__self__')})
definitions = Definitions()
values = Values(definitions, Limits())
called = []
def replaced(name):
    return lambda *args, **options: called.append(name)
real, put = dict(vars(builtins)), setattr
for name in real:
    if name[0] != '_':
        put(builtins, name, replaced(name))
for value in each:
    values.encode(value, 4)
    values.write_objects(actions)
for name, value in real.items():
    put(builtins, name, value)
print(len(definitions.out) > 40, called)
"""


def test_what_a_program_puts_in_place_of_builtins_is_not_called_for_its_values(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"app.py": PATCHED})

    assert execute("app.py", cwd=tmp_path) == (0, "True []\n", "")


def test_an_object_is_written_again_only_when_it_holds_something_else() -> None:
    held: list[object] = [1]

    def write(values: Values) -> None:
        for _ in range(3):
            values.doubt()
            values.encode(held, 1)
            values.write_objects(ALLOW_ALL)
        held.append(2)
        values.doubt()
        values.encode(held, 1)
        values.write_objects(ALLOW_ALL)

    items = contents(written(write))
    assert items == [(1,), (1, 2)]


def test_an_object_is_trusted_until_it_is_in_doubt_or_may_be_new() -> None:
    held: list[object] = []

    def write(values: Values) -> None:
        for number, (doubts, levels) in enumerate([(True, 0), (False, 0), (False, 1), (True, 0)]):
            held.append(number)
            if doubts:
                values.doubt()
            values.levels = levels
            values.encode(held, 1)
            values.write_objects(ALLOW_ALL)

    items = contents(written(write))
    assert items == [(0,), (0, 1, 2), (0, 1, 2, 3)]


def test_what_is_new_is_looked_at_deeper_than_what_is_known() -> None:
    inner: list[object] = [[1]]
    outer: list[object] = [inner]

    def write(values: Values) -> None:
        for grown, new in ((None, None), (inner, 2), (outer, [[3]])):
            if grown is not None:
                grown.append(new)
            values.doubt()
            values.encode(outer, 1)
            values.write_objects(ALLOW_ALL)

    items = contents(written(write))
    first, second, third, fourth, fifth, sixth, seventh = items
    # As deep as the limit allows, although 1 was asked for: it is new.
    assert (len(first), len(second), third) == (1, 1, (1,))
    # What changed within is not seen until the outer one changes as well.
    assert len(fourth) == 2
    assert fifth == (*second, 2)
    assert (len(sixth), seventh) == (1, (3,))


def test_what_lies_deeper_than_the_limit_is_known_by_its_type() -> None:
    def write(values: Values) -> None:
        values.encode([[[1]]], 2)
        values.write_objects(ALLOW_ALL)

    records = [r for r in written(write, Limits(depth=2)) if isinstance(r, ObjectRecord)]

    assert sorted(record.form for record in records) == [FORM_UNSEEN, FORM_LIST, FORM_LIST]


def test_attributes_are_redacted_or_dropped_as_they_are_asked_for_once_each() -> None:
    asked = []

    def action(name: str) -> int:
        asked.append(name)
        return {"hidden": REDACT, "gone": DROP}.get(name, 0)

    holder = Holder()
    holder.__dict__.update(hidden=1, gone=2, seen=3)
    actions = NameActions(action)

    def write(values: Values) -> None:
        for _ in range(2):
            values.encode(holder, 1)
            values.write_objects(actions)

    records = written(write)

    names = [record.name for record in records if isinstance(record, AttributeRecord)]
    (found,) = (record for record in records if isinstance(record, ObjectRecord))
    assert names == ["hidden", "seen"]
    assert found.attributes == ((0, RedactedValue()), (1, 3))
    assert asked == ["hidden", "gone", "seen"]


def test_definitions_number_what_they_define_and_say_it_once() -> None:
    kept: list[str] = []
    definitions = Definitions(kept.append)
    code = code_of("pass\n")

    numbers = [definitions.attribute(name) for name in ("a", "b", "a")]
    sources = [definitions.source(code) for _ in range(2)]

    assert (numbers, sources, kept) == ([0, 1, 0], [0, 0], ["app.py"])
    assert len(definitions.out) == 3
    definitions.forget()
    assert (definitions.attribute("b"), definitions.sources) == (0, [])


@pytest.mark.slow
def test_classes_that_are_gone_are_forgotten() -> None:
    definitions = Definitions()

    def made() -> int:
        return definitions.layout(type("Gone", (), {})).number

    # A class is in cycles with what it holds.
    assert (made(), gc.collect() > 0, made(), gc.collect() > 0) == (0, True, 1, True)
    kept = [type("Kept", (), {}) for _ in range(500)]
    numbers = [definitions.layout(kind).number for kind in kept]
    for _ in range(30):
        for _ in range(100):
            made()
        gc.collect()
    assert len(definitions._layouts) < 2200
    assert [definitions.layout(kind).number for kind in kept] == numbers


def test_a_frame_begins_at_its_codes_first_line_with_nothing_written() -> None:
    plan = Plan()
    plan.first_line, plan.lines = 7, {}

    state = FrameState(1, plan, 2, Namespace(3), 0)

    assert (state.line, state.said, state.number, state.written) == (0, 7, 2, {})


def test_the_variables_of_a_frame_are_read_and_those_not_bound_are_missing() -> None:
    cell = [1]

    def inner() -> list[object]:
        frame = sys._getframe()
        variables = variables_of(frame)
        found = [lookup(variables, name) for name in ("cell", "late", "nothing")]
        release(frame, variables)
        late = cell
        assert late
        return found

    assert inner() == [cell, MISSING, MISSING]


def test_a_writer_needs_no_recorder(tmp_path: Path) -> None:
    path = str(tmp_path / "log.ctlog")
    log = LogWriter(path, bytes(16), 5, 6)
    log.write([encode_type("one"), encode_type("two")])
    log.write([encode_lost()])
    log.close()

    reader = LogReader(path)
    (block,) = reader.blocks()

    assert reader.pid == 5
    assert bytes(block.data) == encode_type("one") + encode_type("two") + encode_lost()
