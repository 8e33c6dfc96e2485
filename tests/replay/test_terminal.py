"""Only visible text and line ends reach the terminal, also from a hostile recording."""

from __future__ import annotations

import json
import os
import pty
import unicodedata
from pathlib import Path

import pytest

from codetracer.commands import TRACE_COMMANDS
from codetracer.terminal import safe
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import FORM_CLASS, FORM_ENUM, FORM_EXCEPTION, FORM_INSTANCE
from fuzz.recordings import VIEWS
from tests.support import logs
from tests.support.logs import NONE, text
from tests.support.running import Outcome, execute, write

BAD = (
    "\x1b[31m\x07\x7f\x9b1m\x85\t\r\b\u202e\u2066\u200f\u061c\u200b\ufeff\u2028\u3164\ud800\nforged"
)
"""Control characters of both sets, marks of direction, what is invisible, and a line end."""

SELF = ["-m", "codetracer"]
UTF8 = {"PYTHONUTF8": "1"}


def raw(done: Outcome) -> set[str]:
    """Return the characters of what was said that are not to be there."""
    return {
        character
        for character in done.stdout + done.stderr
        if character != "\n"
        and (
            unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
            or character == "\u3164"
        )
    }


def hostile_log() -> bytes:
    """Return a log of which every text is hostile; names end, or begin, as plain ones."""
    reference = encode.value_reference
    return logs.log(
        [
            encode.encode_source(f"/app/{BAD}.py"),
            *(encode.encode_type(f"m.{BAD}{name}") for name in ("Color", "Thing", "Error")),
            encode.encode_attribute("name"),
            encode.encode_attribute(f"field{BAD}"),
            encode.encode_thread(1, f"Main{BAD}"),
            logs.code(f"{BAD}.<module>", kind=0, module=f"__main__{BAD}"),
            logs.code(
                f"{BAD}.work",
                module=f"app{BAD}",
                parameters=[f"argument{BAD}"],
                variables=["y", f"local{BAD}"],
                global_names=["total", f"global{BAD}"],
            ),
            encode.encode_object(1, FORM_ENUM, 0, 0, [], 0, [(0, text(f"RED{BAD}"))]),
            encode.encode_object(2, FORM_CLASS, 1, 0, [text(f"Class{BAD}")], 0, []),
            encode.encode_object(3, FORM_INSTANCE, 1, 0, [], 0, [(1, reference(1))]),
            encode.encode_object(4, FORM_EXCEPTION, 2, 1, [text(BAD)], 0, []),
            encode.encode_call(0, 5, []),
            encode.encode_step(0),
            encode.encode_call(1, 5, [reference(3)]),
            encode.encode_step(1),
            encode.encode_variable(1, reference(1)),
            encode.encode_variable(2, reference(2)),
            encode.encode_variable(3, reference(1)),
            encode.encode_variable(4, text(BAD)),
            encode.encode_step(1),
            encode.encode_output(
                1, f"/app/{BAD}.py", 3, BAD.encode("utf-8", "replace") + b"\xff\x9b"
            ),
            encode.encode_raise(reference(4)),
            encode.encode_handled(reference(4)),
            encode.encode_step(0),
            encode.encode_step(0),
            encode.encode_return(5, reference(3)),
            encode.encode_thread(2, f"Worker{BAD}"),
            encode.encode_call(1, 5, [text(BAD)]),
            encode.encode_raise(reference(4)),
            encode.encode_unwind(5, reference(4)),
            encode.encode_switch(0),
            encode.encode_return(5, NONE),
            encode.encode_exit(5, 1, 0),
        ],
        pid=4321,
    )


def hostile_trace(folder: Path) -> Path:
    source = f"x = 1\nf('{BAD}')\nz = 1  # {BAD}\n{BAD}\n"
    return logs.write_trace(
        folder,
        hostile_log(),
        metadata={
            "recording_id": BAD,
            "program": BAD,
            "args": [BAD],
            "workdir": f"/app{BAD}",
            "python": {"implementation": BAD, "version": BAD},
            "platform": BAD,
            "recorder": {"name": BAD},
            "started": BAD,
            "exit_status": {"label": BAD},
            "filters": {"filters": [{"name": BAD}], "stats": {}},
            "policy": {BAD: BAD},
            "complete": False,
            "incomplete_reason": BAD,
            "sources": {f"/app/{BAD}.py": "0.py"},
        },
        sources={"/app": source.replace("\ud800", "")},
    )


def shown(view: tuple[str, ...], folder: Path, **names: str) -> Outcome:
    names = {"trace": "trace", "log": "trace/process-4321.ctlog"} | names
    words = [word.format_map(names) for word in view]
    return execute("-m", "codetracer", *words, cwd=folder, environ=UTF8)


def test_the_views_are_of_every_command_that_reads_a_recording() -> None:
    # `dap` writes messages to an editor, in JSON.
    assert {view[0] for view in VIEWS} == TRACE_COMMANDS.keys() - {"dap"}


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_no_text_of_a_recording_reaches_the_terminal_raw(
    tmp_path: Path, view: tuple[str, ...]
) -> None:
    hostile_trace(tmp_path / "trace")
    write(tmp_path, {"exported/trace.json": "[]"} if "--force" in view else {})

    done = shown(view, tmp_path)

    assert done.code in (0, 1), done
    assert raw(done) == set()
    assert not any(line.startswith("forged") for line in done.stdout.splitlines())
    if view[0] != "export" and done.code == 0:
        assert "\\x1b[31m" in done.stdout or "\\u001b[31m" in done.stdout


