"""Every request that a client may send, over one recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.dap import Client, Refused, Server
from tests.support.running import execute, write

APP = """\
import threading
from shop import Order, total_of

def price(order, factor=2):
    total = 0
    for line in order.lines:
        # what each costs
        total += line * factor
    order.total = total
    return total

def in_thread():
    mine = 1
    mine += 1

orders = [Order(n) for n in range(4)]
for order in orders:
    price(order)
thread = threading.Thread(target=in_thread, name="helper")
thread.start(); thread.join()
many = list(range(300))
table = {"a": 1, ("b", 2): [orders[0]]}
text = "é" * 20_000
password = "secret"
try:
    total_of({})
except KeyError as error:
    caught = error
total_of({"lines": None})
"""

SHOP = """\
class Order:
    def __init__(self, size):
        self.lines = [*range(size)]

def total_of(data):
    lines = data["lines"]
    return sum(lines)
"""


def line_of(text: str, source: str = APP) -> int:
    return next(n for n, line in enumerate(source.splitlines(), 1) if text in line)


@pytest.fixture(scope="module")
def recording(folder: Path) -> Path:
    write(folder, {"app.py": APP, "shop.py": SHOP})
    command = ("-m", "codetracer", "record", "-q", "--io-capture=off", "-o", "out", "app.py")
    assert execute(*command, cwd=folder).code == 1
    return folder / "out"


@pytest.fixture
def client(server: Server, recording: Path) -> Iterator[Client]:
    """Return a client at the first line."""
    with server.connect() as client:
        client.begin(recording=str(recording), stopOnEntry=True)
        yield client


def source(recording: Path, name: str = "app.py") -> dict[str, str]:
    return {"path": str(recording.parent / name)}


def set_lines(client: Client, recording: Path, *wanted: Any) -> list[dict[str, Any]]:
    breakpoints = [each if isinstance(each, dict) else {"line": line_of(each)} for each in wanted]
    body = client.ask("setBreakpoints", source=source(recording), breakpoints=breakpoints)
    found: list[dict[str, Any]] = body["breakpoints"]
    return found


def at(client: Client, stop: dict[str, Any]) -> tuple[str, str, int]:
    frame = client.top(stop["threadId"])
    return stop["reason"], frame["name"], frame["line"]


# ---------------------------------------------------------------- where it begins


@pytest.mark.slow
def test_a_recording_begins_where_its_uncaught_exception_was_raised(
    server: Server, recording: Path
) -> None:
    with server.connect() as client:
        stop = client.begin(recording="out", cwd=str(recording.parent))

        assert at(client, stop) == ("exception", "total_of", line_of("sum(lines)", SHOP))
        info = client.ask("exceptionInfo", threadId=1)
    assert (info["exceptionId"], info["breakMode"]) == ("TypeError", "unhandled")
    assert info["description"] == "'NoneType' object is not iterable"
    assert info["details"]["stackTrace"].endswith("in total_of\n    return sum(lines)")


@pytest.mark.slow
def test_a_recording_can_begin_at_its_first_line(client: Client) -> None:
    frame = client.top()

    assert (frame["name"], frame["line"]) == ("<module>", 1)


def test_a_log_alone_is_a_recording_too(server: Server, recording: Path) -> None:
    (log,) = recording.glob("*.ctlog")
    with server.connect() as client:
        assert client.begin(recording=str(log), stopOnEntry=True)["reason"] == "entry"


def test_it_begins_at_a_breakpoint_if_no_exception_is_uncaught(
    server: Server, tmp_path: Path
) -> None:
    # The end of a program that sys.exit() wants is no such exception.
    write(tmp_path, {"app.py": "import sys\nb = 2\nsys.exit(b)\n"})
    execute("-m", "codetracer", "record", "-q", "app.py", cwd=tmp_path)
    for line, reason in ((1, "breakpoint"), (2, "breakpoint"), (9, "pause")):
        with server.connect() as client:
            client.ask("initialize", adapterID="x", linesStartAt1=False)
            client.ask("launch", recording=str(tmp_path / "trace-out"))
            client.wait("initialized")
            where = {"path": str(tmp_path / "app.py")}
            client.ask("setBreakpoints", source=where, breakpoints=[{"line": line - 1}])
            client.ask("configurationDone")
            stop = client.wait("stopped")

            # This client counts lines from 0; without a breakpoint it ends at the last line.
            assert at(client, stop) == (reason, "<module>", min(line, 3) - 1)


# ---------------------------------------------------------------- looking


def test_frames_are_paged_and_have_their_qualified_names(client: Client, recording: Path) -> None:
    client.ask("setFunctionBreakpoints", breakpoints=[{"name": "Order.__init__"}])
    client.go("continue")

    everything = client.ask("stackTrace", threadId=1)
    second = client.ask("stackTrace", threadId=1, startFrame=1, levels=1)

    names = [frame["name"] for frame in everything["stackFrames"]]
    assert names[0] == "Order.__init__"
    assert names[-1] == "<module>"
    assert everything["totalFrames"] == second["totalFrames"] == len(names)
    assert [frame["name"] for frame in second["stackFrames"]] == names[1:2]
    assert everything["stackFrames"][0]["source"] == {
        "name": "shop.py",
        "path": str(recording.parent / "shop.py"),
    }


def test_variables_are_written_as_repr_writes_them_and_can_be_opened(
    server: Server, recording: Path
) -> None:
    with server.connect() as client:
        client.begin(recording=str(recording))
        frame = client.ask("stackTrace", threadId=1)["stackFrames"][1]["id"]
        (scope,) = client.ask("scopes", frameId=frame)["scopes"]
        seen = {each["name"]: each for each in client.inside(scope)}
        many, table, orders = (seen[name] for name in ("many", "table", "orders"))
        page = client.inside(many, filter="indexed", start=70, count=2)
        last, pairs = client.inside(many), client.inside(table)
        order = client.inside(client.inside(orders)[1])

        assert scope["name"] == "Globals"
        assert (many["type"], many["indexedVariables"]) == ("list", len(last) - 1)
        assert [(each["name"], each["value"]) for each in page] == [("[70]", "70"), ("[71]", "71")]
        assert last[-1]["name"] == "…"
        assert "more items were not recorded (--max-items)" in last[-1]["value"]
        assert [each["name"] for each in pairs] == ["'a'", "('b', 2)"]
        assert [each.get("evaluateName") for each in pairs] == ["table['a']", None]
        assert {each["name"]: each["value"] for each in order} == {
            "lines": "[0]",
            "total": "0",
        }
        assert seen["text"]["value"].startswith("'éééé")
        assert len(seen["text"]["value"]) < 1_100
        assert seen["password"]["value"] == "<redacted>"
        for each in (page[0], pairs[0], order[0]):
            value = client.ask("evaluate", expression=each["evaluateName"], frameId=frame)
            assert value["result"] == each["value"]


def test_what_was_shown_at_one_stop_cannot_be_opened_at_the_next(client: Client) -> None:
    client.go("continue")
    frame = client.top()["id"]
    scope = client.ask("scopes", frameId=frame)["scopes"][0]
    assert client.inside(scope)

    client.go("stepBack")

    with pytest.raises(Refused, match="there are no variables 1 at this stop"):
        client.inside(scope)
    with pytest.raises(Refused, match=f"there is no frame {frame} at this stop"):
        client.ask("scopes", frameId=frame)


def test_expressions_are_evaluated_without_running_anything(client: Client) -> None:
    client.ask("setFunctionBreakpoints", breakpoints=[{"name": "price"}])
    for _ in range(3):
        client.go("continue")
    frames = client.ask("stackTrace", threadId=1)["stackFrames"]
    inner, outer = frames[0]["id"], frames[1]["id"]

    def value(expression: str, frame: int | None = inner, context: str = "hover") -> str:
        where = {} if frame is None else {"frameId": frame}
        body = client.ask("evaluate", expression=expression, context=context, **where)
        result: str = body["result"]
        return result

    assert value("order.lines[1] + factor") == "3"
    assert value("len(order.lines) == 2 and f'{factor:03}'") == "'002'"
    assert value("len(orders)", outer) == "4"
    assert value("len(orders)") == "4"
    assert value("factor", None, "watch") == "2"
    with pytest.raises(Refused, match="nothing of the program is run"):
        value("price(order)")
    with pytest.raises(Refused, match="has no variable factr at this moment; did you mean factor"):
        value("factr")
    with pytest.raises(Refused, match="there is no frame 99"):
        value("factor", 99)


def test_what_stands_before_the_cursor_is_completed(client: Client) -> None:
    client.ask("setFunctionBreakpoints", breakpoints=[{"name": "price"}])
    client.go("continue")
    frame = client.top()["id"]

    def labels(text: str) -> list[str]:
        body = client.ask("completions", text=text, column=len(text) + 1, frameId=frame)
        return [each["label"] for each in body["targets"]]

    assert labels("fac") == ["factor"]
    assert labels("1 + order.li") == ["lines"]
    assert labels("nothing.x") == []
    assert "len" in labels("")


def test_sources_and_modules_are_those_of_recorded_code(client: Client, recording: Path) -> None:
    sources = client.ask("loadedSources")["sources"]
    modules = client.ask("modules", startModule=0, moduleCount=1)

    assert {each["name"] for each in sources} == {"app.py", "shop.py"}
    assert modules["totalModules"] == 2
    assert modules["modules"][0]["name"] == "__main__"


def test_a_file_that_has_changed_is_shown_as_it_was_recorded(
    server: Server, tmp_path: Path
) -> None:
    write(tmp_path, {"app.py": "a = 1\nb = 2\n"})
    execute("-m", "codetracer", "record", "-q", "app.py", cwd=tmp_path)
    write(tmp_path, {"app.py": "changed = True\n"})
    with server.connect() as client:
        client.begin(recording=str(tmp_path / "trace-out"), stopOnEntry=True)
        found = client.top()["source"]
        number = found["sourceReference"]
        body = client.ask("source", sourceReference=number)
        point = client.ask("setBreakpoints", source=found, breakpoints=[{"line": 2}])

        assert body["content"] == "a = 1\nb = 2\n"
        assert point["breakpoints"][0]["verified"]
        assert client.go("continue")["reason"] == "breakpoint"
        with pytest.raises(Refused, match="there is no source 7"):
            client.ask("source", sourceReference=7)


# ---------------------------------------------------------------- moving


def test_steps_go_over_into_and_out_of_calls_and_back(client: Client, recording: Path) -> None:
    set_lines(client, recording, "    price(order)")
    call = client.go("continue")
    assert at(client, call) == ("breakpoint", "<module>", line_of("    price(order)"))
    client.ask("setBreakpoints", source=source(recording), breakpoints=[])

    into = client.go("stepIn")
    assert at(client, into) == ("step", "price", line_of("total = 0"))
    out = client.go("stepOut")
    assert at(client, out) == ("step", "<module>", line_of("for order in orders"))
    back = client.go("stepBack")
    assert at(client, back) == ("step", "<module>", line_of("    price(order)"))
    over = client.go("next")
    assert at(client, over) == at(client, out)
    inside = client.go("stepBack", granularity="instruction")
    assert at(client, inside) == ("step", "price", line_of("return total"))


def test_a_frame_can_be_restarted(client: Client, recording: Path) -> None:
    set_lines(client, recording, "    return total")
    client.go("continue")
    frames = client.ask("stackTrace", threadId=1)["stackFrames"]

    stop = client.go("restartFrame", frameId=frames[0]["id"])
    assert at(client, stop) == ("restart", "price", line_of("total = 0"))
    frames = client.ask("stackTrace", threadId=1)["stackFrames"]
    stop = client.go("restartFrame", frameId=frames[1]["id"])
    assert at(client, stop) == ("restart", "<module>", 1)


def test_one_can_go_to_the_next_and_the_last_run_of_a_line(client: Client, recording: Path) -> None:
    set_lines(client, recording, {"line": line_of("order.total ="), "hitCondition": "2"})
    client.go("continue")
    line = line_of("order.total =")

    targets = client.ask("gotoTargets", source=source(recording), line=line)["targets"]
    assert [each["label"].partition(",")[0] for each in targets] == [
        "the next time",
        "the last time",
    ]
    stop = client.go("goto", targetId=targets[1]["id"])

    assert at(client, stop) == ("goto", "price", line)
    assert client.seen(client.top()["id"])["Locals"]["total"] == "0"
    with pytest.raises(Refused, match="there is no target 1 at this stop"):
        client.ask("goto", threadId=1, targetId=1)


def test_the_ends_of_the_recording_are_no_end_of_the_session(client: Client) -> None:
    assert client.go("continue")["description"] == "at the end of the recording"
    assert client.go("continue")["description"] == "at the end of the recording"
    assert client.go("next")["description"] == "at the last recorded line of the thread"
    assert client.go("reverseContinue")["description"] == "at the beginning of the recording"
    assert client.go("stepBack")["description"] == "at the first recorded line of the thread"
    assert client.go("pause")["reason"] == "pause"


# ---------------------------------------------------------------- breakpoints


def test_a_breakpoint_has_a_condition_a_hit_count_or_a_text(
    client: Client, recording: Path
) -> None:
    line = line_of("total += line")
    set_lines(client, recording, {"line": line, "condition": "total > 1 and line == 2"})
    stop = client.go("continue")
    locals_ = client.seen(client.top()["id"])["Locals"]
    assert (stop["reason"], locals_["line"], locals_["total"]) == ("breakpoint", "2", "2")

    client.go("reverseContinue")
    for hits, expected in ((">= 5", "1"), ("== 6", "2"), ("% 3", "1"), ("1", "0")):
        client.go("reverseContinue")
        set_lines(client, recording, {"line": line, "hitCondition": hits})
        client.go("continue")
        assert client.seen(client.top()["id"])["Locals"]["line"] == expected, hits

    set_lines(
        client, recording, {"line": line, "logMessage": "{line:>3} of {len(order.lines)} {x}"}
    )
    client.go("reverseContinue")
    client.events.clear()
    client.ask("continue", threadId=1)
    logged = [client.wait("output")["output"] for _ in range(6)]
    assert logged[1] == "  0 of 2 <price has no variable x at this moment>\n"
    assert [text[:3].strip() for text in logged] == ["0", "0", "1", "0", "1", "2"]
    client.wait("stopped")
    client.ask("reverseContinue", threadId=1)
    assert [client.wait("output")["output"] for _ in range(6)] == logged[::-1]


def test_log_points_say_what_is_before_the_stop_and_no_more(
    client: Client, recording: Path
) -> None:
    log = {"line": line_of("total += line"), "logMessage": "{line} {total}"}
    stop = {"line": line_of("order.total ="), "hitCondition": "3"}
    set_lines(client, recording, log, stop)

    client.ask("continue", threadId=1)
    assert client.until_stopped() == ["0 0\n", "0 0\n", "1 0\n"]
    client.ask("reverseContinue", threadId=1)
    assert client.until_stopped() == ["1 0\n", "0 0\n", "0 0\n"]

    set_lines(client, recording, log, {**stop, "hitCondition": ">= 3"})
    client.go("continue")
    client.go("continue")
    client.ask("reverseContinue", threadId=1)
    assert client.until_stopped() == ["2 2\n", "1 0\n", "0 0\n"]


def test_a_wrong_breakpoint_says_why(client: Client, recording: Path) -> None:
    line = line_of("total += line")
    found = set_lines(
        client,
        recording,
        {"line": line, "condition": "line ="},
        {"line": line, "hitCondition": "often"},
        {"line": 999},
        {"line": line, "logMessage": "{1 +}"},
        {"line": line_of("# what each costs")},
    )
    elsewhere = client.ask(
        "setBreakpoints", source={"path": "/other/place.py"}, breakpoints=[{"line": 1}]
    )["breakpoints"]
    functions = client.ask("setFunctionBreakpoints", breakpoints=[{"name": "nothing"}])

    said = [each.get("message", "") for each in [*found, *elsewhere, *functions["breakpoints"]]]
    assert "is no expression of Python" in said[0]
    assert "is no hit count" in said[1]
    assert said[2] == "the line never runs in this recording"
    assert "is no expression of Python" in said[3]
    # The next line that is no comment.
    assert (found[4]["verified"], found[4]["line"], said[4]) == (True, line, "")
    assert said[5] == "the recording has no such file"
    assert said[6] == "the recording has no call of nothing"


def test_a_condition_without_a_value_is_told_once(client: Client, recording: Path) -> None:
    set_lines(client, recording, {"line": line_of("total += line"), "condition": "lime > 1"})
    client.ask("continue", threadId=1)

    (said,) = client.until_stopped()

    assert "lime > 1: price has no variable lime" in said
    assert client.go("pause")["reason"] == "pause"


@pytest.mark.slow
def test_a_run_that_takes_long_can_be_paused(server: Server, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "n = 0\nwhile n < 50_000:\n    n += 1\n"})
    execute("-m", "codetracer", "record", "-q", "app.py", cwd=tmp_path)
    with server.connect() as client:
        client.begin(recording=str(tmp_path / "trace-out"), stopOnEntry=True)
        points = [{"line": 3, "condition": "n < 0"}]
        client.ask("setBreakpoints", source={"path": str(tmp_path / "app.py")}, breakpoints=points)
        client.send("continue", threadId=1)
        client.ask("pause", threadId=1)

        stop = client.wait("stopped")
        reached = client.ask("evaluate", expression="n")["result"]

        assert (stop["reason"], stop.get("description")) == ("pause", None)
        assert int(reached) < 49_999
        # The next run goes on from there, and is not interrupted.
        points = [{"line": 3, "condition": "n == 49_999"}]
        client.ask("setBreakpoints", source={"path": str(tmp_path / "app.py")}, breakpoints=points)
        assert client.go("continue")["reason"] == "breakpoint"


def test_a_file_of_another_machine_is_found_by_the_end_of_its_path(client: Client) -> None:
    found = client.ask(
        "setBreakpoints", source={"path": "/elsewhere/shop.py"}, breakpoints=[{"line": 3}]
    )

    assert found["breakpoints"][0]["verified"]


def test_exceptions_stop_where_they_are_raised(client: Client) -> None:
    client.ask("setExceptionBreakpoints", filters=["raised"])
    stop = client.go("continue")
    assert at(client, stop) == ("exception", "total_of", line_of('data["lines"]', SHOP))
    info = client.ask("exceptionInfo", threadId=1)
    assert (info["exceptionId"], info["breakMode"]) == ("KeyError", "always")

    client.ask("setExceptionBreakpoints", filters=["uncaught"])
    stop = client.go("continue")
    assert at(client, stop)[2] == line_of("sum(lines)", SHOP)

    options = [{"filterId": "raised", "condition": "KeyError, OSError"}]
    client.ask("setExceptionBreakpoints", filters=[], filterOptions=options)
    stop = client.go("reverseContinue")
    assert at(client, stop)[2] == line_of('data["lines"]', SHOP)

    with pytest.raises(Refused, match="there is no filter all; known: uncaught, raised"):
        client.ask("setExceptionBreakpoints", filters=["all"])
    client.go("reverseContinue")
    with pytest.raises(Refused, match="the line at 0:0 raises nothing"):
        client.ask("exceptionInfo", threadId=1)


def test_a_value_stops_where_it_changes_forwards_and_backwards(
    client: Client, recording: Path
) -> None:
    set_lines(client, recording, "    return total")
    client.go("continue")
    frame = client.top()["id"]
    scope = client.ask("scopes", frameId=frame)["scopes"][0]
    of_frame = scope["variablesReference"]
    (order,) = (each for each in client.inside(scope) if each["name"] == "order")
    info = client.ask(
        "dataBreakpointInfo", variablesReference=order["variablesReference"], name="total"
    )
    local = client.ask("dataBreakpointInfo", variablesReference=of_frame, name="total")
    nothing = client.ask("dataBreakpointInfo", name="nothing at all", frameId=frame)
    assert (info["description"], info["accessTypes"]) == ("order.total", ["write"])
    assert nothing["dataId"] is None

    client.ask("setBreakpoints", source=source(recording), breakpoints=[])
    points = [{"dataId": info["dataId"]}, {"dataId": "unknown"}]
    found = client.ask("setDataBreakpoints", breakpoints=points)["breakpoints"]
    assert [each["verified"] for each in found] == [True, False]
    stop = client.go("reverseContinue")
    assert at(client, stop) == ("data breakpoint", "price", line_of("order.total ="))
    assert client.go("reverseContinue")["description"] == "at the beginning of the recording"
    stop = client.go("continue")
    assert at(client, stop) == ("data breakpoint", "price", line_of("order.total ="))

    client.ask("setDataBreakpoints", breakpoints=[{"dataId": local["dataId"]}])
    assert at(client, client.go("reverseContinue"))[2] == line_of("total = 0")


def test_a_breakpoint_ends_a_step_over_its_call(client: Client, recording: Path) -> None:
    set_lines(client, recording, "    price(order)")
    client.go("continue")
    (point,) = set_lines(client, recording, "    return total")

    stop = client.go("next")
    assert at(client, stop)[:2] == ("breakpoint", "price")
    assert stop["hitBreakpointIds"] == [point["id"]]
    client.go("stepOut")
    assert at(client, client.go("stepBack"))[:2] == ("breakpoint", "price")


# ---------------------------------------------------------------- threads


@pytest.mark.slow
def test_threads_are_told_and_stepped_each_by_itself(client: Client, recording: Path) -> None:
    client.ask("setFunctionBreakpoints", breakpoints=[{"name": "in_thread"}])
    stop = client.go("continue")
    names = {each["id"]: each["name"] for each in client.ask("threads")["threads"]}
    helper = stop["threadId"]
    assert names == {1: "MainThread", helper: "helper"}

    assert client.top(1)["line"] == line_of("thread.start()")
    assert at(client, client.go("next", helper)) == ("step", "in_thread", line_of("mine += 1"))
    assert client.seen(client.top(helper)["id"])["Locals"] == {"mine": "1"}
    assert at(client, client.go("next", 1))[2] == line_of("many =")
    with pytest.raises(Refused, match="there is no thread 9"):
        client.ask("next", threadId=9)

    client.ask("setFunctionBreakpoints", breakpoints=[])
    client.go("continue")
    # The other one has ended.
    assert [each["name"] for each in client.ask("threads")["threads"]] == ["MainThread"]
