"""Globs that need no regex match what the regex of the same glob matches."""

import random

import pytest

from codetracer.filters.patterns import compile_glob
from codetracer.filters.plain import escaped, plain_test

PIECES = ("a", "b", "/", ",", "\\", "*", "**", "[", "!", ".")
TEXTS = ("a", "b", "/", ",", "\\", "*", "\n", ".")


@pytest.mark.slow
def test_a_plain_glob_matches_as_its_regex_does() -> None:
    some = random.Random(1)
    plain = 0
    for _ in range(5_000):
        glob = "".join(some.choices(PIECES, k=some.randint(1, 5)))
        test = plain_test(glob)
        if test is None:
            continue
        plain += 1
        start = glob.rstrip("*").replace("\\", "")
        names = ["".join(some.choices(TEXTS, k=some.randint(0, 5))) for _ in range(10)]
        for name in (*names, start, f"{start}a", f"{start}/", f"{start}a/b"):
            assert bool(test(name)) == bool(compile_glob(glob).match(name)), (glob, name)
    assert plain > 1_000


@pytest.mark.parametrize("glob", ["shop.*", "tests/**", "/lib/**", "**", "shop", r"a\*b\\", "*"])
def test_most_globs_are_plain(glob: str) -> None:
    assert (plain_test(glob) is None) == (glob == r"a\*b\\")


@pytest.mark.parametrize("glob", ["a?", "[ab]", "{a,b}", "a*b", "a\\", "}", "**/a", "a/**/"])
def test_a_glob_with_anything_else_needs_a_regex_or_is_wrong(glob: str) -> None:
    assert plain_test(glob) is None


@pytest.mark.parametrize("text", ["/a b/", "/[x]{y,z}/", "/a*?\\/!", ""])
def test_an_escaped_text_matches_itself_alone(text: str) -> None:
    match = compile_glob(escaped(text)).match

    assert match(text)
    assert not match(f"{text}x")
    assert compile_glob(f"{escaped(text)}a/**").match(f"{text}a/b")
