"""Faults of every kind, in short: the program never suffers, and nothing is left.

`make stress` does the same for longer, with other seeds.
"""

import weakref
from types import CodeType

import pytest

from codetracer import Tracer, configure_policy, installed
from tests.stress.faults import HANDLERS
from tests.stress.processes import difference, injected
from tests.stress.programs import FROM_PYPI, PROGRAMS

pytestmark = pytest.mark.slow

policies = pytest.mark.parametrize("policy", ["disable", "abort"])


@policies
def test_every_fault_in_a_handler_is_dealt_with(policy: str, each_backend: str) -> None:
    figures = injected(policy, 1, 0, each_backend)

    # In four events each, some of which do not come when they are waited for.
    assert figures["faults"] >= 3 * len(HANDLERS)


@policies
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(name, marks=pytest.mark.network if name in FROM_PYPI else ())
        for name in PROGRAMS
    ],
)
def test_a_program_under_a_tracer_that_fails_does_what_it_does_without(
    program: str, policy: str, each_backend: str
) -> None:
    assert difference(program, policy, len(program), each_backend) is None


def test_what_a_handler_held_when_memory_ran_out_is_let_go_before_anything_else() -> None:
    class Block:
        pass

    blocks: list[weakref.ref[Block]] = []
    gone: list[bool] = []

    class Hungry(Tracer):
        def on_py_start(self, code: CodeType, offset: int) -> None:
            block = Block()
            blocks.append(weakref.ref(block))
            raise MemoryError

        def notify_failure(self) -> None:
            gone.append(blocks[0]() is None)

    configure_policy(on_recorder_error="disable", log_level="off")
    try:
        with installed(Hungry()):
            compile("", "", "exec")
            (lambda: None)()
    finally:
        configure_policy(log_level="warning")

    assert gone == [True]
