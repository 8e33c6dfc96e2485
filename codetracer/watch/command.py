"""``codetracer watch``: its options, and the tracer that they set up."""

from __future__ import annotations

import argparse
import atexit

from codetracer.errors import RecorderError
from codetracer.filters.globs import add_file_options
from codetracer.launcher import Target, run
from codetracer.monitoring import EventSet, install_tracer, monitoring_events, uninstall_tracer
from codetracer.standard_error import complain
from codetracer.watch.formats import JsonLines, TextLines
from codetracer.watch.output import Output
from codetracer.watch.select import (
    DEFAULT_EVENTS,
    FileSelection,
    available_events,
    event_name,
    select_events,
)
from codetracer.watch.sources import Sources
from codetracer.watch.tracer import LiveTracer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EXAMPLES", "RUNNERS", "SUMMARY", "add_options", "execute", "prepare"]

RUNNERS = ()
"""Modules with a flag of their own, as ``--pytest`` of ``codetracer record``: none."""

SUMMARY = "run a program and print each of its events as it happens"

EXAMPLES = """\
examples:
  codetracer watch app.py --verbose
  codetracer watch --events start,return -m package.module
  codetracer watch -o trace.jsonl --format jsonl --include 'app/*.py' app.py
  codetracer watch --events all -c 'print(1)'
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``watch``, without those that name the program."""
    names = ", ".join([*available_events(monitoring_events()), "all"])
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the events to FILE, and overwrite it if it exists (default: standard error)",
    )
    parser.add_argument(
        "--format",
        choices=("text", "jsonl"),
        default="text",
        help="print lines to be read, or a JSON object for each event (default: text)",
    )
    parser.add_argument(
        "--events",
        metavar="LIST",
        type=_events,
        default=DEFAULT_EVENTS,
        help=f"show these events, separated by commas (default: {DEFAULT_EVENTS}). Names:"
        f" {names}",
    )
    add_file_options(
        parser,
        "show",
        "the program's own files, without the standard library and installed packages",
    )


def prepare(options: argparse.Namespace, target: Target) -> Callable[[], None]:
    """Open the output, and return a function that installs the tracer.

    Parameters:
        options: the parsed command line.
        target: the program to run.

    Raises:
        HostError: ERR_IO, the output cannot be opened.
    """
    events: EventSet = options.events
    names = [event_name(name) for name, event in monitoring_events() if event & events]
    sources = Sources(target.value if target.kind == "command" else None)
    tracer = LiveTracer(
        events,
        FileSelection(options.include, options.exclude),
        JsonLines().render if options.format == "jsonl" else TextLines(names, sources).render,
        Output(options.output),
    )

    def start() -> None:
        # The last registered handler runs first, so the program's handlers are still traced.
        atexit.register(_stop)
        install_tracer(tracer)

    return start


def execute(target: Target, start: Callable[[], None]) -> int:
    """Run the program, and return the exit code 0.

    Parameters:
        target: the program.
        start: installs the tracer; it is called right before the program's first instruction.

    Raises:
        BaseException: the program raised it, so that the process ends as without tracing.
    """
    run(target, start)
    return 0


def _events(text: str) -> EventSet:
    try:
        return select_events(text, monitoring_events())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _stop() -> None:
    try:
        uninstall_tracer()
    except RecorderError as error:
        complain(f"codetracer: error: {error}")
