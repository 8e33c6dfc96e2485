"""What every test starts from: no tracer, the default policy, clean slots."""

import compileall
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import codetracer
import codetracer.monitoring.backend as chosen_backend
from codetracer import configure_policy, uninstall_tracer
from tests.building import build, copy_of_the_project
from tests.running import ROOT
from tests.slots import EMPTY, slots

# What the engine in C alone can promise; test_native_build.py says where it must be there.
collect_ignore = [] if "native" in chosen_backend.BACKENDS else ["test_runtime_unseen.py"]


def pytest_configure(config: pytest.Config) -> None:
    """Compile the sources once: the processes that tests start write no bytecode."""
    if not hasattr(config, "workerinput"):
        for folder in ("codetracer", "codegen", "generated"):
            compileall.compile_dir(ROOT / folder, quiet=1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.path.name.startswith(("test_monitoring_", "test_runtime_io")):
        # test_native_build.py says which ones must be there.
        metafunc.parametrize("each_backend", chosen_backend.BACKENDS, indirect=True)


@pytest.fixture(autouse=True)
def each_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Use one backend in this process and in those that the test starts; return its name."""
    # Autouse, or pytest forgets it for tests that do not name it.
    if not hasattr(request, "param"):
        return codetracer.backend()
    monkeypatch.setattr(chosen_backend, "_chosen", request.param)
    monkeypatch.setenv(chosen_backend.VARIABLE, request.param)
    return codetracer.backend()


@pytest.fixture(autouse=True)
def _clean_monitoring() -> Iterator[None]:
    configure_policy(on_recorder_error="abort", json_errors=False)
    before = slots()
    yield
    uninstall_tracer()
    assert slots() == before == [EMPTY] * 6


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
