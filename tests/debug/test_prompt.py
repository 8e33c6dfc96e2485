"""The prompt of `codetracer debug` reaches any place of a recording and its values, unlike pdb."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from codetracer.cli import main
from codetracer.debug import motion
from codetracer_bindings import trace_encoder as encode
from tests.support import logs
from tests.support.logs import NONE, text
from tests.support.prompts import positions, type_at_prompt
from tests.support.recorded import record
from tests.support.running import write

FAILING = """\
import threading

class Order:
    def __init__(self, items):
        self.items = items
        self.total = 0

    def add_up(self):
        for name, cents in self.items:
            self.total += cents
        return self.total

def clean_up():
    pass

def check(order):
    try:
        if order.add_up() > 50:
            raise ValueError("too much")
    finally:
        clean_up()

def aside():
    mark = "aside"
    return mark

other = threading.Thread(target=aside, name="other")
other.start()
other.join()
check(Order([("apple", 40), ("pear", 20)]))
"""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    write(folder, {"app.py": FAILING})
    assert record(folder, "-q", "-o", "out", "app.py").code == 1
    return folder / "out"


def lines_of(passed: list[str]) -> list[str]:
    """Return positions with their lines and functions only."""
    return [place.rpartition("app.py")[2] for place in passed]


def refused(*arguments: str) -> tuple[int | str | None, str]:
    """Return the exit status of a command line that fails, and what it complains of."""
    complaints = io.StringIO()
    with (
        redirect_stdout(io.StringIO()),
        redirect_stderr(complaints),
        pytest.raises(SystemExit) as failed,
    ):
        main(["debug", *arguments])
    return failed.value.code, complaints.getvalue()


@pytest.mark.slow
def test_it_begins_where_the_uncaught_exception_was_raised(trace: Path) -> None:
    printed = type_at_prompt(trace, "p order.total", "c", "w")

    assert printed[1] == (
        "It begins where the uncaught ValueError was raised; `run` goes to the first step."
    )
    assert printed[2] == "ValueError: too much"
    assert lines_of(positions(printed))[0] == "(19)check()"
    assert printed[5] == "60"


def test_a_program_that_exits_begins_at_the_first_step(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "import sys\nsys.exit(3)\n"})
    assert record(tmp_path, "-q", "-o", "out", "app.py").code == 3

    printed = type_at_prompt(tmp_path / "out", "c")

    assert printed[1].startswith("It begins at the first step")
    assert not [line for line in printed if line.startswith("Uncaught")]


@pytest.mark.slow
def test_it_begins_where_it_is_told_to(trace: Path) -> None:
    assert lines_of(positions(type_at_prompt(trace, options=("--at", "0:1")))) == ["(3)<module>()"]
    assert lines_of(positions(type_at_prompt(trace, options=("--at", "1")))) == ["(3)<module>()"]


def test_continue_stops_at_the_raise_that_ends_the_program_and_then_at_the_end(trace: Path) -> None:
    printed = type_at_prompt(trace, "run", "c", "c", "c")

    assert lines_of(positions(printed)) == [
        *("(19)check()", "(1)<module>()", "(19)check()"),
        *("(30)<module>()", "(30)<module>()"),
    ]
    assert printed.count("Uncaught ValueError") == 1
    assert printed.count("The recording ends here.") == 2


def test_reverse_up_goes_to_the_line_that_called(trace: Path) -> None:
    printed = type_at_prompt(trace, "tbreak 10", "rc", "ru", "ru", "ru")

    assert lines_of(positions(printed)) == [
        *("(19)check()", "(10)add_up()", "(18)check()", "(30)<module>()", "(1)<module>()"),
    ]


def test_places_lead_anywhere_and_back(trace: Path) -> None:
    printed = type_at_prompt(trace, "goto 1", "goto 0:2", "goto start", "j 28", "j 1", "goto end")

    assert lines_of(positions(printed))[1:] == [
        *("(3)<module>()", "(3)Order()", "(1)<module>()", "(28)<module>()", "(1)<module>()"),
        "(14)clean_up()",
    ]


def test_a_watched_value_stops_every_way_where_it_changes(trace: Path) -> None:
    printed = type_at_prompt(trace, "watch order.total", *["rc"] * 4, "c", "n", "c", "r", "b")

    changes = [line for line in printed if line.startswith("Watchpoint 1, ")]
    first, second, third = (f"Watchpoint 1, order.total: {values}" for values in VALUES)
    assert changes == [third, second, first, first, second, third]
    assert lines_of(positions(printed))[1:] == [
        *("(10)add_up()", "(10)add_up()", "(6)__init__()", "(1)<module>()"),
        *("(6)__init__()", "(6)__init__()", "(10)add_up()", "(10)add_up()"),
    ]
    assert printed[-3:-1] == [
        "Num Type         Disp Enb   Where",
        "1   watchpoint   keep yes   on order.total",
    ]


VALUES = "<unbound> -> 0", "0 -> 40", "40 -> 60"
"""The changes of the order's total."""


