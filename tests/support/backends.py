"""The fixture by which a folder's tests run on both backends: its conftest imports it."""

import pytest

import codetracer
import codetracer.monitoring.backend as chosen_backend


# tests/project/test_native_build.py says which ones must be there. Autouse, for tests that do not
# name it.
@pytest.fixture(autouse=True, params=chosen_backend.BACKENDS)
def each_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Use one backend in this process and in those that the test starts; return its name."""
    monkeypatch.setattr(chosen_backend, "_chosen", request.param)
    monkeypatch.setenv(chosen_backend.VARIABLE, request.param)
    return codetracer.backend()
