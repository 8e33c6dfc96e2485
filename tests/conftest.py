"""Gives every test the same start: no tracer, the default policy, clean slots."""

import compileall
import fcntl
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import none

from codetracer import configure_policy, uninstall_tracer
from tests.support import warm
from tests.support.building import build, copy_of_the_project
from tests.support.decoders import differences_below
from tests.support.rewriting import rewrite_once
from tests.support.running import ROOT
from tests.support.slots import EMPTY, slots

LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --fresh; see `tests.support.warm`."""
    parser.addoption(
        "--fresh",
        action="store_true",
        help="start an interpreter for every process; without it most are forked from one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Compile the sources once: the processes that tests start write no bytecode."""
    if not hasattr(config, "workerinput"):
        # pytest compiles the tests themselves, because it rewrites them.
        for folder in ("codetracer", "codegen", "generated", "tests/support", "fuzz"):
            compileall.compile_dir(ROOT / folder, quiet=1)
        if workers := getattr(config.option, "numprocesses", None):
            rewrite_once(workers)
    warm.FRESH = config.getoption("--fresh")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Search for no garbage while collecting: nearly all that it makes is kept."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked `only_where` something holds that does not hold here."""
    left_out = [
        item
        for item in items
        if not all(condition for mark in item.iter_markers("only_where") for condition in mark.args)
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the tests marked `slow` that are left out."""
    for item in items:
        if item.get_closest_marker("slow") and _leaves_out_slow(item.config):
            item.config.stash[LEFT_OUT] = item.config.stash.get(LEFT_OUT, 0) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make a worker report how many tests it has left out."""
    output: dict[str, int] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take it from a worker: each has left out the same."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say that the tests marked `slow` were left out, and how many there are."""
    if number := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f'{number} tests marked "slow" were left out (`make test-all` and CI run them)'
        )


@settings(max_examples=1, database=None)
@given(none())
def _use_hypothesis(_: None) -> None:
    """Have Hypothesis make its source of random numbers.

    On 3.14 and later it makes none once what refers to it is frozen: gc.get_referrers() would find
    nothing that does (hypothesis/internal/entropy.py).
    """


def pytest_collection_finish() -> None:
    """Keep what collecting made, hundreds of megabytes, out of each search for garbage.

    Search less often than usual: the tests make much and leave little garbage.
    """
    _use_hypothesis()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(autouse=True)
def _clean_monitoring() -> Iterator[None]:
    configure_policy(on_recorder_error="abort", json_errors=False)
    before = slots()
    yield
    uninstall_tracer()
    assert slots() == before == [EMPTY] * 6


@pytest.fixture(autouse=True)
def _fresh_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start an interpreter for each process of the tests marked `fresh`."""
    if request.node.get_closest_marker("fresh"):
        monkeypatch.setattr(warm, "FRESH", True)


def _leaves_out_slow(config: pytest.Config) -> bool:
    return "not slow" in config.option.markexpr


@pytest.fixture(scope="session")
def _compared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[set[Path]]:
    """The folders whose logs were compared; the others, of modules, are at the end."""
    compared: set[Path] = set()
    yield compared
    if _leaves_out_slow(request.config):
        return
    folders = {*tmp_path_factory.getbasetemp().iterdir()}
    assert differences_below(*sorted(folders - compared)) == []


@pytest.fixture(autouse=True)
def _both_decoders(request: pytest.FixtureRequest, _compared: set[Path]) -> Iterator[None]:
    """Make both decoders read all that the test has recorded; they must not differ.

    This takes a tenth of the time of all tests, so `make test` leaves it out, like the tests
    marked `slow`.
    """
    yield
    folder = request.node.funcargs.get("tmp_path")
    if folder is not None and not _leaves_out_slow(request.config):
        _compared.add(folder)
        assert differences_below(folder) == []


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this checkout, built once for all workers."""
    return once(tmp_path_factory, "wheel", lambda folder: build(copy_of_the_project(folder))[0])


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Return the folder ``bin`` of an environment into which pip has installed the project."""

    def install(environment: Path) -> Path:
        for arguments in (
            (sys.executable, "-m", "venv", "--without-pip", environment),
            (
                *(sys.executable, "-m", "pip", "--python", environment),
                *("install", "--no-index", "--no-deps", wheel),
            ),
        ):
            subprocess.run(arguments, check=True, capture_output=True)
        return environment / "bin"

    return once(tmp_path_factory, "installed", install)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """Return what `make` made in a folder that all workers share; the first one calls it."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = shared / f"{name}.txt"
        if not told.exists():
            told.write_text(str(make(shared / name)), encoding="utf-8")
        return Path(told.read_text(encoding="utf-8"))
