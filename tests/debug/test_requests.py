"""Every request that a client may send, over one recording; breakpoints are in test_breakpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dap import Client, Refused, Server
from tests.support.dap_recording import SHOP, at, line_of, set_lines, source
from tests.support.running import execute, write

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
