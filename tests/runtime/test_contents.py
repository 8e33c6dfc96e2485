"""The log has only the changes of an object's content, and a reader finds the whole content."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from codetracer.replay.contents import CHANGES, Change, changed
from codetracer.runtime.contents import Contents
from codetracer_bindings import trace_decoder as decode
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import (
    BLOCK_SIZE,
    FORM_DICT,
    FORM_INSTANCE,
    FORM_LIST,
    FORM_SET,
    LARGEST_CHANGED,
)

if TYPE_CHECKING:
    from codetracer.runtime.contents import Content


class Log:
    """Writes contents of the object 7 as a recorder does, and knows what a reader has of it."""

    def __init__(self) -> None:
        self.contents = Contents()
        self.held: decode.ObjectRecord | decode.WordedRecord | None = None
        self.written = b""

    def write(self, now: Content) -> None:
        """Write a content, which must then be what is read."""
        whole = encode.encode_object(number=7, **now)
        self.written = self.contents.changed(7, whole, now)
        self.contents.held[7] = now
        position = 0
        while position < len(self.written):
            record, position = decode.decode_record(self.written, position)
            if isinstance(record, decode.ObjectRecord):
                self.held = record
            else:
                assert self.held is not None
                assert isinstance(record, CHANGES)
                self.held = changed(self.held, record)
        assert self.held == decode.decode_record(whole, 0)[0]

    @property
    def is_whole(self) -> bool:
        return isinstance(decode.decode_record(self.written, 0)[0], decode.ObjectRecord)


def numbers(*items: int) -> list[bytes]:
    return [encode.value_integer(item) for item in items]


def content(
    form: int,
    total: int,
    items: list[bytes],
    attributes: list[tuple[int, bytes]],
    more: int = 0,
) -> Content:
    return {
        "form": form,
        "type_number": 0,
        "total": total,
        "items": items,
        "more": more,
        "attributes": attributes,
    }


def listed(*items: int) -> Content:
    return content(FORM_LIST, len(items), numbers(*items), [])


def instance(**attributes: int) -> Content:
    """Return an instance whose attributes have the letters of the alphabet for names."""
    held = [(ord(name), encode.value_integer(value)) for name, value in attributes.items()]
    return content(FORM_INSTANCE, 0, [], held)


@pytest.mark.parametrize("seed", range(20))
def test_a_reader_has_every_content_whatever_changes(seed: int) -> None:
    chance = random.Random(seed)
    log = Log()
    for _ in range(10):
        form = chance.choice((FORM_LIST, FORM_DICT, FORM_SET))
        items = [chance.randrange(9) for _ in range(chance.randrange(40))]
        names = [chance.randrange(12) for _ in range(chance.randrange(9))]
        more = 0
        for _ in range(60):
            at = chance.randrange(len(items) + 1)
            gone = chance.choice((0, 0, 1, 1, 2, len(items)))
            items[at : at + gone] = [chance.randrange(9) for _ in range(chance.randrange(3))]
            if chance.random() < 0.4:
                names = [each for each in names if chance.random() < 0.9]
                names += [chance.randrange(12) for _ in range(chance.randrange(3))]
            if chance.random() < 0.1:
                more = chance.randrange(3)
            width = 2 if form == FORM_DICT else 1
            shown = items[: len(items) // width * width]
            total = len(shown) // width + chance.choice((0, 0, 0, 50))
            attributes = [(name, encode.value_integer(chance.randrange(4))) for name in names]
            log.write(content(form, total, numbers(*shown), attributes, more))


def test_a_list_that_grows_costs_what_it_grows_by() -> None:
    log = Log()
    log.write(listed(*range(90)))
    log.write(listed(*range(91)))

    assert len(log.written) == 6


def test_a_queue_that_moves_on_costs_what_goes_and_comes() -> None:
    log = Log()
    log.write(listed(*range(90)))
    log.write(listed(*range(1, 90)))

    assert len(log.written) == 6


def test_items_here_and_there_cost_nothing_for_those_between() -> None:
    log = Log()
    log.write(listed(*range(90)))
    log.write(listed(100, *range(1, 50), 100, *range(51, 90)))

    assert len(log.written) == 8


def test_an_attribute_costs_nothing_for_the_others() -> None:
    log = Log()
    names = {chr(ord("a") + at): at for at in range(26)}
    log.write(instance(**names))
    log.write(instance(**names | {"k": 100}))
    assert len(log.written) == 5

    names.pop("c")
    log.write(instance(**names | {"k": 100, "A": 1}))
    assert len(log.written) == 7


def test_a_content_of_which_all_is_new_is_written_whole_if_that_is_shorter() -> None:
    log = Log()
    log.write(content(FORM_LIST, 2, numbers(1, 2), [(1, encode.value_none())]))
    log.write(content(FORM_LIST, 2, numbers(3, 4), [(1, encode.value_true())]))

    assert log.is_whole


def test_after_a_block_of_records_a_content_is_written_whole_again() -> None:
    log = Log()
    log.write(listed(*range(90)))
    log.contents.passed(BLOCK_SIZE - 1)
    log.write(listed(*range(91)))
    assert not log.is_whole

    log.contents.passed(1)
    log.write(listed(*range(92)))
    assert log.is_whole


@pytest.mark.parametrize("size", [LARGEST_CHANGED, LARGEST_CHANGED + 1])
def test_changes_of_a_very_large_object_are_not_written_alone(size: int) -> None:
    log = Log()
    log.write(listed(*range(size)))
    log.write(listed(9, *range(1, size)))

    assert log.is_whole is (size > LARGEST_CHANGED)


LISTED = decode.ObjectRecord(7, FORM_LIST, 0, 2, (1, 2), 0, ((3, None),))

IMPOSSIBLE: dict[str, Change] = {
    "an item behind the end": decode.ItemsSetRecord(7, 3, ((3, None),)),
    "more items that stay than there are": decode.ItemsReplacedRecord(7, 2, 2, 1, ()),
    "more last items than there are": decode.ItemsReplacedRecord(7, 2, 0, 3, ()),
    "an attribute that goes and is not there": decode.AttributesSetRecord(
        7, ((4, decode.UnboundValue()),)
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_a_reader_refuses_a_change_of_what_is_not_there(case: str) -> None:
    with pytest.raises(ValueError, match=r"object 7|attribute 4"):
        changed(LISTED, IMPOSSIBLE[case])


def test_a_reader_refuses_changes_of_a_very_large_object() -> None:
    large = LISTED._replace(items=(1,) * (LARGEST_CHANGED + 1))

    with pytest.raises(ValueError, match="too large"):
        changed(large, decode.ItemsSetRecord(7, 3, ()))
