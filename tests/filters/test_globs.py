"""The options --include and --exclude: which globs they take, and what they say of others."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from codetracer.filters.globs import add_file_options, checked_glob
from codetracer.filters.model import PatternError


@pytest.mark.parametrize("glob", ["*.py", "shop/*", "[ab].py", "[!]x].py", "[]].py", "a]b", "[[]x"])
def test_a_glob_that_can_match_a_file_is_taken_as_it_is(glob: str) -> None:
    assert checked_glob(glob) == glob


@pytest.mark.parametrize(
    ("glob", "said"),
    [
        ("", "a glob must not be empty"),
        ("a[b", "'a[b' has a '[' that is not closed; write [[] for a bracket in a name"),
        ("[]", "has a '[' that is not closed"),
        ("[" * 5_000, "has a '[' that is not closed"),
        ("shop/", "'shop/' is a folder; 'shop/*' matches the files in it"),
    ],
)
def test_a_glob_that_matches_no_file_is_refused_with_its_correction(glob: str, said: str) -> None:
    with pytest.raises(PatternError) as caught:
        checked_glob(glob)

    assert said in str(caught.value)


def test_the_name_of_a_folder_that_exists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PatternError, match="is a folder"):
        checked_glob(str(tmp_path))


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_file_options(parser, "record", "all")
    return parser.parse_args(arguments)


def test_the_options_are_collected_in_their_order() -> None:
    options = parsed("--include", "a*", "--exclude", "c", "--include=b*")

    assert (options.include, options.exclude) == (["a*", "b*"], ["c"])
    assert (parsed().include, parsed().exclude) == ([], [])


def test_a_wrong_glob_is_an_error_of_the_option_that_it_was_given_to() -> None:
    with pytest.raises(argparse.ArgumentError) as caught:
        parsed("--exclude", "a[b")

    assert str(caught.value).startswith("argument --exclude: 'a[b' has a '['")
