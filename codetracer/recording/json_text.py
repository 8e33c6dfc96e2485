"""Writes JSON for a recording's metadata without functions that a program can replace.

`json.dumps` with an indent is not used, because it runs Python code of the standard library that
looks up builtins, which the program may have replaced.
"""

from __future__ import annotations

from _json import encode_basestring_ascii as _quoted

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["json_text"]

seal(globals())


def json_text(value: Any, indent: str = "\n") -> str:
    """Return `value` as `json.dumps` with an indent of 1 would.

    Parameters:
        value: None, a bool, int, float or str, or a list or dict of such values. A value of any
            other type becomes a text with the name of the type.
        indent: the line end and the indentation before the end of `value`.
    """
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if value is None or kind is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if kind is int or kind is float:
        return int.__repr__(value) if kind is int else float.__repr__(value)
    within = indent + " "
    if kind is dict and value:
        rows = [f"{_quoted(str(key))}: {json_text(item, within)}" for key, item in value.items()]
        return f"{{{within}{f',{within}'.join(rows)}{indent}}}"
    if kind is list and value:
        return f"[{within}{f',{within}'.join([json_text(item, within) for item in value])}{indent}]"
    if kind is dict or kind is list:
        return "{}" if kind is dict else "[]"
    return _quoted(f"<{kind.__name__}>")
