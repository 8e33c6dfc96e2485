"""The recorder finds each coroutine's asyncio task, and runs no code of the program for that."""

import re
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent, ResumeEvent, StepEvent, ThrowEvent
from tests.support.reading import read
from tests.support.recordings import record
from tests.support.running import execute

FIVE = """
import asyncio
async def fetch(key):
    await asyncio.sleep(0)
    helper(key)
def helper(key):
    if key == 3: raise LookupError(key)
async def handle(key):
    await fetch(key)
async def main():
    tasks = [asyncio.create_task(handle(key), name=f"job {key}") for key in range(5)]
    print(await asyncio.gather(*tasks, return_exceptions=True))
asyncio.run(main())
helper(None)
"""

RENAMED = """
import asyncio
async def work():
    await asyncio.sleep(0)
    await asyncio.sleep(0)
loop = asyncio.new_event_loop()
task = loop.create_task(work(), name="before")
loop.call_soon(task.set_name, "after")
loop.run_until_complete(task)
loop.close()
"""

SEVERAL_LOOPS = """
import asyncio, threading
async def rest(name):
    asyncio.current_task().set_name(name)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
async def alone():
    pass
async def generate():
    yield asyncio.current_task().get_name()
async def first():
    generator = generate()
    await anext(generator)
    await asyncio.create_task(second(generator), name="second")
async def second(generator):
    async for _ in generator: pass
threads = [threading.Thread(target=asyncio.run, args=(rest(f"of {n}"),)) for n in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
try: alone().send(None)
except StopIteration: pass
asyncio.run(first())
"""

CODE_OF_ITS_OWN = """
import asyncio, sys
asked = []
class Loop(asyncio.SelectorEventLoop):
    def __hash__(self):
        if sys._getframe(1).f_code.co_filename == __file__: asked.append("hash")
        return 5
class Task(asyncio.Task):
    def get_name(self):
        asked.append("name")
        return "a lie"
    @property
    def __class__(self):
        asked.append("class")
        return str
async def work(): await asyncio.sleep(0)
async def main():
    await Task(work(), name="own")
real = asyncio.current_task
asyncio.current_task = lambda *args: asked.append("current") or real(*args)
asyncio.run(main())
seen = list(asked)
async def bare(): await asyncio.sleep(0)
asyncio.run(bare(), loop_factory=Loop)
print(seen, asked)
"""

ODD_NAMES = """
import asyncio
class Name(str): pass
async def work(): pass
async def main():
    await asyncio.create_task(work(), name="x" * 1_000_000)
    await asyncio.create_task(work(), name=Name("\\ud800 \\u00e9\\x1b[0m"))
asyncio.run(main())
"""


def began(folder: Path) -> list[tuple[str, str]]:
    """Return each frame that began or went on, and its task."""
    opening = (CallEvent, ResumeEvent, ThrowEvent)
    return [
        (event.frame.code.name, event.frame.task)
        for event in codetracer.read(folder / "out")
        if isinstance(event, opening)
    ]


def shown(folder: Path, *options: str) -> str:
    outcome = read("show", "out", *options, cwd=folder)
    assert outcome.code == 0, outcome
    return outcome.stdout


@pytest.mark.slow
def test_each_coroutine_and_what_it_calls_has_the_name_of_its_task(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, FIVE, backend=backend)

    jobs = [f"job {key}" for key in range(5)]
    assert began(tmp_path) == [
        ("<module>", ""),
        ("main", "Task-1"),
        *((name, job) for job in jobs for name in ("handle", "fetch")),
        *((name, job) for job in jobs for name in ("handle", "fetch", "helper")),
        ("main", "Task-1"),
        ("helper", ""),
    ]


@pytest.mark.slow
def test_the_views_say_which_task_it_was(tmp_path: Path, backend: str) -> None:
    record(tmp_path, FIVE, backend=backend)

    tree = re.sub(r"(?m)^\S* +\d+  ", "", shown(tmp_path, "--all"))
    assert "\n  [job 4] handle(key=4)\n    fetch(key=4) awaits None" in tree
    assert "\n  [job 2] handle resumed\n    fetch resumed\n      helper(key=2) -> None" in tree
    assert "line 9 in handle, task job 4" in shown(tmp_path, "--function", "fetch").replace(
        "app.py:", "line "
    )
    raised = "helper, task job 3  ended task job 3\n"
    assert f"LookupError(3)  raised in {raised}" in shown(tmp_path, "--raises")
    (step,) = [
        event.number
        for event in codetracer.read(tmp_path / "out")
        if isinstance(event, StepEvent) and (event.line, event.frame.task) == (7, "job 3")
    ]
    assert "helper, thread 0 MainThread, task job 3, right" in shown(tmp_path, "--step", str(step))
    assert '"task": "job 3"' in shown(tmp_path, "--step", str(step), "--format=json")


@pytest.mark.slow
def test_a_task_has_the_name_that_it_was_given_last(tmp_path: Path, backend: str) -> None:
    record(tmp_path, RENAMED, backend=backend)

    assert began(tmp_path) == [
        ("<module>", ""),
        ("work", "before"),
        ("work", "after"),
        ("work", "after"),
    ]


@pytest.mark.slow
def test_loops_in_threads_and_coroutines_without_a_loop_are_told_apart(
    tmp_path: Path, backend: str
) -> None:
    record(tmp_path, SEVERAL_LOOPS, backend=backend)

    found = began(tmp_path)
    assert [task for name, task in found if name == "alone"] == [""]
    rests = [task for name, task in found if name == "rest"]
    assert [rests.count(name) for name in ("of 0", "of 1")] == [2, 2]
    generated = [task for name, task in found if name == "generate"]
    assert generated[0].startswith("Task-")
    assert generated[1] == "second"


@pytest.mark.slow
def test_asking_for_the_task_runs_no_code_of_the_programs(tmp_path: Path, backend: str) -> None:
    outcome = record(tmp_path, CODE_OF_ITS_OWN, backend=backend)
    expected = execute("app.py", cwd=tmp_path)

    assert outcome.stdout == expected.stdout
    found = began(tmp_path)
    assert [task for name, task in found if name == "work"] == ["own", "own"]
    assert [task for name, task in found if name == "bare"] == ["", ""]


@pytest.mark.slow
def test_a_name_is_cut_where_it_has_no_end(tmp_path: Path, backend: str) -> None:
    record(tmp_path, ODD_NAMES, backend=backend)

    assert [task for name, task in began(tmp_path) if name == "work"] == [
        "x" * 1_000,
        "\ud800 \u00e9\x1b[0m",
    ]
    assert "\x1b" not in shown(tmp_path)
