"""The plain parser reads every plain command line as argparse does."""

import contextlib
import io
import random
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from codetracer.commands import PROGRAM_COMMANDS
from codetracer.commands.parsers import parsers, taking_values
from codetracer.commands.plain_options import PlainParser
from tests.support.running import execute, write

VALUES = ("out", "", "3", "0", "x=y", "-", "--", "-3", "*.py", "[", "abort", "off", "text", "line")


def plain_parser(command: str) -> PlainParser:
    parser = PlainParser()
    module: Any = import_module(PROGRAM_COMMANDS[command])
    module.add_options(parser)
    return parser


def by_argparse(command: str, words: list[str]) -> dict[str, object] | None:
    """Return what argparse reads; None if it refuses the words."""
    parser = parsers(command)[1][command]
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            read = vars(parser.parse_args(words))
        except SystemExit:
            return None
    # What names the program is not among them.
    module: Any = import_module(PROGRAM_COMMANDS[command])
    program = {"script", "m", "c", *module.RUNNERS}
    return {name: value for name, value in read.items() if name not in program}


@pytest.mark.slow
@pytest.mark.parametrize("command", PROGRAM_COMMANDS)
def test_a_plain_command_line_means_what_it_means_to_argparse(command: str) -> None:
    flags = sorted(plain_parser(command)._flags)
    some = random.Random(1)
    plain = refused = 0
    for _ in range(600):
        words: list[str] = []
        for flag in some.choices(flags, k=some.randint(0, 3)):
            value = some.choice(VALUES)
            words += some.choice(([flag], [flag, value], [flag, value], [f"{flag}={value}"]))
        read = plain_parser(command).read(words)
        if read is not None:
            assert vars(read) == by_argparse(command, words), words
            plain += 1
        elif by_argparse(command, words) is None:
            refused += 1
    assert plain > 50
    assert refused > 50


@pytest.mark.parametrize("command", PROGRAM_COMMANDS)
def test_both_parsers_have_the_same_flags(command: str) -> None:
    parser = parsers(command)[1][command]
    module: Any = import_module(PROGRAM_COMMANDS[command])
    elsewhere = {"-h", "--help", "-m", "-c", *(f"--{name}" for name in module.RUNNERS)}
    flags = {flag for action in parser._actions for flag in action.option_strings}

    assert {*plain_parser(command)._flags} == flags - elsewhere
    assert plain_parser(command).taking_values == taking_values(parser) - elsewhere


@pytest.mark.parametrize(
    "words",
    [
        ["-q", "-o", "out", "--max-items=5", "--include", "*.py", "--include", "*.x"],
        ["--no-require-trace", "--propagate-script-exit", "--json-errors"],
        ["--io-capture", "proxies+fd", "--redact", "a", "--redact", "b"],
        ["--no-redaction", "--log-level", "off"],
        [],
    ],
)
def test_the_usual_command_lines_are_plain(words: list[str]) -> None:
    read = plain_parser("record").read(words)

    assert read is not None
    assert vars(read) == by_argparse("record", words)


@pytest.mark.parametrize(
    "words",
    [
        ["--out-dir"],
        ["-oout"],
        ["-qo", "out"],
        ["--max-items", "none"],
        ["--io-capture", "all"],
        ["--no-redaction", "--redact", "x"],
        ["--quiet=yes"],
        ["--what"],
        ["-o", "-q"],
        ["-h"],
    ],
)
def test_any_other_command_line_is_left_to_argparse(words: list[str]) -> None:
    assert plain_parser("record").read(words) is None


@pytest.mark.slow
@pytest.mark.fresh
def test_a_program_that_is_recorded_by_a_plain_command_line_finds_no_argparse(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"app.py": "import sys; print('argparse' in sys.modules)"})

    found = [
        execute("-m", "codetracer", "record", *words, "app.py", cwd=tmp_path).stdout
        for words in (("-q", "-o", "a"), ("-ob",))
    ]

    assert found == ["False\n", "True\n"]
