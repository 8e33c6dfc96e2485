"""``codetracer show``: its options, and which of the views they mean."""

from __future__ import annotations

import argparse

from codetracer.commands.newest import add_folder, named_or_newest
from codetracer.errors import TargetError
from codetracer.launcher import complain
from codetracer.reading import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.commands.printer import Printer
    from codetracer.replay import Process, Trace

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "show what a recorded program did"

EXAMPLES = """\
examples:
  codetracer show trace-out                       the call tree
  codetracer show trace-out --function parse      every call of a function
  codetracer show trace-out --variable total      every value of a variable
  codetracer show trace-out --step 120            every variable at a moment
  codetracer show trace-out --raises --format json

With --format json each line is a JSON object; lines are cut or folded only where options ask for
it, and of a value so many items at most are given as a line can hold (10,000).
"""

DEFAULT_DEPTH = 12
DEFAULT_LINES = 200
DEFAULT_WIDTH = 120


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``show``."""
    add_folder(parser)
    view = parser.add_mutually_exclusive_group()
    view.add_argument(
        "--step",
        metavar="N",
        type=_count,
        help="show every variable right before step N's line ran; other views tell step numbers",
    )
    view.add_argument(
        "--function",
        metavar="NAME",
        help="show every call of a function, as it ends: by its qualified name or the last part"
        " of that, with its module before it or not",
    )
    view.add_argument(
        "--variable",
        metavar="NAME",
        help="show every value that variables of this name had, and the line that gave it",
    )
    view.add_argument(
        "--raises",
        action="store_true",
        help="show each exception: where it was raised, and handled or what it ended",
    )
    view.add_argument("--output", action="store_true", help="show what was written, and where")
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="lines for people, or a JSON object a line (default: text)",
    )
    parser.add_argument(
        "--depth",
        metavar="N",
        type=_count,
        help=f"show calls up to this depth of the stack, 0 for all (default: {DEFAULT_DEPTH})",
    )
    parser.add_argument(
        "--lines",
        metavar="N",
        type=_count,
        help=f"stop after so many lines, 0 for never (default: {DEFAULT_LINES})",
    )
    parser.add_argument(
        "--width",
        metavar="N",
        type=_count,
        help=f"cut lines to so many characters, 0 for never (default: {DEFAULT_WIDTH})",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="as --depth 0 --lines 0, and with every one of many similar calls",
    )
    parser.add_argument(
        "--process", metavar="PID", type=_count, help="show one process (default: all of them)"
    )


def run(options: argparse.Namespace) -> int:
    """Print what the options ask for.

    Returns:
        The exit code.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        TargetError: the trace is missing, damaged, of a newer version, or lacks what is asked for.
    """
    # Imported now: the command line is loaded into programs that are recorded as well.
    from codetracer.commands.printer import FullError, Printer

    trace = read(named_or_newest(options.trace))
    as_json = options.format == "json"
    unlimited = options.all or as_json
    lines = _default(options.lines, 0 if unlimited else DEFAULT_LINES)
    depth = _default(options.depth, 0 if unlimited else DEFAULT_DEPTH)
    width = _default(options.width, DEFAULT_WIDTH)
    printer = Printer(trace, as_json=as_json, width=width, limit=lines)
    try:
        _show(trace, _processes(trace, options), printer, options, depth)
    except FullError:
        printer.note(f"… cut after {lines} lines; --lines N shows more, --all shows all")
    if trace.problem is not None:
        complain(f"codetracer: the trace is not complete: {trace.problem}")
    return 0


def _show(
    trace: Trace,
    processes: tuple[Process, ...],
    printer: Printer,
    options: argparse.Namespace,
    depth: int,
) -> None:
    from codetracer.commands.moments import show_step
    from codetracer.commands.raised import show_raises
    from codetracer.commands.searches import (
        close_names,
        show_function,
        show_output,
        show_variable,
    )
    from codetracer.commands.tree import show_tree

    name = options.function or options.variable
    others: set[str] | None = set()
    for process in processes:
        if len(processes) > 1:
            printer.process = process.pid
            printer.note(f"== process {process.pid}")
        by_step = options.step is not None or options.variable is not None or options.raises
        replay = process.replay(tell_steps=by_step)
        if options.step is not None:
            show_step(replay, printer, options.step)
        elif name is not None:
            show_name = show_function if options.function else show_variable
            found = show_name(replay, printer, name)
            others = None if found is None or others is None else others | found
        elif options.raises:
            show_raises(replay, printer)
        elif options.output:
            show_output(replay, printer)
        else:
            show_tree(replay, printer, depth, fold=not options.all)
    if name is not None and others is not None:
        what = "function" if options.function else "variable"
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"{trace.path} has no {what} {name}{close_names(name, others)}",
            {"path": trace.path, "name": name},
        )


def _processes(trace: Trace, options: argparse.Namespace) -> tuple[Process, ...]:
    if options.process is None:
        # Step numbers are each process' own.
        return trace.processes if options.step is None else trace.processes[:1]
    chosen = tuple(process for process in trace.processes if process.pid == options.process)
    if not chosen:
        there = ", ".join(str(process.pid) for process in trace.processes)
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            f"{trace.path} has no process {options.process}; there is {there}",
            {"path": trace.path, "process": options.process},
        )
    return chosen


def _default(given: int | None, default: int) -> int:
    return default if given is None else given


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return number
