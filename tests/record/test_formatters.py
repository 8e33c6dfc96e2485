"""Formatters: the program's own words for its objects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import (
    CallEvent,
    CutText,
    Hidden,
    OutputEvent,
    RaiseEvent,
    StepEvent,
    Value,
    Words,
    render,
    to_json,
)
from tests.record.test_engines import RECORDER, without_identifiers
from tests.support.exporting import elements, export
from tests.support.recordings import BACKENDS, ENVIRON, an_object, last, record
from tests.support.running import Outcome, execute, write

ORDER = """
class Order:
    def __init__(self, number, items):
        self.number = number
        self.items = items
    def text(self):
        return helper(self)
    def total(self):
        return len(self.items)
class Late(Order):
    pass
def helper(order):
    return f'Order {order.number}: {order.total()} items'
"""
STARTS = """
import codetracer
codetracer.start('out', io_capture=CAPTURE, formatters={'__main__.Order': SAYS})
"""
FILTER = """
[meta]
name = "words"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
[[formatters]]
type = "__main__.Order"
function = "{function}"
reason = "why"
"""
each_engine = pytest.mark.parametrize("backend", BACKENDS)


def run(
    folder: Path,
    program: str,
    says: str,
    backend: str,
    *,
    before: str = ORDER,
    capture: str = "off",
) -> Outcome:
    """Record a program that starts its recording itself, with a formatter for `Order`."""
    starts = STARTS.replace("SAYS", says).replace("CAPTURE", repr(capture))
    write(folder, {"app.py": f"{before}{starts}{program}\ncodetracer.stop()\n"})
    return execute("app.py", cwd=folder, environ=ENVIRON | {"CODETRACER_BACKEND": backend})


def words(folder: Path, program: str, says: str, backend: str, **options: str) -> dict[str, str]:
    """Return what a program's global variables are shown as at its end."""
    outcome = run(folder, program, says, backend, **options)
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    trace = codetracer.read(folder / "out")
    assert trace.complete, trace.problem
    return {name: shown(value) for name, value in last(folder / "out").items()}


def shown(value: Value) -> str:
    return re.sub(r"#\d+", "#n", render(value, 1000))


def calls(trace: Path) -> list[str]:
    return [event.frame.code.name for event in codetracer.read(trace) if type(event) is CallEvent]


def missed(trace: Path) -> object:
    counts = codetracer.read(trace).metadata["counts"]
    assert isinstance(counts, dict)
    return counts["missed"]


@each_engine
def test_what_a_formatter_says_stands_beside_what_is_read_and_is_marked(
    tmp_path: Path, backend: str
) -> None:
    program = "order = Order(12, [1, 2])\norder.items.append(3)\norder"

    found = words(tmp_path, program, "Order.text", backend)

    assert found["order"] == "<Order #n says 'Order 12: 3 items'; number=12, items=[1, 2, 3]>"
    order = an_object(last(tmp_path / "out")["order"])
    assert order.words == Words("Order 12: 3 items", failed=False)
    assert (order.form, list(order.attributes)) == ("instance", ["number", "items"])
    said = to_json(order)
    assert isinstance(said, dict)
    assert said["says"] == "Order 12: 3 items"
    assert "formatter_failed" not in said


@each_engine
def test_nothing_is_asked_where_no_formatter_is_given(tmp_path: Path, backend: str) -> None:
    program = ORDER + "Order.__repr__ = Order.text\norder = Order(1, [])\norder\n"

    record(tmp_path, program, backend=backend)

    order = an_object(last(tmp_path / "out")["order"])
    assert order.words is None
    assert "text" not in calls(tmp_path / "out")


@each_engine
def test_an_attribute_is_never_taken_for_the_programs_words(tmp_path: Path, backend: str) -> None:
    program = ORDER + "o = Order(1, [])\no.__dict__[\"says 'x'; y\"] = 1\no\n"

    record(tmp_path, program, backend=backend)

    assert shown(last(tmp_path / "out")["o"]) == (
        "<Order #n number=1, items=[], \"says 'x'; y\"=1>"
    )


@each_engine
def test_a_formatter_is_for_instances_of_that_very_type(tmp_path: Path, backend: str) -> None:
    found = words(tmp_path, "late = Late(2, [])\nlate", "Order.text", backend)

    assert found["late"] == "<Late #n number=2, items=[]>"


