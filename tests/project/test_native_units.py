"""The house in C: one header a unit, and includes that lead downward alone.

A unit is `<name>.c` with `<name>.h` in a folder of `native/`; generated headers are units too.
"""

import re
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.util import find_spec

import pytest

from codetracer.runtime.instructions import KINDS
from codetracer_bindings.trace_format import BLOCK_SIZE
from tests.support.project import ROOT

FILES = {
    path.name: path
    for folder in (*(ROOT / "native").iterdir(), ROOT / "generated/codetracer_bindings")
    for path in sorted(folder.glob("*.[ch]"))
}

WITHOUT_HEADER = {
    "_native": "the module of the callbacks, which nobody calls but CPython",
    "decoder": "the module of the decoder, which nobody calls but CPython",
    "indexer": "the module of the builder of indexes, which nobody calls but CPython",
    "engine": "the module of the recorder, which nobody calls but CPython",
}
WITHOUT_SOURCE = {
    "_index_format": "numbers, and functions that are inlined",
    "_trace_fields": "types alone",
    "_trace_format": "numbers alone",
    "_trace_objects": "all functions are the decoder's",
    "_trace_reader": "all functions are inlined: they are the hot path",
    "_trace_records": "all functions are inlined: they are the hot path",
    "calls": "all functions are inlined",
    "cost": "all functions are inlined: they are the hot path",
    "digests": "all functions are inlined: they are the hot path",
    "frames": "types alone",
    "instructions": "types, and a function that is inlined",
    "names": "all functions are inlined",
    "spans": "types alone",
    "state": "types alone",
    "tables": "all functions are inlined: they are the hot path",
}

LAYERS = [
    # What knows nothing of a recording.
    {
        "_index_format",
        "_trace_format",
        "calls",
        "checksum",
        "cost",
        "forwarding",
        "frames",
        "instructions",
        "names",
        "spans",
        "tables",
        "turn",
    },
    # What reads a recording.
    {"_trace_fields", "fields"},
    {"_trace_reader", "making", "segment"},
    {"_trace_objects", "walk"},
    {"decoder", "indexer"},
    # What makes one, and knows nothing of its values.
    {"_trace_records", "codes", "constants", "facts", "guard", "pipes", "readings"},
    {"again", "entries"},
    {"_native", "children", "internals", "log", "valuestack"},
    {"scanner"},
    {"bytecode"},
    {"lines"},
    {"described"},
    {"buffers", "frameobjects", "state", "utf8"},
    # What the program writes and reads.
    {"telling"},
    {"targets"},
    {"hooks", "input"},
    {"capture"},
    # A recording: into Python, into the log, and what is hidden there.
    {"ask"},
    {"contents", "layouts", "plans", "secrets"},
    {"digests"},
    {"effects", "masks", "references", "scopes"},
    {"group", "values"},
    # What values hold.
    {"attributes", "items", "keys", "tasks", "words"},
    {"changes", "known"},
    {"objects"},
    # Frames and events.
    {"variables"},
    {"stacks"},
    {"budget", "restart"},
    {"events"},
    {"engine"},
]
"""Each unit may include those of the layers before its own."""


def unit_of(file: str) -> str:
    return file.rpartition(".")[0]


@cache
def plain(file: str) -> str:
    """Return a file without comments and texts."""
    text = FILES[file].read_text(encoding="utf-8")
    return re.sub(r'/\*.*?\*/|(?<!#include )"(?:\\.|[^"\\\n])*"', "", text, flags=re.DOTALL)


@cache
def includes(file: str) -> list[str]:
    """Return which headers of the project a file includes, in order."""
    return re.findall(r'^#include "(.+)"$', plain(file), re.MULTILINE)


def units() -> dict[str, set[str]]:
    """Return which units each unit includes."""
    found: dict[str, set[str]] = {}
    for file in FILES:
        known = {unit_of(header) for header in includes(file)}
        found.setdefault(unit_of(file), set()).update(known - {unit_of(file)})
    return found


@cache
def functions(file: str) -> set[str]:
    """Return the functions that a file declares or defines."""
    return set(re.findall(r"^(?:[A-Za-z_][\w *]*[ *])?(\w+)\([^()]", plain(file), re.MULTILINE))


