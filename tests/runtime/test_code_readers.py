"""Both readers of bytecode say the same of each line."""

from __future__ import annotations

import opcode
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from codetracer.inspect.code import code_within
from codetracer.runtime import instructions
from codetracer.runtime.actions import ALLOW
from codetracer.runtime.bytecode import CodeReading
from codetracer.runtime.lines import Item, Line, Place, Site
from codetracer.runtime.plans import Variable
from codetracer_bindings import effect_rows
from tests.support.project import ROOT
from tests.support.recordings import NATIVE

pytestmark = pytest.mark.only_where(NATIVE)

ENGINE = "codetracer_bindings._engine"
PARTS = ("named", "bound", "globals", "known", "attributes", "containers", "targets", "moves")
FLAGS = (
    "births", "hides", "is_bare", "is_wide", "is_mixed", "stores_at", "stores_item", "loops",
    "again_at",
)  # fmt: skip


def of_step(step: str | Item) -> object:
    if isinstance(step, str):
        return step
    return (type(step.value), step.value) if step.place is None else (of_place(step.place),)


def of_place(place: Place | None) -> object:
    if place is None:
        return None
    key = None if place.key is None else of_step(place.key)
    path = [of_step(step) for step in place.path]
    return (
        place.variable.number, path, place.has_items, place.levels, place.is_bound, key,
        place.method,
    )  # fmt: skip


def of_site(site: Site) -> object:
    return (
        site.name, site.constant, of_place(site.place), site.before, site.is_method, site.is_super,
        site.is_late, site.is_rebound, site.varies, site.start, site.is_ambiguous,
    )  # fmt: skip


def of_part(part: list[Any]) -> list[object]:
    return [
        of_place(each) if isinstance(each, Place) else (each[0].number, each[1]) for each in part
    ]


def of_line(line: Line) -> dict[str, object]:
    return {
        **{name: of_part(getattr(line, name)) for name in PARTS},
        **{name: getattr(line, name) for name in FLAGS},
        "sites": [of_site(site) for site in line.sites],
        "again": None if line.again is None else of_line(line.again),
    }


def read_in_python(code: CodeType) -> tuple[list[str], list[str], dict[int, dict[str, object]]]:
    reading = CodeReading(code)
    local, around = (
        {
            name: Variable(number, name, ALLOW, is_global=bool(first))
            for number, name in enumerate(names, first)
        }
        for first, names in ((0, reading.locals), (len(reading.locals), reading.globals))
    )
    lines = reading.lines(local, around)
    return reading.locals, reading.globals, {number: of_line(lines[number]) for number in lines}


def differences(source: str, filename: str) -> list[str]:
    """Return what the readers say differently of the code of a program."""
    engine = import_module(ENGINE)
    read = engine.CodeReader(instructions, effect_rows)
    found = []
    for code in code_within(compile(source, filename, "exec", dont_inherit=True)):
        names, around, lines = read_in_python(code)
        reading = read(code)
        in_c = engine.described_lines(reading)
        where = f"{filename}:{code.co_qualname}"
        if (reading.locals, reading.globals, [*in_c]) != (names, around, [*lines]):
            found.append(f"{where}: names {names} {around} {reading.locals} {reading.globals}")
        for number, line in lines.items():
            found += [
                f"{where}:{number}: {part}: {said!r}, in C {in_c[number][part]!r}"
                for part, said in line.items()
                if said != in_c[number][part]
            ]
    return found


def sources() -> Iterator[Path]:
    yield from sorted((ROOT / "codetracer").rglob("*.py"))
    yield from sorted(ROOT.glob("tests/support/*.py"))


def test_both_say_the_same_of_this_project() -> None:
    found = [each for path in sources() for each in differences(path.read_text("utf-8"), str(path))]

    assert not found


LIBRARY = Path(sysconfig.get_path("stdlib"))
TESTED = (
    "class", "comprehensions", "coroutines", "exceptions", "generators", "grammar", "inspect",
    "listcomps", "named_expressions", "patma", "scope", "super", "unpack", "unpack_ex", "with",
)  # fmt: skip
"""Tests of CPython's that have every kind of statement."""


PARTS_OF_LIBRARY = 6


def library() -> list[Path]:
    """Return files of the standard library, and those tests of statements that are installed."""
    tests = [path for name in TESTED for path in LIBRARY.glob(f"test/test_{name}*")]
    return sorted(
        [
            *(path for path in LIBRARY.glob("*.py") if path.is_file()),
            *(path for path in tests if path.suffix == ".py"),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS_OF_LIBRARY))
def test_both_say_the_same_of_the_standard_library(part: int) -> None:
    paths = library()[part::PARTS_OF_LIBRARY]
    found = [each for path in paths for each in differences(path.read_text("utf-8"), str(path))]

    assert len(paths) > 10
    assert not found


JUNK = {
    "swap of nothing": ("SWAP", 0),
    "copy of nothing": ("COPY", 0),
    "swap far below": ("SWAP", 2**31),
    "copy far below": ("COPY", 2**32 - 1),
    "slot that is not there": ("LOAD_FAST", 200),
    "slot far away": ("LOAD_FAST", 2**30),
    "negative slot": ("STORE_FAST", 2**32 - 1),
    "operator that is not there": ("BINARY_OP", 200),
    "large operator": ("BINARY_OP", 2**31),
    "name that is not there": ("LOAD_GLOBAL", 200),
    "constant that is not there": ("LOAD_CONST", 200),
}
"""Instructions that would crash CPython. Obfuscators put such where they never run."""


@pytest.mark.parametrize("junk", JUNK)
def test_both_refuse_an_instruction_that_cannot_be_read(junk: str) -> None:
    name, operand = JUNK[junk]
    extended = opcode.opmap["EXTENDED_ARG"]
    parts = operand.to_bytes(4, "big")
    prefixes = bytes(each for part in parts[:3] for each in (extended, part))
    instruction = prefixes + bytes((opcode.opmap[name], parts[3]))
    code = compile("def f(a):\n    " + "a = a; " * 40, "junk.py", "exec").co_consts[0]
    content = bytearray(code.co_code)
    # CPython writes behind the end of bytecode that ends within the caches of an instruction.
    content[-60 : -60 + len(instruction)] = instruction
    code = code.replace(co_code=bytes(content))

    said = []
    for read in (CodeReading, import_module(ENGINE).CodeReader(instructions, effect_rows)):
        with pytest.raises((IndexError, ValueError)) as raised:
            read(code)
        said.append(raised.type)

    assert said[0] is said[1]
