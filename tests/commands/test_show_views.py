"""`codetracer show`: one call, line by line, whole moments, histories of objects, what is found."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import FORM_DICT, FORM_EXCEPTION, FORM_INSTANCE, FORM_LIST
from tests.support import logs, shown
from tests.support.logs import NONE, number, text
from tests.support.running import Outcome, execute, trace_environ, write

HELPER = """\
LIMIT = 3


def check(item):
    if item == "bad":
        raise KeyError(item)
    return item
"""

INSTALLED = """\
def apply(function, *arguments):
    return inner(function, arguments)


def inner(function, arguments):
    return function(*arguments)


def count(top):
    return sum(number(i) for i in range(top))


def number(i):
    return i


def hidden():
    try:
        raise LookupError("of the library")
    except LookupError:
        return None
"""

PROGRAM = """\
import threading

import helper
import library


class Order:
    class Meta:
        pass

    def __init__(self, items):
        self.items = items
        self.total = 0

    def add(self, item, price):
        self.items.append(item)
        total = self.total + price
        self.total = total
        return total

    def swap(self):
        self.items[0], self.items[-1] = self.items[-1], self.items[0]
        if len(self.items) > 1:
            del self.total


def fill(order):
    for item in ("pen", "ink"):
        order.add(item, 2)
    return order


def work(order):
    library.apply(order.swap)
    order.note = {"by": "worker"}


order = Order([])
fill(order)
library.count(4)
library.hidden()
try:
    library.apply(helper.check, "bad")
except KeyError:
    print("so it", "goes")
worker = threading.Thread(target=work, args=(order,), name="Worker")
worker.start()
worker.join()
"""


def at(line: str) -> int:
    """Return the number of a line of app.py."""
    return [known.strip() for known in PROGRAM.splitlines()].index(line) + 1


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with app.py and a recording of it, ``out``."""
    folder = tmp_path_factory.mktemp("views")
    library = "env/site-packages/library.py"
    write(folder, {"app.py": PROGRAM, "helper.py": HELPER, library: INSTALLED})
    path = f"{trace_environ()['PYTHONPATH']}{os.pathsep}{folder / 'env/site-packages'}"
    record = ("-m", "codetracer", "record", "-q", "-o", "out", "app.py")
    done = execute(*record, cwd=folder, environ={"PYTHONPATH": path})
    assert (done.code, done.stderr) == (0, "")
    return folder


def show(*arguments: str | Path, cwd: Path) -> Outcome:
    return shown.show("out", *arguments, cwd=cwd)


def timeless(text: str) -> str:
    return re.sub(r"\b[0-9.e+]+(ns|µs|ms|s)\b", "TIME", text)


def lines(*arguments: str | Path, cwd: Path) -> list[str]:
    """Return the lines that are shown, with every duration as TIME."""
    done = show(*arguments, cwd=cwd)
    assert (done.code, done.stderr) == (0, ""), done
    return timeless(done.stdout).splitlines()


def bare(*arguments: str | Path, cwd: Path) -> list[str]:
    """Return the lines that are shown, without places and steps."""
    found = lines(*arguments, cwd=cwd)
    places = (re.match(r"(app|helper)\S+ +\d+  ", line) for line in found)
    columns = next((match.end() for match in places if match), 0)
    return [
        line[columns:] if line[0] == " " else re.sub(r"^\S+:\d+ +\d+  ", "", line) for line in found
    ]


def rows(*arguments: str | Path, cwd: Path) -> list[dict[str, object]]:
    return shown.rows("out", *arguments, cwd=cwd)


def step_of(function: str, folder: Path, *options: str) -> str:
    return str(rows("--function", function, *options, cwd=folder)[0]["step"])


@pytest.mark.slow
def test_the_tree_folds_what_is_not_the_users_and_says_how_to_see_it(recorded: Path) -> None:
    found = bare(cwd=recorded)

    shown = "\n".join(found)
    assert not re.search(r"<module helper>|<module library>|<class|count\(|number\(|inner\(", shown)
    # What a library calls back is shown, and so is the outermost call of it that raises.
    where = found.index("  check(item='bad') !! KeyError('bad')  TIME")
    assert found[where + 1].startswith("  apply(function=<function check>, arguments=('bad',)) !!")
    assert "Order.swap(self=<Order #" in shown
    note = found[-1]
    assert note.startswith("… calls not shown: 4 of imports and class bodies, ")
    assert note.endswith("--all shows them, --call STEP --all those in one call")
    whole = bare("--all", cwd=recorded)
    calls = [line for line in whole if re.match(r" *(apply|inner|count|number|hidden)\b", line)]
    (foreign,) = re.findall(r"(\d+) of code that is not yours", note)
    # One of them raised.
    assert len(calls) == int(foreign) + 1 == 15
    assert "… calls" not in "\n".join(whole)


