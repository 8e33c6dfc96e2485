"""The command line: ``codetracer COMMAND [OPTION ...] PROGRAM [ARG ...]``.

To add a command that runs a program, write a module like `codetracer.live.command`, and enter what
it has into `PROGRAM_COMMANDS`; for one that reads a trace, a module like `codetracer.commands.info`
and `TRACE_COMMANDS`.
"""

from __future__ import annotations

import argparse
import io
import os
import sys

from codetracer import __version__, backend, configure_policy_from_env, log, policy_snapshot
from codetracer.commands import export, info, record, show
from codetracer.errors import RecorderError, UsageError
from codetracer.launcher import Target, complain, run
from codetracer.live import command as trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, NoReturn

__all__ = ["main"]


class ProgramCommand:
    """A command that runs a program.

    Attributes:
        summary: what it does, in a few words.
        examples: some calls of it.
        add_options: gives a parser the command's options.
        prepare: takes the options and the target, and returns what is to be called right before
            the program's first instruction; may raise a RecorderError.
        execute: runs the target, as `codetracer.launcher.run` does, and returns the exit code.
        runners: modules that the command can run by an option of their name, as -m would.
    """

    __slots__ = ("add_options", "examples", "execute", "prepare", "runners", "summary")

    def __init__(
        self,
        summary: str,
        examples: str,
        add_options: Callable[[argparse.ArgumentParser], None],
        prepare: Callable[[argparse.Namespace, Target], Callable[[], None]],
        execute: Callable[[Target, Callable[[], None]], int],
        runners: tuple[str, ...] = (),
    ) -> None:
        self.summary = summary
        self.examples = examples
        self.add_options = add_options
        self.prepare = prepare
        self.execute = execute
        self.runners = runners


def _execute(target: Target, start: Callable[[], None]) -> int:
    run(target, start)
    return 0


PROGRAM_COMMANDS: Final = {
    "record": ProgramCommand(
        record.SUMMARY,
        record.EXAMPLES,
        record.add_options,
        record.prepare,
        record.execute,
        record.FRAMEWORKS,
    ),
    "trace": ProgramCommand(
        trace.SUMMARY, trace.EXAMPLES, trace.add_options, trace.prepare, _execute
    ),
}


class TraceCommand:
    """A command that reads a trace.

    Attributes:
        summary: what it does, in a few words.
        examples: some calls of it.
        add_options: gives a parser the command's options and arguments.
        run: takes them and returns the exit code; may raise a RecorderError.
    """

    __slots__ = ("add_options", "examples", "run", "summary")

    def __init__(
        self,
        summary: str,
        examples: str,
        add_options: Callable[[argparse.ArgumentParser], None],
        run: Callable[[argparse.Namespace], int],
    ) -> None:
        self.summary = summary
        self.examples = examples
        self.add_options = add_options
        self.run = run


TRACE_COMMANDS: Final = {
    "show": TraceCommand(show.SUMMARY, show.EXAMPLES, show.add_options, show.run),
    "info": TraceCommand(info.SUMMARY, info.EXAMPLES, info.add_options, info.run),
    "export": TraceCommand(export.SUMMARY, export.EXAMPLES, export.add_options, export.run),
}

EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
"""What a shell sees of a program that was interrupted: 128 and SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters:
        argv: the arguments after the program's name; by default those of this process.

    Returns:
        The exit code, when nothing else decides on it.

    Raises:
        SystemExit: wrong usage (2), a failure of codetracer (1), ``--help`` and ``--version`` (0).
        BaseException: what the program that is run raises.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        configure_policy_from_env()
        parser, commands = _parsers()
    except RecorderError as error:
        _fail(error)
    if not arguments:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    name = arguments[0]
    if name in TRACE_COMMANDS:
        options = parser.parse_args(arguments)
        return _read(TRACE_COMMANDS[name], options)
    if name not in commands:
        # Whatever it is, it is no command that runs a program.
        parser.parse_args(arguments)
        return EXIT_USAGE
    command = PROGRAM_COMMANDS[name]
    own, program = _split(commands[name], command.runners, arguments[1:])
    options = commands[name].parse_args(own)
    target = _target(commands[name], command.runners, program)
    try:
        start = command.prepare(options, target)
    except RecorderError as error:
        _fail(error)
    return command.execute(target, lambda: _guarded(start))


def _read(command: TraceCommand, options: argparse.Namespace) -> int:
    try:
        # A name of the traced program's must not fail for the encoding of this terminal.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        status = command.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has enough, as `head` does; the flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except RecorderError as error:
        sys.stdout.flush()
        _fail(error)
    return status


def _guarded(start: Callable[[], None]) -> None:
    # Only what goes wrong before the program runs is told here; what it meets later is its own.
    try:
        start()
    except RecorderError as error:
        _fail(error)


def _fail(error: RecorderError) -> NoReturn:
    complain(f"codetracer: error: {error}")
    if policy_snapshot().json_errors:
        log.json_line(error)
    sys.exit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE)


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="codetracer",
        description="Watch what a Python program does, by CPython's sys.monitoring.",
        epilog="`codetracer COMMAND --help` tells more of a command.",
    )
    parser.add_argument("--version", action="version", version=_version())
    # With a prog of its own it need not lay out the usage, which takes milliseconds.
    subparsers = parser.add_subparsers(prog="codetracer", metavar="COMMAND", required=True)
    commands = {}
    for name, command in PROGRAM_COMMANDS.items():
        commands[name] = subparsers.add_parser(
            name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            usage=f"codetracer {name} [OPTION ...] ({_usage(command)}) [ARG ...]",
            epilog=command.examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        _describe_program(commands[name], command.runners)
        command.add_options(commands[name])
    for name, reader in TRACE_COMMANDS.items():
        reader.add_options(
            subparsers.add_parser(
                name,
                help=reader.summary,
                description=f"{reader.summary[0].upper()}{reader.summary[1:]}.",
                epilog=reader.examples,
                formatter_class=argparse.RawDescriptionHelpFormatter,
                allow_abbrev=False,
            )
        )
    return parser, commands


def _usage(command: ProgramCommand) -> str:
    ways = ["SCRIPT", "-m MODULE", "-c CODE", *(f"--{runner}" for runner in command.runners)]
    return " | ".join(ways)


def _describe_program(parser: argparse.ArgumentParser, runners: tuple[str, ...]) -> None:
    """Put the program into the help; `_split` takes it away before the parser sees it."""
    group = parser.add_argument_group(
        "program", "as for python; all that follows it is the program's, options too"
    )
    group.add_argument(
        "script",
        metavar="SCRIPT",
        nargs="?",
        help="a file, a directory or zip file with a __main__.py, or - for standard input",
    )
    group.add_argument("-m", metavar="MODULE", help="run a module or package")
    group.add_argument("-c", metavar="CODE", help="run code")
    for runner in runners:
        group.add_argument(f"--{runner}", action="store_true", help=f"the same as -m {runner}")


def _version() -> str:
    return f"codetracer {__version__} (CPython {sys.version.split()[0]}, {backend()} callbacks)"


def _split(
    parser: argparse.ArgumentParser, runners: tuple[str, ...], arguments: list[str]
) -> tuple[list[str], list[str]]:
    """Part a command's options from the program and its arguments.

    argparse cannot: it takes options for its own wherever they stand.
    """
    takes_value = {
        option
        for action in parser._actions
        for option in action.option_strings
        if action.nargs != 0
    }
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if not word.startswith("-") or word in ("-", "--") or word[:2] in ("-m", "-c"):
            break
        if word.removeprefix("--") in runners:
            break
        position += 2 if word in takes_value else 1
    return arguments[:position], arguments[position:]


def _target(
    parser: argparse.ArgumentParser, runners: tuple[str, ...], program: list[str]
) -> Target:
    """Return what to run; exit with 2 when nothing is named."""
    word, *rest = program or [""]
    if word[:2] == "--" and word[2:] in runners:
        return Target("module", word[2:], tuple(rest))
    if word[:2] in ("-m", "-c"):
        # The value may be joined to the letter, as for python.
        value = [word[2:]] if word[2:] else rest[:1]
        args = rest if word[2:] else rest[1:]
        if not value:
            parser.error(f"argument {word}: expected one argument")
        return Target("module" if word[1] == "m" else "command", value[0], tuple(args))
    if word == "--":
        word, *rest = rest or [""]
    if not word:
        parser.error("no program: name a SCRIPT, -m MODULE or -c CODE")
    return Target("script", word, tuple(rest))
