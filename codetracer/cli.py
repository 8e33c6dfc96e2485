"""The command line: ``codetracer COMMAND [OPTION ...] PROGRAM [ARG ...]``.

To add a command that runs a program, write a module like `codetracer.watch.command`, and add it to
`PROGRAM_COMMANDS`. To add one that reads a trace, write a module like `codetracer.commands.info`,
and add it to `TRACE_COMMANDS`; for any other command, use `OTHER_COMMANDS`. The command line loads
only the module of the called command, because that module may share its process with a program.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from codetracer import backend, configure_policy_from_env, log, policy_snapshot
from codetracer.errors import HostError, RecorderError, UsageError
from codetracer.launcher import Target
from codetracer.standard_error import complain
from codetracer.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Final, NoReturn, Protocol

    class Command(Protocol):
        """The module of a command.

        Attributes:
            SUMMARY: a few words about what the command does.
            EXAMPLES: some calls of the command, for its help text.
        """

        SUMMARY: str
        EXAMPLES: str

        def add_options(self, parser: argparse.ArgumentParser) -> None:
            """Add the command's options to a parser."""

    class ProgramCommand(Command, Protocol):
        """The module of a command that runs a program.

        Attributes:
            RUNNERS: modules that have an option with their name, which runs them like ``-m``.
        """

        RUNNERS: tuple[str, ...]

        def prepare(self, options: argparse.Namespace, target: Target) -> Callable[[], None]:
            """Return a function to call right before the program's first instruction.

            Raises:
                RecorderError: the command cannot do what the options ask for.
            """
            ...

        def execute(self, target: Target, start: Callable[[], None]) -> int:
            """Run the target, as `codetracer.launcher.run` does, and return the exit status."""
            ...

    class TraceCommand(Command, Protocol):
        """The module of a command that does not run a program."""

        def run(self, options: argparse.Namespace) -> int:
            """Run the command with its options, and return the exit status.

            Raises:
                RecorderError: the command failed; for example, the trace is missing or damaged.
            """
            ...


__all__ = ["all_parsers", "main"]

PROGRAM_COMMANDS: Final = {
    "record": "codetracer.commands.record",
    "watch": "codetracer.watch.command",
}
TRACE_COMMANDS: Final = {
    "show": "codetracer.commands.show.command",
    "debug": "codetracer.commands.debug",
    "why": "codetracer.commands.why",
    "info": "codetracer.commands.info",
    "export": "codetracer.commands.export",
    "dap": "codetracer.commands.dap",
}
OTHER_COMMANDS: Final = {
    "completion": "codetracer.commands.completion",
    "events": "codetracer.commands.events",
}

RENAMED: Final = {
    "trace": "it is `codetracer watch` now, which shows a program's events as they happen;"
    " `codetracer record` records them, to be looked at later",
}
"""The hint in the error message for each command that has been renamed."""

EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
"""The exit status that a shell reports for an interrupted program: 128 + SIGINT."""


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
        parser, programs, readers = _parsers(name)
    except RecorderError as error:
        _fail(error)
    if not arguments:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    if name in readers:
        # Imported here, because recorded programs load this module too.
        from codetracer.terminal import safe_streams

        options = parser.parse_args(arguments)
        with safe_streams():
            return _read(readers[name], options)
    if name in RENAMED:
        parser.error(f"there is no command {name!r}: {RENAMED[name]}")
    if name in ("-h", "--help", "--version"):
        parser.parse_args([name])
    if name not in programs:
        parser.error(_unknown(name, [*programs, *readers]))
    command, own_parser = programs[name]
    own, program = _split(own_parser, command.RUNNERS, arguments[1:])
    options = own_parser.parse_args(own)
    target = _target(own_parser, command.RUNNERS, program)
    try:
        start = command.prepare(options, target)
    except RecorderError as error:
        _fail(error)
    return command.execute(target, lambda: _guarded(start))


def _unknown(word: str, commands: list[str]) -> str:
    """Return the message that a word is not a command, with a hint."""
    from codetracer.filters.selectors import suggestion

    there = f"commands are: {', '.join(commands)}"
    if word.startswith("-"):
        return f"there is no option {word!r} before the command; {there}"
    if os.path.exists(word):
        return f"there is no command {word!r}; to record that program: codetracer record {word}"
    return f"there is no command {word!r}{suggestion(word, commands)}; {there}"


def all_parsers() -> tuple[argparse.ArgumentParser, set[str]]:
    """Return the parser with all commands, and the names of the commands that run a program."""
    parser, programs, _ = _parsers("")
    return parser, set(programs)


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
        return EXIT_INTERRUPTED
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # It may have an argument in it that is the name of a recording.
        from codetracer.terminal import safe

        super().error(safe(message))


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


def _parsers(
    name: str,
) -> tuple[
    argparse.ArgumentParser,
    dict[str, tuple[ProgramCommand, argparse.ArgumentParser]],
    dict[str, TraceCommand],
]:
    """Return the parser, and the commands that it knows: the one of this name, or else all."""
    parser = _Parser(
        prog="codetracer",
        description="Record what a Python program does, look at recordings, or watch a program"
        " while it runs.",
        epilog="Run `codetracer COMMAND --help` for the options of a command.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=_version(),
        help="show the versions of codetracer and CPython, and which callbacks are in use",
    )
    # With a prog of its own it need not lay out the usage, which takes milliseconds.
    subparsers = parser.add_subparsers(prog="codetracer", metavar="COMMAND", required=True)
    known = {**PROGRAM_COMMANDS, **TRACE_COMMANDS, **OTHER_COMMANDS}
    wanted: Iterable[str] = [name] if name in known else known
    programs: dict[str, tuple[ProgramCommand, argparse.ArgumentParser]] = {}
    readers: dict[str, TraceCommand] = {}
    for each in wanted:
        module: Any = import_module(known[each])
        summary: str = module.SUMMARY
        usage = None
        if each in PROGRAM_COMMANDS:
            ways = ["SCRIPT", "-m MODULE", "-c CODE", *(f"--{name}" for name in module.RUNNERS)]
            usage = f"codetracer {each} [OPTION ...] ({' | '.join(ways)}) [ARG ...]"
        own = subparsers.add_parser(
            each,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            usage=usage,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if each in PROGRAM_COMMANDS:
            _describe_program(own, module.RUNNERS)
            programs[each] = module, own
        else:
            readers[each] = module
        module.add_options(own)
    return parser, programs, readers


def _describe_program(parser: argparse.ArgumentParser, runners: tuple[str, ...]) -> None:
    """Describe the program's arguments in the help. `_split` removes them before parsing."""
    group = parser.add_argument_group(
        "program", "named as for python; everything after it goes to the program"
    )
    group.add_argument(
        "script",
        metavar="SCRIPT",
        nargs="?",
        help="a script, a folder or zip file that contains a __main__.py, or - for standard input",
    )
    group.add_argument("-m", metavar="MODULE", help="run a module or a package")
    group.add_argument("-c", metavar="CODE", help="run this code")
    for runner in runners:
        group.add_argument(f"--{runner}", action="store_true", help=f"the same as -m {runner}")


def _version() -> str:
    return f"codetracer {__version__} (CPython {sys.version.split()[0]}, {backend()} callbacks)"


def _split(
    parser: argparse.ArgumentParser, runners: tuple[str, ...], arguments: list[str]
) -> tuple[list[str], list[str]]:
    """Separate a command's options from the program and its arguments.

    argparse cannot do this, because it would parse the program's options as the command's.
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
    """Return the program to run. Exit with status 2 if the arguments name none."""
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
