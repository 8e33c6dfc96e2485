"""The parsers of the command line, which `argparse` runs."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from codetracer.commands import OTHER_COMMANDS, PROGRAM_COMMANDS, TRACE_COMMANDS
from codetracer.monitoring.backend import backend
from codetracer.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NoReturn

    from codetracer.commands import TraceCommand

__all__ = ["all_parsers", "parsers", "taking_values"]


def all_parsers() -> tuple[argparse.ArgumentParser, set[str]]:
    """Return the parser with all commands, and the names of the commands that run a program."""
    parser, programs, _ = parsers("")
    return parser, set(programs)


def parsers(
    name: str,
) -> tuple[
    argparse.ArgumentParser,
    dict[str, argparse.ArgumentParser],
    dict[str, TraceCommand],
]:
    """Return the parser of all, those of commands that run a program, and the other commands.

    Parameters:
        name: the only command that they know; all if there is none of this name.
    """
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
    programs: dict[str, argparse.ArgumentParser] = {}
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
            programs[each] = own
        else:
            readers[each] = module
        module.add_options(own)
    return parser, programs, readers


def _describe_program(parser: argparse.ArgumentParser, runners: tuple[str, ...]) -> None:
    """Describe the program's arguments in the help. They are removed before parsing."""
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


def taking_values(parser: argparse.ArgumentParser) -> set[str]:
    """Return the flags that have a value."""
    return {
        option
        for action in parser._actions
        for option in action.option_strings
        if action.nargs != 0
    }


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # For both kinds of parsers; see `codetracer.commands.plain_options`.
        self.register("action", "switch", argparse.BooleanOptionalAction)

    def error(self, message: str) -> NoReturn:
        # It may have an argument in it that is the name of a recording.
        from codetracer.terminal import safe

        super().error(safe(message))
