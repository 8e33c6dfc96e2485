"""Formatters are functions by the names of types; anything else is refused with a clear error."""

from __future__ import annotations

import pytest

from codetracer.errors import UsageError
from codetracer.filters.formatters import checked


class Name(str):
    """A text of the program's own class."""

    __slots__ = ()


def test_formatters_are_returned_in_a_dict_of_their_own() -> None:
    given = {"shop.Order": repr, Name("shop.Item"): str}

    found = checked(given)
    given.clear()

    assert found == {"shop.Order": repr, "shop.Item": str}
    assert {type(name) for name in found} == {str}
    assert checked(None) == {}


@pytest.mark.parametrize(
    ("formatters", "said", "key"),
    [
        ([], "they are list, not a dict", ""),
        ({1: repr}, "the key 1 is not a text", "1"),
        ({"Order": repr}, "'Order' names no type; write its module and qualified name", "Order"),
        ({"shop.": repr}, "'shop.' names no type", "shop."),
        ({"builtins.int": repr}, "builtins.int is recorded as it is", "builtins.int"),
        ({"shop.Order": 5}, "the formatter of shop.Order is not callable: 5", "shop.Order"),
    ],
)
def test_what_is_no_formatter_is_named_in_the_error(
    formatters: object, said: str, key: str
) -> None:
    with pytest.raises(UsageError) as caught:
        checked(formatters)

    assert caught.value.code == "ERR_INVALID_FORMATTER"
    assert said in str(caught.value)
    assert caught.value.context == {"key": key}
