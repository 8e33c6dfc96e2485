"""List the calls of a recording that ended with an exception, with the arguments that they got.

    codetracer record -o out app.py
    python examples/failed_calls.py out

The recording is read once. Only the calls that have not ended are kept in memory.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import codetracer
from codetracer.replay import (
    CallEvent,
    Frame,
    LostEvent,
    Process,
    ReturnEvent,
    UnwindEvent,
    render,
)


def failed_calls(process: Process) -> Iterator[str]:
    """Return a line for each call of a process that an exception ended."""
    arguments: dict[Frame, str] = {}
    for event in process:
        if isinstance(event, CallEvent):
            # Asked for now: values are as they are at the event, and may be changed later.
            values = event.arguments.items()
            arguments[event.frame] = ", ".join(f"{name}={render(it)}" for name, it in values)
        elif isinstance(event, UnwindEvent):
            code = event.frame.code
            call = f"{code.name}({arguments.pop(event.frame)})"
            yield f"{code.path}:{event.frame.line}: {call} raised {render(event.exception)}"
        elif isinstance(event, ReturnEvent | LostEvent):
            del arguments[event.frame]


def main() -> int:
    parser = argparse.ArgumentParser(description="List the calls that ended with an exception.")
    parser.add_argument("recording", metavar="DIR")
    try:
        trace = codetracer.read(parser.parse_args().recording)
        for process in trace.processes:
            for line in failed_calls(process):
                print(line)
    except codetracer.RecorderError as error:
        print(f"{parser.prog}: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