FORMS = """
import collections, enum
class Things(list): pass
class Table(dict): pass
class Sum(int): pass
class Wrong(Exception): pass
class Color(enum.Enum): RED = 1
class Bare: __slots__ = ()
Pair = collections.namedtuple('Pair', 'a b')
class Slots: __slots__ = ('a',)
class Meta(type): pass
def say(value): return type(value).__name__.lower()
import codetracer
codetracer.start('out', io_capture='off', formatters={
    f'__main__.{name}': say for name in 'Things Table Sum Wrong Color Bare Pair Slots Meta'.split()
})
class Made(metaclass=Meta): pass
things, table, number, wrong = Things([1]), Table(a=1), Sum(5), Wrong('x')
color, bare, pair, slots = Color.RED, Bare(), Pair(1, 2), Slots()
slots.a = 3
pass; (things, table, number, wrong, color, bare, pair, slots, Made)
codetracer.stop()
"""


@each_engine
def test_objects_of_every_form_have_words(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": FORMS})

    outcome = execute("app.py", cwd=tmp_path, environ={"CODETRACER_BACKEND": backend})

    assert outcome == (0, "", "")
    found = {name: shown(value) for name, value in last(tmp_path / "out").items()}
    assert found == found | {
        "things": "<Things #n says 'things'; Things([1])>",
        "table": "<Table #n says 'table'; Table({'a': 1})>",
        "number": "<Sum #n says 'sum'; Sum(5)>",
        "wrong": "<Wrong #n says 'wrong'; Wrong('x')>",
        "color": "<Color #n says 'color'; Color.RED>",
        "bare": "<Bare #n says 'bare'>",
        "pair": "<Pair #n says 'pair'; Pair(a=1, b=2)>",
        "slots": "<Slots #n says 'slots'; a=3>",
        "Made": "<Meta #n says 'meta'; <class Made>>",
    }


@each_engine
def test_secrets_are_hidden_in_words_and_the_limit_cuts_them(tmp_path: Path, backend: str) -> None:
    program = (
        "order = Order(1, [])\norder.password = 'open sesame'\norder\n"
        "long = Order(2, [])\nlong.password = 'sesame open' * 60\nlong"
    )
    says = "lambda order: f'{order.number}: {order.password}'"

    outcome = run(tmp_path, program, says, backend)

    assert (outcome.code, outcome.stderr) == (0, "")
    found = last(tmp_path / "out")
    assert an_object(found["order"]).words == Words("1: <redacted>", failed=False)
    told = an_object(found["long"]).words
    assert told is not None
    assert isinstance(told.text, CutText)
    assert told.text.total == 663
    assert "sesame" not in told.text.text
    assert b"sesame" not in b"".join(path.read_bytes() for path in tmp_path.glob("out/*.ctlog"))


@each_engine
def test_the_limit_of_texts_holds_for_words(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"f.toml": FILTER.format(function="text")})

    record(
        *(tmp_path, ORDER + "order = Order(1, [])\norder\n"),
        *("--trace-filter=f.toml", "--max-text=7"),
        backend=backend,
    )

    order = an_object(last(tmp_path / "out")["order"])
    assert order.words == Words(CutText("Order 1", 16), failed=False)
    assert shown(order) == "<Order #n says 'Order 1'… +9; number=1, items=[]>"


FAILURES = {
    "raise TypeError('secret reasons')": "TypeError",
    "raise OwnError": "__main__.OwnError",
    "assert not order": "AssertionError",
    "return order.nothing": "AttributeError",
    "return say(order)": "RecursionError",
    "raise MemoryError": "MemoryError",
    "raise StopIteration": "StopIteration",
    "return 5": "it returned int, not str",
    "return b'x'": "it returned bytes, not str",
    "return None": "it returned NoneType, not str",
    "yield 'x'": "it returned generator, not str",
    "import codetracer; codetracer.start('other')": "codetracer.errors.UsageError",
}
OWN_ERROR = """
class OwnError(Exception):
    def __init__(self): print('made')
    def __str__(self): print('asked')
    __class__ = property(lambda self: print('asked'))
"""


@each_engine
@pytest.mark.parametrize("body", FAILURES)
def test_a_formatter_that_fails_is_said_to_and_the_program_goes_on(
    tmp_path: Path, backend: str, body: str
) -> None:
    before = f"{ORDER}{OWN_ERROR}\ndef say(order):\n    {body}\n"
    program = "order = Order(1, [])\nprint('on')\norder"

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert (outcome.code, outcome.stderr) == (0, "")
    assert set(outcome.stdout.split()) <= {"on", "made"}
    order = an_object(last(tmp_path / "out")["order"])
    assert order.words == Words(FAILURES[body], failed=True)
    assert shown(order) == f"<Order #n formatter failed: {FAILURES[body]}; number=1, items=[]>"
    assert not (tmp_path / "other").exists()


