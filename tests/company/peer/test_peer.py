"""peer.py reads from the logs of codetracer-python-recorder 0.3.0 what the program did.

It runs on CPython 3.12 and 3.13.
"""

import json
from pathlib import Path

import pytest

from tests.support import peer
from tests.support.equality import Call, Line, Recording, Return
from tests.support.running import write

pytestmark = [pytest.mark.network, pytest.mark.only_where(peer.RUNS)]


def recorded_by_peer(folder: Path, program: str) -> Recording:
    write(folder, {"app.py": program})
    return peer.record(folder / "app.py", folder / "theirs")


@pytest.mark.slow
def test_the_log_of_the_peer_is_read_as_what_the_program_did(tmp_path: Path) -> None:
    program = """\
def half(n, *rest):
    result = n / 2
    return result
def counted():
    got = yield [1]
    raise KeyError(got)
half(3, 'x')
steps = counted()
next(steps)
try:
    steps.send({'a': None})
except KeyError:
    pass
"""

    recording = recorded_by_peer(tmp_path, program)

    half = ("text", "<function half at 0x>")
    counted = ("text", "<function counted at 0x>")
    generator = ("text", "<generator object counted at 0x>")
    sent = ("dict", ((("str", "a"), ("none",)),))
    arguments = {"n": ("int", 3), "rest": ("tuple", (("str", "x"),))}
    functions = {"half": half, "counted": counted}
    everything = functions | {"steps": generator}
    assert recording.events == [
        Call("app.py:<module>", ()),
        Line(1, {}),
        Line(4, {"half": half}),
        Line(7, functions),
        Call("app.py:half", tuple(arguments.items())),
        Line(2, arguments),
        Line(3, arguments | {"result": ("text", "1.5")}),
        Return(("text", "1.5")),
        Line(8, functions),
        Line(9, everything),
        Call("app.py:counted", ()),
        Line(5, {}),
        Return(("list", (("int", 1),))),
        Line(10, everything),
        Line(11, everything),
        Call("app.py:counted", ()),
        Line(6, {"got": sent}),
        Return(("text", "{'a': None}")),
        Line(12, everything),
        Line(13, everything),
        Return(("none",)),
    ]
    assert [frame.lines for frame in recording.frames] == [
        [1, 4, 7, 8, 9, 10, 11, 12, 13],
        [2, 3],
        [5],
        [6],
    ]
    assert recording.frames[1].final == arguments | {"result": ("text", "1.5")}


@pytest.mark.slow
def test_a_log_that_is_not_as_the_peer_writes_it_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "def f(x):\n    return x\nf(1)\n"})
    peer.record(tmp_path / "app.py", tmp_path / "theirs")
    log = json.loads((tmp_path / "theirs/trace.json").read_text())
    calls = [number for number, record in enumerate(log) if "Call" in record]

    for broken in (
        log[:-1],
        [*log[: calls[-1] - 1], *log[calls[-1] :]],
        [*log, {"Unknown": 1}],
    ):
        with pytest.raises((AssertionError, ValueError)):
            peer.read(broken, tmp_path)


@pytest.mark.slow
def test_a_program_that_cannot_be_recorded_is_an_error_with_its_status(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import os\nos._exit(7)\n"})

    with pytest.raises(peer.PeerError) as raised:
        peer.record(tmp_path / "app.py", tmp_path / "theirs")

    assert raised.value.status == 7
