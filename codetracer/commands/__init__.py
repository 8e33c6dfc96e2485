"""The commands of the command line, and the modules that have them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Final, Protocol

    from codetracer.commands.plain_options import OptionParser, Options
    from codetracer.launcher import Target

    class Command(Protocol):
        """The module of a command.

        Attributes:
            SUMMARY: a few words about what the command does.
            EXAMPLES: some calls of the command, for its help text.
        """

        SUMMARY: str
        EXAMPLES: str

        def add_options(self, parser: OptionParser) -> None:
            """Add the command's options to a parser."""

    class ProgramCommand(Command, Protocol):
        """The module of a command that runs a program.

        Attributes:
            RUNNERS: modules that have an option with their name, which runs them like ``-m``.
        """

        RUNNERS: tuple[str, ...]

        def prepare(self, options: Options, target: Target) -> Callable[[], None]:
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


__all__ = ["INTERRUPTED", "OTHER_COMMANDS", "PROGRAM_COMMANDS", "TRACE_COMMANDS"]

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

INTERRUPTED: Final = 130
"""The exit status after a KeyboardInterrupt, as shells report it: 128 plus SIGINT."""
