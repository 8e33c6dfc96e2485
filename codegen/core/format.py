"""Formats generated Python with black."""

from __future__ import annotations

import ast
import importlib.metadata
from pathlib import Path

from codegen.core import cache
from codegen.core.errors import CodegenError

_LINE_LENGTH = 100


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
    inputs = (_this_module(), importlib.metadata.version("black"), path.suffix, text)
    kept = cache.read(inputs)
    if kept is not None:
        return kept.decode("utf-8")
    _refuse_what_is_not_python(path, text)
    formatted = _by_black(text, is_stub=path.suffix == ".pyi")
    cache.keep(inputs, formatted.encode("utf-8"))
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


def _by_black(text: str, *, is_stub: bool) -> str:
    # Imported only if needed: the import takes a tenth of a second, and usually the cache has
    # everything.
    import black
    from black.mode import TargetVersion

    mode = black.Mode(
        line_length=_LINE_LENGTH, target_versions={TargetVersion.PY312}, is_pyi=is_stub
    )
    return black.format_str(text, mode=mode)


def _this_module() -> str:
    return Path(__file__).read_text(encoding="utf-8")
