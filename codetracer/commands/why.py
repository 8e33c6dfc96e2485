"""``codetracer why``: the causes of a value, of an exception, or of a line that did not run."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from codetracer.commands.newest import add_folder, named_or_newest
from codetracer.commands.once import Once
from codetracer.commands.option_values import place, source_line, text, whole_number
from codetracer.errors import TargetError
from codetracer.reading import read
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.commands.printer import Printer
    from codetracer.replay import Place, Trace
    from codetracer.replay.causes import Cause, Questions
    from codetracer.replay.model import Code

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "explain how a value came about, an exception, or why a line did not run"

EXAMPLES = """\
examples:
  codetracer why                              the exception that ended the program
  codetracer why total                        the last value of a variable
  codetracer why self.total --at 0:120        the value that it had at step 120 of process 0
  codetracer why 'order.lines[0].price'       of an attribute or an item
  codetracer why '#5.total'                   of an attribute of one object
  codetracer why 'parse()'                    the result of the last call of parse
  codetracer why --raise KeyError             the last KeyError, also if it was handled
  codetracer why --not app.py:40              which branch was taken instead of line 40
  codetracer why trace-out total --format json

Each line of the tree says which line of the program gave a value, and at which step (process:step).
Below it stand the values that this line read. A line that begins with ? says where the chain is
uncertain. One word is DIR if there is a file or folder of that name, otherwise an EXPRESSION.

