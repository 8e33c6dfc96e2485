"""The namespace of random programs, none of it defined in their own file.

So it fires no events that are compared, but for the CALL events of the programs themselves.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any

DEPTH = 3
"""The depth to which a value is shown: it may hold itself, or grow with every turn of a loop."""


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
    _here.driven += 1
    try:
        for _ in range(1000):
            try:
                coroutine.send(None)
            except StopIteration as stop:
                return stop.value
        raise RuntimeError("the coroutine does not end")
    finally:
        _here.driven -= 1


def in_thread(function: Callable[..., object], *arguments: object) -> object:
    """Call a function in a thread of its own and wait for its end; return what it returns."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)), name="in_thread")
    thread.start()
    thread.join()
    return results[0] if results else "raised"


class _Here(threading.local):
    """State of the current thread."""

    batons: deque[threading.Lock] | None = None
    """Of the threads that take turns with it; whose is the first may run."""
    driven = 0
    """The number of coroutines that `drive` runs in it now."""


_here = _Here()


def in_turns(*functions: Callable[[], object]) -> list[object]:
    """Call each function in a thread of its own, and wait for all; return what they return.

    One thread runs at a time, until it calls `turn` or ends. So their order is the same in every
    process. What a function raises is returned as text.
    """
    results: list[object] = [None] * len(functions)
    batons = deque(threading.Lock() for _ in functions)

    def play(place: int, baton: threading.Lock) -> None:
        baton.acquire()
        _here.batons = batons
        try:
            results[place] = functions[place]()
        except BaseException as error:
            # Let out of here it would die in this thread when the next one runs already.
            results[place] = show(error)
        batons.popleft()
        if batons:
            batons[0].release()

    for baton in batons:
        baton.acquire()
    threads = [
        threading.Thread(target=play, args=(place, baton), name=f"in_turns {place}")
        for place, baton in enumerate(batons)
    ]
    for thread in threads:
        thread.start()
    batons[0].release()
    for thread in threads:
        thread.join()
    return results


def turn() -> None:
    """Let the next thread of `in_turns` run, and wait for one's turn; elsewhere, do nothing."""
    batons = _here.batons
    if batons:
        own = batons[0]
        batons.rotate(-1)
        batons[0].release()
        own.acquire()


def passing(function: Callable[..., object]) -> Callable[..., object]:
    """Decorate with a function in between."""

    def passed(*arguments: object, **named: object) -> object:
        return function(*arguments, **named)

    return passed


async def gathered(*awaitables: Awaitable[object]) -> list[object]:
    """Await one after the other."""
    return [await awaitable for awaitable in awaitables]


def run_tasks(coroutine: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine in an event loop of its own, as the task ``main``."""

    async def main() -> object:
        task = asyncio.current_task()
        assert task is not None
        # asyncio's own names count the tasks of the process.
        task.set_name("main")
        return await coroutine

    return asyncio.run(main())


async def in_tasks(*coroutines: Coroutine[Any, Any, object]) -> list[object]:
    """Run coroutines as tasks that take turns, or one after the other where no loop runs them."""
    if _here.driven or asyncio._get_running_loop() is None:
        return await gathered(*coroutines)
    tasks = [
        asyncio.create_task(coroutine, name=f"task {place}")
        for place, coroutine in enumerate(coroutines)
    ]
    return [*await asyncio.gather(*tasks, return_exceptions=True)]


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
        "in_tasks": in_tasks,
        "in_thread": in_thread,
        "in_turns": in_turns,
        "managed": managed,
        "passing": passing,
        "run_tasks": run_tasks,
        "say": say_values,
        "show": show,
        "turn": turn,
    }
