"""``codetracer show``: its options, and which of the views they mean."""

from __future__ import annotations

import argparse
import shutil
import sys

from codetracer.commands.newest import add_folder, named_or_newest
from codetracer.commands.option_values import Once, text, whole_number
from codetracer.errors import TargetError
from codetracer.reading import read
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.commands.printer import Printer
    from codetracer.replay import Process, Trace

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "show what a recorded program did"

EXAMPLES = """\
examples:
  codetracer show trace-out                       the call tree
  codetracer show trace-out --call 120            the call that step 120 is in, and what it called
  codetracer show trace-out --call 120 --lines    that call line by line, and what each changed
  codetracer show trace-out --step 120            every variable at a moment
  codetracer show trace-out --function parse      every call of a function
  codetracer show trace-out --variable total      every value of a variable
  codetracer show trace-out --variable self.total   of an attribute; 'order.items[0]' of an item,
                                                  '#5.total' of one object's attribute
  codetracer show trace-out --find 4711           where a text or a number comes up
  codetracer show trace-out --raises --format json

Views that are asked for together are one listing, in the order in which things become known.
--process, --thread, --call and --depth choose for each view what it shows. Every line begins with
file:line and the number of a step, which --step and --call take.

With --format json each line is a JSON object; lines are cut or folded only where options ask for
it, and of a value so many items at most are given as a line can hold (10,000).

environment:
  CODETRACER_PAGER, PAGER   what shows it on a terminal (default: less -FRX); cat for none
  NO_COLOR                  no colours; they need the extra: pip install 'codetracer[show]'
"""

DEFAULT_DEPTH = 12
DEFAULT_LIMIT = 200


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``show``."""
    add_folder(parser)
    view = parser.add_argument_group("views", "the call tree, if none of these is asked for")
    view.add_argument(
        "--step",
        action=Once,
        metavar="N",
        type=whole_number(0),
        help="show every variable of every frame right before step N's line ran, whole",
    )
    view.add_argument(
        "--lines",
        action="store_true",
        help="show calls line by line: the source, what each line changed, what came of it; with"
        " --call that call, with --function each call of it",
    )
    view.add_argument(
        "--function",
        action=Once,
        type=text,
        metavar="NAME",
        help="show every call of a function, as it ends: by its qualified name or the last part"
        " of that, with its module before it or not",
    )
    view.add_argument(
        "--variable",
        action=Once,
        type=text,
        metavar="NAME",
        help="show every value that variables of this name had, and the line that gave it; or an"
        " attribute or item: self.total, order.items[0], #5.total",
    )
    view.add_argument(
        "--find",
        action=Once,
        type=text,
        metavar="TEXT",
        help="show where a text comes up: in a value, a name or an output; a number by its digits",
    )
    view.add_argument(
        "--raises",
        action="store_true",
        help="show each exception: where it was raised, and handled or what it ended",
    )
    view.add_argument("--output", action="store_true", help="show what was written, and where")
    part = parser.add_argument_group("what of it")
    part.add_argument(
        "--process",
        action=Once,
        metavar="PID",
        type=whole_number(0),
        help="show one process (default: all of them)",
    )
    part.add_argument(
        "--thread", action=Once, metavar="THREAD", help="show one thread, by its number or its name"
    )
    part.add_argument(
        "--call",
        action=Once,
        metavar="STEP",
        type=whole_number(0),
        help="show the call that a step is in, with all that it called, and nothing else",
    )
    part.add_argument(
        "--depth",
        metavar="N",
        type=whole_number(0),
        help="show calls up to this depth, below --call if it is given, 0 for all (default:"
        f" {DEFAULT_DEPTH} in the tree, 1 for --lines, all elsewhere)",
    )
    part.add_argument(
        "--all",
        action="store_true",
        help="fold nothing: as --depth 0 --limit 0, with imports, class bodies, code that is not"
        " yours, and every one of many similar things",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="lines for people, or a JSON object a line (default: text)",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=whole_number(0),
        help=f"stop after so many lines, 0 for never (default: {DEFAULT_LIMIT}; in a pager never)",
    )
    parser.add_argument(
        "--width",
        metavar="N",
        type=whole_number(0),
        help="cut lines to so many characters, 0 for never (default: as the terminal is wide; never"
        " where there is none)",
    )
    parser.add_argument(
        "--no-pager", action="store_true", help="print on the terminal, without a pager"
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
    from codetracer.commands.drawing import canvas, has_colours
    from codetracer.commands.printer import FullError, Printer
    from codetracer.commands.show.paging import paged, pager

    trace = read(named_or_newest(options.trace))
    as_json = options.format == "json"
    is_terminal = sys.stdout.isatty()
    command = None if options.no_pager else pager()
    unlimited = options.all or as_json or command is not None
    limit = _default(options.limit, 0 if unlimited else DEFAULT_LIMIT)
    width = _default(options.width, shutil.get_terminal_size().columns if is_terminal else 0)
    colours = has_colours()
    with paged(command):
        drawn = canvas(width, colours=colours)
        printer = Printer(trace, as_json=as_json, canvas=drawn, limit=limit)
        try:
            _show(trace, _processes(trace, options), printer, options)
        except FullError:
            printer.note(f"… cut after {limit} lines; --limit N shows more, --limit 0 all")
    if trace.problem is not None:
        complain(f"codetracer: the trace is not complete: {trace.problem}")
    return 0


def _show(
    trace: Trace, processes: tuple[Process, ...], printer: Printer, options: argparse.Namespace
) -> None:
    from codetracer.commands.show.views import Views, missing

    shown: list[Views] = []
    for process in processes:
        if len(processes) > 1:
            printer.process = process.pid
            printer.note(f"== process {process.pid}")
        views = Views(process, printer, options, DEFAULT_DEPTH)
        shown.append(views)
        try:
            views.show()
        finally:
            for note in views.notes:
                printer.note(note)
    error = missing(trace, shown, options)
    if error is not None:
        raise error


def _processes(trace: Trace, options: argparse.Namespace) -> tuple[Process, ...]:
    if options.process is None:
        # Step numbers are each process' own.
        has_step = options.step is not None or options.call is not None
        return trace.processes[:1] if has_step else trace.processes
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