With --format json each line is a JSON object; `depth` says how deep in the tree it is.
"""

CAUSE_LEVELS = 8


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``why``."""
    add_folder(parser)
    parser.add_argument(
        "expression",
        metavar="EXPRESSION",
        nargs="?",
        help="a variable, an attribute, an item, or f() for the result of the last call of f"
        " (default: the exception that ended the program)",
    )
    parser.add_argument(
        "--at",
        action=Once,
        metavar="PLACE",
        type=place,
        help="explain the value at this place, process:step, right before its line runs (default:"
        " the last value in the recording)",
    )
    parser.add_argument(
        "--raise",
        action=Once,
        dest="raised",
        metavar="TYPE",
        type=text,
        help="explain the last exception of this type that was raised in your code",
    )
    parser.add_argument(
        "--not",
        action=Once,
        dest="unreached",
        metavar="FILE:LINE",
        type=source_line,
        help="explain why this line did not run in the last call of its function, or in the call"
        " that --at names",
    )
    parser.add_argument(
        "--depth",
        metavar="N",
        type=whole_number(0),
        default=CAUSE_LEVELS,
        help=f"show N levels of causes; 0 means all (default: {CAUSE_LEVELS})",
    )
    parser.add_argument("--all", action="store_true", help="also look into code that is not yours")
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="print lines to be read, or one JSON object per line (default: text)",
    )
    parser.add_argument(
        "--width",
        metavar="N",
        type=whole_number(0),
        help="cut lines after N characters; 0 means never (default: the terminal's width, or never"
        " if there is no terminal)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the tree of causes.

    Returns:
        The exit code, 0.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        UsageError: the expression cannot be explained.
        TargetError: the recording is missing, damaged, of a newer version, or has no such value,
            exception, function or place; or the line did run.
    """
    # Not imported at the top, because recorded programs load the command line, too.
    from codetracer.commands.drawing import canvas, has_colours
    from codetracer.commands.printer import Printer

    folder, expression = options.trace, options.expression
    if folder is not None and expression is None and not os.path.exists(folder):
        folder, expression = None, folder
    _check_one(expression, options)
    trace = read(named_or_newest(folder))
    is_terminal = sys.stdout.isatty()
    width = options.width
    if width is None:
        width = shutil.get_terminal_size().columns if is_terminal else 0
    printer = Printer(
        trace, as_json=options.format == "json", canvas=canvas(width, colours=has_colours())
    )
    causes, notes = _ask(trace, expression, printer, options)
    if printer.as_json:
        for depth, cause in _walk(causes):
            printer.row(_row(trace, cause, depth))
    else:
        _draw(trace, causes, printer)
    for note in notes:
        printer.note(note)
    if trace.problem is not None:
        complain(f"codetracer: the recording is incomplete: {trace.problem}")
    return 0


def _check_one(expression: str | None, options: argparse.Namespace) -> None:
    from codetracer.errors import UsageError

    given = {
        "an EXPRESSION": expression is not None,
        "--raise": options.raised is not None,
        "--not": options.unreached is not None,
    }
    asked = [name for name, there in given.items() if there]
    if len(asked) > 1:
        raise UsageError(
            "ERR_BAD_EXPRESSION", f"{' and '.join(asked)} cannot be explained together; ask for one"
        )


def _ask(
    trace: Trace, expression: str | None, printer: Printer, options: argparse.Namespace
) -> tuple[list[Cause], list[str]]:
    """Return the answer, and notes about it: of the first process that has one."""
    from codetracer.replay.causes import Questions

    at: Place | None = options.at
    processes = trace.processes
    if at is not None:
        # Raises the error for a place that is not there.
        trace.at(at)
        processes = processes[at.process : at.process + 1]

    def is_own(code: Code) -> bool:
        # Without lines, nothing is known of what happened in it.
        return code.has_lines and (options.all or printer.is_own(code))

    problem: TargetError | None = None
    for process in processes:
        asked = Questions(trace, process, is_own, options.depth)
        try:
            return _answer(asked, expression, at, options)
        except TargetError as error:
            if error.code != "ERR_NOT_IN_TRACE":
                raise
            problem = problem or error
    assert problem is not None
    if options.unreached is not None:
        raise problem
    why = next((why for each in processes if (why := each.timeline().because("values"))), "")
    raise TargetError(problem.code, f"{problem.message}{why}", problem.context) if why else problem


def _answer(
    asked: Questions, expression: str | None, at: Place | None, options: argparse.Namespace
) -> tuple[list[Cause], list[str]]:
    if options.unreached is not None:
        path, line = options.unreached
        return asked.unreached(path, line, at), []
    if expression is not None:
        return asked.value(expression, at), []
    causes, others = asked.exception(options.raised, at)
    notes = []
    if others:
        names = ", ".join(name.rpartition(".")[2] for name in others)
        notes = [f"… also ended a thread: {names}; --raise TYPE explains the last of a type"]
    return causes, notes


def _walk(causes: list[Cause]) -> list[tuple[int, Cause]]:
    """Return causes and all below them in the order of the tree, each with its depth."""
    found: list[tuple[int, Cause]] = []
    stack = [(0, cause) for cause in reversed(causes)]
    while stack:
        depth, cause = stack.pop()
        found.append((depth, cause))
        stack.extend((depth + 1, each) for each in reversed(cause.causes))
    return found


def _row(trace: Trace, cause: Cause, depth: int) -> dict[str, object]:
    from codetracer.replay import to_json
    from codetracer.replay.causes import Unknown

    row: dict[str, object] = {"depth": depth, "kind": cause.kind, "text": cause.text}
    if not isinstance(cause.value, Unknown):
        row["value"] = to_json(cause.value)
    return row | {
        "place": None if cause.place is None else str(cause.place),
        "path": cause.path,
        "line": cause.line,
        "function": cause.function,
        "source": trace.source_line(cause.path, cause.line),
        "notes": cause.remarks,
        "again": cause.again,
        "cut": cause.cut,
    }


LEFT = 60
"""The widest column of values; longer ones shift the source of their line."""

WIDEST_PATH = 34
"""Of a longer path, the last two parts are shown."""

WIDEST_PLACES = 40
"""The widest column of places; longer ones shift the rest of their line."""


def _draw(trace: Trace, causes: list[Cause], printer: Printer) -> None:
    from codetracer.replay.causes import rows_of

    rows = rows_of(causes)
    told = [(cause, branch, words) for cause, branch, words in rows if cause is not None]
    left = min(max((len(branch) + len(words) for _, branch, words in told), default=0), LEFT)
    steps = max((len(str(cause.place)) for cause, *_ in told if cause.place), default=0)
    wide = max((len(_where(cause, printer)) for cause, *_ in told), default=0)
    wide = min(wide, WIDEST_PLACES)
    for each, branch, words in rows:
        if each is None:
            printer.line(" " * (wide + steps + 4), (branch, "dim"), (words, "change"))
            continue
        step = "" if each.place is None else str(each.place)
        source = trace.source_line(each.path, each.line)
        printer.line(
            (f"{_where(each, printer):<{wide}}", "place"),
            (f"  {step:>{steps}}  ", "step"),
            (branch, "dim"),
            (words, "error" if each.kind == "exception" else "name"),
            " " * max(left - len(branch) - len(words), 0) + "  " if source else "",
            ("| " if source else "", "dim"),
            (source, "source"),
        )


def _where(cause: Cause, printer: Printer) -> str:
    if not cause.path:
        return ""
    path = printer.path(cause.path)
    parts = path.split(os.sep)
    if len(path) > WIDEST_PATH and len(parts) > 2:
        path = os.path.join("…", *parts[-2:])
    return f"{path}:{cause.line}"
