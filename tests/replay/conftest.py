"""The recording of a long program, for all tests of this folder."""

import pytest

import codetracer
from codetracer.replay import Trace
from tests.support.long_recordings import MIXED
from tests.support.recordings import record


@pytest.fixture(scope="package")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Return the recording of a long program that has everything in it."""
    folder = tmp_path_factory.mktemp("mixed")
    record(folder, MIXED)
    return codetracer.read(folder / "out")
