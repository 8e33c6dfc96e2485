"""A RecursionError is the program's if the program filled the stack, otherwise the handler's."""

import os
import textwrap
from pathlib import Path

import pytest

from codetracer.monitoring.backend import VARIABLE, backend
from tests.support.running import Outcome, execute

TRACER = """
import json, sys
from types import CodeType
from codetracer import DISABLE, RecorderError, Tracer, configure_policy, install_tracer
from codetracer import uninstall_tracer

class Everything(Tracer):
    '''Handles what programs do with a few frames of its own, as real tracers do.'''
    def __init__(self):
        self.seen = []
        self.failed = False
    def note(self, code, event):
        if code.co_filename == __file__:
            self.keep(code.co_name, event)
    def keep(self, name, event):
        self.seen.append((name, event))
    def on_py_start(self, code, offset): self.note(code, "start")
    def on_line(self, code, line): self.note(code, "line")
    def on_py_return(self, code, offset, retval): self.note(code, "return")
    def on_call(self, code, offset, callable, arg0): self.note(code, "call")
    def on_raise(self, code, offset, exception): self.note(code, "raise")
    def on_py_unwind(self, code, offset, exception): self.note(code, "unwind")
    def on_exception_handled(self, code, offset, exception): self.note(code, "handled")
    def notify_failure(self): self.failed = True
"""

PROGRAM = """
def endless(n):
    return endless(n + 1) + 1

def recovers():
    try:
        endless(0)
    except RecursionError as error:
        return type(error).__name__

def careful(n):
    try:
        return careful(n + 1)
    except RecursionError:
        return "caught deep down"

def through_c(n):
    return max([n], key=lambda n: through_c(n + 1))

def lowered():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(150)
    try:
        return recovers()
    finally:
        sys.setrecursionlimit(limit)

def barely():
    frame, depth = sys._getframe(), 0
    while frame := frame.f_back:
        depth += 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 10)
    try:
        return recovers()
    except RecursionError:
        return "no room to recover"
    finally:
        sys.setrecursionlimit(limit)

def last():
    return "last"

def main():
    print(recovers(), recovers())
    print(careful(0))
    try:
        through_c(0)
    except RecursionError:
        print("through C")
    print(lowered())
    barely()
    print(last(), sys.getrecursionlimit())
"""


def run(tmp_path: "os.PathLike[str]", *parts: str) -> Outcome:
    path = os.path.join(tmp_path, "program.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(textwrap.dedent(part) for part in parts))
    return execute(path, cwd=Path(tmp_path), environ={VARIABLE: backend()}, forked=True)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_a_program_that_recovers_from_a_full_stack_is_traced_to_its_end(
    policy: str, tmp_path: "os.PathLike[str]"
) -> None:
    untraced = run(tmp_path, "import sys", PROGRAM, "main()")

    traced = run(
        tmp_path,
        TRACER,
        PROGRAM,
        f"""
        configure_policy(on_recorder_error={policy!r})
        tracer = Everything()
        install_tracer(tracer)
        main()
        uninstall_tracer()
        print(tracer.failed, [event for name, event in tracer.seen if name == "last"])
        """,
    )

    assert untraced.code == 0, untraced.stderr
    assert traced.stderr == ""
    assert traced.stdout == untraced.stdout + "False ['start', 'line', 'return']\n"


ENDLESS_HANDLERS = {
    "in Python": "def go(n): return go(n + 1)",
    "in C": """
def go(n):
    nested = []
    for _ in range(200_000):
        nested = [nested]
    json.dumps(nested)
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["abort", "disable"])
@pytest.mark.parametrize("depth", [0, 300, 800])
@pytest.mark.parametrize("kind", ENDLESS_HANDLERS)
def test_a_handler_that_recurses_without_end_is_a_handler_error(
    policy: str, depth: int, kind: str, tmp_path: "os.PathLike[str]"
) -> None:
    if kind == "in C" and depth > 0:
        # Short in Python frames under a deep program, this looks like a full stack.
        depth = 100
    done = run(
        tmp_path,
        TRACER,
        ENDLESS_HANDLERS[kind],
        """
        class Endless(Everything):
            def on_call(self, code, offset, callable, arg0):
                if callable is target: go(0)
        def target(): return "target ran"
        def nest(n): return nest(n - 1) if n else target()
        """,
        f"""
        configure_policy(on_recorder_error={policy!r}, log_level="off")
        tracer = Endless()
        install_tracer(tracer)
        try:
            print(nest({depth}))
        except RecorderError as error:
            print(error.code, type(error.__cause__).__name__)
        print(tracer.failed, [sys.monitoring.get_tool(slot) for slot in range(6)].count(None))
        """,
    )

    expected = "ERR_TRACER_FAILED RecursionError" if policy == "abort" else "target ran"
    assert (done.stdout, done.stderr) == (f"{expected}\nTrue 6\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["abort", "disable"])
def test_a_handler_error_near_the_end_of_the_stack_is_still_dealt_with(
    policy: str, tmp_path: "os.PathLike[str]"
) -> None:
    done = run(
        tmp_path,
        TRACER,
        """
        class Failing(Everything):
            def on_py_start(self, code, offset):
                if code is target.__code__: raise LookupError("a bug")
        def target(): return "target ran"
        def depth():
            frame, n = sys._getframe(), 0
            while frame := frame.f_back: n += 1
            return n
        def nest():
            # As deep as leaves the callback and the handler just enough frames to run.
            return nest() if depth() < sys.getrecursionlimit() - 6 else target()
        """,
        f"""
        configure_policy(on_recorder_error={policy!r}, log_level="off")
        tracer = Failing()
        install_tracer(tracer)
        try:
            print(nest())
        except RecorderError as error:
            print(error.code, repr(error.__cause__))
        print(tracer.failed, sys.getrecursionlimit())
        print([sys.monitoring.get_tool(slot) for slot in range(6)].count(None))
        """,
    )

    expected = "ERR_TRACER_FAILED LookupError('a bug')" if policy == "abort" else "target ran"
    assert (done.stdout, done.stderr) == (f"{expected}\nTrue 1000\n6\n", "")


@pytest.mark.parametrize("nth", range(2, 9))  # there is no room for a handler at the first
def test_a_handler_error_while_a_full_stack_unwinds_is_not_lost(
    nth: int, tmp_path: "os.PathLike[str]"
) -> None:
    done = run(
        tmp_path,
        """
        import sys
        from codetracer import RecorderError, Tracer, configure_policy, install_tracer
        def endless(n): return endless(n + 1) + 1
        class Failing(Tracer):
            unwinds = 0
            def on_py_unwind(self, code, offset, exception):
                if code is not endless.__code__: return
                self.unwinds += 1
                if self.unwinds == NTH: raise LookupError("a bug")
            def notify_failure(self): print("failed")
        """.replace("NTH", str(nth)),
        """
        configure_policy(on_recorder_error="abort", log_level="off")
        install_tracer(Failing())
        sys.setrecursionlimit(150)
        try:
            endless(0)
        except RecorderError as error:
            print(error.code, repr(error.__cause__))
        except RecursionError:
            print("lost")
        print(sys.getrecursionlimit())
        """,
    )

    said = "failed\nERR_TRACER_FAILED LookupError('a bug')\n150\n"
    assert (done.stdout, done.stderr) == (said, "")
