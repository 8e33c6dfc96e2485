"""Writes JSON for a recording's metadata without functions that a program can replace.

`json.dumps` with an indent is not used, because it runs Python code of the standard library that
looks up builtins, which the program may have replaced. The module in C beneath it is a shared
library, which takes long to load for one text that needs it.
"""

from __future__ import annotations

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["json_text"]

seal(globals())

_SHORT: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\f": "\\f",
    "\b": "\\b",
}
_LARGE: Final = 0x10000


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


def _quoted(text: str) -> str:
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join([_SHORT.get(mark) or _escaped(mark) for mark in text])}"'


def _escaped(mark: str) -> str:
    if " " <= mark <= "~":
        return mark
    code = ord(mark)
    if code < _LARGE:
        return f"\\u{code:04x}"
    # A pair of surrogates.
    code -= _LARGE
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"
