"""A mistake in spec/trace.toml is one message with file, row, line and key; nothing is written."""

from __future__ import annotations

import pytest

from codegen.__main__ import main
from codetracer_bindings import trace_decoder
from codetracer_bindings.trace_encoder import value_reference
from codetracer_bindings.trace_format import LOG_VERSION
from tests.support.project import Project
from tests.support.spoiling import Spoil, generate_in_vain

TRACE = "spec/trace.toml"


def row(project: Project, table: str, name: str) -> str:
    """Return the text of a row."""
    start = f'[[{table}]]\nname = "{name}"\n'
    text = project.read(TRACE)
    assert start in text
    return start + text.partition(start)[2].partition("\n[[")[0]


def edit_row(project: Project, table: str, name: str, old: str, new: str) -> None:
    """Replace the first `old` in a row; it must be there."""
    text = row(project, table, name)
    assert old in text, f"the row of {name} has no {old!r}"
    project.edit(text, text.replace(old, new, 1), TRACE)


def place(project: Project, table: str, name: str) -> str:
    """Return how a message names a row: by name, number and line."""
    before = project.read(TRACE).partition(f'[[{table}]]\nname = "{name}"')[0]
    line = before.count("\n") + 1
    return f"{table} {name} (row {before.count(f'\n[[{table}]]') + 1}, line {line})"


def edits(table: str, name: str, old: str, new: str) -> Spoil:
    return lambda project: edit_row(project, table, name, old, new)


SHORT_PATH = 'short = { field = "path", first = 0x30, last = 0x31, lowest = 0 }'
SHORT_BINARY = 'short = { field = "data", first = 0x20, last = 0x21, lowest = 0 }'

ROW_MISTAKES: list[tuple[str, Spoil, str, str, str, str]] = [
    (
        "unknown key",
        edits("record", "step", "tag = ", "colour = 1\ntag = "),
        *("record", "step", "colour", "unknown key"),
    ),
    (
        "misspelled key",
        edits("record", "source", "numbered = ", "numberd = "),
        *("record", "source", "numberd", "unknown key; did you mean 'numbered'?"),
    ),
    (
        "missing tag",
        edits("value", "none", "tag = 0x01\n", ""),
        *("value", "none", "tag", "missing key"),
    ),
    (
        "missing summary",
        edits("record", "lost", "summary = ", "# summary = "),
        *("record", "lost", "summary", "missing key"),
    ),
    (
        "tag that is no byte",
        edits("value", "none", "tag = 0x01", "tag = 0x100"),
        *("value", "none", "tag", "less than or equal to 255"),
    ),
    (
        "tag as text",
        edits("value", "none", "tag = 0x01", 'tag = "1"'),
        *("value", "none", "tag", "valid integer"),
    ),
    (
        "tag of another record",
        edits("record", "exit", "tag = 0x16", "tag = 0x15"),
        *("record", "exit", "tag", "tag 0x15 belongs to output already"),
    ),
    (
        "tag among another record's short ones",
        edits("record", "exit", "tag = 0x16", "tag = 0x41"),
        *("record", "exit", "tag", "tag 0x41 belongs to variable already"),
    ),
    (
        "short tags that run into another value's",
        edits("value", "reference", "last = 0x3F", "last = 0x40"),
        *("value", "reference", "tag", "tag 0x40 belongs to text already"),
    ),
    (
        "record with tag 0",
        edits("record", "source", "tag = 0x01", "tag = 0x00"),
        *("record", "source", "tag", "tag 0 is where a block's records end"),
    ),
    (
        "name of another record",
        edits("record", "exit", 'name = "exit"', 'name = "lost"'),
        *("record", "lost", "name", "lost exists already"),
    ),
    (
        "name that is none",
        edits("record", "lost", 'name = "lost"', 'name = "Lost"'),
        *("record", "Lost", "name", "'Lost' does not match"),
    ),
    (
        "number of another form",
        edits("form", "opaque", "number = 15", "number = 14"),
        *("form", "opaque", "name", "14 exists already"),
    ),
    (
        "short tags for a later field",
        edits("record", "variable", 'field = "variable"', 'field = "value"'),
        *("record", "variable", "short", "must name the first field"),
    ),
    (
        "short tags for a type that has none",
        edits("value", "binary", "tag = 0x0C\n", f"tag = 0x0C\n{SHORT_BINARY}\n"),
        *("value", "binary", "short", "the field must be one of uint, sint, text"),
    ),
    (
        "short tags backwards",
        edits("record", "step", "first = 0x80, last = 0xFF", "first = 0xFF, last = 0x80"),
        *("record", "step", "short", "last is before first"),
    ),
    (
        "short tags for what cannot be negative",
        edits("record", "variable", "lowest = 0", "lowest = -1"),
        *("record", "variable", "short", "only a sint can be negative"),
    ),
    (
        "short tags for the text of a record",
        edits("record", "source", "tag = 0x01\n", f"tag = 0x01\n{SHORT_PATH}\n"),
        *("record", "source", "short", "only the value text holds a length in its tags; remove"),
    ),
    (
        "short tags for the text of another value",
        edits("value", "text", 'name = "text"', 'name = "words"'),
        *("value", "words", "short", "only the value text holds a length in its tags; remove"),
    ),
    (
        "short tags of a text that leave out the shortest",
        edits("value", "text", "lowest = 0", "lowest = 1"),
        *("value", "text", "short", "the shortest text has no bytes; write lowest = 0"),
    ),
    (
        "unknown key of the short tags",
        edits("record", "step", "lowest = -32", "lowest = -32, size = 1"),
        *("record", "step", "short.size", "unknown key"),
    ),
    (
        "unknown type of a field",
        edits("record", "source", 'type = "text"', 'type = "string"'),
        *("record", "source", "fields.0.type", "'text'"),
    ),
    (
        "missing key of a field",
        edits("record", "switch", ', summary = "The thread\'s number."', ""),
        *("record", "switch", "fields.0.summary", "missing key"),
    ),
    (
        "summary of a field that is no sentence",
        edits("record", "switch", "The thread's number.", "the thread's number"),
        *("record", "switch", "fields.0.summary", "full stop"),
    ),
    (
        "value in Python that is no expression",
        edits("value", "float", 'python = "number"', 'python = "number +"'),
        *("value", "float", "python", "number +"),
    ),
    (
        "unknown type in a header",
        edits("header", "block_header", 'type = "u32"', 'type = "u16"'),
        *("header", "block_header", "fields.1.type", "'u16' does not match"),
    ),
    (
        "header without fields",
        edits("header", "file_header", "fields = [", "fields = []\nrest = ["),
        *("header", "file_header", "fields", "at least 1 item"),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "table", "name", "key", "problem"),
    [pytest.param(*rest, id=name) for name, *rest in ROW_MISTAKES],
)
def test_a_mistake_in_a_row_is_named_by_file_row_line_and_key(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    spoil: Spoil,
    table: str,
    name: str,
    key: str,
    problem: str,
) -> None:
    spoil(project)

    message = generate_in_vain(project, capsys)

    # The second of two rows of one name is the one that is named.
    where = place(project, table, name)
    if "exists already" in problem and table == "record":
        where = where.partition("(")[0]
    assert message.startswith(f"codegen: {TRACE}: {where}")
    assert f": key '{key}': " in message
    assert problem in message


