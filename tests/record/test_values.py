"""Values of every kind are recorded, and cut in each way that limits allow."""

from pathlib import Path
from typing import Any

import pytest

import codetracer
from codetracer import replay as recorded
from codetracer.limits import HIGHEST
from codetracer.recording.reader import LogReader
from codetracer.replay import CutBytes, CutText, CutTuple, Hidden, ObjectValue, RangeValue
from codetracer_bindings.trace_decoder import (
    ItemsSetRecord,
    ObjectRecord,
    VariableRecord,
    decode_record,
)
from tests.support.recordings import NATIVE, an_object, last, record, texts
from tests.support.running import execute, trace_environ, write


def after(folder: Path, program: str, backend: str, *options: str) -> dict[str, recorded.Value]:
    """Record a program, and return its variables at its end."""
    record(folder, f"{program}\npass\n", *options, backend=backend)
    return last(folder / "out")


def test_atoms_are_what_they_are(tmp_path: Path, backend: str) -> None:
    atoms: dict[str, object] = {
        "nothing": None,
        "yes": True,
        "no": False,
        "dots": ...,
        "unable": NotImplemented,
        "zero": 0,
        "small": -70,
        "least": -(2**63),
        "most": 2**63 - 1,
        "more": 2**63,
        "less": -(2**63) - 1,
        "huge": -(7**400),
        "half": 0.5,
        "minus_zero": -0.0,
        "infinite": float("inf"),
        "both": 1 - 2j,
        "text": "tä\0\U0001f600",
        "surrogate": "\udc80",
        "raw": b"\0\xff",
        "empty": (),
        "pair": (1, (None, "x")),
    }
    program = "\n".join(
        f"{name} = {value!r}" if value != float("inf") else f"{name} = float('inf')"
        for name, value in atoms.items()
    )

    seen = after(tmp_path, program, backend)

    assert {name: (type(v), repr(v)) for name, v in seen.items() if name in atoms} == {
        name: (type(v), repr(v)) for name, v in atoms.items()
    }


def test_a_range_has_its_ends_and_its_step(tmp_path: Path, backend: str) -> None:
    seen = after(tmp_path, "near = range(3)\nfar = range(10 ** 30, -1, -7)", backend)

    assert seen["near"] == RangeValue(0, 3, 1)
    assert seen["far"] == RangeValue(10**30, -1, -7)


OBJECTS = """
import collections, dataclasses, enum, sys
class Color(enum.Enum):
    RED = 'r'
class Level(enum.IntEnum):
    HIGH = 3
@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
@dataclasses.dataclass(slots=True)
class Slim:
    x: int
class Plain:
    shared = 1
    def __init__(self): self.own = [1]
    def method(self): pass
    @property
    def computed(self): return 1
class Slotted:
    __slots__ = ('a', 'unset', '__private')
    def __init__(self): self.a, self.__private = 1, 2
class Both(Slotted):
    pass
class Number(int): pass
class Words(list): pass
class Table(dict): pass
class Coordinates(tuple): pass
Pair = collections.namedtuple('Pair', 'one two')
a_list, a_dict = [1, [2]], {'k': 1, (1, 2): []}
a_set, frozen = {1}, frozenset({'f'})
point, slim, plain, slotted, both = Point(1), Slim(2), Plain(), Slotted(), Both()
both.more = 3
color, level = Color.RED, Level.HIGH
pair = Pair(1, [2])
number, words, table, coordinates = Number(5), Words('ab'), Table(k=1), Coordinates((1, 2))
number.unit = 'm'
table.name = 't'
a_class, a_function, module = Plain, Plain.method, sys
method, builtin = plain.method, [].append
queue, raw = collections.deque([1]), bytearray(b'ab')
try:
    try: raise KeyError('inner', [1])
    except KeyError as inner: raise ValueError('outer') from inner
except ValueError as caught: error = caught
error.code = 5
iterator, generator, lock = iter(a_list), (x for x in ()), object()
"""


@pytest.mark.slow
def test_objects_are_recorded_by_what_they_hold(tmp_path: Path, backend: str) -> None:
    record(tmp_path, f"{OBJECTS}\npass\n", backend=backend)

    *_, (_, _, seen) = texts(tmp_path / "out")

    # Everything that is shown here is the recorder's own knowledge: no repr has been called.
    forms = {
        name: (value.form, value.type_name, value.items, sorted(value.attributes))
        for name, value in last(tmp_path / "out").items()
        if isinstance(value, ObjectValue)
    }
    private = "_Slotted__private"
    assert {name: (*forms[name][:2], forms[name][3]) for name in WANTED} == WANTED
    assert an_object(last(tmp_path / "out")["slotted"]).attributes == {"a": 1, private: 2}
    assert {name: forms[name][2] for name in ITEMS} == ITEMS
    assert seen["color"] == "Color.RED"


