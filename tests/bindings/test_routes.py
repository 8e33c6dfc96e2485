"""The pipes in C refuse routes and sinks that they have no room for."""

import os
from collections.abc import Iterator

import pytest

from codetracer.runtime.native import engine_in_c


@pytest.fixture
def descriptors() -> Iterator[list[int]]:
    """Give a memory, and both ends of a pipe; the pipes own them if they are made."""
    memory = os.memfd_create("memory")
    os.ftruncate(memory, 2**16)
    made = [memory, *os.pipe()]
    yield made
    for descriptor in made:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("sinks", "routes"),
    [
        ((), ((5_000_000, -1, -1),)),
        ((), ((-1, -1, -1),)),
        ((), ((1, -1, 0),)),
        ((), ((1, -1, -2),)),
        (((-1, False),) * 9, ()),
    ],
)
@pytest.mark.only_where(hasattr(os, "memfd_create") and engine_in_c() is not None)
def test_a_route_without_room_is_refused(
    descriptors: list[int], sinks: tuple[tuple[int, bool], ...], routes: tuple[tuple[int, int, int]]
) -> None:
    memory, receiving, sending = descriptors
    in_c = engine_in_c()
    assert in_c is not None

    with pytest.raises(ValueError, match="sink"):
        in_c.Pipes(None, b"token", memory, (receiving, sending), sinks, routes)