OTHER_MISTAKES: list[tuple[str, Spoil, str]] = [
    ("missing file", lambda p: (p.root / TRACE).unlink(), "no such file below"),
    ("empty file", lambda p: p.write("", TRACE), "key 'log': missing key"),
    (
        "unknown table",
        lambda p: p.write("colour = 1\n" + p.read(TRACE), TRACE),
        "key 'colour': unknown key",
    ),
    (
        "unknown key of the log",
        lambda p: p.edit("[log]\n", "[log]\nendian = 1\n", TRACE),
        "log: key 'endian': unknown key",
    ),
    (
        "version below 1",
        lambda p: p.edit(f"version = {LOG_VERSION}", "version = 0", TRACE),
        "log: key 'version': ",
    ),
    (
        "block size that is too small",
        lambda p: p.edit("block_size = 65536", "block_size = 100", TRACE),
        "log: key 'block_size': ",
    ),
    (
        "suffix without a dot",
        lambda p: p.edit('suffix = ".ctlog"', 'suffix = "ctlog"', TRACE),
        "log: key 'suffix': 'ctlog' does not match",
    ),
    (
        "header that nothing knows",
        lambda p: p.edit('name = "block_header"', 'name = "page_header"', TRACE),
        "there must be a file_header and a block_header",
    ),
    ("syntax error", lambda p: p.edit("[log]\n", "[log\n", TRACE), "TOML syntax error: "),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "problem"), [pytest.param(*rest, id=name) for name, *rest in OTHER_MISTAKES]
)
def test_a_mistake_outside_the_rows_is_named_too(
    project: Project, capsys: pytest.CaptureFixture[str], spoil: Spoil, problem: str
) -> None:
    spoil(project)

    message = generate_in_vain(project, capsys)

    assert message.startswith(f"codegen: {TRACE}: ")
    assert problem in message


NEW_RECORD = """
[[record]]
name = "note"
tag = 0x3E
fields = [{ name = "words", type = "text", summary = "What was noted." }]
summary = "Somebody noted something."
"""


@pytest.mark.slow
def test_a_new_record_has_an_encoder_a_decoder_and_a_section_by_its_row_alone(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(project.read(TRACE) + NEW_RECORD, TRACE)

    assert main(["--root", str(project.root), "generate"]) == 0

    capsys.readouterr()
    bindings = "generated/codetracer_bindings"
    assert "def encode_note(words: str) -> bytes:" in project.read(f"{bindings}/trace_encoder.py")
    assert "class NoteRecord(NamedTuple):" in project.read(f"{bindings}/trace_decoder.py")
    assert "### note" in project.read("generated/trace.md")
    encoder: dict[str, object] = {}
    exec(project.read(f"{bindings}/trace_encoder.py"), encoder)
    decoder: dict[str, object] = {"__name__": "decoder"}
    exec(project.read(f"{bindings}/trace_decoder.py"), decoder)
    encode, decode = encoder["encode_note"], decoder["decode_record"]
    assert callable(encode)
    assert callable(decode)
    assert decode(encode("hello"), 0) == (("hello",), 7)
    # The decoder of another spec has tables of its own.
    ours, _ = trace_decoder.decode_value(value_reference(5), 0)
    assert type(ours) is trace_decoder.ReferenceValue