@pytest.mark.slow
def test_all_that_was_folded_in_one_call_can_be_shown(recorded: Path) -> None:
    step = step_of("count", recorded)

    found = bare("--call", step, cwd=recorded)
    assert found[:3] == ["count(top=4)", "  count.<genexpr>()", "    number(i=0) -> 0  TIME"]


@pytest.mark.slow
def test_one_call_is_shown_with_what_it_called_and_nothing_else(recorded: Path) -> None:
    step = step_of("fill", recorded)
    (line,) = [row for row in rows(cwd=recorded) if row.get("function") == "fill"]

    found = bare("--call", step, cwd=recorded)

    assert [re.sub(" #[0-9]+[^>]*", "", entry) for entry in found] == [
        "fill(order=<Order>)",
        "  Order.add(self=<Order>, item='pen', price=2) -> 2  TIME",
        "  Order.add(self=<Order>, item='ink', price=2) -> 4  TIME",
        "  -> <Order>  TIME",
    ]
    assert {row["frame"] for row in rows("--call", step, "--depth", "1", cwd=recorded)} == {
        line["frame"]
    }
    assert bare("--call", step, "--depth", "1", cwd=recorded)[0].endswith("(+2 calls inside)")


def test_a_call_that_is_not_there_is_an_error(recorded: Path) -> None:
    done = show("--call", "99999", cwd=recorded)

    assert (done.code, done.stdout) == (1, "")
    assert "there is no step 99999: the log has steps 0 to " in done.stderr


def test_a_call_is_shown_line_by_line_with_what_each_line_changed(recorded: Path) -> None:
    step = step_of("Order.add", recorded)

    found = lines("--call", step, "--lines", cwd=recorded)

    number = int(step)
    assert found[0].startswith(f"app.py:{at('def add(self, item, price):')} ")
    rest = [re.sub(r"^\S* *(\d+)?  (?=[-|O ])", "", line, count=1) for line in found[1:]]
    texts = [line.strip() for line in rest]
    assert texts[:7] == [
        "|     self.items.append(item)",
        "| ...... self.items[0] = 'pen'",
        "|     total = self.total + price",
        "| ...... total = 2",
        "|     self.total = total",
        "| ...... self.total = 2",
        "|     return total",
    ]
    assert texts[7].endswith("-> 2  TIME")
    assert f"app.py:{at('self.total = total')}" in found[5]
    assert str(number + 2) in found[5]


@pytest.mark.slow
def test_lines_say_what_was_deleted_and_raised_and_calls_in_them_are_one_line(
    recorded: Path,
) -> None:
    swap = bare("--function", "swap", "--lines", cwd=recorded)
    check = bare("--function", "check", "--lines", cwd=recorded)
    fill = bare("--function", "fill", "--lines", cwd=recorded)

    assert "| ...... self.total is gone" in swap
    assert "| ...... self.items[0] = 'ink'" in swap
    assert check[1:4] == [
        '|     if item == "bad":',
        "|         raise KeyError(item)",
        "| !!!!!! KeyError('bad')",
    ]
    where = fill.index("|         order.add(item, 2)")
    assert re.match(r"  Order\.add\(self=<Order #.*\) -> 2  TIME", fill[where + 1])
    assert "| ...... item = 'pen'" in fill
    deeper = bare("--function", "fill", "--lines", "--depth", "2", cwd=recorded)
    assert "  |     total = self.total + price" in deeper


def test_lines_as_json_have_their_changes(recorded: Path) -> None:
    found = rows("--function", "add", "--lines", cwd=recorded)

    told = [row for row in found if row["event"] == "line"]
    assert [row["changes"] for row in told[:4]] == [
        [{"name": "self.items[0]", "value": "pen"}],
        [{"name": "total", "value": 2}],
        [{"name": "self.total", "value": 2}],
        [],
    ]
    assert told[0]["source"] == "        self.items.append(item)"
    assert [row["event"] for row in found].count("return") == 2