@cache
def other_names(file: str) -> set[str]:
    """Return the types, constants and variables that a file declares."""
    text = plain(file)
    found = {*re.findall(r"^#define (\w+)\b(?!$)", text, re.MULTILINE)}
    found.update(re.findall(r"^(?:\}|typedef struct \w+) (\w+);", text, re.MULTILINE))
    found.update(re.findall(r"^struct (\w+) \{", text, re.MULTILINE))
    found.update(re.findall(r"^extern [^;]*?(\w+);", text, re.MULTILINE))
    for members in re.findall(r"enum(?: \w+)? \{(.*?)\}", text, re.DOTALL):
        found.update(re.findall(r"\b([A-Z]\w*)\b", members))
    found.update(re.findall(r"^static const [\w *]*?(\w+)\[", text, re.MULTILINE))
    return found


def is_used(name: str, file: str) -> bool:
    """Return whether a file uses a name that is no member's, other than as what it points to."""
    # In a header only calls are uses of functions: members have such names too.
    if file.endswith(".h") and name not in every_other_name():
        return name in called(file)
    return name in named(file)


@cache
def named(file: str) -> set[str]:
    return {*re.findall(r"(?<![>.\w])(?<!struct )(\w+)\b", plain(file))}


@cache
def called(file: str) -> set[str]:
    return {*re.findall(r"(?<![>.\w])(?<!struct )(\w+)\(", plain(file))}


@cache
def every_other_name() -> set[str]:
    return {name for file in FILES if file.endswith(".h") for name in other_names(file)}


@cache
def provided(header: str) -> set[str]:
    return functions(header) | other_names(header)


def taken(file: str) -> dict[str, set[str]]:
    """Return which names a file uses that are declared in other files, and in which headers."""
    own = functions(file) | other_names(file)
    if file.endswith(".c") and f"{unit_of(file)}.h" in FILES:
        own |= provided(f"{unit_of(file)}.h")
    found: dict[str, set[str]] = {}
    for header in FILES:
        if header.endswith(".h") and header != file:
            for name in provided(header) - own:
                if is_used(name, file):
                    found.setdefault(name, set()).add(header)
    return found


def test_each_unit_has_a_source_and_a_header() -> None:
    sources = {unit_of(file) for file in FILES if file.endswith(".c")}
    headers = {unit_of(file) for file in FILES if file.endswith(".h")}

    assert sources - headers == {*WITHOUT_HEADER}
    assert headers - sources == {*WITHOUT_SOURCE}


def test_each_unit_includes_those_alone_that_are_beneath_it() -> None:
    level = {unit: number for number, layer in enumerate(LAYERS) for unit in layer}
    wrong = {
        unit: sorted(other for other in known if level[other] >= level[unit])
        for unit, known in units().items()
    }

    assert {*level} == {*units()}
    assert sum(map(len, LAYERS)) == len(level)
    assert {unit: others for unit, others in wrong.items() if others} == {}


def test_each_folder_includes_itself_and_what_is_shared_alone() -> None:
    folder_of = {unit_of(file): path.parent.name for file, path in FILES.items()}
    generated = "codetracer_bindings"
    for unit, folder in folder_of.items():
        if folder != generated:
            included = {folder_of[other] for other in units()[unit]}

            assert included <= {"shared", generated, folder}, unit


def test_no_unit_leads_back_to_itself() -> None:
    TopologicalSorter(units()).prepare()


@pytest.mark.slow
def test_each_file_includes_what_it_uses_and_nothing_else() -> None:
    for file in FILES:
        used = taken(file)
        there = includes(file)
        missing = {
            name: sorted(headers) for name, headers in used.items() if not headers & {*there}
        }
        needed = {header for headers in used.values() for header in headers}
        needed.add(f"{unit_of(file)}.h")

        assert missing == {}, file
        assert [header for header in there if header not in needed] == [], file
        assert len(there) == len({*there}), file


