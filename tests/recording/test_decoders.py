"""The decoder in C reads and refuses what the one in Python does.

Of all recordings that tests make, `tests/conftest.py` compares this too.
"""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codetracer.recording.reader import DECODE_ERRORS
from codetracer_bindings import trace_encoder as encode
from fuzz.damage import write_damaged
from fuzz.made_recordings import make
from tests.support.decoders import DECODERS, Decoder, differences, differences_below, exactly

pytestmark = [
    # Where nothing is compiled, there is one decoder.
    pytest.mark.only_where("native" in DECODERS),
    pytest.mark.timeout(600),
]


def read(decoder: Decoder, kind: str, data: bytes, position: int) -> object:
    """Return a record or value and the position behind it, or the type of the error."""
    try:
        if kind == "record":
            return decoder.decode_record(data, position)
        return decoder.decode_value(data, position)
    except DECODE_ERRORS as error:
        return type(error)


@pytest.mark.slow
def test_damaged_recordings_are_read_and_refused_alike(tmp_path: Path) -> None:
    for seed in range(100):
        write_damaged(tmp_path / str(seed), random.Random(seed))

    assert differences_below(tmp_path) == []


@pytest.mark.slow
def test_thousands_of_damaged_blocks_are_read_and_refused_alike() -> None:
    chance = random.Random(20_261_129)
    kinds: set[object] = set()
    blocks = [b"".join(make(chance, 20).records) for _ in range(100)]
    for _ in range(5_000):
        block = bytearray(chance.choice(blocks))
        for _ in range(chance.choice((1, 1, 3))):
            block[chance.randrange(len(block))] = chance.choice((0, 0xFF, chance.randrange(256)))
        data = bytes(block[: chance.choice((len(block), chance.randrange(len(block))))])

        assert differences(data) == []
        kinds.add(_end(data))
    # A test that meets one kind of damage alone would show little.
    assert kinds >= {None, IndexError, ValueError, UnicodeDecodeError}


def _end(block: bytes) -> type[BaseException] | None:
    try:
        list(DECODERS["python"].Records(block))
    except DECODE_ERRORS as error:
        return type(error)
    return None


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_at_random_are_read_and_refused_alike(data: bytes) -> None:
    for kind in ("record", "value"):
        for position in range(len(data) + 1):
            python, native = (read(each, kind, data, position) for each in DECODERS.values())
            assert exactly(python, native), (kind, position, python, native)


_CHARACTERS = (
    *("41", "00", "7f", "c280", "dfbf", "e0a080", "ed9fbf", "eda080", "edbfbf"),
    *("efbfbf", "f0908080", "f48fbfbf"),
)

_WRONG = ("80", "bf", "c080", "c2", "e08080", "eda0", "f0808080", "f48f", "f4908080", "f5808080")
TEXTS = st.lists(st.sampled_from([*map(bytes.fromhex, _CHARACTERS + _WRONG), b"abcdefgh"])).map(
    b"".join
)
"""Bytes that are UTF-8, and bytes that are not, such as the beginning of a character."""


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None)
@given(TEXTS)
def test_texts_are_read_and_refused_alike(text: bytes) -> None:
    # The record ends too early behind the text, which is seen only if the text is right.
    data = encode.encode_output(0, "", 0, b"")[:2] + bytes((len(text) & 0x7F,)) + text

    assert differences(data) == []


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(st.binary(min_size=1, max_size=11))
def test_numbers_are_read_and_refused_alike(digits: bytes) -> None:
    digits = bytes(byte | 0x80 for byte in digits[:-1]) + digits[-1:]

    for begin in (encode.encode_switch(0)[:1], encode.encode_step(1 << 40)[:1]):
        assert differences(begin + digits) == []
