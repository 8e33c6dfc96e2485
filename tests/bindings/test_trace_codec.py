"""Both decoders read every record that the encoder writes, and refuse all other bytes."""

import math
import random
import sys
from collections.abc import Callable

import pytest

from codetracer_bindings import trace_decoder as decode
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import FORM_LIST, LARGEST_AGAIN, NESTING
from tests.support.decoders import DECODERS, Decoder, exactly

INTEGERS = [
    *range(-300, 300),
    *(sign * 2**bits + near for bits in (14, 31, 62) for sign in (-1, 1) for near in (-1, 0, 1)),
    2**63 - 1,
    -(2**63),
]
TEXTS = ["", "a", "ab" * 31, "a" * 63, "a" * 64, "ä" * 40, "\0", "\udc80", "𝄞" * 100, "x" * 20_000]
NONE = encode.value_none()

RECORDS: list[tuple[bytes, decode.Record]] = [
    (encode.encode_source("/a.py"), decode.SourceRecord("/a.py")),
    (
        encode.encode_code(1, 20, 2, "C.f", "m", 1, ["self", "x"], ["len"]),
        decode.CodeRecord(1, 20, 2, "C.f", "m", 1, ("self", "x"), ("len",)),
    ),
    (encode.encode_namespace(3, 400), decode.NamespaceRecord(3, 400)),
    (encode.encode_detail(3, 2), decode.DetailRecord(3, 2)),
    (encode.encode_type("m.C"), decode.TypeRecord("m.C")),
    (encode.encode_attribute("next"), decode.AttributeRecord("next")),
    (encode.encode_thread(2**63 - 1, "Main"), decode.ThreadRecord(2**63 - 1, "Main")),
    (encode.encode_switch(5), decode.SwitchRecord(5)),
    (encode.encode_call(2, 1000, [NONE, NONE]), decode.CallRecord(2, 1000, (None, None))),
    (encode.encode_enter(2, 1000, 7), decode.EnterRecord(2, 1000, 7)),
    (encode.encode_variable(9, NONE), decode.VariableRecord(9, None)),
    (
        encode.encode_object(6, FORM_LIST, 1, 200, [NONE], 2, [(3, NONE)]),
        decode.ObjectRecord(6, FORM_LIST, 1, 200, (None,), 2, ((3, None),)),
    ),
    (
        encode.encode_worded(
            6, FORM_LIST, 1, 200, [NONE], 2, [(3, NONE)], 1, encode.value_text("x")
        ),
        decode.WordedRecord(6, FORM_LIST, 1, 200, (None,), 2, ((3, None),), 1, "x"),
    ),
    (
        encode.encode_attributes_set(6, [(300, NONE)]),
        decode.AttributesSetRecord(6, ((300, None),)),
    ),
    (encode.encode_items_set(6, 2, [(1, NONE)]), decode.ItemsSetRecord(6, 2, ((1, None),))),
    (
        encode.encode_items_replaced(6, 9, 4, 3, [NONE, NONE]),
        decode.ItemsReplacedRecord(6, 9, 4, 3, (None, None)),
    ),
    (encode.encode_return(5, NONE), decode.ReturnRecord(5, None)),
    (encode.encode_yield(5, NONE), decode.YieldRecord(5, None)),
    (encode.encode_resume(77, 5), decode.ResumeRecord(77, 5)),
    (encode.encode_throw(77, 5, NONE), decode.ThrowRecord(77, 5, None)),
    (encode.encode_unwind(5, NONE), decode.UnwindRecord(5, None)),
    (encode.encode_raise(NONE), decode.RaiseRecord(None)),
    (encode.encode_handled(NONE), decode.HandledRecord(None)),
    (encode.encode_lost(), decode.LostRecord()),
    (encode.encode_output(1, "/a.py", 3, b"\xff"), decode.OutputRecord(1, "/a.py", 3, b"\xff")),
    (encode.encode_exit(5, 1, -9), decode.ExitRecord(5, 1, -9)),
    (encode.encode_time(2_000_000), decode.TimeRecord(2_000_000)),
    (encode.encode_exec("/bin/true"), decode.ExecRecord("/bin/true")),
    (encode.encode_child("python a.py"), decode.ChildRecord("python a.py")),
    (encode.encode_joined(77), decode.JoinedRecord(77)),
    (encode.encode_task("Task-1"), decode.TaskRecord("Task-1")),
    *(
        (encode.encode_step(delta), decode.StepRecord(delta))
        for delta in (-200, -33, -32, 0, 95, 96)
    ),
    *((encode.encode_variable(n, NONE), decode.VariableRecord(n, None)) for n in (0, 63, 64, 300)),
]


