"""What every test starts from: no tracer, the default policy, clean slots."""

import compileall
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codetracer import configure_policy, uninstall_tracer
from tests.support.building import build, copy_of_the_project
from tests.support.decoders import differences_below
from tests.support.running import ROOT
from tests.support.slots import EMPTY, slots


def pytest_configure(config: pytest.Config) -> None:
    """Compile the sources once: the processes that tests start write no bytecode."""
    if not hasattr(config, "workerinput"):
        for folder in ("codetracer", "codegen", "generated"):
            compileall.compile_dir(ROOT / folder, quiet=1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked `only_where` something holds that does not hold here."""
    left_out = [
        item
        for item in items
        if not all(condition for mark in item.iter_markers("only_where") for condition in mark.args)
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _clean_monitoring() -> Iterator[None]:
    configure_policy(on_recorder_error="abort", json_errors=False)
    before = slots()
    yield
    uninstall_tracer()
    assert slots() == before == [EMPTY] * 6


@pytest.fixture(scope="session")
def _compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[Path]]:
    """The folders whose logs were compared; the others, of modules, are at the end."""
    compared: set[Path] = set()
    yield compared
    folders = {*tmp_path_factory.getbasetemp().iterdir()}
    assert differences_below(*sorted(folders - compared)) == []


@pytest.fixture(autouse=True)
def _both_decoders(request: pytest.FixtureRequest, _compared: set[Path]) -> Iterator[None]:
    """Have both decoders read whatever the test has recorded; they must not differ."""
    yield
    folder = request.node.funcargs.get("tmp_path")
    if folder is not None:
        _compared.add(folder)
        assert differences_below(folder) == []


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder ``bin`` of an environment into which pip has installed the project."""
    folder = tmp_path_factory.mktemp("installed")
    wheel, _ = build(copy_of_the_project(folder / "project"))
    environment = folder / "environment"
    for arguments in (
        (sys.executable, "-m", "venv", environment),
        (environment / "bin/pip", "install", "--no-index", "--no-deps", wheel),
    ):
        subprocess.run(arguments, check=True, capture_output=True, cwd=folder)
    return environment / "bin"
