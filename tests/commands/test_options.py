"""Every option of every command reports a wrong value in words that a user knows."""

import argparse
from pathlib import Path

import pytest

from codetracer.commands.parsers import all_parsers
from tests.support.reading import read
from tests.support.running import execute, write


def typed() -> list[tuple[str, argparse.Action]]:
    """Return all options whose values are parsed, with their commands."""
    parser, _ = all_parsers()
    (commands,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    return [
        (command, action)
        for command, own in commands.choices.items()
        for action in own._actions
        if action.type is not None
    ]


WRONG = {command + action.option_strings[-1]: action for command, action in typed()}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_answered_by_the_option_itself(name: str) -> None:
    # Anything but this error, and argparse says "invalid" and the name of a function.
    parse = WRONG[name].type
    assert callable(parse)

    with pytest.raises(argparse.ArgumentTypeError):
        parse("")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("record", "--max-items", "many"), "must be a whole number, 1 or more, not 'many'"),
        (("record", "--max-depth", "0"), "must be a whole number, from 1 to 400, not '0'"),
        (("record", "--max-depth", "401"), "must be a whole number, from 1 to 400, not '401'"),
        (("record", "--max-items", "0"), "must be a whole number, 1 or more, not '0'"),
        (("show", "--step", "-1"), "'-1' is not a place; a place is a step, or process:step"),
        (("export", "--process", "x"), "must be a whole number, 0 or more, not 'x'"),
        (("export", "--depth", "41"), "must be a whole number, from 1 to 40, not '41'"),
    ],
)
def test_a_wrong_number_is_answered_with_what_numbers_there_may_be(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    write(tmp_path, {"app.py": ""})

    done = execute("-m", "codetracer", *arguments, "app.py", cwd=tmp_path)

    command, option, _ = arguments
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"codetracer {command}: error: argument {option}: {said}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--find", ""), "argument --find: must not be empty"),
        (
            ("--variable", "a", "--variable", "b"),
            "argument --variable: given twice, 'a' and 'b'; ask for one at a time",
        ),
    ],
)
def test_what_show_is_asked_for_is_something_and_one_thing(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = read("show", *words, cwd=tmp_path)

    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"codetracer show: error: {said}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("recrod", "x.py"),
            "there is no command 'recrod' (did you mean 'record'?); commands are: ",
        ),
        (("--colour",), "there is no option '--colour' before the command; commands are: record, "),
        (
            ("app.py", "-v"),
            "there is no command 'app.py'; to record that program: codetracer record app.py\n",
        ),
    ],
)
def test_what_is_no_command_is_answered_with_what_may_have_been_meant(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    write(tmp_path, {"app.py": "print('ran')"})

    done = execute("-m", "codetracer", *words, cwd=tmp_path)

    assert (done.code, done.stdout) == (2, "")
    assert f"codetracer: error: {said}" in done.stderr
