"""The list of names that say that something is secret: one row each, with its reason."""

import ast
import random
import re
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from codetracer.filters.chain import NamePatterns
from codetracer.filters.model import ValuePattern
from codetracer.filters.names import LONGEST_SECRET_NAME, SecretNames, _assigned, words_of
from codetracer.filters.selectors import VALUE_KINDS, parse_selector
from codetracer.runtime.actions import MAX_CHARACTERS, NameActions
from tests.support.project import ROOT
from tests.support.secret_programs import HARMLESS, NAMES

LIBRARY = Path(sysconfig.get_path("stdlib"))
ROWS = tomllib.loads((ROOT / "spec/filters/secrets.toml").read_text("utf-8"))


def names(*added: str) -> SecretNames:
    return SecretNames(added)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("auth_token", ["auth", "token"]),
        ("authToken", ["auth", "token"]),
        ("Proxy-Authorization", ["proxy", "authorization"]),
        ("HTTPToken2", ["http", "token", "2"]),
        ("X_API_KEY", ["x", "api", "key"]),
        ("_C__token", ["c", "token"]),
        ("tokenize", ["tokenize"]),
        ("--", []),
    ],
)
def test_a_name_is_split_into_words_as_people_write_them(name: str, words: list[str]) -> None:
    assert [*words_of(name)] == words


def test_each_row_says_why_it_is_there_and_has_no_other_keys() -> None:
    keys = {
        "secret": {"names", "then", "ends", "reason"},
        "harmless": {"names", "place", "reason"},
    }
    assert [*ROWS] == ["secret", "addition", "harmless", "parameter", "reader", "visible"]
    for kind, rows in ROWS.items():
        for row in rows:
            assert {*row} <= keys.get(kind, {"names", "reason"})
            assert len(row["names"]) == len(set(row["names"]))
            assert row["reason"]
    assert {row["then"] for row in ROWS["secret"]} == {"anything", "nothing"}


def test_every_name_of_the_list_is_secret_in_every_spelling_and_behind_other_words() -> None:
    is_secret = names().is_secret
    for row in ROWS["secret"]:
        for name in row["names"]:
            words = name.split()
            camel = words[0] + "".join(map(str.title, words[1:]))
            spellings = ["_".join(words), "-".join(words), "_".join(words).upper(), camel]
            spellings += ["".join(words), f"the_{'_'.join(words)}", f"{'_'.join(words)}_value2"]
            spellings.append(f"My{''.join(map(str.title, words))}")
            # The shell's folder is the one name that is spelled as one of these.
            assert [text for text in spellings if not is_secret(text)] in ([], ["PWD"])


def test_what_the_list_says_is_none_stays_visible() -> None:
    is_secret = names().is_secret

    assert [name for row in ROWS["visible"] for name in row["names"] if is_secret(name)] == []
    assert [name for name in HARMLESS if is_secret(name)] == []
    assert [name for name in NAMES if not is_secret(name)] == []


@pytest.mark.parametrize(
    ("secret", "harmless"),
    [
        ("password_for_bob", "password_field"),
        ("dbpassword", "passwordless"),
        ("token_value", "token_stream"),
        ("auth_tokens", "tokens"),
        ("user_pin", "led_pin"),
        ("use_auth_token", "has_auth_token"),
        ("DB_PWD", "PWD"),
        ("basic_auth", "SSH_AUTH_SOCK"),
        ("password_reset_token", "password_reset_form"),
    ],
)
def test_what_stands_before_and_behind_a_word_tells_what_it_is(secret: str, harmless: str) -> None:
    assert (names().is_secret(secret), names().is_secret(harmless)) == (True, False)


def test_a_name_that_is_added_counts_as_whole_words_wherever_they_stand() -> None:
    here = names("customer-number", "plate")

    for name in ("customerNumber", "the_customer_number_field", "is_plate", "Plate"):
        assert here.is_secret(name), name
    for name in ("customer", "number", "template", "plates", "customer_phone_number"):
        assert not here.is_secret(name), name


