"""Reads the parts of trace_metadata.json that a recorder can have written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from codetracer.errors import HostError
from codetracer.recording.files import open_regular, unreadable
from codetracer.recording.names import METADATA_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    type _Shape = Callable[[object], bool] | list[_Shape] | dict[str, _Shape]

__all__ = ["read_metadata"]

LARGEST_METADATA: Final = 16 << 20
"""The largest size of the file in bytes; a larger one is not used."""

FIELD_DEPTH: Final = 16
"""The largest number of nested lists and objects in a field."""

TOLD: Final = 3
"""The number of wrong fields that a message names; the others are counted."""

_NAME_LENGTH: Final = 60
"""The largest number of characters of a field's name in a message."""


def _anything(_value: object) -> bool:
    return True


def _text(value: object) -> bool:
    return isinstance(value, str)


def _text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _count_or_none(value: object) -> bool:
    return value is None or _count(value)


def _status(value: object) -> bool:
    return value is None or (type(value) is int and -1 << 63 <= value < 1 << 63)


def _percent(value: object) -> bool:
    return isinstance(value, int | float) and value is not True and 0 < value < 1 << 63


def _setting(value: object) -> bool:
    return isinstance(value, str | bool | float | None) or _count(value)


_EACH: Final = ""
"""Stands for every key of an object whose keys can be any text."""

_SHAPE: Final[dict[str, _Shape]] = {
    "recording_id": _text,
    "program": _text,
    "args": [_text],
    "workdir": _text,
    "python": {_EACH: _text},
    "platform": _text,
    "recorder": {_EACH: _text},
    "started": _text,
    "duration_ns": _count_or_none,
    "complete": _flag,
    "incomplete_reason": _text_or_none,
    "exit_status": {"code": _status, "label": _text_or_none},
    "filters": {
        "filters": [{"name": _text}],
        "stats": {
            "value_redactions": {_EACH: _count},
            "value_drops": {_EACH: _count},
            "traced_by_detail": {_EACH: _count},
        },
        "include": [_text],
        "exclude": [_text],
    },
    "redaction": {"by_name": _flag, "added": [_text]},
    "policy": {_EACH: _setting},
    "detail": _text,
    "limits": {_EACH: _setting},
    "counts": {_EACH: _count},
    "cost": {_EACH: _count},
    "budget": {"percent": _percent, "program_ns": _count, "recording_ns": _count},
    "sources": {_EACH: _text},
    "processes": [{"log": _text}],
}
"""The fields that readers use. Others may have any value, because a later recorder may have added
them."""


def read_metadata(path: str) -> tuple[dict[str, object], str]:
    """Read the metadata of a recording, and leave out wrong fields.

    Parameters:
        path: the file.

    Returns:
        The valid fields, and a description of the damage, which is empty if there is none.
    """
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST_METADATA + 1)
    except OSError as error:
        return {}, unreadable(METADATA_FILE, error).message
    except HostError as error:
        return {}, error.message
    if len(content) > LARGEST_METADATA:
        return {}, f"{METADATA_FILE} is damaged: it has more than {LARGEST_METADATA:,} bytes"
    try:
        found = json.loads(content.decode(), parse_float=_float, parse_constant=_float)
    except (ValueError, RecursionError):
        return {}, f"{METADATA_FILE} is damaged: it is not JSON"
    if not isinstance(found, dict):
        return {}, f"{METADATA_FILE} is damaged: it holds no JSON object"
    wrong: list[str] = []
    for key in [*found]:
        if not _cleaned(found, key, _SHAPE.get(key, _anything), key[:_NAME_LENGTH], wrong):
            del found[key]
        elif _is_deep(found[key]):
            wrong.append(key[:_NAME_LENGTH])
            del found[key]
    if not wrong:
        return found, ""
    told = ", ".join(wrong[:TOLD])
    more = f" and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
    return found, f"{METADATA_FILE} is damaged: {told}{more} cannot be right, and counts as unknown"


def _float(text: str) -> float:
    number = float(text)
    if number - number != 0:
        # Infinity and NaN are not JSON, and 1e999 becomes infinity, which cannot be written again.
        raise ValueError("no finite number")
    return number


def _is_deep(value: object) -> bool:
    """Return whether lists and objects are nested too deeply, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(FIELD_DEPTH + 1):
        if not level:
            return False
        level = [
            item
            for one in level
            for item in (one.values() if isinstance(one, dict) else one)
            if isinstance(item, dict | list)
        ]
    return True


def _cleaned(
    holder: dict[str, object], key: str, shape: _Shape, where: str, wrong: list[str]
) -> bool:
    """Return whether a value may stay, after removing wrong parts of it.

    Parameters:
        holder: the dict that contains the value.
        key: its key there.
        shape: the allowed form of the value.
        where: its name in messages.
        wrong: gets the names of wrong values.
    """
    value = holder[key]
    if isinstance(shape, dict) and isinstance(value, dict):
        for name in [*value] if _EACH in shape else [name for name in shape if name in value]:
            inner = shape.get(_EACH) or shape[name]
            if not _cleaned(value, name, inner, f"{where}.{name[:_NAME_LENGTH]}", wrong):
                del value[name]
        return True
    if isinstance(shape, list) and isinstance(value, list):
        rows = {str(number): item for number, item in enumerate(value)}
        holder[key] = [
            rows[number]
            for number in [*rows]
            if _cleaned(rows, number, shape[0], f"{where}.{number}", wrong)
        ]
        return True
    if callable(shape) and shape(value):
        return True
    wrong.append(where)
    return False
