"""``codetracer debug``: its options, and the place where its prompt begins."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from codetracer.commands.newest import add_folder, named_or_newest
from codetracer.commands.option_values import place
from codetracer.errors import TargetError
from codetracer.reading import read
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.replay import Trace

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "look at a recording at a prompt: pdb's commands, forwards and backwards"

EXAMPLES = """\
examples:
  codetracer debug                     the newest recording in the current folder
  codetracer debug trace-out --at 0:120
  printf 'rn\\nw\\np total\\n' | codetracer debug trace-out

pdb's commands work as in pdb: s n r unt c w u d b tbreak cl l ll a p pp whatis display, and more;
rs, rn, rc and ru go backwards, and goto goes to any place. `help` at the prompt lists them all.

The prompt begins where the exception was raised that ended the program, if one did (sys.exit does
not count), and otherwise at the first step. The number at the prompt is the place: process:step.

environment:
  XDG_STATE_HOME   the folder in which codetracer/debug_history keeps your commands (default:
                   ~/.local/state)
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``debug``."""
    add_folder(parser)
    parser.add_argument(
        "--at",
        metavar="PLACE",
        type=place,
        help="begin at this place, which is process:step, or a step of the first process",
    )


def run(options: argparse.Namespace) -> int:
    """Ask for commands until somebody quits.

    Returns:
        The exit code, 0.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        TargetError: the recording is missing, damaged or of a newer version, has no step, or lacks
            the place in the options.
    """
    # Not imported at the top, because recorded programs load the command line, too.
    from codetracer.commands.progress import Progress
    from codetracer.debug.motion import uncaught
    from codetracer.debug.prompt import Prompt
    from codetracer.debug.prompt_completing import line_editing
    from codetracer.debug.prompt_session import exception_text
    from codetracer.replay import Place

    trace = read(named_or_newest(options.trace))
    wanted: Place = options.at or Place(0, 0)
    with Progress("indexed") as bar:
        # A place in a process that there is not is refused below.
        for process in trace.processes[wanted.process : wanted.process + 1]:
            process.timeline(bar.at)
    _check_steps(trace)
    prompt = Prompt(trace, wanted)
    stop = prompt.stop
    print(f"codetracer: {trace.path}: {_how_much(trace)}")
    if options.at is None:
        raised = uncaught(prompt.timeline, stop.moment.thread.number)
        if raised is None:
            print("It begins at the first step; the program ended without an uncaught exception.")
        else:
            name = exception_text(raised.value).partition(":")[0]
            print(f"It begins where the uncaught {name} was raised; `run` goes to the first step.")
            stop = raised
    if trace.problem is not None:
        complain(f"codetracer: the recording is incomplete: {trace.problem}")
    with line_editing(prompt) if sys.stdin.isatty() else nullcontext():
        prompt.begin(stop)
    return 0


def _check_steps(trace: Trace) -> None:
    """Refuse a recording without any step."""
    if not trace.processes[0].timeline().steps:
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"{trace.path} has no step: no line of the program was recorded"
            f"{trace.processes[0].timeline().because('lines')}",
            {"path": trace.path},
        )


def _how_much(trace: Trace) -> str:
    steps = sum(process.timeline().steps for process in trace.processes)
    count = len(trace.processes)
    return f"{steps:,} steps" + (f" in {count} processes" if count > 1 else "")
