"""``codetracer show``: its options, and the views that they choose."""

from __future__ import annotations

import argparse
import shutil
import sys

from codetracer.commands.newest import add_folder, named_or_newest
from codetracer.commands.once import Once
from codetracer.commands.option_values import step, text, whole_number
from codetracer.errors import TargetError
from codetracer.reading import read
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.commands.printer import Printer
    from codetracer.replay import Place, Process, Trace

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "show what a recorded program did"

EXAMPLES = """\
examples:
  codetracer show trace-out                       the tree of calls
  codetracer show trace-out --call 120            the call that contains step 120, and its calls
  codetracer show trace-out --call 120 --lines    that call line by line, with the changes
  codetracer show trace-out --step 120            every variable at that moment
  codetracer show trace-out --function parse      every call of a function
  codetracer show trace-out --variable total      every value of a variable
  codetracer show trace-out --variable self.total   of an attribute; 'order.items[0]': of an item;
                                                  '#5.total': of an attribute of one object
  codetracer show trace-out --find 4711           where a text or a number appears
  codetracer show trace-out --raises --format json

If you ask for several views, you get one listing in the order in which things became known.
--process, --thread, --call and --depth choose the part that every view shows. Every line begins
with file:line and a step, which --step and --call take: process:step where a recording has several
processes.

With --format json each line is a JSON object. Lines are cut or left out only if options ask for
it, and a value has at most 10,000 items.

environment:
  CODETRACER_PAGER, PAGER   the pager on a terminal (default: less -FRX); cat means none
  NO_COLOR                  turns colours off; they need: pip install rich
"""

DEFAULT_DEPTH = 12
DEFAULT_LIMIT = 200


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``show``."""
    add_folder(parser)
    view = parser.add_argument_group("views", "without any of these: the tree of calls")
    view.add_argument(
        "--step",
        action=Once,
        metavar="PLACE",
        type=step,
        help="show every variable of every frame at a step, right before its line runs. PLACE is"
        " process:step, or a step of the first process or of --process",
    )
    view.add_argument(
        "--lines",
        action="store_true",
        help="show calls line by line, with the changes that each line made: the call that --call"
        " names, or each call that --function names",
    )
    view.add_argument(
        "--function",
        action=Once,
        type=text,
        metavar="NAME",
        help="show every call of this function when it ends. NAME is a qualified name or the last"
        " part of one, with or without its module",
    )
    view.add_argument(
        "--variable",
        action=Once,
        type=text,
        metavar="NAME",
        help="show every value of the variables with this name, and the line that set it. NAME can"
        " also be an attribute or an item: self.total, order.items[0], #5.total",
    )
    view.add_argument(
        "--find",
        action=Once,
        type=text,
        metavar="TEXT",
        help="show where a text appears: in a value, a name or an output. A number is found by its"
        " digits",
    )
    view.add_argument(
        "--raises",
        action="store_true",
        help="show each exception: where it was raised, and where it was handled or what it ended",
    )
    view.add_argument(
        "--output",
        action="store_true",
        help="show the output of the program, and the line that wrote it",
    )
    part = parser.add_argument_group("parts of the recording")
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
        metavar="PLACE",
        type=step,
        help="show only the call that contains this step, and the calls that it made",
    )
    part.add_argument(
        "--depth",
        metavar="N",
        type=whole_number(0),
        help="show calls up to this depth, counted from --call if that is given; 0 means all"
        f" (default: {DEFAULT_DEPTH} in the tree, 1 with --lines, all otherwise)",
    )
    part.add_argument(
        "--all",
        action="store_true",
        help="leave nothing out: the same as --depth 0 --limit 0, and also show imports, class"
        " bodies, code that is not yours, and every one of many similar calls",
    )
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="print lines to be read, or one JSON object per line (default: text)",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=whole_number(0),
        help=f"stop after N lines; 0 means never (default: {DEFAULT_LIMIT}, or never in a pager)",
    )
    parser.add_argument(
        "--width",
        metavar="N",
        type=whole_number(0),
        help="cut lines after N characters; 0 means never (default: the terminal's width, or never"
        " if there is no terminal)",
    )
    parser.add_argument(
        "--no-pager", action="store_true", help="print to the terminal without a pager"
    )


def run(options: argparse.Namespace) -> int:
    """Print the views that the options select.

    Returns:
        The exit code, 0.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        TargetError: the recording is missing, damaged, of a newer version, or lacks the process,
            thread, step, call, function, variable or text in the options.
    """
    # Not imported at the top, because recorded programs load the command line, too.
    from codetracer.commands.drawing import canvas, has_colours
    from codetracer.commands.printer import FullError, Printer
    from codetracer.commands.show.paging import paged, pager
    from codetracer.commands.show.sparse import prepare

    trace = read(named_or_newest(options.trace))
    as_json = options.format == "json"
    is_terminal = sys.stdout.isatty()
    command = None if options.no_pager else pager()
    unlimited = options.all or as_json or command is not None
    limit = _default(options.limit, 0 if unlimited else DEFAULT_LIMIT)
    width = _default(options.width, shutil.get_terminal_size().columns if is_terminal else 0)
    colours = has_colours()
    processes = _processes(trace, options)
    # The pager takes the terminal, on which the progress is shown.
    prepare(processes, options)
    with paged(command):
        drawn = canvas(width, colours=colours)
        printer = Printer(trace, as_json=as_json, canvas=drawn, limit=limit)
        try:
            _show(trace, processes, printer, options)
        except FullError:
            printer.note(f"… cut after {limit} lines; --limit N shows more, --limit 0 all")
    if trace.problem is not None:
        complain(f"codetracer: the recording is incomplete: {trace.problem}")
    return 0


def _show(
    trace: Trace, processes: tuple[Process, ...], printer: Printer, options: argparse.Namespace
) -> None:
    from codetracer.commands.show.views import Views, missing

    shown: list[Views] = []
    for process in processes:
        printer.begin(process)
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
    places: list[Place] = [each for each in (options.step, options.call) if each is not None]
    numbers = {each.process for each in places if each.process >= 0}
    if options.process is None:
        # Each process numbers its own steps, so a step alone means one of the first process.
        chosen = trace.processes if not places else trace.processes[:1]
        if numbers:
            chosen = tuple(map(trace.process, sorted(numbers)))
    else:
        chosen = tuple(process for process in trace.processes if process.pid == options.process)
        if not chosen:
            there = ", ".join(str(process.pid) for process in trace.processes)
            raise TargetError(
                "ERR_NOT_IN_TRACE",
                f"{trace.path} has no process {options.process}; there is {there}",
                {"path": trace.path, "process": options.process},
            )
    if places and any({each.number} != numbers for each in chosen if numbers):
        raise TargetError(
            "ERR_NOT_IN_TRACE",
            "--step, --call and --process name different processes; a place is process:step, and"
            " --process takes a PID",
            {"path": trace.path},
        )
    return chosen


def _default(given: int | None, default: int) -> int:
    return default if given is None else given
