"""What every test starts from: no tracer, the default policy, clean slots."""

from collections.abc import Iterator

import pytest

from codetracer import configure_policy, uninstall_tracer
from tests.slots import EMPTY, slots


@pytest.fixture(autouse=True)
def _clean_monitoring() -> Iterator[None]:
    configure_policy(on_recorder_error="abort", json_errors=False)
    before = slots()
    yield
    uninstall_tracer()
    assert slots() == before == [EMPTY] * 6