def test_each_source_includes_its_own_header_first() -> None:
    # So a header that lacks something does not compile.
    for file, path in FILES.items():
        if file.endswith(".c") and unit_of(file) not in WITHOUT_HEADER:
            first = re.search(r"^#include (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)

            assert first is not None, file
            assert first.group(1) == f'"{unit_of(file)}.h"', file


def test_each_header_says_first_what_its_unit_is_for() -> None:
    for file, path in FILES.items():
        if file.endswith(".h"):
            said = re.match(r"/\*(.+?)\*/\n", path.read_text(encoding="utf-8"), re.DOTALL)

            assert said is not None, file
            assert len(said.group(1).split()) >= 3, file


def test_no_file_has_two_blank_lines_and_each_ends_with_one_line() -> None:
    for file, path in FILES.items():
        text = path.read_text(encoding="utf-8")

        assert "\n\n\n" not in text, file
        assert text.endswith("\n"), file
        assert not text.startswith("\n"), file


def test_attributes_are_looked_up_by_interned_names() -> None:
    # names.h says why. internals.c sets names of one letter, which CPython has once.
    for file, path in FILES.items():
        if file != "names.h":
            text = path.read_text(encoding="utf-8")

            assert not re.findall(r"\b(?:PyObject_GetAttrString|PyObject_CallMethod)\b", text), file


SHARED = re.compile(r"#define (\w+) (\(.+?\)|\w+) +/\*[^*]*\bas in (\w+)\.py")
"""A number that C has from a module in Python."""

NAMED = [
    (path.name, *found) for path in FILES.values() for found in SHARED.findall(path.read_text())
]


@pytest.mark.parametrize(("unit", "name", "number", "module"), NAMED)
def test_a_number_is_the_one_that_the_module_in_python_has(
    unit: str, name: str, number: str, module: str
) -> None:
    rooms = ("codetracer", "codetracer.runtime", "codetracer.recording", "codetracer_bindings")
    found = [f"{room}.{module}" for room in rooms if find_spec(f"{room}.{module}")]
    known = vars(import_module(found[0]))
    octal = re.sub(r"^0(?=[0-7]+$)", "0o", number)

    assert eval(octal, {"BLOCK_SIZE": BLOCK_SIZE}) in (known.get(name), known.get(f"_{name}"))


def test_some_numbers_are_shared() -> None:
    assert len(NAMED) > 25


OWNERSHIP = re.compile(r"\breferences?\b|\b[Bb]orrow|\b[Ss]teal|\bReturns NULL\b")
"""The words by which a comment says whose the references are that a function takes or returns."""


def comment_above(text: str, at: int) -> str:
    """Return the comment above a place; declarations without a blank line between them share it."""
    found = re.search(r"/\*((?:(?!\*/).)*)\*/\n(?:[^\n]+\n)*\Z", text[:at], re.DOTALL)
    return "" if found is None else found[1]


def in_tables() -> set[str]:
    """Return what CPython calls by tables of methods and slots: its documentation says how."""
    entry = re.compile(r'\{\s*(?:"\w+"|Py_\w+),\s*(?:\([^;{}]*?\)\s*)?(\w+)\s*[,}]')
    return {name for file in FILES for name in entry.findall(FILES[file].read_text("utf-8"))}


def giving_objects(file: str) -> list[tuple[str, str]]:
    """Return the functions of a file that return an object, or set a caller's variable to one.

    Those of a header are declared there for others, and those of a source are its own.

    Returns:
        The name of each, and the comment above it.
    """
    text = FILES[file].read_text(encoding="utf-8")
    own = "" if file.endswith(".h") else "static "
    result = rf"^{own}(?:static )?(?:inline )?(?P<result>[\w ]+[ *]+)\n?"
    parameters = r"(?P<parameters>(?:[^(){};]|\([^(){};]*\))*)"
    heads = re.finditer(rf"{result}(\w+)\({parameters}\)(?P<end>;|\n{{)", text, re.MULTILINE)
    return [
        (head[2], comment_above(text, head.start()))
        for head in heads
        if not (own and head["end"] == ";")
        and (head["result"] == "PyObject *" or "PyObject **" in head["parameters"])
    ]


def test_each_function_that_gives_an_object_says_whose_it_is() -> None:
    tables = in_tables()
    told = {
        f"{file}: {name}": bool(OWNERSHIP.search(comment))
        for file in FILES
        if FILES[file].parent.parent.name == "native"
        for name, comment in giving_objects(file)
        if name not in tables
    }

    assert len(told) > 80
    assert [function for function, is_told in told.items() if not is_told] == []


def test_the_kinds_of_opcodes_are_those_of_the_scanner_in_python() -> None:
    (kinds,) = re.findall(r"enum Kind \{(.*?)\}", plain("instructions.h"), re.DOTALL)

    names = [name.removeprefix("KIND_").lower() for name in re.findall(r"\w+", kinds)]
    assert names == [*KINDS, "count"]
