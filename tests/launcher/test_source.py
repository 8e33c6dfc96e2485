"""The encoding that a source declares, found without a regex."""

import random
import re

import pytest

from codetracer.inspect.source import declared_encoding

COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""As in PEP 263 and `tokenize`."""

PIECES = (
    *(b"#", b" ", b"\f", b"\t", b"\r", b"coding", b"co", b"ding", b":", b"="),
    *(b"utf-8", b"a", b"_.", b"\xe4"),
)


@pytest.mark.slow
def test_an_encoding_is_found_where_the_regex_of_pep_263_finds_it() -> None:
    some = random.Random(1)
    found = 0
    for _ in range(20_000):
        line = b"#" * some.randint(0, 1) + b"".join(some.choices(PIECES, k=some.randint(0, 9)))
        match = COOKIE.match(line)

        assert declared_encoding(line) == (match and match[1].decode()), line
        found += match is not None
    assert found > 100


def test_an_encoding_may_stand_in_the_second_line_after_a_blank_or_a_comment() -> None:
    assert declared_encoding(b"#!python\n# coding: latin-1\n") == "latin-1"
    assert declared_encoding(b"\n# coding: latin-1\n") == "latin-1"
    assert declared_encoding(b"x = 1\n# coding: latin-1\n") is None