WANTED = {
    "a_list": ("list", "list", []),
    "a_dict": ("dict", "dict", []),
    "a_set": ("set", "set", []),
    "frozen": ("frozenset", "frozenset", []),
    "point": ("instance", "__main__.Point", ["x", "y"]),
    "slim": ("instance", "__main__.Slim", ["x"]),
    "plain": ("instance", "__main__.Plain", ["own"]),
    "slotted": ("instance", "__main__.Slotted", ["_Slotted__private", "a"]),
    "both": ("instance", "__main__.Both", ["_Slotted__private", "a", "more"]),
    "color": ("enum", "__main__.Color", ["name", "value"]),
    "level": ("enum", "__main__.Level", ["name", "value"]),
    "pair": ("named_tuple", "__main__.Pair", ["one", "two"]),
    "number": ("wrapped", "__main__.Number", ["unit"]),
    "words": ("list", "__main__.Words", []),
    "table": ("dict", "__main__.Table", ["name"]),
    "coordinates": ("tuple", "__main__.Coordinates", []),
    "a_class": ("class", "type", []),
    "a_function": ("function", "function", []),
    "module": ("module", "module", []),
    "method": ("method", "method", ["__self__"]),
    "builtin": ("method", "builtin_function_or_method", ["__self__"]),
    "queue": ("list", "collections.deque", []),
    "raw": ("wrapped", "bytearray", []),
    "error": ("exception", "ValueError", ["__cause__", "code"]),
    "iterator": ("instance", "list_iterator", ["of", "remaining"] if NATIVE else ["remaining"]),
    "generator": ("instance", "generator", ["name"]),
    "lock": ("opaque", "object", []),
}
ITEMS = {
    "a_set": (1,),
    "frozen": ("f",),
    "number": (5,),
    "words": ("a", "b"),
    "table": ("k", 1),
    "coordinates": (1, 2),
    "a_class": ("Plain",),
    "a_function": ("Plain.method",),
    "module": ("sys",),
    "method": ("Plain.method",),
    "builtin": ("list.append",),
    "queue": (1,),
    "raw": (b"ab",),
    "error": ("outer",),
}


def test_an_exception_has_its_message_and_its_cause(tmp_path: Path, backend: str) -> None:
    error = an_object(after(tmp_path, OBJECTS, backend)["error"])

    cause = an_object(error.attributes["__cause__"])

    assert (error.items, error.attributes["code"]) == (("outer",), 5)
    assert (cause.form, cause.type_name, cause.items[0]) == ("exception", "KeyError", "inner")
    assert an_object(cause.items[1]).items == (1,)


def test_what_is_shared_and_what_contains_itself_stays_so(tmp_path: Path, backend: str) -> None:
    program = """\
loop = [1]
loop.append(loop)
shared = [2]
pair = (shared, {'k': shared})
equal = [[2], [2]]
class Node: pass
node = Node()
node.me = {'node': node}
"""
    seen = after(tmp_path, program, backend)
    loop, shared, node = (an_object(seen[name]) for name in ("loop", "shared", "node"))
    pair, equal = seen["pair"], an_object(seen["equal"])

    assert loop.items[1] is loop
    assert isinstance(pair, tuple)
    assert pair[0] is shared
    assert an_object(pair[1]).pairs == (("k", shared),)
    assert an_object(equal.items[0]).number != an_object(equal.items[1]).number
    assert an_object(node.attributes["me"]).pairs == (("node", node),)


def test_what_is_cut_is_said(tmp_path: Path, backend: str) -> None:
    program = """\
text, raw, several = 'abcdef', b'abcdef', (1, 2, 3, 4)
items, pairs, members = [1, 2, 3, 4], {1: 2, 3: 4, 5: 6}, {1, 2, 3, 4}
class Plain: pass
plain = Plain()
plain.a = plain.b = plain.c = plain.d = 1
deep = [[[[1]]]]
nested = ((((1,),),),)
"""
    limits = ("--max-depth=2", "--max-items=3", "--max-text=4")

    seen = after(tmp_path, program, backend, *limits)

    assert seen["text"] == CutText("abcd", 6)
    assert seen["raw"] == CutBytes(b"abcd", 6)
    assert seen["several"] == CutTuple((1, 2, 3), 4)
    items, members = an_object(seen["items"]), an_object(seen["members"])
    assert (items.items, items.total, items.cut) == ((1, 2, 3), 4, 1)
    assert (len(members.items), members.total, members.cut) == (3, 4, 1)
    pairs, plain = an_object(seen["pairs"]), an_object(seen["plain"])
    assert (pairs.pairs, pairs.cut) == (((1, 2), (3, 4), (5, 6)), 0)
    assert (list(plain.attributes), plain.cut_attributes) == (["a", "b", "c"], 1)
    inner = an_object(an_object(seen["deep"]).items[0])
    assert (inner.form, an_object(inner.items[0]).form) == ("list", "unseen")
    assert seen["nested"] == ((CutTuple((), 1),),)