def test_a_watched_attribute_stays_that_of_its_object(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": REPLACED})
    record(tmp_path, "-q", "-o", "out", "app.py")

    printed = type_at_prompt(tmp_path / "out", "j 7", "watch box.inner.n", "c", "c", "rc", "rc")

    assert lines_of(positions(printed))[2:] == [
        *("(9)<module>()", "(9)<module>()", "(9)<module>()", "(5)<module>()"),
    ]


REPLACED = """\
class Box:
    pass
box = Box()
box.inner = Box()
box.inner.n = 1
first = box.inner
box.inner = Box()
box.inner.n = 5
first.n = 2
"""


def test_a_breakpoint_at_a_line_is_met_backwards_from_within_it(trace: Path) -> None:
    printed = type_at_prompt(trace, "b 18", "goto 0", "c", "s", "rc")

    assert lines_of(positions(printed))[2:] == ["(18)check()", "(8)add_up()", "(18)check()"]


def test_a_watch_has_a_condition_and_a_count(trace: Path) -> None:
    printed = type_at_prompt(trace, "watch order.total", "condition 1 cents == 40", "rc", "rc")
    passed = type_at_prompt(trace, "watch order.total", "ignore 1 1", "rc", "disable 1", "rc")

    assert lines_of(positions(printed))[1:] == ["(10)add_up()", "(6)__init__()"]
    assert lines_of(positions(passed))[1:] == ["(10)add_up()", "(1)<module>()"]
    assert f"Watchpoint 1, order.total: {VALUES[1]}" in passed


def test_history_shows_the_changes_before_and_after(trace: Path) -> None:
    printed = type_at_prompt(trace, "tbreak 11", "rc", "goto 0:19", "history self.total")

    shown = [line.split("app.py")[-1] for line in printed[-4:]]
    assert shown == [
        f"(6)__init__()  {VALUES[0]}",
        "> 0:19 is here",
        f"(10)add_up()  {VALUES[1]}",
        f"(10)add_up()  {VALUES[2]}",
    ]


def test_why_shows_where_a_value_came_from(trace: Path) -> None:
    printed = type_at_prompt(trace, "why order.total", "tbreak 10", "rc", "why cents", "u", "why x")

    first = printed.index('-> raise ValueError("too much")') + 1
    assert printed[first].split()[1:4] == ["order.total", "=", "60"]
    assert printed[first + 1].split()[1:5] == ["├─", "self.total", "=", "40"]
    assert any("  cents = 20  | for name, cents in self.items:" in line for line in printed)
    assert "x has no value" in printed[-1]


def test_why_without_a_value_explains_the_exception(trace: Path) -> None:
    printed = type_at_prompt(trace, "why")

    assert "  ValueError('too much') is raised  | raise ValueError(\"too much\")" in printed[5]
    assert any("because order.add_up() > 50 is true" in line for line in printed[6:])


def test_raises_shows_the_exceptions_before_and_after(trace: Path) -> None:
    before = type_at_prompt(trace, "goto 0", "raises")
    after = type_at_prompt(trace, "goto end", "raises")

    assert before[-2] == "> 0:0 is here"
    assert before[-1].endswith("app.py(19)check()  ValueError: too much")
    assert after[-2] == before[-1]


def test_continue_stops_in_any_thread(trace: Path) -> None:
    printed = type_at_prompt(trace, "b 24", "goto 0", "c", "c", "rc")

    assert lines_of(positions(printed))[2:] == ["(24)aside()", "(19)check()", "(24)aside()"]
    assert [line for line in printed if line.startswith("Thread")] == [
        *("Thread 1: other", "Thread 0: MainThread", "Thread 1: other"),
    ]


def test_a_way_ends_with_its_thread(trace: Path) -> None:
    printed = type_at_prompt(trace, "thread 1", "s", "s", "rs", "rs", "rs", "rs")

    assert lines_of(positions(printed))[1:] == [
        *("(25)aside()", "(25)aside()", "(25)aside()", "(25)aside()", "(24)aside()"),
        *("(24)aside()", "(24)aside()"),
    ]
    assert "The recording of this thread ends here." in printed
    assert printed.count("The recording of this thread begins here.") == 2


def test_another_thread_is_looked_at_where_it_is_at_that_time(trace: Path) -> None:
    printed = type_at_prompt(trace, "threads", "thread 1", "p mark", "rs", "thread 0", "thread 7")

    assert printed[5].startswith("* 0 MainThread: ")
    assert printed[6] == "  1 other: has no frame now"
    assert lines_of(positions(printed))[1:3] == ["(25)aside()", "(24)aside()"]
    assert "'aside'" in printed
    assert printed[-1] == "*** There is no thread '7' yet; there is 0"


def test_thread_and_back_leads_to_where_one_was(trace: Path) -> None:
    printed = type_at_prompt(trace, "b 10", "rc", "thread 1", "thread 0")

    assert lines_of(positions(printed))[1:] == ["(10)add_up()", "(25)aside()", "(10)add_up()"]


def test_listed_lines_have_the_values_of_the_names_that_they_bind(trace: Path) -> None:
    printed = type_at_prompt(trace, "b 10", "rc", "ll")

    assert printed[-3:] == [
        "  9  \t        for name, cents in self.items:  # name = 'pear', cents = 20",
        " 10 B->\t            self.total += cents  # cents = 20, self = " + order_in(printed),
        " 11  \t        return self.total",
    ]


def order_in(printed: list[str]) -> str:
    """Return the text of the order, in which a number differs between interpreters."""
    found = printed[-4].partition("self = ")[2]
    assert found.endswith(" items=[('apple', 40), ('pear', 20)], total=40>")
    return found


def test_a_part_of_the_stack_is_shown(trace: Path) -> None:
    printed = type_at_prompt(trace, "tbreak 10", "rc", "w", "w 1", "w -1", "u", "w 0", "w x")

    shown = [line.rpartition("app.py")[2] for line in printed if "app.py" in line][4:]
    assert shown == [
        *("(30)<module>()", "(18)check()", "(10)add_up()"),
        *("(10)add_up()", "(30)<module>()", "(18)check()", "(18)check()"),
    ]
    assert printed[-1] == "*** Invalid argument: x"


@pytest.mark.slow
def test_another_process_is_looked_at_where_it_is_at_that_time(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": FORKING})
    record(tmp_path, "-q", "-o", "out", "app.py")

    printed = type_at_prompt(tmp_path / "out", "processes", "goto end", "process 1", "process 0")

    assert [line[:4] for line in printed[4:6]] == ["* 0 ", "  1 "]
    assert lines_of(positions(printed))[1:] == ["(10)<module>()", "(6)<module>()", "(8)<module>()"]


FORKING = """\
import os, time
before = 1
child = os.fork()
if child == 0:
    time.sleep(0.1)
    inside = 6
else:
    os.waitpid(child, 0)
    time.sleep(0.01)
    after = 10
"""


def test_displays_show_what_has_changed(trace: Path) -> None:
    printed = type_at_prompt(
        trace, "b 10", "rc", "display self.total", "rc", "c", "display", "undisplay", "rc"
    )

    assert "display self.total: 40" in printed
    assert "display self.total: 0  [old: 40]" in printed
    assert "display self.total: 40  [old: 0]" in printed
    assert printed[printed.index("Currently displaying:") + 1] == "self.total: 40"
    assert not printed[-1].startswith("display")


def test_a_value_is_laid_out_over_lines(trace: Path) -> None:
    printed = type_at_prompt(trace, "pp [order] * 9", "pp order.items")

    assert printed[-1] == "[('apple', 40), ('pear', 20)]"


def test_commands_of_a_breakpoint_are_typed_by_themselves(trace: Path) -> None:
    printed = type_at_prompt(
        trace, "b 10", "commands", "silent", "p cents", "rc", "rc", "commands 1", "end", "c"
    )

    assert printed[6:9] == ["20", "40", "The recording begins here."]
    assert lines_of(positions(printed))[1:] == ["(1)<module>()", "(10)add_up()"]


def test_commands_of_a_breakpoint_may_go_on(trace: Path) -> None:
    printed = type_at_prompt(trace, "run", "b 10", "commands 1", "p self.total", "c", "c")

    assert [line for line in printed if line.isdecimal()] == ["0", "40"]
    assert lines_of(positions(printed))[-1] == "(19)check()"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("goto", "*** '' is not a place; a place is a step, or process:step"),
        ("goto 5:1", "has no process 5; it has 1, the first one is 0"),
        ("goto 100000", "process 0 has no step 100000; the last one is"),
        ("j x", "*** The 'jump' command requires a line number"),
        ("j 1000", "*** Jump failed: line 1000 never runs in this thread"),
        ("process", "*** Process number expected; `processes` lists them"),
        ("n 3", "*** Invalid argument: 3"),
        ("order.check()", "nothing of the program is run"),
        ("x = 3", "cannot be changed"),
        ("interact", "A recording cannot be changed or continued with other values"),
        ("source nothing", "*** 'nothing' is not a function or class of the recorded sources"),
        ("help nothing", "*** No help for 'nothing'; `help` lists the commands"),
        ("b 10, (", "*** Invalid condition (: '(' is not a Python expression"),
        ("b other.py:3", "*** 'other.py' is not in the recording; there is app.py"),
        ("b nothing", "*** The specified object 'nothing' is not a function"),
        ("b app.py:x", "*** Bad lineno: x"),
        ("condition", "*** Breakpoint number expected"),
        ("ignore 1 x", "*** Invalid argument: 1 x"),
        ("unalias x", "*** There is no alias 'x'"),
        ("undisplay x", "*** not displaying x"),
        ("watch", "*** A variable, attribute or item expected"),
        ("watch nothing", "has no variable nothing"),
        ("history", "*** A variable, attribute or item expected"),
        ("history nothing.x", "leads nowhere"),
        ("raises x", "*** Invalid argument: x"),
        ("l x", "*** Error in argument: 'x'"),
        ("u x", "*** Invalid frame count (x)"),
        ("", ""),
    ],
)
def test_what_cannot_be_done_is_said(trace: Path, command: str, answer: str) -> None:
    printed = type_at_prompt(trace, command)

    assert answer in printed[-2 if command == "" else -1]


