"""A run over a recording stops at lines, conditions, exceptions, changes of values and a pause."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dap import Client, Refused, Server
from tests.support.dap_recording import SHOP, at, line_of, set_lines, source
from tests.support.running import execute, write


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
    assert "is not a Python expression" in said[0]
    assert "is not a hit count" in said[1]
    assert said[2] == "the line never runs in this recording"
    assert "is not a Python expression" in said[3]
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
