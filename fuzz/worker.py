"""The process in which programs run in one way: takes their sources, says what they did.

    python -m fuzz.worker WAY

WAY is untraced, raw (callbacks by hand on sys.monitoring) or layer (a codetracer.Tracer; the
environment variable CODETRACER_BACKEND says on which backend). A line of JSON is a list of
requests, ``{"number": 1, "source": "…", "full": false}``. Mode by mode of `MODES` each answer is a
line: what the program did and which events there were; then one on what is left in the tool slot.
"""

from __future__ import annotations

import asyncio  # noqa: F401 - or the first program that uses it has its import traced
import faulthandler
import gc
import hashlib
import io
import json
import marshal
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from codetracer_bindings.events import DISABLE
from fuzz.attached import SLOT, attached
from fuzz.forms import DISABLED, event_specs, form, shape
from fuzz.helpers import namespace

if TYPE_CHECKING:
    from types import CodeType

    from codetracer_bindings.registration import CallbackSpec

__all__ = ["LIMIT", "MODES", "main", "run"]

MODES = ("all", "plain", "disabling")
"""All events; all but INSTRUCTION, which makes STOP_ITERATION vanish and specialises less; all but
INSTRUCTION by handlers that return DISABLE at one location in three, and nonsense at others."""

LIMIT = 120
"""Seconds after which a program counts as one that does not end."""


class _Stream:
    """The events of one program, in normal form.

    One list for all threads: while one runs code of the program, the others wait for its end.
    """

    def __init__(self, *, disabling: bool, specs: list[CallbackSpec]) -> None:
        self._events: list[tuple[object, ...]] = []
        self._filename = ""
        self._disabling = disabling
        self._may = {spec.event for spec in specs if spec.disable_since == (3, 12)}

    def open(self, filename: str) -> None:
        """From now on, keep the events of code in this file."""
        self._events = []
        self._filename = filename

    def close(self) -> list[tuple[object, ...]]:
        """Return the events."""
        self._filename = ""
        return self._events

    def record(self, event: str, code: CodeType, place: int, *rest: object) -> object:
        if code.co_filename != self._filename:
            # Of no interest ever after, and most of the time that a run takes.
            return DISABLE if event in self._may else None
        self._events.append((event, code.co_qualname, code.co_firstlineno, place, *map(form, rest)))
        if not self._disabling:
            return None
        choice = (place // 2 + len(event)) % DISABLED
        return DISABLE if choice == 0 and event in self._may else 7 if choice == 1 else None


def run(program: CodeType) -> list[object]:
    """Run a program; return what it said and printed, how it ended, and what escaped elsewhere."""
    said: list[str] = []
    ended: list[object] = []
    escaped: list[tuple[str, str]] = []
    threading.excepthook = lambda hooked: escaped.append(("thread", hooked.exc_type.__name__))
    sys.unraisablehook = lambda hooked: escaped.append(("ignored", hooked.exc_type.__name__))
    sys.stdout = sys.stderr = out = io.StringIO()
    try:
        exec(program, namespace(said.append))
    except BaseException as error:
        ended = [type(error).__name__, form(error), shape(error, program.co_filename)]
    # What only cycles keep alive ends now, and while events are still compared.
    gc.collect()
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    return [said, out.getvalue(), ended, escaped]


def _answers(way: str, mode: str, requests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    specs = event_specs(instructions=mode == "all")
    stream = _Stream(disabling=mode == "disabling", specs=specs)
    # Code that has never run: what was instrumented or disabled in another mode stays there.
    programs: list[CodeType] = [marshal.loads(request["code"]) for request in requests]
    gc.freeze()
    # One installation for all, because each one makes CPython instrument all code again.
    with attached(way, specs, stream.record):
        for request, program in zip(requests, programs, strict=True):
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            stream.open(program.co_filename)
            outcome = run(program)
            faulthandler.cancel_dump_traceback_later()
            events = stream.close()
            text = repr(events).replace(program.co_filename, "<program>")
            yield {
                "outcome": json.loads(
                    json.dumps(outcome).replace(program.co_filename, "<program>")
                ),
                "digest": hashlib.blake2b(
                    text.encode("utf-8", "surrogatepass"), digest_size=16
                ).hexdigest(),
                "counts": Counter(str(event[0]) for event in events),
                "stream": events if request["full"] else [],
            }


def main(way: str) -> None:
    """Answer every request until there are no more."""
    # Collections happen where the programs' own allocations put them; those differ between ways.
    gc.disable()
    warnings.simplefilter("ignore")
    lines, answers = sys.stdin, sys.stdout
    sys.stdin = io.StringIO()
    modes = MODES if way != "untraced" else MODES[:1]
    for line in lines:
        requests = json.loads(line)
        for request in requests:
            # A file name of its own, to recognize generators that an earlier program left.
            code = compile(request["source"], f"<program {request['number']}>", "exec")
            request["code"] = marshal.dumps(code)
        for mode in modes:
            for answer in _answers(way, mode, requests):
                print(json.dumps(answer), file=answers, flush=True)
            left = [sys.monitoring.get_events(SLOT), sys.monitoring.get_tool(SLOT)]
            print(json.dumps(left), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