@pytest.mark.slow
def test_a_real_program_with_hostile_names_is_shown_without_them(tmp_path: Path) -> None:
    program = f"""
import enum, os, sys, threading
BAD = {BAD!r}
Bad = type("Type" + BAD, (), {{"__repr__": lambda self: 1 / 0}})
Color = enum.Enum("Color" + BAD, {{"RED" + BAD.replace(chr(10), ""): 1}})
def y(a):
    thing = Bad()
    setattr(thing, "attribute" + BAD, [BAD, Color(1)])
    sys.stdout.buffer.write(BAD.encode("utf-8", "replace") + bytes([0x9b, 10]))
    sys.stdout.flush()
    try:
        raise type("Error" + BAD, (Exception,), {{}})(thing)
    except Exception:
        return {{BAD: thing}}
y.__qualname__ = y.__name__ = "work" + BAD.replace(chr(0xd800), "")
source = "def work(y):\\n    return y + 1  # {BAD.encode("unicode_escape").decode()}\\nwork(2)\\n"
code = compile(source, os.getcwd() + "/module" + BAD.replace(chr(0xd800), "") + ".py",
    "exec")
exec(code, {{"__name__": "module" + BAD}})
worker = threading.Thread(target=y, args=(BAD,), name="Worker" + BAD.replace(chr(0xd800), ""))
worker.start()
worker.join()
y(Color(1))
sys.exit(BAD)
"""
    write(tmp_path, {"app.py": program})
    recorded = execute("-m", "codetracer", "record", "-q", "-o", "trace", "app.py", cwd=tmp_path)
    assert recorded.code in (0, 1), recorded
    (log,) = (tmp_path / "trace").glob("*.ctlog")

    for view in VIEWS:
        done = shown(view, tmp_path, log=f"trace/{log.name}")

        assert done.code in (0, 1), done
        assert raw(done) == set(), view
        assert "Traceback" not in done.stderr.splitlines(), done


@pytest.mark.parametrize("folder", ["named", "missing", "damaged", "arguments"])
def test_what_an_error_names_is_made_safe_too(tmp_path: Path, folder: str) -> None:
    bad = BAD.replace("\ud800", "")
    path = tmp_path / f"{folder}{bad}"
    if folder == "named":
        hostile_trace(path)
    if folder == "damaged":
        path.mkdir()
        (path / f"{bad}.ctlog").write_bytes(b"no log")
    extra = [bad] if folder == "arguments" else []

    outcomes = [
        execute("-m", "codetracer", command, path.name, *options, cwd=tmp_path, environ=UTF8)
        for command, *options in (
            ("info", *extra),
            ("show", *extra),
            ("show", "--function", bad, *extra),
            ("show", "--step", bad, *extra),
            ("export", "--to", "codetracer-json", *extra),
        )
    ]

    for done in outcomes:
        assert raw(done) == set()
        assert not any(line.startswith("forged") for line in done.stderr.splitlines())
        assert "\\x1b[31m" in done.stdout + done.stderr


def test_json_gives_every_name_as_it_is(tmp_path: Path) -> None:
    hostile_trace(tmp_path / "trace")

    done = shown(("info", "{trace}", "--format", "json"), tmp_path)

    found = json.loads(done.stdout)
    assert found["metadata"]["program"] == BAD
    assert found["processes"][0]["threads"][0]["name"] == f"Main{BAD}"


def test_a_line_is_cut_after_it_was_made_safe(tmp_path: Path) -> None:
    hostile_trace(tmp_path / "trace")

    done = shown(("show", "{trace}", "--output", "--width", "60"), tmp_path)

    assert all(len(line) <= 60 for line in done.stdout.splitlines())


def test_what_people_write_is_left_as_it_is() -> None:
    plain = "grün, 日本\u3000語, 10\xa0€, ❤\ufe0f, e\u0301, \\x1b"

    assert safe(plain) == plain


@pytest.mark.slow
def test_the_export_shows_its_progress_on_a_terminal(tmp_path: Path) -> None:
    hostile_trace(tmp_path / "trace")
    outer, inner = pty.openpty()
    terminal = os.ttyname(inner)

    words = "'-m', 'codetracer', 'export', 'trace', '--to', 'codetracer-json'"
    run = f"import os, sys; os.dup2(os.open({terminal!r}, os.O_WRONLY | os.O_NOCTTY), 2)"
    done = execute(
        "-c", f"{run}; os.execv(sys.executable, [sys.executable, {words}])", cwd=tmp_path
    )
    os.close(inner)
    told = os.read(outer, 10_000)
    os.close(outer)

    assert done.code == 0, done
    assert b"\r[" in told
    assert b"\x1b" not in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("os.open('/dev/full', os.O_WRONLY)", "cannot be written: No space left on device"),
        (None, "standard output is closed"),
    ],
)
@pytest.mark.parametrize("view", [VIEWS[0], VIEWS[1], VIEWS[3], VIEWS[5]], ids=" ".join)
def test_output_that_cannot_be_written_is_an_error(
    tmp_path: Path, view: tuple[str, ...], output: str | None, said: str
) -> None:
    hostile_trace(tmp_path / "trace")
    arguments = [word.format(trace="trace") for word in view]
    change = f"os.dup2({output}, 1)" if output else "os.close(1)"

    done = execute(
        "-c",
        f"import os, sys; {change};"
        f" os.execv(sys.executable, [sys.executable, *{SELF + arguments}])",
        cwd=tmp_path,
    )

    assert (done.code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("codetracer: error: [ERR_IO] standard output")
    assert said in line