def test_limits_are_kept_exactly(tmp_path: Path, backend: str) -> None:
    program = "text, items, deep = 'abcd', [1, 2, 3], [[1]]\nmany = {1: 2, 3: 4, 5: 6, 7: 8}\n"
    limits = ("--max-depth=2", "--max-items=3", "--max-text=4")

    seen = after(tmp_path, program, backend, *limits)

    assert seen["text"] == "abcd"
    assert an_object(seen["items"]).cut == 0
    assert an_object(an_object(seen["deep"]).items[0]).items == (1,)
    assert an_object(seen["many"]).cut == 1


@pytest.mark.slow
def test_what_is_nested_as_deep_as_a_limit_may_be_can_be_read(tmp_path: Path, backend: str) -> None:
    program = "nested = range(3)\nfor _ in range(1000):\n    nested = (nested,)\n"

    deepest: Any = after(tmp_path, program, backend, f"--max-depth={HIGHEST['depth']}")["nested"]

    levels = 0
    while type(deepest) is tuple:
        deepest = deepest[0]
        levels += 1
    assert (levels, deepest) == (HIGHEST["depth"], CutTuple((), 1))


def test_at_one_event_no_more_objects_are_looked_at_than_the_limit(
    tmp_path: Path, backend: str
) -> None:
    program = """\
import codetracer
from codetracer.limits import Limits
def work():
    wide = [[i] for i in range(20)]
    pass
codetracer.start('out', io_capture='off', limits=Limits(objects=5))
work()
codetracer.stop()
"""
    write(tmp_path, {"app.py": program})
    environ = trace_environ() | {"CODETRACER_BACKEND": backend}
    assert execute("app.py", cwd=tmp_path, environ=environ).stderr == ""

    replay = codetracer.read(tmp_path / "out").replay()
    (wide,) = (
        an_object(replay.locals(event.frame)["wide"])
        for event in replay
        if isinstance(event, recorded.StepEvent) and event.line == 5
    )

    forms = [an_object(item).form for item in wide.items]
    assert forms == ["list"] * 4 + ["unseen"] * 16


def test_names_that_tell_of_secrets_are_redacted_everywhere(tmp_path: Path, backend: str) -> None:
    program = """\
password = api_token = client_secret = api_key = 'hidden-1'
class Account: pass
account = Account()
account.password, account.name = 'hidden-2', 'ann'
account.__dict__['auth_token'] = 'hidden-3'
class Slim:
    __slots__ = ('db_password', 'user')
slim = Slim()
slim.db_password, slim.user = 'hidden-4', 'bob'
def log_in(user, password, *, secret_key='hidden-5'):
    local_token = password + secret_key
    return user
def get_password():
    return 'hidden-6'
log_in('ann', 'hidden-7')
tokens = get_password() and 1
settings = {'password': 'hidden-8', 'host': 'h', 1: 'one'}
def connect(**options):
    return options
options = connect(api_key='hidden-9', port=1)
"""
    seen = after(tmp_path, program, backend)

    hidden = Hidden("redacted")
    assert [seen[name] for name in ("password", "api_token", "client_secret", "api_key")] == (
        [hidden] * 4
    )
    assert an_object(seen["account"]).attributes == {
        "password": hidden,
        "name": "ann",
        "auth_token": hidden,
    }
    assert an_object(seen["slim"]).attributes == {"db_password": hidden, "user": "bob"}
    assert an_object(seen["settings"]).items == ("password", hidden, "host", "h", 1, "one")
    assert an_object(seen["options"]).items == ("api_key", hidden, "port", 1)
    returned = [
        event.value
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, recorded.ReturnEvent) and event.frame.code.name == "get_password"
    ]
    assert returned == [hidden]
    # Only the copy of the source has them.
    logs = b"".join(path.read_bytes() for path in (tmp_path / "out").glob("*.ctlog"))
    assert b"hidden-" not in logs
    assert b"ann" in logs


def test_only_a_value_that_differs_is_written(tmp_path: Path, backend: str) -> None:
    program = "x = [1]\nx\nx\nx.append(2)\nx[0] = 1\nx = x\ny = x\ny = 1\ny = 1\n"
    record(tmp_path, program, backend=backend)

    (path,) = (tmp_path / "out").glob("*.ctlog")
    variables, objects = [], []
    for block in LogReader(str(path)).blocks():
        position = 0
        while position < len(block.data):
            found, position = decode_record(block.data, position)
            if isinstance(found, VariableRecord):
                variables.append(found.value)
            elif isinstance(found, ObjectRecord | ItemsSetRecord):
                objects.append(found.items)

    # x, y and y again; the list as it is made, and another item in its second place.
    assert len(variables) == 3
    assert objects == [(1,), ((1, 2),)]


