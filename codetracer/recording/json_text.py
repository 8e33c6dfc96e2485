"""Writes JSON for a recording's metadata without functions that a program can replace.

`json.dumps` with an indent runs Python code of the standard library, which looks up builtins.
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
        value: a dict, list, str, number, bool or None, and such as hold these; what is of another
            type is identified by its name.
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
