"""examples/exceptions.py: each exception once, where the program meets it, and free until then."""

import dis
import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codetracer import PathFilter
from codetracer_bindings.events import EVENTS
from examples.exceptions import ExceptionLogger
from tests.support.project import ROOT, run_python
from tests.support.slots import slot

APP = """\
import asyncio, json, sys, threading
import beside

def fails(n):
    raise ValueError(f"bad {n}")

def outer():
    try:
        fails(1)
    except ValueError:
        pass
    try:
        int("x")
    except ValueError:
        pass
    try:
        json.loads("{")
    except ValueError:
        pass
    for _ in (n for n in "ab"):
        pass
    next(iter(()), None)
    return "no"

print(outer(), sys.argv[1:])
thread = threading.Thread(target=outer, name="worker")
thread.start()
thread.join()

async def main():
    await asyncio.create_task(asyncio.sleep(0))
    outer()

asyncio.run(main())

def again():
    try:
        try:
            fails(2)
        finally:
            print("finally")
    except ValueError as error:
        raise KeyError("other") from error

try:
    again()
except KeyError as error:
    try:
        raise error
    except KeyError:
        pass
"""


@pytest.mark.slow
def test_each_exception_is_logged_once_where_it_first_reaches_the_programs_own_code(
    tmp_path: Path,
) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP, encoding="utf-8")
    (tmp_path / "beside.py").touch()

    done = run_python(str(ROOT / "examples/exceptions.py"), str(app), "-x")

    said = done.stderr.replace(str(app), "app.py")
    found = re.sub(r"raised in .*decoder\.py:\d+", "raised in DECODER", said).splitlines()
    each = [
        "ValueError: bad 1 at app.py:5 in fails [{}]",
        "ValueError: invalid literal for int() with base 10: 'x' at app.py:13 in outer [{}]",
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2"
        " (char 1) at app.py:17 in outer, raised in DECODER [{}]",
    ]
    found = [re.sub(r"raised in .*decoder\.py", "raised in DECODER", line) for line in found]
    assert (done.returncode, done.stdout) == (0, "no ['-x']\nfinally\n")
    assert found == [
        *(line.format("MainThread") for line in each),
        *(line.format("worker") for line in each),
        *(line.format("MainThread, Task-1") for line in each),
        "ValueError: bad 2 at app.py:5 in fails [MainThread]",
        "KeyError: 'other' at app.py:43 in again [MainThread]",
    ]


@pytest.fixture
def logger() -> Iterator[ExceptionLogger]:
    logger = ExceptionLogger(PathFilter([__file__]))
    logger.start()
    yield logger
    logger.stop()


def instructions(function: Callable[..., object]) -> list[str]:
    return [each.opname for each in dis.get_instructions(function, adaptive=True)]


def test_until_something_is_raised_no_code_is_instrumented_and_no_handler_called(
    logger: ExceptionLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(n: int) -> int:
        return sum(divmod(each, 2)[1] for each in range(n)) if n else 0

    called: list[object] = []
    monkeypatch.setattr(PathFilter, "selects", lambda *arguments: called.append(arguments))
    assert work(20) == 10

    assert slot(3).events == EVENTS.RAISE
    assert slot(3).callbacks.keys() == {"RAISE"}
    assert not [name for name in instructions(work) if name.startswith("INSTRUMENTED")]
    assert called == []


def test_a_bug_in_the_logger_ends_the_logging_and_not_the_program(
    logger: ExceptionLogger, caplog: pytest.LogCaptureFixture
) -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise LookupError("no words")

    caplog.set_level(logging.WARNING)
    logger._paths = None  # type: ignore[assignment]
    with pytest.raises(UnspeakableError):
        raise UnspeakableError

    assert "ExceptionLogger.on_raise failed at " in caplog.text
    assert sys.monitoring.get_tool(3) is None


def test_stopping_leaves_nothing_behind() -> None:
    logger = ExceptionLogger()
    logger.start()
    logger.stop()

    assert slot(3).events == 0
