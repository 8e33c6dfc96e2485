"""The search without regexes finds the same as these regexes."""

import random
import re

import pytest

from codetracer.filters.names import SecretNames
from codetracer.runtime import secret_forms
from codetracer.runtime.secret_forms import SecretForms

USERINFO = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]{0,30})://([^\s/?#'\"<>\\]+)@")
PARAMETER = re.compile(rb"[?&#;]([A-Za-z0-9_.\[\]%$-]{1,100})=([^&#\s'\"<>\\]+)")
ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
RESERVED = re.compile(rb"[^A-Za-z0-9_.~-]")
SCHEME = re.compile(rb"(?:basic|bearer|digest|negotiate|token|apikey)\s+(?=\S)", re.I)

PIECES = (
    *(b"://", b"@", b"=", b"?", b"&", b";", b"#", b"/", b" ", b"\n", b"\x0b", b"\x1c", b"http"),
    *(b"a", b"7", b"+", b".", b"-", b"%41", b"%", b"%4", b"key", b"[", b"'", b"\\", b"\xe4", b":"),
    *(b"x" * 29, b"y" * 99),
)


def texts(count: int) -> list[bytes]:
    some = random.Random(1)
    return [b"".join(some.choices(PIECES, k=some.randint(1, 14))) for _ in range(count)]


@pytest.mark.slow
def test_userinfos_and_parameters_are_found_as_a_regex_finds_them() -> None:
    found = 0
    for text in texts(20_000):
        infos = [(match[1], *match.span(2)) for match in USERINFO.finditer(text)]
        parameters = [(match[1], *match.span(2)) for match in PARAMETER.finditer(text)]

        assert secret_forms._userinfos(text) == infos, text
        assert secret_forms._parameters(text) == parameters, text
        found += len(infos) > 0
        found += len(parameters) > 0
    assert found > 100


def test_texts_are_quoted_and_unquoted_as_a_regex_does_it() -> None:
    for text in texts(2_000):
        unquoted = ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), text)
        assert secret_forms._unquoted(text) == unquoted
        assert secret_forms._quoted(text) == RESERVED.sub(lambda m: b"%%%02X" % m[0][0], text)


def test_a_scheme_of_authorization_is_no_part_of_the_secret() -> None:
    forms = SecretForms(SecretNames())
    for text in (
        b"Bearer  abcdefgh",
        b"BASIC\tabcdefgh",
        b"bearerabcdefgh",
        b"bearer",
        b"x abcdefgh",
    ):
        match = SCHEME.match(text)

        assert (b"abcdefgh" in forms.parts(text)) == (match is not None), text


@pytest.mark.slow
def test_many_urls_without_a_userinfo_take_linear_time() -> None:
    text = b"a://" * 200_000 + b"@"

    assert secret_forms._userinfos(text) == []
    assert secret_forms._parameters(b"?a=" * 200_000)[0] == (b"a", 3, 600_000)