def test_one_thread_is_shown_by_number_or_name(recorded: Path) -> None:
    by_name = rows("--thread", "Worker", cwd=recorded)

    assert by_name == rows("--thread", "1", cwd=recorded)
    assert {row["function"] for row in by_name if row["event"] == "call"} == {
        *("work", "apply", "inner", "Order.swap")
    }
    done = show("--thread", "nobody", cwd=recorded)
    assert (done.code, done.stdout) == (1, "")
    assert "out has no thread nobody; there is 0 (MainThread), 1 (Worker)" in done.stderr


def test_views_that_are_asked_for_together_are_one_listing(recorded: Path) -> None:
    found = rows("--raises", "--output", "--variable", "item", cwd=recorded)
    (raised,) = [row for row in found if row.get("exception") and row["function"] == "check"]
    (printed,) = [row for row in found if "stream" in row]

    assert {row["value"] for row in found if "variable" in row} == {"pen", "ink", "bad"}
    assert (raised["fate"], printed["text"]) == ("handled", "so it goes\n")


@pytest.mark.slow
def test_what_is_chosen_holds_for_every_view(recorded: Path) -> None:
    step = step_of("fill", recorded)
    views = ("--raises", "--output", "--variable", "self.total", "--function", "add")

    found = rows(*views, "--call", step, cwd=recorded)
    shallow = rows(*views, "--call", step, "--depth", "1", cwd=recorded)
    other = rows(*views, "--thread", "Worker", cwd=recorded)

    values = [row["value"] for row in found if "variable" in row]
    assert values == [0, 2, 4] or values == [2, 4]
    assert len([row for row in found if "call" in row]) == 2
    assert not [row for row in found if "exception" in row or "stream" in row]
    assert shallow == []
    assert [row.get("unbound") for row in other] == [True]


def test_exceptions_of_what_is_not_the_users_are_counted_unless_all_are_wanted(
    recorded: Path,
) -> None:
    folded, whole = lines("--raises", cwd=recorded), lines("--raises", "--all", cwd=recorded)

    assert folded[-1] == (
        "… exceptions not shown: 1 that stayed in code that is not yours; --all shows them"
    )
    assert not [line for line in folded if "LookupError" in line]
    assert len([line for line in whole if "LookupError('of the library')" in line]) == 1


def test_what_only_ends_a_loop_is_counted_unless_all_are_wanted(tmp_path: Path) -> None:
    stop = encode.encode_raise(encode.value_reference(1))
    log = small(
        encode.encode_type("StopIteration"),
        encode.encode_object(1, FORM_EXCEPTION, 3, 0, [], 0, []),
        encode.encode_call(0, 0, []),
        encode.encode_step(3),
        # A loop over it ends, and the next line runs; then it leaves a function.
        *(stop, encode.encode_step(1)),
        *(encode.encode_call(1, 0, []), encode.encode_step(0), stop),
        *(encode.encode_unwind(0, encode.value_reference(1)), stop, encode.encode_step(1)),
    )
    logs.write_trace(tmp_path / "out", log)

    whole, folded = bare("--raises", "--all", cwd=tmp_path), lines("--raises", cwd=tmp_path)

    assert folded == ["… exceptions not shown: 2 that only ended a loop; --all shows them"]
    module = "in <module __main__>"
    assert whole == [
        f"StopIteration()  raised {module}  ended a loop at app.py:4 {module}",
        f"StopIteration()  raised in f  ended a loop at app.py:5 {module}",
    ]


def test_an_attribute_has_a_history_of_its_own_whoever_changes_it(recorded: Path) -> None:
    found = rows("--variable", "self.items[0]", cwd=recorded)
    total = lines("--variable", "order.total", cwd=recorded)
    note = rows("--variable", "order.note['by']", cwd=recorded)

    assert [(row["value"], row["line"], row["function"]) for row in found] == [
        ("pen", at("self.items.append(item)"), "Order.add"),
        ("ink", at("self.items[0], self.items[-1] = self.items[-1], self.items[0]"), "Order.swap"),
    ]
    # No variable of these functions is called order.
    assert [re.sub("#[0-9]+", "#", line.split(maxsplit=2)[2]) for line in total][1:] == [
        "Order.add             order.total = 2  of <Order #>",
        "Order.add             order.total = 4  of <Order #>",
        "Order.swap            order.total is unbound  of <Order #>",
    ]
    assert [(row["value"], row["function"]) for row in note] == [("worker", "work")]


