"""`record` and `show` on programs that nobody wrote for them."""

from collections import Counter
from pathlib import Path

import pytest

import codetracer
from codetracer.replay import CallEvent, Event, ReturnEvent, UnwindEvent
from tests.support.reading import read
from tests.support.running import Outcome, execute, write


def record(folder: Path, backend: str, *arguments: str, stdin: str = "") -> Outcome:
    return execute(
        *("-m", "codetracer", "record", "-q", "-o", "out", *arguments),
        cwd=folder,
        stdin=stdin,
        environ={"CODETRACER_BACKEND": backend},
    )


def show(folder: Path, *arguments: str) -> str:
    outcome = read("show", "out", *arguments, cwd=folder)
    assert (outcome.code, outcome.stderr) == (0, "")
    return outcome.stdout


def events(folder: Path) -> list[Event]:
    trace = codetracer.read(folder / "out")
    assert trace.complete, trace.problem
    return list(trace)


def functions(found: list[Event]) -> Counter[str]:
    return Counter(event.frame.code.name for event in found if isinstance(event, CallEvent))


@pytest.mark.slow
def test_json_tool(tmp_path: Path, backend: str) -> None:
    text = '{"b": [1, 2, {"c": null}], "a": "ä"}'
    plain = execute("-m", "json.tool", cwd=tmp_path, stdin=text)

    outcome = record(tmp_path, backend, "-m", "json.tool", stdin=text)

    assert outcome == plain
    assert functions(events(tmp_path))["main"] == 1
    assert "main()" in show(tmp_path)


ASYNCIO = """
import asyncio
async def produce(queue, name):
    for n in range(3):
        await asyncio.sleep(0.001)
        await queue.put(f"{name}-{n}")
    await queue.put(None)
async def consume(queue, producers):
    got = []
    while producers:
        item = await queue.get()
        if item is None: producers -= 1
        else: got.append(item)
    return sorted(got)
async def main():
    queue = asyncio.Queue()
    tasks = [asyncio.create_task(produce(queue, name)) for name in "abc"]
    print(await consume(queue, 3))
asyncio.run(main())
"""
THREADS = """
import threading, queue
def work(number, results):
    results.put((number, square(number)))
def square(number): return number * number
results = queue.Queue()
threads = [threading.Thread(target=work, args=(n, results), name=f"worker-{n}") for n in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(results.queue))
"""
PROGRAMS = {
    "asyncio": (ASYNCIO, 0, {"produce": 3, "consume": 1, "main": 1}),
    "16 threads": (THREADS, 0, {"work": 16, "square": 16}),
    "one that raises": (
        "def f(n): return 1 // n\ndef g(): return f(0)\ng()\n",
        1,
        {"f": 1, "g": 1},
    ),
    "one that exits": ("import sys\ndef leave(): sys.exit(3)\nleave()\n", 3, {"leave": 1}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_recorded_and_shown(tmp_path: Path, name: str, backend: str) -> None:
    text, status, called = PROGRAMS[name]
    write(tmp_path, {"app.py": text})
    plain = execute("app.py", cwd=tmp_path)

    outcome = record(tmp_path, backend, "app.py")

    assert outcome == plain
    assert outcome.code == status
    found = events(tmp_path)
    counted = functions(found)
    assert {name: counted[name] for name in called} == called
    assert sum(isinstance(event, UnwindEvent) for event in found) == {
        "one that raises": 3,
        "one that exits": 2,
    }.get(name, 0)
    shown = show(tmp_path, "--limit", "0")
    for function, count in called.items():
        assert shown.count(f"{function}(") >= count
    assert f"<toplevel> -> exit status {status}" in shown


def test_each_of_16_threads_has_its_name_and_its_own_calls(tmp_path: Path, backend: str) -> None:
    write(tmp_path, {"app.py": THREADS})
    record(tmp_path, backend, "app.py")

    squares = {}
    for event in codetracer.read(tmp_path / "out"):
        if isinstance(event, ReturnEvent) and event.frame.code.name == "square":
            squares[event.thread.name] = event.value

    assert squares == {f"worker-{n}": n * n for n in range(16)}
