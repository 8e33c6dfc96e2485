"""Frames are balanced in forked children and their parents."""

import os
from collections import Counter
from pathlib import Path

import pytest

import codetracer
from codetracer.monitoring.backend import BACKENDS
from tests.support.balance import check_balance, record

FORK = """
import os, sys
def leaf(n): return n
def child(): return leaf("child")
def forks():
    pid = os.fork()
    if pid == 0:
        child()
        return "in the child"
    os.waitpid(pid, 0)
    leaf("parent")
    return "in the parent"
def around(): return forks()
around()
leaf("end")
"""


def test_a_forked_child_has_a_log_of_its_own_and_its_parents_is_whole(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, FORK, backend)

    assert outcome.code == 0, outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    assert len(trace.processes) == 2
    histories = {}
    for process in trace.processes:
        history = check_balance(process)
        (thread,) = history.threads
        values = [seen.value for seen in history.of("return") if isinstance(seen.value, str)]
        histories[values[0]] = (thread.events, values)
    assert histories["parent"][1] == ["parent", "in the parent", "in the parent", "end"]
    assert histories["child"][1] == [
        *("child", "child", "in the child", "in the child"),
        "end",
    ]
    # In the child the frames that the fork was called in are met in the midst.
    assert histories["child"][0][:2] == [("enter", "around"), ("enter", "forks")]


MULTIPROCESSING = """
import multiprocessing
def work(n): return n * n
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        print(pool.map(work, range(6)))
        pool.close(); pool.join()
    process = context.Process(target=work, args=(9,))
    process.start(); process.join()
    print(process.exitcode)
"""


@pytest.mark.slow
def test_processes_of_multiprocessing_have_whole_logs_of_their_own(
    tmp_path: Path, backend: str
) -> None:
    outcome = record(tmp_path, MULTIPROCESSING, backend)

    assert (outcome.code, outcome.stdout) == (0, "[0, 1, 4, 9, 16, 25]\n0\n"), outcome.stderr
    trace = codetracer.read(tmp_path / "out")
    assert trace.complete, trace.problem
    results = [
        seen.value
        for process in trace.processes
        for seen in check_balance(process).of("return", "work")
        if isinstance(seen.value, int)
    ]
    assert len(trace.processes) == 4
    assert sorted(results) == [0, 1, 4, 9, 16, 25, 81]


@pytest.mark.slow
def test_both_engines_log_the_same_number_of_frames_of_a_forking_program(tmp_path: Path) -> None:
    counts = []
    for backend in BACKENDS:
        folder = tmp_path / backend
        record(folder, FORK, backend)
        logs = sorted(os.listdir(folder / "out"))
        trace = codetracer.read(folder / "out")
        counts.append((len(logs), Counter(type(event).__name__ for event in trace)))
    assert all(count == counts[0] for count in counts)
    assert counts[0][1]["CallEvent"] > 5
