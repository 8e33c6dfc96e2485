"""The command line: ``codetracer COMMAND [OPTION ...] PROGRAM [ARG ...]``.

To add a command that runs a program, write a module like `codetracer.watch.command`, and add it to
`codetracer.commands.PROGRAM_COMMANDS`. To add one that reads a trace, write a module like
`codetracer.commands.info`, and add it to `TRACE_COMMANDS`; for any other command, use
`OTHER_COMMANDS`. The command line loads only the module of the called command, because that module
may share its process with a program.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from codetracer import configure_policy_from_env, log, policy_snapshot
from codetracer.commands import INTERRUPTED, PROGRAM_COMMANDS
from codetracer.commands.plain_options import PlainParser
from codetracer.errors import HostError, RecorderError, UsageError
from codetracer.launcher import Target
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any, Final, NoReturn

    from codetracer.commands import ProgramCommand, TraceCommand
    from codetracer.commands.plain_options import Options

__all__ = ["main"]

RENAMED: Final = {
    "trace": "it is `codetracer watch` now, which shows a program's events as they happen;"
    " `codetracer record` records them, to be looked at later",
}
"""The hint in the error message for each command that has been renamed."""

EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters:
        argv: the arguments after the program's name; by default those of this process.

    Returns:
        The exit status, if the program does not end the process itself.

    Raises:
        SystemExit: wrong usage (2), a failure of codetracer (1), ``--help`` and ``--version`` (0).
        BaseException: the program raised it.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else ""
    try:
        configure_policy_from_env()
        if name not in PROGRAM_COMMANDS:
            return _run_other(arguments)
        module: Any = import_module(PROGRAM_COMMANDS[name])
        command: ProgramCommand = module
        call = _plain_call(command, arguments[1:]) or _parsed_call(name, command, arguments[1:])
        options, target = call
        start = command.prepare(options, target)
    except RecorderError as error:
        _fail(error)
    return command.execute(target, lambda: _guarded(start))


def _plain_call(command: ProgramCommand, arguments: list[str]) -> tuple[Options, Target] | None:
    """Return what `_parsed_call` would return; None if `argparse` has to say it."""
    parser = PlainParser()
    command.add_options(parser)
    own, program = _split(parser.taking_values, command.RUNNERS, arguments)
    options = parser.read(own)
    try:
        return None if options is None else (options, _target(command.RUNNERS, program))
    except ValueError:
        return None


def _parsed_call(
    name: str, command: ProgramCommand, arguments: list[str]
) -> tuple[Options, Target]:
    """Return a command's options, and the program to run. Exit if they are wrong, or for help."""
    # Imported here and below, because recorded programs load this module too.
    from codetracer.commands.parsers import parsers, taking_values

    parser = parsers(name)[1][name]
    own, program = _split(taking_values(parser), command.RUNNERS, arguments)
    options = parser.parse_args(own)
    try:
        return options, _target(command.RUNNERS, program)
    except ValueError as error:
        parser.error(str(error))


def _run_other(arguments: list[str]) -> int:
    """Run a command that runs no program; return the exit status."""
    from codetracer.commands.parsers import parsers
    from codetracer.terminal import safe_streams

    name = arguments[0] if arguments else ""
    parser, programs, readers = parsers(name)
    if not arguments:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    if name in RENAMED:
        parser.error(f"there is no command {name!r}: {RENAMED[name]}")
    if name in ("-h", "--help", "--version"):
        parser.parse_args([name])
    if name not in readers:
        parser.error(_unknown(name, [*programs, *readers]))
    options = parser.parse_args(arguments)
    with safe_streams():
        return _read(readers[name], options)


def _unknown(word: str, commands: list[str]) -> str:
    """Return the message that a word is not a command, with a hint."""
    from codetracer.filters.selectors import suggestion

    there = f"commands are: {', '.join(commands)}"
    if word.startswith("-"):
        return f"there is no option {word!r} before the command; {there}"
    if os.path.exists(word):
        return f"there is no command {word!r}; to record that program: codetracer record {word}"
    return f"there is no command {word!r}{suggestion(word, commands)}; {there}"


def _read(command: TraceCommand, options: argparse.Namespace) -> int:
    try:
        if sys.stdout is None:
            raise HostError("ERR_IO", "standard output is closed")
        try:
            return command.run(options)
        finally:
            # Before messages go to standard error.
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has ended, as `head` does.
        _drop_output()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except RecorderError as error:
        _fail(error)
    except OSError as error:
        # If printing failed, the error has no file name.
        what = error.filename or "standard output"
        _drop_output()
        _fail(HostError("ERR_IO", f"{what} cannot be written: {error.strerror or error}"))
    except Exception:
        # Print it here, where names of the recording are made safe; the interpreter would not.
        import traceback

        for line in traceback.format_exc().splitlines():
            complain(line)
        return EXIT_FAILURE


def _drop_output() -> None:
    """Redirect standard output, so that the flush at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _guarded(start: Callable[[], None]) -> None:
    # This reports only errors before the program runs; later ones belong to the program.
    try:
        start()
    except RecorderError as error:
        _fail(error)


def _fail(error: RecorderError) -> NoReturn:
    complain(f"codetracer: error: {error}")
    if policy_snapshot().json_errors:
        log.json_line(error)
    sys.exit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE)


def _split(
    taking_values: set[str], runners: tuple[str, ...], arguments: list[str]
) -> tuple[list[str], list[str]]:
    """Separate a command's options from the program and its arguments.

    argparse cannot do this, because it would parse the program's options as the command's.
    """
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if not word.startswith("-") or word in ("-", "--") or word[:2] in ("-m", "-c"):
            break
        if word.removeprefix("--") in runners:
            break
        position += 2 if word in taking_values else 1
    return arguments[:position], arguments[position:]


def _target(runners: tuple[str, ...], program: list[str]) -> Target:
    """Return the program to run.

    Raises:
        ValueError: the arguments name none; the text is the message.
    """
    word, *rest = program or [""]
    if word[:2] == "--" and word[2:] in runners:
        return Target("module", word[2:], tuple(rest))
    if word[:2] in ("-m", "-c"):
        # The value may be joined to the letter, as for python.
        value = [word[2:]] if word[2:] else rest[:1]
        args = rest if word[2:] else rest[1:]
        if not value:
            raise ValueError(f"argument {word}: expected one argument")
        return Target("module" if word[1] == "m" else "command", value[0], tuple(args))
    if word == "--":
        word, *rest = rest or [""]
    if not word:
        raise ValueError("no program: name a SCRIPT, -m MODULE or -c CODE")
    return Target("script", word, tuple(rest))
