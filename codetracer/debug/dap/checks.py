"""Checks that what a client sent has the type that the protocol gives it."""

from __future__ import annotations

import types
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

__all__ = ["RequestError", "check"]


class RequestError(Exception):
    """A request cannot be answered; the message says why, for the user."""


def check(value: object, wanted: Any, name: str) -> None:
    """Raise an error if a value is not of a type.

    Parameters:
        value: what `json.loads` returned.
        wanted: a `TypedDict`, or another type of `codetracer_bindings.debug_protocol`.
        name: what the value is, for the message.

    Raises:
        RequestError: it is not; the message names the key.
    """
    origin = get_origin(wanted)
    if wanted is Any:
        return
    if is_typeddict(wanted):
        _check_keys(value, wanted, name)
    elif origin is Literal:
        if value not in get_args(wanted):
            known = ", ".join(map(repr, get_args(wanted)))
            raise RequestError(f"{name} is {value!r:.60}; it can be {known}")
    elif origin in (Union, types.UnionType):
        if not any(_fits(value, each) for each in get_args(wanted)):
            raise RequestError(f"{name} has the wrong type: {value!r:.60}")
    elif origin is list:
        _check_type(value, list, name)
        (each,) = get_args(wanted)
        for number, item in enumerate(value if isinstance(value, list) else ()):
            check(item, each, f"{name}[{number}]")
    elif origin is dict:
        _check_type(value, dict, name)
        for key, item in (value if isinstance(value, dict) else {}).items():
            check(item, get_args(wanted)[1], f"{name}.{key}")
    else:
        _check_type(value, wanted, name)


def _check_keys(value: object, wanted: Any, name: str) -> None:
    _check_type(value, dict, name)
    assert isinstance(value, dict)
    for key in sorted(wanted.__required_keys__):
        if key not in value:
            raise RequestError(f"{name} lacks {key}")
    hints = _hints(wanted)
    for key, item in value.items():
        # Clients may send keys of later versions.
        if key in hints:
            check(item, hints[key], f"{name}.{key}")


def _check_type(value: object, wanted: type, name: str) -> None:
    kinds = {float: (int, float), type(None): (type(None),)}.get(wanted, (wanted,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and wanted is not bool):
        raise RequestError(f"{name} is {value!r:.60}; it must be a {_WORDS.get(wanted, wanted)}")


def _fits(value: object, wanted: Any) -> bool:
    try:
        check(value, wanted, "")
    except RequestError:
        return False
    return True


@cache
def _hints(wanted: Any) -> dict[str, Any]:
    return get_type_hints(wanted)


_WORDS = {
    str: "string",
    int: "whole number",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "JSON object",
    type(None): "null",
}
