"""A spec that is wrong is one message with file, row and key; nothing is written."""

from pathlib import Path

import pytest

from codegen.core.errors import SpecError
from codegen.core.load import load_spec
from codegen.events.model import EventsSpec
from tests.support.project import SPEC, Project, one_message
from tests.support.spoiling import Spoil, generate_in_vain

ROW_MISTAKES: list[tuple[str, Spoil, str, str, str]] = [
    (
        "unknown key",
        lambda p: p.set_key("LINE", "scoop", '"local"'),
        "LINE",
        "scoop",
        "unknown key; did you mean 'scope'?",
    ),
    (
        "missing key",
        lambda p: p.set_key("LINE", "scope", None),
        "LINE",
        "scope",
        "missing key",
    ),
    (
        "unknown argument",
        lambda p: p.set_key("JUMP", "arguments", '["code", "ofset"]'),
        "JUMP",
        "arguments",
        "unknown argument 'ofset'; did you mean 'offset'?",
    ),
    (
        "argument named twice",
        lambda p: p.set_key("JUMP", "arguments", '["code", "offset", "destination", "offset"]'),
        "JUMP",
        "arguments",
        "an argument is named twice",
    ),
    (
        "arguments without the code object",
        lambda p: p.set_key("JUMP", "arguments", '["offset", "destination"]'),
        "JUMP",
        "arguments",
        "the first one must be 'code'",
    ),
    (
        "no arguments",
        lambda p: p.set_key("JUMP", "arguments", "[]"),
        "JUMP",
        "arguments",
        "at least 1 item",
    ),
    (
        "name that is no event's",
        lambda p: p.append_row(p.row("LINE").replace('"LINE"', '"Line"')),
        "Line",
        "name",
        "'Line' does not match",
    ),
    (
        "misspelt key that is needed",
        lambda p: p.edit_row("LINE", "summary =", "sumary ="),
        "LINE",
        "sumary",
        "unknown key; did you mean 'summary'?",
    ),
    (
        "handler of another event",
        lambda p: p.set_key("RERAISE", "handler", '"on_raise"'),
        "RERAISE",
        "handler",
        "'on_raise' is not the handler of RERAISE; write 'on_reraise'",
    ),
    (
        "handler whose last letter is missing",
        lambda p: p.set_key("JUMP", "handler", '"on_jum"'),
        "JUMP",
        "handler",
        "'on_jum' is not the handler of JUMP; write 'on_jump'",
    ),
    (
        "shown by a name that the event has not",
        lambda p: p.set_key("JUMP", "shown", '"to {destinaton}"'),
        "JUMP",
        "shown",
        "there is no 'destinaton' to show; did you mean 'destination'?",
    ),
    (
        "shown by what another event has",
        lambda p: p.set_key("LINE", "shown", '"{source} -> {retval}"'),
        "LINE",
        "shown",
        "there is no 'retval' to show; known: function, source",
    ),
    (
        "shown with a brace that is not closed",
        lambda p: p.set_key("LINE", "shown", '"{source"'),
        "LINE",
        "shown",
        "must be text, names in {braces}, and [what may be left out]",
    ),
    (
        "frame that is neither entered nor left",
        lambda p: p.set_key("LINE", "frame", '"within"'),
        "LINE",
        "frame",
        "'enter', 'leave' or 'stay'",
    ),
    (
        "deprecated before it appeared",
        lambda p: p.set_key("BRANCH_LEFT", "deprecated", '"3.12"'),
        "BRANCH_LEFT",
        "deprecated",
        "3.12 is before since = 3.14",
    ),
    (
        "ancillary of an unknown event",
        lambda p: p.set_key("C_RETURN", "ancillary_of", '"CALLS"'),
        "C_RETURN",
        "ancillary_of",
        "unknown event CALLS; did you mean 'CALL'?",
    ),
    (
        "ancillary of an ancillary event",
        lambda p: p.set_key("C_RETURN", "ancillary_of", '"C_RAISE"'),
        "C_RETURN",
        "ancillary_of",
        "C_RAISE cannot be set by itself",
    ),
    (
        "ancillary of nothing",
        lambda p: p.set_key("C_RETURN", "ancillary_of", None),
        "C_RETURN",
        "ancillary_of",
        "must be given with scope = 'ancillary'",
    ),
    (
        "local_since for a local event",
        lambda p: p.set_key("LINE", "local_since", '"3.15"'),
        "LINE",
        "local_since",
        "is allowed only with scope = 'other'",
    ),
    (
        "slots shared with an unknown event",
        lambda p: p.set_key("BRANCH", "shares_slots_with", '["BRANCH_LEFT", "BRANCH_RIHGT"]'),
        "BRANCH",
        "shares_slots_with",
        "unknown event BRANCH_RIHGT; did you mean 'BRANCH_RIGHT'?",
    ),
    (
        "slots shared with itself",
        lambda p: p.set_key("BRANCH", "shares_slots_with", '["BRANCH"]'),
        "BRANCH",
        "shares_slots_with",
        "not itself",
    ),
    (
        "unknown scope",
        lambda p: p.set_key("LINE", "scope", '"global"'),
        "LINE",
        "scope",
        "'local', 'other' or 'ancillary'",
    ),
    (
        "DISABLE allowed without a version",
        lambda p: p.set_key("LINE", "disable_since", None),
        "LINE",
        "disable_since",
        "must be given unless disable = 'never'",
    ),
    (
        "program that does not compile",
        lambda p: p.set_key("LINE", "program", '"x = = 1"'),
        "LINE",
        "program",
        "does not compile: invalid syntax",
    ),
    (
        "version as a number",
        lambda p: p.set_key("LINE", "since", "3.12"),
        "LINE",
        "since",
        "valid string",
    ),
    (
        "version that is none",
        lambda p: p.set_key("LINE", "since", '"3.12.1"'),
        "LINE",
        "since",
        "must be a CPython minor version such as '3.12'",
    ),
    (
        "summary that is too long",
        lambda p: p.set_key("LINE", "summary", f'"{"long " * 20}."'),
        "LINE",
        "summary",
        "at most 88 characters",
    ),
    (
        "summary over two lines",
        lambda p: p.set_key("LINE", "summary", '"One.\\nTwo."'),
        "LINE",
        "summary",
        "one line of text",
    ),
    (
        "summary without a full stop",
        lambda p: p.set_key("LINE", "summary", '"A line begins"'),
        "LINE",
        "summary",
        "full stop",
    ),
    (
        "summary that would end the docstring",
        lambda p: p.set_key("LINE", "summary", '\'A """line""" begins.\''),
        "LINE",
        "summary",
        "no triple quote",
    ),
    (
        "note with a backslash",
        lambda p: p.set_key("LINE", "notes", "['As in \\x.']"),
        "LINE",
        "notes.0",
        "no backslash",
    ),
    (
        "notes that are no list",
        lambda p: p.set_key("LINE", "notes", '"a note"'),
        "LINE",
        "notes",
        "valid list",
    ),
]