PAUSED = """
import sys
def say(order):
    sys.monitoring.get_tool(0), helper(order)
    deeper = [step(n) for n in range(3)]
    next(numbers)
    return str(deeper)
def step(n):
    return n
def numbers_of():
    for n in range(1000):
        yield n
numbers = numbers_of()
"""


@each_engine
def test_what_a_formatter_does_is_no_event_and_what_follows_is(
    tmp_path: Path, backend: str
) -> None:
    program = "order = Order(1, [])\nstep(7)\nhelper(order)\nnext(numbers)\norder\norder"

    found = words(tmp_path, program, "say", backend, before=ORDER + PAUSED)

    assert found["order"].startswith("<Order #n says '[0, 1, 2]'")
    assert calls(tmp_path / "out") == [
        *("<module>", "Order.__init__", "step", "helper", "Order.total", "numbers_of")
    ]
    steps = [
        (event.frame.code.name, event.line)
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, StepEvent)
    ]
    assert not [step for step in steps if step[0] == "say"]
    assert [name for name, _ in steps].count("step") == 1
    assert missed(tmp_path / "out") == 0


@each_engine
def test_what_a_formatter_prints_is_the_programs_output(tmp_path: Path, backend: str) -> None:
    before = f"{ORDER}\ndef say(order):\n    print('asked'); return 'x'\n"

    outcome = run(
        tmp_path,
        "order = Order(1, [])\nprint('end')",
        "say",
        backend,
        before=before,
        capture="proxies",
    )

    assert (outcome.code, outcome.stderr) == (0, "")
    written = b"".join(
        event.data for event in codetracer.read(tmp_path / "out") if isinstance(event, OutputEvent)
    )
    assert written.decode() == outcome.stdout
    assert outcome.stdout.split() == ["asked"] * outcome.stdout.count("asked") + ["end"]


@each_engine
def test_a_formatter_is_asked_when_its_object_is_looked_at(tmp_path: Path, backend: str) -> None:
    before = f"{ORDER}\nasked = []\ndef say(order):\n    asked.append(1); return 'x'\n"
    program = (
        "order = Order(1, [[[]]])\norder = Order(2, [])\nx = 1\nx = 2\nx = 3\nprint(len(asked))"
    )

    outcome = run(tmp_path, program, "say", backend, before=before)

    # With the call and at the ends of its two lines; and when it is bound: twice each.
    assert outcome == (0, "8\n", "")


@each_engine
def test_the_object_is_read_as_the_formatter_leaves_it(tmp_path: Path, backend: str) -> None:
    before = f"{ORDER}\ndef say(order):\n    order.number += 1\n    return str(order.number)\n"

    found = words(tmp_path, "x = Order(1, [])\ny = x.number\ny", "say", backend, before=before)

    said, number = re.findall(r"says '(\d+)'; number=(\d+)", found["x"])[0]
    assert said == number
    assert int(found["y"]) in (int(number), int(number) - 1)


@each_engine
def test_a_formatter_may_give_its_object_another_class(tmp_path: Path, backend: str) -> None:
    before = (
        f"{ORDER}\nclass Other:\n    pass\ndef say(order):\n"
        "    order.number\n    order.__class__ = Other\n    return 'x'\n"
    )

    found = words(tmp_path, "x = Order(1, [])\nx\nx", "say", backend, before=before)

    assert found["x"] == "<Other #n number=1, items=[]>"


@each_engine
def test_a_text_of_a_class_of_its_own_is_taken_as_it_is(tmp_path: Path, backend: str) -> None:
    before = ORDER + (
        "class Text(str):\n"
        "    def bad(self, *args): print('asked'); raise OSError\n"
        "    __str__ = __len__ = __getitem__ = __hash__ = __eq__ = __format__ = bad\n"
    )

    found = words(
        tmp_path, "order = Order(1, [])\norder", "lambda order: Text('own')", backend, before=before
    )

    assert found["order"] == "<Order #n says 'own'; number=1, items=[]>"


