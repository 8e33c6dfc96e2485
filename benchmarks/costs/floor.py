"""Runs a program with the events of a recording, whose callback in C does nothing.

    python floor.py FILES (SCRIPT | -m MODULE) [ARG ...]

FILES has the names of the recorded files, a line each. The events are those that the recorder
handles. They are set for each code object of these files, and globally where CPython cannot set
them for one code object. Nothing less can be paid by anybody who looks at the same events. With
FLOOR_COUNT=FILE, the lines are counted, and their number is written to that file.
"""

import os
import sys

import floor_callbacks

EVENTS = (
    "PY_START",
    "PY_RESUME",
    "PY_RETURN",
    "PY_YIELD",
    "PY_THROW",
    "PY_UNWIND",
    "LINE",
    "RAISE",
    "EXCEPTION_HANDLED",
)

monitoring = sys.monitoring
GATE, TOOL = 3, 4


def split_events() -> tuple[int, int]:
    """Return which events can be set for a code object here, and which only globally."""
    local = everywhere = 0
    for name in EVENTS:
        event = getattr(monitoring.events, name)
        try:
            monitoring.set_local_events(TOOL, split_events.__code__, event)
        except ValueError:
            everywhere |= event
        else:
            local |= event
    monitoring.set_local_events(TOOL, split_events.__code__, 0)
    return local, everywhere


def watch(files: frozenset[str], counting: bool) -> None:
    """Set the events of all code of these files that will start."""
    monitoring.use_tool_id(GATE, "gate of the floor")
    monitoring.use_tool_id(TOOL, "floor")
    for name in EVENTS:
        callback = floor_callbacks.nothing
        if counting and name == "LINE":
            callback = floor_callbacks.count
        monitoring.register_callback(TOOL, getattr(monitoring.events, name), callback)
    local, everywhere = split_events()

    def start(
        code,
        offset,
        *,
        set_events=monitoring.set_local_events,
        disable=monitoring.DISABLE,
        tool=TOOL,
    ):
        if code.co_filename in files:
            set_events(tool, code, local)
        return disable

    monitoring.register_callback(GATE, monitoring.events.PY_START, start)
    monitoring.set_events(GATE, monitoring.events.PY_START)
    monitoring.set_events(TOOL, everywhere)


def main() -> None:
    listed, *words = sys.argv[1:]
    with open(listed, encoding="utf-8") as file:
        files = frozenset(file.read().splitlines())
    count_into = os.environ.get("FLOOR_COUNT")
    if count_into:
        import atexit

        def write() -> None:
            monitoring.set_events(TOOL, 0)
            with open(count_into, "w") as file:
                file.write(str(floor_callbacks.counted()))

        atexit.register(write)
    if words[0] == "-m":
        import runpy

        sys.argv = words[1:]
        sys.path[0] = os.getcwd()
        watch(files, bool(count_into))
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    sys.argv = words
    sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
    with open(words[0], "rb") as file:
        code = compile(file.read(), words[0], "exec", dont_inherit=True)
    module = type(sys)("__main__")
    module.__file__ = words[0]
    sys.modules["__main__"] = module
    watch(files, bool(count_into))
    exec(code, module.__dict__)


if __name__ == "__main__":
    main()