@pytest.mark.slow
def test_many_steps_are_passed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 4_000
    monkeypatch.setattr(motion, "STOPS_READ", 5_000)
    program = (
        "def one(n):\n    return n\ndef many():\n    total = 0\n"
        f"    for n in range({count}):\n        total += one(n)\n    return total\n"
        "many()\nend = 1\nlater = 2\n"
    )
    write(tmp_path, {"app.py": program})
    assert record(tmp_path, "-q", "-o", "out", "app.py").code == 0

    printed = type_at_prompt(
        *(tmp_path / "out", "tbreak 8", "c", "n", "rn", "s", "r", "retval", "rn", "ru", "b many"),
        *("s", "s", "unt 7", "goto end", "rc"),
    )

    assert lines_of(positions(printed))[1:7] == [
        *("(8)<module>()", "(9)<module>()", "(8)<module>()", "(3)many()", "(7)many()"),
        "(7)many()",
    ]
    assert str(sum(range(count))) in printed
    ways = type_at_prompt(
        *(tmp_path / "out", "goto 2", "j 4", "unt", "unt", "unt", "r", "rn", "rn", "goto 2", "j 4"),
        *("n", "s", "s", "s", "s", "u", "r", "r", "rn", "rn", "rn"),
    )
    assert lines_of(positions(ways))[2:] == [
        *(
            "(4)many()",
            "(5)many()",
            "(6)many()",
            "(7)many()",
            "(7)many()",
            "(7)many()",
            "(5)many()",
        ),
        *("(8)<module>()", "(4)many()", "(5)many()", "(6)many()", "(1)one()", "(2)one()"),
        *("(2)one()", "(6)many()", "(7)many()", "(9)<module>()", "(8)<module>()", "(3)<module>()"),
        "(1)<module>()",
    ]
    assert lines_of(positions(printed))[7:] == [
        *("(8)<module>()", "(3)many()", "(4)many()", "(7)many()", "(10)<module>()", "(4)many()"),
    ]