ENDINGS = {
    "KeyboardInterrupt": "raise KeyboardInterrupt('c')",
    "SystemExit": "raise SystemExit('x')",
    "Stop": "raise Stop",
    "Timeout": "signal.setitimer(signal.ITIMER_REAL, 0.01)\n            while True: pass",
    "Put": "ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), put)\n"
    "            while True: pass",
}
INTERRUPTED = """
import ctypes, signal, threading
ident, put = threading.get_ident(), ctypes.py_object(type('Put', (Exception,), {}))
class Stop(BaseException): pass
class Timeout(Exception): pass
def ring(*_): raise Timeout
signal.signal(signal.SIGALRM, ring)
want = False
def say(order):
    global want
    if want:
        want = False
        try:
            ENDING
        finally:
            order.ended = True
    return 'calm'
"""


@each_engine
@pytest.mark.parametrize("name", ENDINGS)
def test_what_ends_a_program_or_comes_from_outside_is_the_programs(
    tmp_path: Path, backend: str, name: str
) -> None:
    before = ORDER + INTERRUPTED.replace("ENDING", ENDINGS[name])
    program = """
order = Order(1, [])
seen = []
def work():
    global want
    want = True
    for _ in range(100):
        order.number
try:
    work()
except BaseException as error:
    seen.append(type(error).__name__)
print(*seen, order.ended)
order
"""

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, f"{name} True\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert "say 'calm'" not in str(last(tmp_path / "out"))
    raised = [event for event in trace if isinstance(event, RaiseEvent)]
    assert raised[0].frame.code.name == "work"
    assert shown(last(tmp_path / "out")["order"]).startswith("<Order #n says 'calm'; ")


@each_engine
def test_an_uncaught_exit_of_a_formatter_ends_the_program(tmp_path: Path, backend: str) -> None:
    outcome = run(tmp_path, "order = Order(1, [])\nprint(1)", "lambda _: exit(3)", backend)

    assert outcome == (3, "", "")


@each_engine
@pytest.mark.parametrize("stops", ["codetracer.stop()", "os.kill(os.getpid(), signal.SIGUSR1)"])
def test_a_formatter_may_end_the_recording(tmp_path: Path, backend: str, stops: str) -> None:
    before = (
        f"{ORDER}\nimport codetracer, os, signal\nstop = False\n"
        "codetracer.configure_policy(on_recorder_error='abort')\n"
        "signal.signal(signal.SIGUSR1, lambda *_: codetracer.stop())\n"
        f"def say(order):\n    if stop: {stops}\n    return 'x'\n"
    )
    program = "order = Order(1, [])\nstop = True\norder.number\nprint(codetracer.is_tracing())"

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, "False\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert calls(tmp_path / "out") == ["<module>", "Order.__init__"]


@each_engine
def test_a_formatter_may_fork(tmp_path: Path, backend: str) -> None:
    before = (
        f"{ORDER}\nimport os\nfork = False\npids = []\ndef say(order):\n"
        "    global fork\n    if fork:\n        fork = False\n        pids.append(os.fork())\n"
        "    return 'x'\n"
    )
    program = """
order = Order(1, [])
fork = True
order.number
def after(): return order.total()
after()
if not pids[0]:
    codetracer.stop(); os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
"""

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, "5\n", "")
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    found = [
        [event.frame.code.name for event in process.replay() if type(event) is CallEvent]
        for process in trace.processes
    ]
    assert len(found) == 2
    assert all(names[-2:] == ["after", "Order.total"] for names in found)


@each_engine
def test_other_threads_are_recorded_while_a_formatter_runs(tmp_path: Path, backend: str) -> None:
    before = (
        f"{ORDER}\nimport threading, time\nslow = False\n"
        "def say(order):\n    if slow: time.sleep(0.2)\n    return 'x'\n"
    )
    program = """
order = Order(1, [])
slow = True
def other():
    for n in range(50):
        step(n)
def step(n): return n
thread = threading.Thread(target=other)
thread.start()
order.number
slow = False
thread.join()
"""

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert outcome == (0, "", "")
    assert calls(tmp_path / "out").count("step") == 50
    assert missed(tmp_path / "out") == 0


