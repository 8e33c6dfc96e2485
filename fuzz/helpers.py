"""What random programs find in their namespace: nothing of it is in their own file.

So it fires no events that are compared, but for the CALL events of the programs themselves.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any

DEPTH = 3
"""How deep a value is shown: a value may hold itself, or grow with every turn of a loop."""


def show(value: object, depth: int = DEPTH) -> str:
    """Return a text for `value` that is the same in every process: no address, no set order."""
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return repr(value)[:40]
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, BaseException):
        return f"{kind.__name__}({', '.join(show(one, depth - 1) for one in value.args)})"
    if depth == 0:
        return kind.__name__
    if isinstance(value, list | tuple):
        return f"{kind.__name__}[{', '.join(show(one, depth - 1) for one in value[:6])}]"
    if isinstance(value, dict):
        shown = (f"{show(key, 1)}: {show(one, depth - 1)}" for key, one in list(value.items())[:6])
        return f"{{{', '.join(shown)}}}"
    if isinstance(value, set | frozenset):
        return f"set[{', '.join(sorted(show(one, depth - 1) for one in value))}]"
    return kind.__name__


class Plain:
    """A context manager that does nothing; may be entered more than once, also by async with."""

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    async def __aenter__(self) -> Plain:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


@contextmanager
def managed(value: object) -> Iterator[object]:
    """Hand out `value`, and nothing else."""
    yield value


@asynccontextmanager
async def async_managed(value: object) -> AsyncIterator[object]:
    """Hand out `value` once the loop has had a turn."""
    await Pause()
    yield value


class Pause:
    """An awaitable that suspends once."""

    def __await__(self) -> Generator[None, None, None]:
        # A bare yield is also what asyncio takes for "let the others run".
        yield


def drive(coroutine: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine to its end, without an event loop; it must suspend a bounded number of times.

    Raises:
        RuntimeError: it suspends more than 1,000 times.
    """
    for _ in range(1000):
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
    raise RuntimeError("the coroutine does not end")


def in_thread(function: Callable[..., object], *arguments: object) -> object:
    """Call a function in a thread of its own and wait for its end; return what it returns."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    thread.join()
    return results[0] if results else "raised"


def passing(function: Callable[..., object]) -> Callable[..., object]:
    """Decorate with a function in between."""

    def passed(*arguments: object, **named: object) -> object:
        return function(*arguments, **named)

    return passed


async def gathered(*awaitables: Awaitable[object]) -> list[object]:
    """Await one after the other."""
    return [await awaitable for awaitable in awaitables]


def namespace(say: Callable[[str], None]) -> dict[str, object]:
    """Return the namespace of one program, whose `say(value, …)` goes to `say` as text."""

    def say_values(*values: object) -> None:
        say(" ".join(show(value) for value in values))

    return {
        "__name__": "program",
        "Pause": Pause,
        "Plain": Plain,
        "async_managed": async_managed,
        "drive": drive,
        "gathered": gathered,
        "in_thread": in_thread,
        "managed": managed,
        "passing": passing,
        "say": say_values,
        "show": show,
    }
