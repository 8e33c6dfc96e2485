"""Times one event on the interpreter that runs it: untraced, raw API, and our layer, in turn.

    python benchmarks/dispatch_worker.py EVENT ROUNDS [WAY ...]

Standard library and codetracer only: it runs under interpreters that have nothing installed.
Prints JSON: nanoseconds of the workload for each way and round, and the events of one workload.
"""

import json
import sys
import time
from collections.abc import Callable
from types import CodeType

from codetracer import Tracer, configure_policy, install_tracer, uninstall_tracer
from codetracer.monitoring import monitoring_events

LOOPS = 10_000
TOOL = 4
WAYS = ("untraced", "raw", "layer")


def lines() -> None:
    x = 0
    for _ in range(LOOPS):
        x = 1
        x = 2
        x = 3
    del x


def callee() -> None:
    pass


def calls() -> None:
    f = callee
    for _ in range(LOOPS):
        f()
        f()
        f()


class Raw:
    """Handlers as a careful person writes them: a bound method for each event, and no guard."""

    def on_py_start(self, code: CodeType, offset: int) -> None:
        pass

    def on_py_return(self, code: CodeType, offset: int, retval: object) -> None:
        pass

    def on_call(self, code: CodeType, offset: int, callable: object, arg0: object) -> None:
        pass

    def on_line(self, code: CodeType, line: int) -> None:
        pass


class Start(Tracer):
    """The same handler on our layer, one class for each event: a tracer gets what it overrides."""

    def on_py_start(self, code: CodeType, offset: int) -> None:
        pass


class Return(Tracer):
    """See `Start`."""

    def on_py_return(self, code: CodeType, offset: int, retval: object) -> None:
        pass


class Call(Tracer):
    """See `Start`."""

    def on_call(self, code: CodeType, offset: int, callable: object, arg0: object) -> None:
        pass


class Line(Tracer):
    """See `Start`."""

    def on_line(self, code: CodeType, line: int) -> None:
        pass


CASES: dict[str, tuple[Callable[[], None], type[Tracer]]] = {
    "LINE": (lines, Line),
    "PY_START": (calls, Start),
    "PY_RETURN": (calls, Return),
    "CALL": (calls, Call),
}


def timed(workload: Callable[[], None]) -> int:
    start = time.perf_counter_ns()
    workload()
    return time.perf_counter_ns() - start


def raw(workload: Callable[[], None], event: int, callback: Callable[..., object]) -> int:
    sys.monitoring.use_tool_id(TOOL, "raw")
    sys.monitoring.register_callback(TOOL, event, callback)
    sys.monitoring.set_events(TOOL, event)
    try:
        return timed(workload)
    finally:
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.register_callback(TOOL, event, None)
        sys.monitoring.free_tool_id(TOOL)


def layer(workload: Callable[[], None], tracer: Tracer) -> int:
    install_tracer(tracer)
    try:
        return timed(workload)
    finally:
        uninstall_tracer()


def events_in(workload: Callable[[], None], event: int) -> int:
    count = 0

    def callback(*_: object) -> None:
        nonlocal count
        count += 1

    raw(workload, event, callback)
    return count


def main(name: str, rounds: int, ways: tuple[str, ...]) -> None:
    """Print the times of `rounds` rounds of the event `name`; one more round warms up."""
    workload, kind = CASES[name]
    event = getattr(monitoring_events(), name)
    tracer = kind()
    callback = getattr(Raw(), f"on_{name.lower()}")
    configure_policy(on_recorder_error="disable")
    run = {
        "untraced": lambda: timed(workload),
        "raw": lambda: raw(workload, event, callback),
        "layer": lambda: layer(workload, tracer),
    }
    times: dict[str, list[int]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way in ways:
            times[way].append(run[way]())
    print(
        json.dumps(
            {"events": events_in(workload, event)}
            | {way: values[1:] for way, values in times.items()}
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), tuple(sys.argv[3:]) or WAYS)