@each_engine
def test_a_stack_that_is_nearly_full_is_not_filled_by_a_formatter(
    tmp_path: Path, backend: str
) -> None:
    before = f"{ORDER}def say(order, n=40): return say(order, n - 1) if n else 'x'\n"
    program = """
import sys
def deep(n):
    global order
    order = Order(n, [])
    return deep(n - 1) if n else 0
sys.setrecursionlimit(150)
reached = []
try:
    for n in range(200): reached.append(deep(n))
except RecursionError:
    sys.setrecursionlimit(1000)
print(len(reached))
"""
    starts = "import codetracer\ncodetracer.start('without', io_capture='off')\n"
    write(tmp_path, {"without.py": before + starts + program})
    environ = ENVIRON | {"CODETRACER_BACKEND": backend}
    without = execute("without.py", cwd=tmp_path, environ=environ)

    outcome = run(tmp_path, program, "say", backend, before=before)

    assert without.code == 0
    assert outcome == without
    (log,) = (tmp_path / "out").glob("*.ctlog")
    assert b"RecursionError" in log.read_bytes()


BAD = {
    "5": "they are int, not a dict",
    "[('__main__.Order', repr)]": "they are list, not a dict",
    "{Order: repr}": "the key <class '__main__.Order'> is no text",
    "{'Order': repr}": "'Order' names no type; write its module and qualified name",
    "{'builtins.list': repr}": "builtins.list is recorded as it is",
    "{'__main__.Order': 'repr'}": "that of __main__.Order cannot be called: 'repr'",
}


@pytest.mark.parametrize("given", BAD)
@pytest.mark.parametrize("starts", ["start", "trace"])
def test_what_is_no_formatter_is_refused(tmp_path: Path, given: str, starts: str) -> None:
    program = (
        f"{ORDER}import codetracer\ntry:\n    codetracer.{starts}('out', formatters={given})\n"
        "except codetracer.UsageError as error:\n    print(error)\n"
    )
    write(tmp_path, {"app.py": program})

    outcome = execute("app.py", cwd=tmp_path)

    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(f"[ERR_INVALID_FORMATTER] formatters: {BAD[given]}")
    assert "as in {'shop.Order': describe}" in outcome.stdout
    assert not (tmp_path / "out").exists()


NAMED = {
    "__repr__": "'repr of 1'",
    "text": "'Order 1: 0 items'",
    "total": None,
    "__main__:helper": "'Order 1: 0 items'",
    "__main__:Order.text": "'Order 1: 0 items'",
    "__main__:Late.text": "'Order 1: 0 items'",
    "__main__:Box.Inner.say": "'inner'",
    "builtins:repr": "'repr of 1'",
}
NOT_NAMED = (
    *("nothing", "number", "__main__:nothing", "__main__:Order.nothing", "__main__:VALUE"),
    *("wordy:say", "wordy.more:say", "__main__:VALUE.real", "__main__:BOX.say"),
)
NAMING = ORDER + """
Order.__repr__ = lambda self: f'repr of {self.number}'
VALUE = 5
class Box:
    class Inner:
        @staticmethod
        def say(order): return 'inner'
    def __getattr__(self, name): print('asked'); return lambda order: name
BOX = Box()
order = Order(1, [])
order
"""


@each_engine
@pytest.mark.parametrize("function", [*NAMED, *NOT_NAMED])
def test_a_filter_names_a_function_that_is_there_already(
    tmp_path: Path, backend: str, function: str
) -> None:
    write(tmp_path, {"f.toml": FILTER.format(function=function), "wordy.py": "print('loaded')"})

    outcome = record(tmp_path, NAMING, "--trace-filter=f.toml", backend=backend)

    assert outcome.stdout == ""
    says = NAMED.get(function)
    said = f"says {says}" if says else f"formatter failed: there is no function {function}"
    if function == "total":
        said = "formatter failed: it returned int, not str"
    order = shown(last(tmp_path / "out")["order"])
    assert order == f"<Order #n {said}; number=1, items=[]>"


@each_engine
def test_a_function_that_a_filter_names_may_be_loaded_later(tmp_path: Path, backend: str) -> None:
    write(
        tmp_path,
        {"f.toml": FILTER.format(function="wordy:say"), "wordy.py": "def say(order): return 'x'"},
    )
    program = f"{ORDER}order = Order(1, [])\nimport wordy\norder\norder\n"

    record(tmp_path, program, "--trace-filter=f.toml", backend=backend)

    order = shown(last(tmp_path / "out")["order"])
    assert order == "<Order #n says 'x'; number=1, items=[]>"


@each_engine
def test_what_the_program_gives_comes_before_what_a_filter_names(
    tmp_path: Path, backend: str
) -> None:
    write(tmp_path, {".codetracer/trace-filter.toml": FILTER.format(function="text")})

    found = words(tmp_path, "order = Order(1, [])\norder", "lambda order: 'given'", backend)

    assert found["order"].startswith("<Order #n says 'given'; ")


