"""What two rooms of the package both need stands once."""

import ast
import io
import keyword
import tokenize
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.project import ROOT

ROOMS = ("capture", "inspect", "recording", "replay", "runtime", "watch")
RUN = 6
SHAPES = 4
"""So many lines of a run differ in shape, or it is a list: of assignments, of properties."""

SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE)
LITERALS = {tokenize.STRING: "''", tokenize.NUMBER: "0"}


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


def shapes(source: str) -> list[tuple[int, str]]:
    """Return the number of each line that says something, and its shape."""
    skipped = left_out(ast.parse(source))
    lines: dict[int, list[str]] = defaultdict(list)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        number = token.start[0]
        if token.type not in SKIPPED and number not in skipped and token.string:
            lines[number].append(shape(token))
    found = ((number, " ".join(parts)) for number, parts in sorted(lines.items()))
    return [(number, line) for number, line in found if any(map(str.isalnum, line))]


def repeated(folder: Path, rooms: tuple[str, ...]) -> list[str]:
    """Return the places of each run of lines that stands, by its shape, in two rooms."""
    runs: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for room in rooms:
        for path in sorted((folder / room).glob("**/*.py")):
            lines = shapes(path.read_text(encoding="utf-8"))
            for first in range(len(lines) - RUN + 1):
                run = tuple(line for _, line in lines[first : first + RUN])
                if len(set(run)) >= SHAPES:
                    runs[run].setdefault(room, f"{room}/{path.name}:{lines[first][0]}")
    return sorted(" ~ ".join(places.values()) for places in runs.values() if len(places) > 1)


@pytest.mark.slow
def test_no_six_lines_of_one_shape_stand_in_two_rooms() -> None:
    assert repeated(ROOT / "codetracer", ROOMS) == []


LOOP = """
def {name}(items):
    found = {{}}
    for item in items:
        if item.{attribute} > {limit}:
            found[item.{attribute}] = item
            item.close({text!r})
    return found
"""


def test_lines_of_one_shape_are_found_whatever_their_names(tmp_path: Path) -> None:
    texts = {
        "inspect": LOOP.format(name="one", attribute="size", limit=1, text="a"),
        "watch": LOOP.format(name="other", attribute="depth", limit=22, text="b"),
    }
    for room, text in texts.items():
        (tmp_path / room).mkdir()
        (tmp_path / room / "module.py").write_text(text, encoding="utf-8")

    assert repeated(tmp_path, ROOMS)[0] == "inspect/module.py:2 ~ watch/module.py:2"
    assert repeated(tmp_path, ("watch",)) == []
