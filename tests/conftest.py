"""What every test starts from: no tracer, the default policy, clean slots."""

from collections.abc import Iterator

import pytest

import codetracer.monitoring.backend as chosen_backend
from codetracer import configure_policy, uninstall_tracer
from tests.slots import EMPTY, slots


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.path.name.startswith("test_monitoring_"):
        # test_native_build.py says which ones must be there.
        metafunc.fixturenames.append("each_backend")
        metafunc.parametrize("each_backend", chosen_backend.BACKENDS, indirect=True)


@pytest.fixture
def each_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use one backend in this process and in those that the test starts."""
    monkeypatch.setattr(chosen_backend, "_chosen", request.param)
    monkeypatch.setenv(chosen_backend.VARIABLE, request.param)


@pytest.fixture(autouse=True)
def _clean_monitoring() -> Iterator[None]:
    configure_policy(on_recorder_error="abort", json_errors=False)
    before = slots()
    yield
    uninstall_tracer()
    assert slots() == before == [EMPTY] * 6