def test_text_of_a_recording_cannot_command_the_terminal(tmp_path: Path) -> None:
    records = [
        encode.encode_source("/app/\x1b[31mapp.py"),
        encode.encode_thread(1, "\x1b]0;title\x07"),
        logs.code("f\x1b[2J", parameters=["a"]),
        encode.encode_call(0, 5, [text("\x1b[1m")]),
        encode.encode_step(0),
        encode.encode_return(0, NONE),
        encode.encode_exit(0, 1, 0),
    ]
    source = {"/app/\x1b[31mapp.py": "def f(a): '\x1b[5m'\n"}
    logs.write_trace(tmp_path / "out", logs.log(records), sources=source)

    printed = type_at_prompt(tmp_path / "out", "w", "p a", "l", "threads", "ll", "\x1b[7m", "s")

    assert not any("\x1b" in line or "\x07" in line for line in printed)
    assert any("\\x1b[2J" in line for line in printed)


@pytest.mark.parametrize("source", ["pattern = '\\d'\n", "def f(:\n", "(" * 5000, "x\0y\n"])
def test_source_that_cannot_be_parsed_is_shown_without_values(tmp_path: Path, source: str) -> None:
    records = [
        encode.encode_source("/app/app.py"),
        encode.encode_thread(1, "Main"),
        logs.code("f", parameters=["pattern"]),
        encode.encode_call(0, 5, [text("one")]),
        encode.encode_step(0),
        encode.encode_return(0, NONE),
        encode.encode_exit(0, 1, 0),
    ]
    logs.write_trace(tmp_path / "out", logs.log(records), sources={"/app/app.py": source})

    printed = type_at_prompt(tmp_path / "out", "l 1", "ll", "b f", "p pattern")

    assert printed[-1] == "'one'"
    # An unknown escape is only worth a warning.
    assert any("  # pattern = 'one'" in line for line in printed) == source.startswith("pattern")


def test_a_recording_without_a_step_is_refused(tmp_path: Path) -> None:
    logs.write_trace(tmp_path / "out", logs.log([encode.encode_exit(0, 1, 0)]))

    status, complaint = refused(str(tmp_path / "out"))

    assert status == 1
    assert "has no step: no line of the program was recorded" in complaint


def test_a_wrong_place_is_refused(trace: Path) -> None:
    assert refused(str(trace), "--at", "x")[0] == 2
    assert "'x' is not a place" in refused(str(trace), "--at", "x")[1]
    assert "has no process 3" in refused(str(trace), "--at", "3:0")[1]
    assert "has no step 1000000" in refused(str(trace), "--at", "1000000")[1]
