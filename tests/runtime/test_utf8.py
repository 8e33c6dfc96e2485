"""Text from UTF-8 without an error handler: the same that CPython's ``surrogatepass`` makes."""

import codecs
from itertools import product

import pytest

from codetracer.runtime.utf8 import text_of

BYTES = (0x00, 0x41, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC2, 0xE2, 0xED, 0xEF, 0xF0, 0xFF)


def expected(data: bytes) -> str | None:
    """Return what CPython makes of it."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


def test_all_surrogates_are_read() -> None:
    text = "".join(f"a{chr(point)}" for point in range(0xD7F0, 0xE010))

    assert text_of(text.encode("utf-8", "surrogatepass")) == text


@pytest.mark.parametrize("length", range(5))
def test_what_is_no_utf8_is_none(length: int) -> None:
    for data in map(bytes, product(BYTES, repeat=length)):
        assert text_of(data) == expected(data), data


def test_error_handlers_are_not_asked() -> None:
    before = codecs.lookup_error("surrogatepass")
    asked: list[UnicodeError] = []

    def handler(error: UnicodeError) -> tuple[str, int]:
        asked.append(error)
        raise error

    codecs.register_error("surrogatepass", handler)
    try:
        assert text_of(b"a\xed\xa0\x80 \xff") is None
        assert text_of(b"a\xed\xa0\x80") == "a\ud800"
    finally:
        codecs.register_error("surrogatepass", before)
    assert asked == []