@pytest.fixture(params=DECODERS)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return DECODERS[request.param]


WRAPS: list[Callable[[bytes], bytes]] = [
    lambda value: encode.value_tuple([value]),
    lambda value: encode.value_cut_tuple(9, [NONE, value]),
    lambda value: encode.value_range(NONE, NONE, value),
]
"""Values that have a value."""


def value_of(decoder: Decoder, data: bytes) -> decode.Value:
    """Decode a value that must fill all of `data`, also when other bytes are around it."""
    value, end = decoder.decode_value(b"\xaa" + data + b"\xaa", 1)
    assert end == 1 + len(data)
    return value


def test_the_records_with_a_tag_and_number_are_found(decoder: Decoder) -> None:
    records = [record for record, _ in RECORDS] * 2
    data = b"".join(records)
    wanted = encode.encode_items_set(300, 2, [(1, NONE)])
    tags = encode.encode_object(0, 0, 0, 0, (), 0, ())[:1] + wanted[:1]

    assert decoder.positions_of(data + wanted + data, tags, 300) == [len(data)]
    assert len(decoder.positions_of(data, tags, 6)) == 4
    assert decoder.positions_of(b"", tags, 6) == []
    for damaged in (wanted + wanted[:-1], wanted + b"\0"):
        with pytest.raises((IndexError, ValueError)):
            decoder.positions_of(damaged, tags, 300)


def test_an_integer_is_read_as_it_was_written(decoder: Decoder) -> None:
    for number in INTEGERS:
        assert value_of(decoder, encode.value_integer(number)) == number


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_it_was_written_and_lone_surrogates_too(
    decoder: Decoder, text: str
) -> None:
    assert value_of(decoder, encode.value_text(text)) == text


def test_integers_from_minus_16_to_111_and_texts_up_to_63_bytes_take_one_byte_more_at_most() -> (
    None
):
    assert [len(encode.value_integer(number)) for number in (-16, 111, -17, 112)] == [1, 1, 2, 3]
    assert [len(encode.value_text("a" * count)) for count in (0, 63, 64)] == [1, 64, 66]


@pytest.mark.parametrize("number", [2**64, -(2**64), 10**400, -(10**400)])
def test_an_integer_of_any_size_keeps_every_bit(decoder: Decoder, number: int) -> None:
    digits = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)

    assert value_of(decoder, encode.value_big_integer(digits)) == number


@pytest.mark.parametrize("number", [0.0, -0.0, 0.1, math.inf, -math.inf, sys.float_info.max])
def test_a_float_keeps_every_bit(decoder: Decoder, number: float) -> None:
    found = value_of(decoder, encode.value_float(number))

    assert isinstance(found, float)
    assert (found, math.copysign(1, found)) == (number, math.copysign(1, number))


def test_what_is_no_number_stays_none(decoder: Decoder) -> None:
    found = value_of(decoder, encode.value_complex(math.nan, 1.5))

    assert isinstance(found, complex)
    assert math.isnan(found.real)
    assert found.imag == 1.5


ALONE: list[tuple[bytes, decode.Value]] = [
    (encode.value_text("seven"), "seven"),
    (encode.value_text("é" * 400), "é" * 400),
    (encode.value_cut_text(900, "be"), decode.CutTextValue(900, "be")),
    (encode.value_binary(b"\0\xff"), b"\0\xff"),
    (encode.value_float(0.1), 0.1),
    (encode.value_integer(2**60), 2**60),
    (encode.value_none(), None),
]


