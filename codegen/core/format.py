"""Generated Python, made to look like written Python."""

from __future__ import annotations

import ast
import importlib.metadata
from pathlib import Path

from codegen.core import cache
from codegen.core.errors import CodegenError

_LINE_LENGTH = 100


def format_file(path: Path, text: str) -> str:
    """Return `text` as black formats it when `path` is a Python or stub file, unchanged otherwise.

    Raises:
        CodegenError: the text is not Python, which is a mistake in a template or in a type that
            the spec gives.
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
            f"{path}: what was generated is not Python, line {error.lineno}: {error.msg}:"
            f" {line.strip()!r}; mend the template or the spec's types"
        ) from error


def _by_black(text: str, *, is_stub: bool) -> str:
    # Its import alone takes a tenth of a second; mostly the cache has everything.
    import black
    from black.mode import TargetVersion

    mode = black.Mode(
        line_length=_LINE_LENGTH, target_versions={TargetVersion.PY312}, is_pyi=is_stub
    )
    return black.format_str(text, mode=mode)


def _this_module() -> str:
    return Path(__file__).read_text(encoding="utf-8")