def test_one_object_is_followed_by_its_number(recorded: Path) -> None:
    first, *_ = rows("--variable", "self.total", cwd=recorded)
    number = first["object"]

    found = rows("--variable", f"#{number}.total", cwd=recorded)
    whole = lines("--variable", f"#{number}", cwd=recorded)

    assert [row.get("value", "gone") for row in found] == [0, 2, 4, "gone"]
    assert len(whole) >= 5
    assert f"#{number} = <Order #{number} items=['pen', 'ink'], total=4>" in "\n".join(whole)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("self.totl", "has no variable self.totl; did you mean total?"),
        ("#99999.total", "has no variable #99999.total"),
        ("order.items['x']", "has no variable order.items['x']"),
        ("selv.total", "has no variable selv.total; did you mean "),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error(recorded: Path, path: str, hint: str) -> None:
    done = show("--variable", path, cwd=recorded)

    assert (done.code, done.stdout) == (1, "")
    assert hint in done.stderr


@pytest.mark.slow
def test_a_text_is_found_in_values_names_and_output(recorded: Path) -> None:
    ink = lines("--find", "ink", cwd=recorded)
    swap = lines("--find", "swap", cwd=recorded)
    goes = lines("--find", "it goes", cwd=recorded)
    two = rows("--find", "2", cwd=recorded)

    texts = [line.split(maxsplit=2)[2] for line in ink]
    assert "fill  item = 'ink'" in texts
    assert "Order.add  item = 'ink'" in texts
    assert "Order.add  self.items[1] = 'ink'" in texts
    assert any("Order.swap  function __main__.Order.swap" in line for line in swap)
    assert [line.split(maxsplit=2)[2] for line in goes] == ["stdout| so it goes"]
    # A number is found by all its digits.
    assert {(row["function"], row["found"]) for row in two if row["function"] != "number"} >= {
        ("Order.add", "price"),
        ("Order.add", "total"),
        ("Order.add", "self.total"),
        ("Order.add", "return"),
    }
    done = show("--find", "nowhere at all", cwd=recorded)
    assert (done.code, done.stdout) == (1, "")
    assert "has no value, name or output with nowhere at all" in done.stderr


def small(*records: bytes) -> bytes:
    begin = [
        encode.encode_source("/app/app.py"),
        encode.encode_type("list"),
        encode.encode_type("app.Thing"),
        encode.encode_type("dict"),
        encode.encode_attribute("parts"),
        encode.encode_thread(1, "Main"),
        logs.code("<module>", kind=0, module="__main__", global_names=["thing"]),
        logs.code("f", variables=["v"]),
    ]
    return logs.log([*begin, *records, encode.encode_exit(0, 1, 0)])


def test_a_moment_shows_each_value_whole_on_as_many_lines_as_it_takes(tmp_path: Path) -> None:
    words = [f"word {each} of many" for each in range(30)]
    log = small(
        encode.encode_object(1, FORM_LIST, 0, 30, [text(word) for word in words], 0, []),
        encode.encode_object(
            2, FORM_DICT, 2, 2, [text("a"), encode.value_reference(1), text("b"), number(1)], 0, []
        ),
        encode.encode_object(3, FORM_INSTANCE, 1, 0, [], 0, [(0, encode.value_reference(2))]),
        encode.encode_call(0, 0, []),
        encode.encode_step(0),
        encode.encode_variable(0, encode.value_reference(3)),
        encode.encode_step(0),
    )
    logs.write_trace(tmp_path / "out", log)

    found = lines("--step", "1", "--width", "60", cwd=tmp_path)

    start = found.index("    thing = <Thing #3")
    assert found[start : start + 4] == [
        "    thing = <Thing #3",
        "      parts={",
        "        'a': [",
        "          'word 0 of many',",
    ]
    assert [word for word in words if not any(repr(word) in line for line in found)] == []
    assert found[-4:] == ["        ],", "        'b': 1,", "      },", "    >"]
    assert max(map(len, found)) <= 60


@pytest.mark.slow
def test_columns_stay_aligned_past_a_million_steps(tmp_path: Path) -> None:
    steps = encode.encode_step(0) * 1_000_001
    call = (encode.encode_call(1, 0, []), encode.encode_step(0), encode.encode_return(0, NONE))
    logs.write_trace(
        tmp_path / "out",
        small(encode.encode_call(0, 0, []), *call, steps, *call, encode.encode_return(0, NONE)),
    )

    first, second = lines("--function", "f", cwd=tmp_path)

    assert first.index("f() ->") == second.index("f() ->")
    assert second.split()[1] == "1000002"
    deeper = lines("--lines", "--function", "f", "--process", "4321", cwd=tmp_path)
    assert len({line.index("f()") for line in deeper if "f()" in line}) == 1
