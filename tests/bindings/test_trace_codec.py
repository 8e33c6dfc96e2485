"""What the generated encoder writes, the generated decoder reads; what is no record, it refuses."""

import math
import random
import sys

import pytest

from codetracer_bindings import trace_decoder as decode
from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import FORM_LIST

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


def value_of(data: bytes) -> decode.Value:
    """Decode a value that must fill all of `data`, also when other bytes are around it."""
    value, end = decode.decode_value(b"\xaa" + data + b"\xaa", 1)
    assert end == 1 + len(data)
    return value


@pytest.mark.parametrize("number", INTEGERS)
def test_an_integer_is_read_as_it_was_written(number: int) -> None:
    assert value_of(encode.value_integer(number)) == number


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_it_was_written_and_lone_surrogates_too(text: str) -> None:
    assert value_of(encode.value_text(text)) == text


def test_integers_from_minus_16_to_111_and_texts_up_to_63_bytes_take_one_byte_more_at_most() -> (
    None
):
    assert [len(encode.value_integer(number)) for number in (-16, 111, -17, 112)] == [1, 1, 2, 3]
    assert [len(encode.value_text("a" * count)) for count in (0, 63, 64)] == [1, 64, 66]


@pytest.mark.parametrize("number", [2**64, -(2**64), 10**400, -(10**400)])
def test_an_integer_of_any_size_keeps_every_bit(number: int) -> None:
    digits = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)

    assert value_of(encode.value_big_integer(digits)) == number


@pytest.mark.parametrize("number", [0.0, -0.0, 0.1, math.inf, -math.inf, sys.float_info.max])
def test_a_float_keeps_every_bit(number: float) -> None:
    found = value_of(encode.value_float(number))

    assert isinstance(found, float)
    assert (found, math.copysign(1, found)) == (number, math.copysign(1, number))


def test_what_is_no_number_stays_none() -> None:
    found = value_of(encode.value_complex(math.nan, 1.5))

    assert isinstance(found, complex)
    assert math.isnan(found.real)
    assert found.imag == 1.5


def test_every_other_kind_of_value_is_read_as_it_was_written() -> None:
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
        found = value_of(data)
        assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("data", "record"), RECORDS)
def test_a_record_is_read_as_it_was_written(data: bytes, record: decode.Record) -> None:
    found, end = decode.decode_record(b"\xaa" + data + b"\xaa", 1)

    assert (found, type(found), end) == (record, type(record), 1 + len(data))


def test_every_kind_of_record_is_among_those_that_were_tried() -> None:
    kinds = {name for name in decode.__all__ if name.endswith("Record") and name != "Record"}

    assert {type(record).__name__ for _, record in RECORDS} == kinds


@pytest.mark.parametrize(("data", "record"), RECORDS)
def test_a_record_that_is_cut_anywhere_is_refused(data: bytes, record: decode.Record) -> None:
    for length in range(len(data)):
        with pytest.raises(IndexError):
            decode.decode_record(data[:length], 0)


@pytest.mark.parametrize("tag", [0x00, 0x1D, 0x3F])
def test_a_byte_that_begins_no_record_is_refused(tag: int) -> None:
    with pytest.raises(ValueError, match=f"no record with the tag {tag:#04x}"):
        decode.decode_record(bytes((tag,)) * 20, 0)


def test_a_byte_that_begins_no_value_is_refused() -> None:
    with pytest.raises(ValueError, match="no value with the tag 0x15"):
        decode.decode_value(b"\x15" * 20, 0)


def test_a_number_that_never_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than 64 bits"):
        decode.decode_record(encode.encode_switch(0)[:1] + b"\xff" * 200, 0)


def test_a_text_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode.decode_record(encode.encode_type("ab").replace(b"ab", b"\xff\xfe"), 0)


def test_bytes_at_random_are_read_or_refused_and_nothing_else() -> None:
    source = random.Random(20260811)
    for _ in range(20_000):
        data = source.randbytes(source.randrange(1, 40))
        try:
            _, end = decode.decode_record(data, 0)
        except (ValueError, IndexError, RecursionError):
            continue
        assert 0 < end <= len(data)
