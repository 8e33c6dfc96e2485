"""Code that two rooms of the package both need exists once.

No six lines are equal in two rooms. Nor do six have the same shape, which is what is left without
names and literals; but docstrings, imports and parameters do not count, and six declarations in a
row may have the shape of six others. A declaration is the head of a class or function, a name of a
class or module with its value (a table has a line for each entry), an attribute that is set to what
is at hand, or the attribute that a function returns: these say what there is, and do nothing.
"""

import ast
import io
import keyword
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.project import ROOT

ROOMS = ("capture", "inspect", "recording", "replay", "runtime", "watch")
RUN = 6

SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE)
LITERALS = {tokenize.STRING: "''", tokenize.NUMBER: "0"}
AT_HAND = (ast.Name, ast.Attribute, ast.Constant, ast.BoolOp, ast.boolop, ast.expr_context)


class Line(NamedTuple):
    """A line that says something."""

    number: int
    text: str
    """The text that is compared with other lines."""
    declares: bool = False


def shape(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
        return "name"
    return LITERALS.get(token.type, token.string)


def left_out(tree: ast.AST) -> set[int]:
    """Return the lines that hold docstrings, imports and parameters: these repeat by nature."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines.update(range(node.lineno + 1, node.body[0].lineno))
    return lines


def declarations(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of the declarations."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min(part.lineno for part in (node, *node.decorator_list))
            yield from range(first, node.body[0].lineno)
        if isinstance(node, ast.ClassDef | ast.Module):
            for each in node.body:
                if isinstance(each, ast.Assign | ast.AnnAssign):
                    yield from range(each.lineno, (each.end_lineno or each.lineno) + 1)
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Attribute)
            and all(isinstance(part, AT_HAND) for part in ast.walk(node.value))
        ):
            yield node.lineno
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Attribute):
            yield node.lineno


def texts(source: str) -> list[Line]:
    """Return the lines as they are."""
    lines = enumerate(map(str.strip, source.splitlines()), 1)
    return [Line(number, line) for number, line in lines if any(map(str.isalnum, line))]


def shapes(source: str) -> list[Line]:
    """Return the shapes of the lines that count."""
    tree = ast.parse(source)
    skipped, declared = left_out(tree), {*declarations(tree)}
    lines: dict[int, list[str]] = defaultdict(list)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        number = token.start[0]
        if token.type not in SKIPPED and number not in skipped and token.string:
            lines[number].append(shape(token))
    found = ((number, " ".join(parts)) for number, parts in sorted(lines.items()))
    return [
        Line(number, line, number in declared)
        for number, line in found
        if any(map(str.isalnum, line))
    ]


def repeated(
    folder: Path, rooms: tuple[str, ...], lines_of: Callable[[str], list[Line]] = shapes
) -> list[str]:
    """Return the places of each run of lines that stands in two rooms."""
    runs: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for room in rooms:
        for path in sorted((folder / room).glob("**/*.py")):
            lines = lines_of(path.read_text(encoding="utf-8"))
            for first in range(len(lines) - RUN + 1):
                run = lines[first : first + RUN]
                if not all(line.declares for line in run):
                    place = f"{room}/{path.name}:{run[0].number}"
                    runs[tuple(line.text for line in run)].setdefault(room, place)
    return sorted(" ~ ".join(places.values()) for places in runs.values() if len(places) > 1)


@pytest.mark.slow
def test_no_six_lines_of_one_shape_stand_in_two_rooms() -> None:
    assert repeated(ROOT / "codetracer", ROOMS) == []


@pytest.mark.slow
def test_no_six_equal_lines_stand_in_two_rooms() -> None:
    assert repeated(ROOT / "codetracer", ROOMS, texts) == []


LOOP = """
def {name}(items):
    found = {{}}
    for item in items:
        if item.{attribute} > {limit}:
            found[item.{attribute}] = item
            item.close({text!r})
    return found
"""


FEW_SHAPES = """
def {name}(out, here):
    out.append(here.{attribute})
    out.append(here.b)
    out.append(here.c)
    out.append(here.d)
    out.append(here.e)
"""

MADE = """
class {name}:
    def __init__(self, a):
        self.a = {attribute}(a)
        self.b = {attribute}(self)
        self.c = {attribute}(a)
        self.d = {attribute}(a)
"""

DECLARATIONS = """
class {name}:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a = a
        self.b = b.{attribute}
        self.c = a or b

    @property
    def d(self):
        return self.a.{attribute}

TABLE = {{
    1: {attribute},
    2: {attribute},
    3: {attribute},
}}
"""


def written(folder: Path, text: str) -> Path:
    """Write a text into two rooms, with other names in each."""
    for room, name, attribute in (("inspect", "one", "size"), ("watch", "other", "depth")):
        (folder / room).mkdir()
        filled = text.format(name=name, attribute=attribute, limit=len(name), text=room)
        (folder / room / "module.py").write_text(filled, encoding="utf-8")
    return folder


@pytest.mark.parametrize("text", [LOOP, FEW_SHAPES, MADE], ids=["several", "few", "made"])
def test_lines_of_one_shape_are_found_whatever_their_names(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)

    assert repeated(tmp_path, ROOMS)[0] == "inspect/module.py:2 ~ watch/module.py:2"
    assert repeated(tmp_path, ("watch",)) == []
    assert repeated(tmp_path, ROOMS, texts) == []


def test_declarations_may_have_the_shape_of_others_and_may_not_be_equal(tmp_path: Path) -> None:
    written(tmp_path, DECLARATIONS)
    assert repeated(tmp_path, ROOMS) == []

    (tmp_path / "watch/module.py").write_bytes((tmp_path / "inspect/module.py").read_bytes())
    assert "inspect/module.py:2 ~ watch/module.py:2" in repeated(tmp_path, ROOMS, texts)
