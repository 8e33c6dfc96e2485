"""Formats generated Python with black."""

from __future__ import annotations

import ast
import importlib.metadata
import re
from functools import cache
from pathlib import Path

from codegen.core import cache as results
from codegen.core.errors import CodegenError

_LINE_LENGTH = 100

_BETWEEN_PARTS = re.compile(r"\n{3,}(?=\S)")
"""Two empty lines or more: black leaves two between most statements."""


def format_file(path: Path, text: str) -> str:
    """Format the text of a Python or stub file with black; return any other text unchanged.

    Parameters:
        path: the path of the generated file; its suffix decides.
        text: the text.

    Raises:
        CodegenError: the text is not Python, because a template or a type in the spec is wrong.
    """
    if path.suffix not in (".py", ".pyi"):
        return text
    kept = results.read(_inputs(path.suffix, text))
    if kept is not None:
        return kept.decode("utf-8")
    _refuse_what_is_not_python(path, text)
    parts = _parts(text) if path.suffix == ".py" else [text]
    formatted = "\n\n".join(_format(path.suffix, part) for part in parts)
    results.keep(_inputs(path.suffix, text), formatted.encode("utf-8"))
    return formatted


def _refuse_what_is_not_python(path: Path, text: str) -> None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        line = [*text.splitlines(), ""][(error.lineno or 1) - 1]
        raise CodegenError(
            f"{path}: the generated text is not Python, line {error.lineno}: {error.msg}:"
            f" {line.strip()!r}; correct the template or the spec's types"
        ) from error


def _parts(text: str) -> list[str]:
    """Return parts that can be formatted each by itself, because a row changes few of them."""
    parts: list[str] = []
    goes_on = False
    for part in _BETWEEN_PARTS.split(text.strip("\n")):
        try:
            statements: list[ast.stmt | None] = [*ast.parse(part).body] or [None]
        except SyntaxError:
            # The empty lines are within a statement: a string or the body of a function.
            return [text]
        # A string that begins a part would be formatted as a module's docstring.
        if parts and (goes_on or isinstance(statements[0], ast.Expr)):
            parts[-1] += f"\n\n{part}\n"
        else:
            parts.append(f"{part}\n")
        # After imports and the module's docstring black leaves one line, if no definition follows.
        goes_on = isinstance(statements[-1], ast.Import | ast.ImportFrom) or (
            len(parts) == 1 and isinstance(statements[-1], ast.Expr | None)
        )
    return parts


def _format(suffix: str, text: str) -> str:
    kept = results.read(_inputs(suffix, text))
    if kept is not None:
        return kept.decode("utf-8")
    formatted = _by_black(text, is_stub=suffix == ".pyi")
    results.keep(_inputs(suffix, text), formatted.encode("utf-8"))
    return formatted


def _by_black(text: str, *, is_stub: bool) -> str:
    # Imported only if needed: the import takes a tenth of a second, and usually the cache has
    # everything.
    import black
    from black.mode import TargetVersion

    mode = black.Mode(
        line_length=_LINE_LENGTH, target_versions={TargetVersion.PY312}, is_pyi=is_stub
    )
    return black.format_str(text, mode=mode)


def _inputs(suffix: str, text: str) -> tuple[str, ...]:
    return *_tools(), suffix, text


@cache
def _tools() -> tuple[str, str]:
    return Path(__file__).read_text(encoding="utf-8"), importlib.metadata.version("black")