def spelled(words: list[str], chance: random.Random) -> str:
    """Return a name made of words, in any of the ways in which programs write names."""
    forms = (str.lower, str.upper, str.title, str.swapcase)
    written = [chance.choice(forms)(word) for word in words]
    return chance.choice(("_", "_", "", "-", " ", "__", "\t", ".", "é")).join(written)


def many_names() -> list[str]:
    """Return names of the standard library, and some made of words of the list and of others."""
    found = {name for module in (random, re, sys, tomllib, pytest, ast) for name in vars(module)}
    for path in sorted(LIBRARY.glob("*.py")):
        if path.is_file():
            found |= set(re.findall(r"\w+", path.read_text("utf-8", errors="replace")))
    chance = random.Random(7)
    words = [word for rows in ROWS.values() for row in rows for name in row["names"]
             for word in name.split()]  # fmt: skip
    words += ["customer", "number", "plate", "x", "2", "a1", "my", "é", "ß", "_"]
    made = {spelled(chance.choices(words, k=chance.randint(1, 4)), chance) for _ in range(20_000)}
    return [*sorted(found), *sorted(made), *sorted(found)[::-1]]


@pytest.mark.parametrize("added", [(), ("customer-number", "plate")])
def test_to_remember_harmless_parts_of_names_changes_no_decision(added: tuple[str, ...]) -> None:
    here = names(*added)
    given = [name for name in many_names() if len(name) <= LONGEST_SECRET_NAME]

    assert len(given) > 30_000
    assert [name for name in given if here.is_secret(name) != here._decide(name)] == []
    assert sum(map(here.is_secret, given)) > 1_000


def test_a_text_is_no_name() -> None:
    assert not names().is_secret("password " * 20)


@pytest.mark.slow
def test_a_long_text_that_is_asked_about_is_not_kept_alive() -> None:
    pattern = ValuePattern(parse_selector("attr:x", VALUE_KINDS), "redact")
    patterns, secrets, actions = NamePatterns([pattern]), names(), NameActions(lambda _: 0)
    texts = ["x" * (LONGEST_SECRET_NAME + 1 + number) for number in range(10)]
    before = [sys.getrefcount(text) for text in texts]

    assert not any(patterns.first("attr", text) or secrets.is_secret(text) for text in texts)

    assert [sys.getrefcount(text) for text in texts] == before
    for number in range(300):
        assert actions["y" * (MAX_CHARACTERS // 100) + str(number)] == 0
        assert actions["z" * MAX_CHARACTERS + str(number)] == 0
        assert 1 <= sum(map(len, actions)) <= MAX_CHARACTERS


def test_any_number_of_dashes_is_gone_through_once() -> None:
    assert names().hide_arguments(["-" * 100_000]) == (["-" * 100_000], [])


def test_arguments_are_hidden_by_the_names_before_them() -> None:
    given = ["--password", "a", "--token=b", "API_KEY=c", "Authorization: d", "-v", "--tokens", "e"]

    shown, secrets = names().hide_arguments(given)

    assert secrets == ["a", "b", "c", "d"]
    assert shown == [
        *("--password", "<redacted>", "--token=<redacted>", "API_KEY=<redacted>"),
        *("Authorization: <redacted>", "-v", "--tokens", "e"),
    ]


WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W0-9A-Za-z_]+")
ASSIGNED = re.compile(r"([^\s=:]+)(=|: ?)(.*)", re.DOTALL)
CHARACTERS = "ABab1_- äÄ٣²:=\x1c\u2003\n"


@pytest.mark.slow
def test_words_and_arguments_are_found_as_a_regex_finds_them() -> None:
    some = random.Random(1)
    for _ in range(20_000):
        text = "".join(some.choices(CHARACTERS, k=some.randint(0, 10)))
        assigned = ASSIGNED.fullmatch(text)

        assert [*words_of(text)] == [word.lower() for word in WORDS.findall(text)], text
        assert _assigned(text) == (assigned and assigned.groups()), text