@pytest.mark.parametrize(
    ("spoil", "event", "key", "problem"),
    [pytest.param(*rest, id=name) for name, *rest in ROW_MISTAKES],
)
def test_a_mistake_in_a_row_is_named_by_file_row_line_and_key(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    spoil: Spoil,
    event: str,
    key: str,
    problem: str,
) -> None:
    spoil(project)

    message = generate_in_vain(project, capsys)

    assert message.startswith(f"codegen: {SPEC}: {project.place(event)}: key '{key}': ")
    assert problem in message


def test_a_row_whose_name_is_misspelt_is_named_by_its_place(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    row = project.row("LINE")
    place = project.place("LINE").removeprefix("event LINE (").removesuffix(")")
    project.edit(row, row.replace("\nname = ", "\nnmae = "))

    message = generate_in_vain(project, capsys)

    assert message == (
        f"codegen: {SPEC}: event in {place}: key 'nmae': unknown key; did you mean 'name'?\n"
    )


def test_the_second_of_two_rows_for_one_event_is_the_one_that_is_named(project: Project) -> None:
    project.append_row(project.row("LINE"))
    last_line = project.read()[: project.read().rindex("[[event]]")].count("\n") + 1
    before = project.tree()

    message = one_message(project.codegen("generate"))

    assert message == (
        f"codegen: {SPEC}: event LINE (row 20, line {last_line}): key 'name': duplicate event LINE"
    )
    assert project.tree() == before


def put_a_folder_there(project: Project) -> None:
    (project.root / SPEC).unlink()
    (project.root / SPEC).mkdir()


OTHER_MISTAKES: list[tuple[str, Spoil, str]] = [
    ("empty file", lambda p: p.write(""), "key 'argument': missing key"),
    ("no event", lambda p: p.write('[argument.code]\ntype="int"\nunit="-"\nsummary="-"\n'),
     "key 'event': missing key"),
    ("one table where rows belong", lambda p: p.edit("\n[[event]]", "\n[event]"),
     "TOML syntax error"),
    ("missing file", lambda p: (p.root / SPEC).unlink(), "no such file below"),
    ("folder in its place", put_a_folder_there, "cannot be read: Is a directory"),
    ("unknown table", lambda p: p.write("colour = 1\n" + p.read()), "key 'colour': unknown key"),
    ("key given twice", lambda p: p.edit('scope = "local"', 'scope = "local"\nscope = "other"'),
     "TOML syntax error: "),
    ("unknown key of an argument", lambda p: p.edit("[argument.line]", "[argument.line]\nkind=1"),
     "argument line: key 'kind': unknown key; known: shown, summary, type, unit"),
    ("argument type that is no Python", lambda p: p.edit('type = "int"', 'type = "int)"'),
     "argument offset: key 'type': 'int)' is not a Python type"),
    ("argument that is a Python keyword", lambda p: p.edit("[argument.retval]", "[argument.class]"),
     "argument class: 'class' cannot be a parameter"),
    ("argument that is taken", lambda p: p.edit("[argument.line]", "[argument.self]"),
     "argument self: 'self' is a name in the generated code"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "problem"), [pytest.param(*rest, id=name) for name, *rest in OTHER_MISTAKES]
)
def test_a_mistake_outside_the_rows_is_named_too(
    project: Project, capsys: pytest.CaptureFixture[str], spoil: Spoil, problem: str
) -> None:
    spoil(project)

    message = generate_in_vain(project, capsys)

    assert message.startswith(f"codegen: {SPEC}: {problem}")


def test_a_toml_syntax_error_says_line_and_column(project: Project) -> None:
    project.edit('name = "JUMP"', 'name = "JUMP')
    line = project.read().split('name = "JUMP\n')[0].count("\n") + 1

    message = one_message(project.codegen("generate"))

    assert message.startswith(f"codegen: {SPEC}: TOML syntax error: ")
    assert f"(at line {line}, column 13)" in message


def test_a_file_that_is_not_utf8_says_where(project: Project) -> None:
    content = project.read().encode().replace(b"one [[event]]", b"\xe9v\xe9nement")
    (project.root / SPEC).write_bytes(content)

    message = one_message(project.codegen("generate"))

    assert message == (
        f"codegen: {SPEC}: line 1: not UTF-8 at byte {content.index(0xE9)}; save it as UTF-8"
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", [["check"], ["observe"], ["diff", "3.12", "3.13"]])
def test_every_command_refuses_a_bad_spec_in_the_same_way(
    project: Project, command: list[str]
) -> None:
    project.set_key("LINE", "scoop", "1")
    before = project.tree()

    message = one_message(project.codegen(*command))

    assert f"{project.place('LINE')}: key 'scoop': unknown key" in message
    assert project.tree() == before


def test_a_folder_without_a_spec_is_one_message(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.root = tmp_path / "nowhere"

    message = one_message(project.codegen("check"))

    assert message == f"codegen: {SPEC}: no such file below {project.root}"


def test_a_spec_error_carries_file_row_and_key_for_those_who_catch_it(project: Project) -> None:
    project.set_key("LINE", "scope", None)

    with pytest.raises(SpecError) as raised:
        load_spec(EventsSpec, project.root)

    error = raised.value
    assert (str(error.file), error.row, error.key) == (SPEC, project.place("LINE"), "scope")
    assert error.problem == "missing key"
