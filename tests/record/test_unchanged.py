"""An object that is as it was written last is not encoded again, and any other one is."""

from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent, Hidden, ObjectValue
from tests.record.test_secrets import content
from tests.support.late import late
from tests.support.recordings import record
from tests.support.running import write

EACH_KIND = """\
class Plain: pass
class Slotted: __slots__ = ('a',)
class Many:
    def __init__(self):
        for number in range(40):
            setattr(self, f'a{number}', number)
class Number(int): pass
def named(number):
    named.__qualname__ = 'a' * 799 + str(number)
    return named
class Text(str): pass
class Group(set): pass
values = [
    0, False, 0.0, -0.0, 0j, -0j, None, '', b'', (), 1, True, 1.0, -1, 2**30, 2**30 - 1, -2**30,
    2**62, 2**62 + 2**61 - 1, 2**64, 2**64 + 2**61 - 1, 'a', 'b', 'ab', 'ba', 'aé', 'aè', b'a',
    b'b', (1, 2), (2, 1), ((1,), 2), (1, (2,)), ..., NotImplemented, range(2), range(3),
    range(2, 0), range(0, 2, 2), 1.5, float('nan'), 1 + 2j, 2 + 1j, 'x' * 2000, 'x' * 2001,
    'x' * 100 + 'y' * 1900, 'é' * 2000, 'è' * 2000, b'x' * 2000, b'y' * 2000, Number(1), Number(2),
    Text('a'), Text('b'), bytearray(b'a'), bytearray(b'b'), [], {}, len, print, Plain, Slotted,
    Plain(), Plain().__init__,
]
plain, slotted, many, held, keyed, error = Plain(), Slotted(), Many(), [0], {'k': 0}, ValueError()
for value in values:
    plain.a = value
    slotted.a = value
    many.a7 = value
    held[0] = value
    keyed['k'] = value
    error.a = value
    error.args = (value,)
for value in range(3):
    held[0] = named(value)
for value in values:
    if value.__hash__:
        group = {value}
        group |= {7, value, 'other'}
        group.discard(7)
        kept = Group(group), frozenset(group)
    vars(plain)['a'] = value
    held[:] = [value, value]
pass
"""


@pytest.mark.slow
def test_a_value_of_each_kind_is_told_from_each_other(tmp_path: Path, backend: str) -> None:
    assert late(tmp_path, EACH_KIND, backend) == []


FILTER = """\
[meta]
name = "mine"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
[[scope.rules]]
selector = "obj:*.shy"
[[scope.rules.value_patterns]]
selector = "attr:a"
action = "redact"
"""
SECRETS = """\
class Plain: pass
class Slotted: __slots__ = ('token', 'a')
plain, slotted, keyed = Plain(), Slotted(), {}
for n in range(3, 6):
    plain.token = 'one' * n + '-hidden'
    slotted.token = 'two' * n + '-hidden'
    keyed['token'] = 'six' * n + '-hidden'
    exec('')  # all objects are in doubt
    plain.a = 'one' * n + '-hidden'
    slotted.a = 'two' * n + '-hidden'
    keyed['a'] = 'six' * n + '-hidden'
for n in range(3, 6):
    plain.token = ['red' * n + '-hidden']
    exec('')
    plain.token[0] = 'sun' * n + '-hidden'
    exec('')
    keyed['a'] = 'red' * n + '-hidden' + 'sun' * n + '-hidden'
pass
"""


def test_a_secret_in_an_object_becomes_known_whenever_it_changes(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, SECRETS, backend=backend)

    assert b"hidden" not in content(tmp_path / "out")


TWO_RULES = """\
class Plain: pass
def open(held): pass
def shy(held): pass
held = Plain()
held.a = 'shown'
for _ in range(2):
    for function in open, shy:
        exec('')  # all objects are in doubt
        function(held)
    held = {'a': 'shown'}
"""


def test_a_filter_decides_anew_where_an_unchanged_object_is_looked_at(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {"filter.toml": FILTER})

    record(
        *(tmp_path, TWO_RULES, "--trace-filter", str(tmp_path / "filter.toml")),
        backend=backend,
    )

    replay = codetracer.read(tmp_path / "out").replay()
    shown = []
    for event in replay:
        if isinstance(event, CallEvent) and event.frame.code.name in ("open", "shy"):
            held = replay.locals(event.frame)["held"]
            assert isinstance(held, ObjectValue)
            shown.append(held.items[1] if held.items else held.attributes["a"])
    hidden = Hidden("redacted")
    assert shown == ["shown", hidden, "shown", hidden]
