"""The fixtures by which a folder's tests run on both backends: its conftest imports one."""

import pytest

import codetracer
import codetracer.monitoring.backend as chosen_backend

# tests/project/test_native_build.py says which ones must be there.
_FIRST, *_OTHERS = chosen_backend.BACKENDS
_EACH = [_FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in _OTHERS)]


@pytest.fixture(params=_EACH)
def backend(request: pytest.FixtureRequest) -> str:
    """Return the name of one backend, for a test that gives it to the processes that it starts."""
    name: str = request.param
    return name


# Autouse, for tests that do not name it.
@pytest.fixture(autouse=True, params=_EACH)
def each_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Use one backend in this process and in those that the test starts; return its name."""
    monkeypatch.setattr(chosen_backend, "_chosen", request.param)
    monkeypatch.setenv(chosen_backend.VARIABLE, request.param)
    return codetracer.backend()