@each_engine
@pytest.mark.parametrize(
    ("default", "expected"),
    [("allow", "Order 1: 0 items"), ("redact", Hidden("redacted")), ("drop", None)],
)
def test_filters_hide_words_as_they_do_attributes(
    tmp_path: Path, backend: str, default: str, expected: object
) -> None:
    rule = (
        f'[[scope.rules]]\nselector = "pkg:*"\nvalue_default = "{default}"\n'
        '[[scope.rules.value_patterns]]\nselector = "global:order"\naction = "allow"\n'
    )
    text = FILTER.format(function="__main__:say")
    write(tmp_path, {"f.toml": text.replace("[[formatters]]", rule + "[[formatters]]")})
    program = (
        f"{ORDER}def say(order):\n    print('asked')\n    return order.text()\n"
        "order = Order(1, [])\norder\n"
    )

    outcome = record(tmp_path, program, "--trace-filter=f.toml", backend=backend)

    said = an_object(last(tmp_path / "out")["order"]).words
    assert (said and said.text) == expected
    assert ("asked" in outcome.stdout) == (default == "allow")


@each_engine
def test_the_views_show_words_and_find_them(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"f.toml": FILTER.format(function="text")})
    program = (
        f"{ORDER}order = Order(1, [])\norder.items.append(2)\norder.other = 'x' * 200\norder\n"
    )
    record(tmp_path, program, "--trace-filter=f.toml", backend=backend)

    def show(*options: str) -> str:
        done = execute("-m", "codetracer", "show", "out", *options, cwd=tmp_path)
        assert (done.code, done.stderr) == (0, "")
        return re.sub(r"#\d+", "#n", done.stdout)

    assert "order = <Order #n says 'Order 1: 1 items'; number=1, items=[2]>" in show("--lines")
    assert "order = <Order #n says 'Order 1: 1 items'" in show("--find", "1: 1 it")
    whole = show("--step", str(max(map(int, re.findall(r":\d+ +(\d+) ", show("--lines"))))))
    assert "order = <Order #n says 'Order 1: 1 items'\n" in whole
    exported = export("out", "-o", "json", cwd=tmp_path)
    assert exported.code == 0
    types = [each["Type"] for each in elements(tmp_path / "json") if "Type" in each]
    fields = [
        [field["name"] for field in each["specific_info"].get("fields", ())]
        for each in types
        if each["lang_type"] == "Order"
    ]
    assert ["(says)", "number", "items"] in fields


def test_the_engines_write_the_same_bytes_of_formatters(tmp_path: Path) -> None:
    recorder = RECORDER.replace("Definitions()", "Definitions(formatters=formatters)").replace(
        "log = make_log",
        "from codetracer.runtime.formatting import Formatters\n"
        "say = lambda order: order.text()\n"
        "formatters = Formatters({'__main__.Order': say}, {'__main__.Late': 'nothing',"
        " '__main__.Things': '__repr__', '__main__.Bad': '__repr__'})\nlog = make_log",
        1,
    )
    program = ORDER + """
class Things(list):
    def __repr__(self): return f'{len(self)} things'
class Bad(Order):
    def __repr__(self): return 1 / 0
keep = kept.append
orders = [Order(n, [n]) for n in range(5)]
keep(Late(1, orders)); keep(Things(orders)); keep(Bad('', [])); keep(Order('é' * 600, orders))
orders[2].items.append(orders[3]); orders[3].items.append(orders[2])
orders[0].password = 'sesame open'; orders[1].number = 'the sesame open'
def work(order, things):
    order.items.append(things)
    return order
keep(work(orders[4], kept[1]))
"""
    write(tmp_path, {"app.py": program})
    found = []
    for backend in BACKENDS:
        outcome = execute(
            *("-c", recorder, f"{backend}.ctlog"),
            cwd=tmp_path,
            environ=ENVIRON | {"CODETRACER_BACKEND": backend},
        )
        assert (outcome.code, outcome.stderr) == (0, "")
        found.append(without_identifiers((tmp_path / f"{backend}.ctlog").read_bytes()))

    first, *others = found
    assert b"Order 2: 2 items" in first
    assert b"ZeroDivisionError" in first
    assert b"there is no function nothing" in first
    for other in others:
        assert other == first
