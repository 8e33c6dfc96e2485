"""The built-in filters and the names of secrets: what is compiled is what spec/filters/ says."""

import tomllib
from hashlib import sha256

import pytest

from codetracer.filters.builtin import BUILTINS, builtin_filter
from codetracer.filters.names import words_of
from codetracer.filters.schema import parse_filter
from codetracer_bindings import secret_names
from codetracer_bindings.builtin_filters import BUILTIN_FILTERS
from tests.support.project import ROOT

FOLDER = ROOT / "spec/filters"
SECRETS = tomllib.loads((FOLDER / "secrets.toml").read_text("utf-8"))


def harmless(place: str) -> list[str]:
    return [name for row in SECRETS["harmless"] if row["place"] == place for name in row["names"]]


def names(table: str) -> list[str]:
    return [name for row in SECRETS[table] for name in row["names"]]


def test_every_file_is_compiled() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*BUILTINS, "secrets"}


@pytest.mark.parametrize("name", BUILTINS)
def test_a_built_in_filter_is_what_loading_its_file_would_make(name: str) -> None:
    content = (FOLDER / f"{name}.toml").read_bytes()
    loaded = parse_filter(content.decode(), name, inherits=False)

    assert BUILTIN_FILTERS[name] == (
        loaded.name,
        sha256(content).hexdigest(),
        loaded.default_exec,
        loaded.default_value_action,
        tuple(
            (rule.selector.kind, rule.selector.match, rule.selector.pattern, rule.exec, rule.reason)
            for rule in loaded.rules
        ),
    )
    assert (loaded.io, loaded.formatters) == (None, {})
    assert {(rule.value_default, rule.patterns) for rule in loaded.rules} == {(None, ())}


def test_a_rule_about_the_standard_library_is_there_for_each_of_its_folders() -> None:
    content, _ = builtin_filter("unittest")

    assert len(content.rules) >= 3
    assert not any("@" in rule.selector.pattern for rule in content.rules)
    assert all(rule.selector.test(unittest_file()) for rule in content.rules[2:3])


def unittest_file() -> str:
    import unittest.case

    return unittest.case.__file__


def test_the_names_of_secrets_are_those_of_the_list_in_words() -> None:
    phrases: dict[str, bool] = {}
    for row in SECRETS["secret"]:
        for name in row["names"]:
            for words in map(" ".join, (words_of(name), words_of(name.replace(" ", "")))):
                phrases[words] = phrases.get(words, False) or row["then"] == "anything"

    assert phrases == secret_names.PHRASES
    assert max(words.count(" ") for words in phrases) + 1 == secret_names.LONGEST_PHRASE
    ends = [name for row in SECRETS["secret"] if row.get("ends") for name in row["names"]]
    assert [*secret_names.ENDS] == ends
    assert {*names("addition")} == secret_names.ADDITIONS
    assert {*names("parameter")} == secret_names.PARAMETERS
    assert {*names("reader")} == secret_names.READERS


def test_the_harmless_names_are_those_of_the_list() -> None:
    for place, compiled in (
        ("first", secret_names.HARMLESS_FIRST),
        ("last", secret_names.HARMLESS_LAST),
        ("phrase", secret_names.HARMLESS_PHRASES),
    ):
        assert {" ".join(words_of(name)) for name in harmless(place)} == compiled
    assert {*harmless("whole")} == secret_names.HARMLESS_WHOLE
