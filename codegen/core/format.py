"""Generated Python, made to look like written Python."""

import ast
from dataclasses import replace
from pathlib import Path

import black
from black.mode import TargetVersion

from codegen.core.errors import CodegenError

_MODE = black.Mode(line_length=100, target_versions={TargetVersion.PY312})
_STUB_MODE = replace(_MODE, is_pyi=True)


def format_file(path: Path, text: str) -> str:
    """Return `text` as black formats it when `path` is a Python or stub file, unchanged otherwise.

    Raises:
        CodegenError: the text is not Python, which is a mistake in a template or in a type that
            the spec gives.
    """
    if path.suffix not in (".py", ".pyi"):
        return text
    try:
        ast.parse(text)
    except SyntaxError as error:
        line = [*text.splitlines(), ""][(error.lineno or 1) - 1]
        raise CodegenError(
            f"{path}: what was generated is not Python, line {error.lineno}: {error.msg}:"
            f" {line.strip()!r}; mend the template or the spec's types"
        ) from error
    return black.format_str(text, mode=_STUB_MODE if path.suffix == ".pyi" else _MODE)