def test_slots_are_read_as_the_program_has_left_them(tmp_path: Path, backend: str) -> None:
    program = """\
class Slotted:
    __slots__ = ('replaced', 'deleted', 'foreign', 'moved', 'kept')
    def __init__(self):
        self.replaced, self.deleted, self.foreign, self.moved, self.kept = 1, 2, 3, 4, 5
class Other:
    __slots__ = ('foreign',)
slotted = Slotted()
before = slotted
Slotted.replaced = property(lambda self: 1 / 0)
del Slotted.deleted
Slotted.foreign = Other.foreign
moved = Slotted.moved
del Slotted.moved
Slotted.moved = moved
slotted.kept = 6
"""
    seen = after(tmp_path, program, backend)

    assert an_object(seen["slotted"]).attributes == {"moved": 4, "kept": 6}


CHANGES_OF_A_SLOT = {
    "that of another class": ("Slotted.first = Other.only", {"second": 4, "third": 3}),
    "another one of the class": (
        "Slotted.first = Slotted.second",
        {"first": 4, "second": 4, "third": 3},
    ),
    "a property": ("Slotted.first = property(lambda self: 1 / 0)", {"second": 4, "third": 3}),
    "none": ("del Slotted.first", {"second": 4, "third": 3}),
    "none in the base": ("del Base.third", {"first": 1, "second": 4}),
    "no slot": ("Base.fourth = 5", {"first": 1, "second": 4, "third": 3}),
}


@pytest.mark.parametrize("change", CHANGES_OF_A_SLOT)
def test_a_slot_that_changes_is_read_anew(tmp_path: Path, backend: str, change: str) -> None:
    does, attributes = CHANGES_OF_A_SLOT[change]
    program = f"""\
class Base: __slots__ = ('third',)
class Slotted(Base): __slots__ = ('first', 'second')
class Other: __slots__ = ('only',)
slotted = Slotted()
slotted.first, slotted.second, slotted.third = 1, 2, 3
slotted.second = 2
{does}
slotted.second = 3
slotted.second = 4
"""
    seen = after(tmp_path, program, backend)

    assert an_object(seen["slotted"]).attributes == attributes


def test_a_slot_is_what_its_name_means_whatever_the_dict_has(tmp_path: Path, backend: str) -> None:
    program = """\
class Slotted:
    __slots__ = ('kept', 'unset')
class Both(Slotted): pass
both = Both()
both.kept = 1
vars(both).update({'unset': 2, 'kept': 3, 'own': 4})
"""
    seen = after(tmp_path, program, backend)

    assert an_object(seen["both"]).attributes == {"kept": 1, "own": 4}


def test_no_key_of_a_class_is_compared(tmp_path: Path, backend: str) -> None:
    program = """\
import warnings
warnings.simplefilter('ignore')
compared = []
class Key:
    def __hash__(self): return hash('label')
    def __eq__(self, other): compared.append(other); return self is other
key = Key()
odd = type('Odd', (), {'__slots__': ('label', 'other'), key: 1})()
odd.label = odd.other = 1
compared.clear()
odd
print(compared)
"""
    outcome = record(tmp_path, program, backend=backend)

    assert outcome.stdout == "[]\n"


def test_a_display_of_thousands_of_lines_is_recorded(tmp_path: Path, backend: str) -> None:
    rows = "\n".join(f"    'key {number}': 'value'," for number in range(2000))

    seen = after(tmp_path, f"table = {{\n{rows}\n}}\nsize = len(table)", backend)

    assert seen["size"] == 2000


COMPREHENSIONS = """\
rows = [3, 4]
doubled = [
    row * 2
    for row in rows
]
class Table:
    names = {
        key: value
        for key, value in
        [(1, 2), (3, 4)]
    }
"""


def test_variables_of_a_comprehension_outside_of_functions_are_recorded(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, COMPREHENSIONS, backend=backend)

    replayed = codetracer.read(tmp_path / "out").replay()
    seen: dict[str, set[object]] = {}
    for event in replayed:
        if isinstance(event, recorded.StepEvent):
            for name, value in replayed.locals(event.frame).items():
                if not isinstance(value, recorded.ObjectValue):
                    seen.setdefault(name, set()).add(value)

    assert {3, 4} <= seen["row"]
    assert {1, 3} <= seen["key"]
    assert {2, 4} <= seen["value"]
