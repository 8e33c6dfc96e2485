"""A wrong probe or observed file is one message with file, row and key; nothing is written."""

import tomllib

import pytest

from tests.support.project import Project
from tests.support.spoiling import Spoil, generate_in_vain

OBSERVED = "spec/observed/3.13.toml"
OBSERVED_MISTAKES: list[tuple[str, Spoil, str]] = [
    ("syntax", lambda p: p.edit("[event.LINE]", "[event.LINE", OBSERVED), "TOML syntax error: "),
    ("unknown key", lambda p: p.edit("[event.LINE]", "[event.LINE]\nidd = 3", OBSERVED),
     "key 'event.LINE.idd': "),
    ("missing key", lambda p: p.edit("fired = true\n", "", OBSERVED),
     "key 'event.PY_START.fired': "),
    ("wrong type", lambda p: p.edit("arity = 2", 'arity = "2"', OBSERVED),
     "key 'event.PY_START.arity': "),
    ("another version's file", lambda p: p.edit('"3.13"', '"3.14"', OBSERVED),
     "key 'version': 3.14 belongs in spec/observed/3.14.toml"),
    ("empty", lambda p: p.write("", OBSERVED), "key 'version': "),
    ("not UTF-8", lambda p: (p.root / OBSERVED).write_bytes(b"\xff"), "line 1: not UTF-8"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "problem"), [pytest.param(*rest, id=name) for name, *rest in OBSERVED_MISTAKES]
)
def test_a_mistake_in_an_observed_file_is_named_by_file_and_key(
    project: Project, capsys: pytest.CaptureFixture[str], spoil: Spoil, problem: str
) -> None:
    spoil(project)

    message = generate_in_vain(project, capsys)

    assert message.startswith(f"codegen: {OBSERVED}: {problem}")


CALLS = "spec/probes/calls.toml"
FIRST = "probe call-star-args (row 1, line 3)"
PROBE_MISTAKES: list[tuple[str, Spoil, str]] = [
    ("syntax", lambda p: p.edit("[[probe]]", "[[probe]", CALLS), "TOML syntax error: "),
    ("unknown key", lambda p: p.edit("question =", "quest = 1\nquestion =", CALLS),
     f"{FIRST}: key 'quest': unknown key; did you mean 'question'?"),
    ("misspelt key that is needed", lambda p: p.edit('name = "call', 'nam = "call', CALLS),
     "probe in row 1, line 3: key 'nam': unknown key; did you mean 'name'?"),
    ("missing key", lambda p: p.edit('name = "call-star-args"\n', "", CALLS),
     "probe in row 1, line 3: key 'name': missing key"),
    ("name in capitals", lambda p: p.edit('"call-star-args"', '"Call"', CALLS),
     "probe Call (row 1, line 3): key 'name': 'Call' does not match"),
    ("name twice", lambda p: p.edit('"call-star-kwargs"', '"call-star-args"', CALLS),
     "probe call-star-args (row 2, line 14): key 'name': call-star-args exists already"),
    ("name of another file's", lambda p: p.edit('"call-star-args"', '"branch-match"', CALLS),
     "probe branch-match (row 1, line 3): key 'name': branch-match exists already, in spec/"),
    ("unknown event", lambda p: p.edit('["CALL"]', '["CALLS"]', CALLS),
     f"{FIRST}: key 'events': unknown event CALLS; did you mean "),
    ("no question", lambda p: p.edit("fire CALL?", "fires CALL.", CALLS),
     f"{FIRST}: key 'question': must end with a question mark"),
    ("event's place without each", lambda p: p.edit("fire CALL?", "fire {event}?", CALLS),
     f"{FIRST}: key 'question': must contain {{event}} with each = true"),
    ("each without its place", lambda p: p.edit("question =", "each = true\nquestion =", CALLS),
     f"{FIRST}: key 'question': must contain {{event}} with each = true"),
    ("program that does not compile", lambda p: p.edit("def f(a): pass", "def f(a: pass", CALLS),
     f"{FIRST}: key 'program': does not compile: "),
    ("empty", lambda p: p.write("", CALLS), "key 'probe': missing key"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "problem"), [pytest.param(*rest, id=name) for name, *rest in PROBE_MISTAKES]
)
def test_a_mistake_in_a_probe_is_named_by_file_row_line_and_key(
    project: Project, capsys: pytest.CaptureFixture[str], spoil: Spoil, problem: str
) -> None:
    spoil(project)

    message = generate_in_vain(project, capsys)

    assert message.startswith(f"codegen: {CALLS}: {problem}")


def test_every_probe_about_an_event_that_is_gone_is_named_at_once(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    probes = {
        (path.relative_to(project.root).as_posix(), row["name"])
        for path in (project.root / "spec/probes").glob("*.toml")
        for row in tomllib.loads(path.read_text(encoding="utf-8"))["probe"]
        if "JUMP" in row["events"]
    }
    project.remove_rows("JUMP")

    message = generate_in_vain(project, capsys)

    assert len({file for file, _ in probes}) > 1
    assert "key 'events': unknown event JUMP; " in message
    assert f"; {len(probes) - 1} more rows name it: " in message
    for file, name in probes:
        assert f"{file}: probe {name} (row " in message