@pytest.mark.parametrize(("written", "value"), ALONE)
def test_a_value_again_is_the_one_at_its_place(
    decoder: Decoder, written: bytes, value: decode.Value
) -> None:
    first = encode.encode_step(0) + encode.encode_variable(0, written)
    again = encode.value_again(2)
    data = first + encode.encode_return(5, encode.value_tuple([again, NONE, again]))

    assert decoder.decode_record(data, len(first))[0] == decode.ReturnRecord(
        5, (value, None, value)
    )
    found = list(decoder.Records(data))
    assert found[2] == decode.ReturnRecord(5, (value, None, value))


REFUSED: dict[str, tuple[bytes, int]] = {
    "itself": (b"", 0),
    "behind it": (b"", 1),
    "far behind it": (b"", 2**63),
    "a value with others": (encode.value_tuple([]), 0),
    "a value again": (encode.value_none() + encode.value_again(0), 1),
    "no value": (b"\x17", 0),
    "a text that is none": (b"\x42\xff\xff", 0),
    "a text that does not end": (b"\x7f", 0),
    "a large text": (encode.value_text("a" * LARGEST_AGAIN), 0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_again_is_refused_where_no_small_value_alone_is(
    decoder: Decoder, case: str
) -> None:
    before, place = REFUSED[case]
    data = before + encode.value_again(place)

    with pytest.raises((ValueError, IndexError)):
        decoder.decode_value(data, len(before))


def test_every_other_kind_of_value_is_read_as_it_was_written(decoder: Decoder) -> None:
    one, two = encode.value_integer(1), encode.value_text("two")
    cases: list[tuple[bytes, decode.Value]] = [
        (encode.value_none(), None),
        (encode.value_true(), True),
        (encode.value_false(), False),
        (encode.value_ellipsis(), ...),
        (encode.value_not_implemented(), NotImplemented),
        (encode.value_binary(b"\0\xff"), b"\0\xff"),
        (encode.value_tuple([]), ()),
        (encode.value_tuple([one, encode.value_tuple([two])]), (1, ("two",))),
        (encode.value_unbound(), decode.UnboundValue()),
        (encode.value_cut_integer(9, b"\1"), decode.CutIntegerValue(9, b"\1")),
        (encode.value_cut_text(900, "be"), decode.CutTextValue(900, "be")),
        (encode.value_cut_binary(900, b"be"), decode.CutBinaryValue(900, b"be")),
        (encode.value_cut_tuple(900, [one]), decode.CutTupleValue(900, (1,))),
        (encode.value_range(one, two, one), decode.RangeValue(1, "two", 1)),
        *((encode.value_reference(n), decode.ReferenceValue(n)) for n in (0, 31, 32, 2**40)),
        (encode.value_redacted(), decode.RedactedValue()),
        (encode.value_dropped(), decode.DroppedValue()),
    ]

    for data, value in cases:
        found = value_of(decoder, data)
        assert exactly(found, value)


@pytest.mark.parametrize(("data", "record"), RECORDS)
def test_a_record_is_read_as_it_was_written(
    decoder: Decoder, data: bytes, record: decode.Record
) -> None:
    found, end = decoder.decode_record(b"\xaa" + data + b"\xaa", 1)

    assert exactly(found, record)
    assert end == 1 + len(data)


def test_every_kind_of_record_is_among_those_that_were_tried() -> None:
    kinds = {name for name in decode.__all__ if name.endswith("Record") and name != "Record"}

    assert {type(record).__name__ for _, record in RECORDS} == kinds


@pytest.mark.parametrize(("data", "record"), RECORDS)
def test_a_record_that_is_cut_anywhere_is_refused(
    decoder: Decoder, data: bytes, record: decode.Record
) -> None:
    for length in range(len(data)):
        with pytest.raises(IndexError):
            decoder.decode_record(data[:length], 0)


@pytest.mark.parametrize("tag", [0x00, 0x21, 0x3F])
def test_a_byte_that_begins_no_record_is_refused(decoder: Decoder, tag: int) -> None:
    with pytest.raises(ValueError, match=f"no record with the tag {tag:#04x}"):
        decoder.decode_record(bytes((tag,)) * 20, 0)


def test_a_byte_that_begins_no_value_is_refused(decoder: Decoder) -> None:
    with pytest.raises(ValueError, match="no value with the tag 0x17"):
        decoder.decode_value(b"\x17" * 20, 0)


def test_a_number_that_never_ends_is_refused(decoder: Decoder) -> None:
    with pytest.raises(ValueError, match="longer than 64 bits"):
        decoder.decode_record(encode.encode_switch(0)[:1] + b"\xff" * 200, 0)


@pytest.mark.parametrize(
    ("digits", "number"),
    [
        (b"\xff" * 9 + b"\x01", 2**64 - 1),
        (b"\x80" * 9 + b"\x00", 0),
        (b"\x80" * 9 + b"\x02", None),
        (b"\x80" * 10 + b"\x00", None),
    ],
)
def test_a_number_has_64_bits_at_most(decoder: Decoder, digits: bytes, number: int | None) -> None:
    data = encode.encode_switch(0)[:1] + digits

    if number is None:
        with pytest.raises(ValueError, match="longer than 64 bits"):
            decoder.decode_record(data, 0)
    else:
        assert decoder.decode_record(data, 0) == (decode.SwitchRecord(number), len(data))


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_value_inside_of_too_many_is_refused(
    decoder: Decoder, wrap: Callable[[bytes], bytes]
) -> None:
    # The innermost one has none inside.
    value = encode.value_tuple([])
    for _ in range(NESTING):
        value = wrap(value)

    decoder.decode_value(value, 0)
    decoder.decode_record(encode.encode_raise(value), 0)
    with pytest.raises(RecursionError):
        decoder.decode_value(wrap(value), 0)
    with pytest.raises(RecursionError):
        decoder.decode_record(encode.encode_object(0, 0, 0, 0, [], 0, [(0, wrap(value))]), 0)


def test_records_are_read_one_after_the_other(decoder: Decoder) -> None:
    data = b"".join(data for data, _ in RECORDS)
    positions = [0]
    for record, _ in RECORDS:
        positions.append(positions[-1] + len(record))

    records = decoder.Records(data + b"\0")

    for (_, expected), position, found in zip(RECORDS, positions, records, strict=False):
        assert exactly(found, expected)
        assert records.position == position
    with pytest.raises(ValueError, match="no record with the tag 0x00"):
        list(decoder.Records(b"\0"))
    assert list(decoder.Records(b"")) == []


def test_records_that_are_refused_say_where(decoder: Decoder) -> None:
    step = encode.encode_step(1)
    records = decoder.Records(step + step + b"\0" + step)

    with pytest.raises(ValueError, match="no record"):
        list(records)

    assert records.position == 2


def test_a_record_is_the_key_that_its_fields_are(decoder: Decoder) -> None:
    # CPython keeps the hash of a tuple in it from 3.14 on (gh-131525).
    for data, record in RECORDS:
        found, _ = decoder.decode_record(data, 0)
        assert hash(found) == hash(record)
        assert {found: 1}[record]


def test_a_text_that_is_no_utf_8_is_refused(decoder: Decoder) -> None:
    with pytest.raises(UnicodeDecodeError):
        decoder.decode_record(encode.encode_type("ab").replace(b"ab", b"\xff\xfe"), 0)


def test_bytes_at_random_are_read_or_refused_and_nothing_else(decoder: Decoder) -> None:
    source = random.Random(20260811)
    for _ in range(20_000):
        data = source.randbytes(source.randrange(1, 40))
        try:
            _, end = decoder.decode_record(data, 0)
        except (ValueError, IndexError, RecursionError):
            continue
        assert 0 < end <= len(data)


def test_a_value_of_the_log_equals_no_tuple_of_the_program() -> None:
    values = [decode.UnboundValue(), decode.RedactedValue(), decode.ReferenceValue(5), (), (5,)]

    equal = [[one == other for other in values] for one in values]
    unequal = [[one != other for other in values] for one in values]

    assert equal == [[one is other for other in values] for one in values]
    assert unequal == [[one is not other for other in values] for one in values]
