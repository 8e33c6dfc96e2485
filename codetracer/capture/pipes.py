"""Reads descriptors 1 and 2 while the program runs; `native/pipes.c` does the same in C.

Every descriptor that is kept may be closed by the program, and its number be that of a file of the
program's then. So each is asked what it is before each use, and what is not ours any more is let
be: output goes by the pipe as long as that stands, and nobody reads copies.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock as _allocate_lock
from _thread import start_new_thread as _start_new_thread
from fcntl import ioctl as _ioctl
from os import close as _close
from os import dup2 as _dup2
from os import fstat as _fstat
from os import ftruncate as _ftruncate
from os import getpid as _getpid
from os import lseek as _lseek
from os import pread as _pread
from os import read as _read
from os import register_at_fork as _register_at_fork
from os import sched_yield as _sched_yield
from os import set_blocking as _set_blocking
from os import stat as _stat
from os import write as _write
from select import POLLIN as _POLLIN
from select import poll as _poll
from termios import FIONREAD as _FIONREAD
from time import monotonic_ns as _monotonic_ns
from time import sleep as _sleep

from codetracer.capture.forwarder import (
    BUSY_AT,
    FRAME_END,
    FRAME_QUIT,
    MARK_ACKNOWLEDGE,
    MARK_END,
)
from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from codetracer.capture.streams import Record

__all__ = ["Held", "Pipes", "Route", "Sink"]

seal(globals())

WAITS_AFTER_FORK: Final = sys.version_info[:2] == (3, 13)
"""CPython 3.13 counts threads after the handlers for forks have run; the other versions before."""

LOOK_AROUND: Final = 200
"""Milliseconds until the reading thread asks whether it shall end."""


class Held:
    """A descriptor of ours, and the identity of its file when it was opened.

    Attributes:
        number: the descriptor.
    """

    __slots__ = ("_identity", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self._identity = _identity(number)

    def stands_on(self, number: int) -> bool:
        """Return whether a descriptor is this file."""
        try:
            return _identity(number) == self._identity
        except OSError as error:
            if not began_here(error):
                raise
            return False

    def is_ours(self) -> bool:
        """Tell whether the program has let the descriptor be."""
        return self.stands_on(self.number)

    def close(self) -> None:
        """Close it if it is ours."""
        if self.is_ours():
            _close(self.number)


class Sink:
    """What stands on a descriptor: a pipe or a pseudo-terminal that is forwarded.

    Attributes:
        feed: our end of it, for marks.
        slot: where in the shared memory the forwarder says how far it is.
        is_terminal: whether it is a pseudo-terminal.
    """

    __slots__ = ("feed", "is_terminal", "slot")

    def __init__(self, feed: int, slot: int, is_terminal: bool) -> None:
        self.feed = Held(feed)
        self.slot = slot
        self.is_terminal = is_terminal


class Route:
    """The way to an original, around the pipe that stands in its place."""

    __slots__ = ("_number", "_pipes", "_saved", "sink")

    def __init__(self, pipes: Pipes, number: int, saved: int, sink: Sink) -> None:
        self._pipes = pipes
        self._number = number
        self._saved = Held(saved)
        self.sink = sink

    def stands(self) -> bool:
        """Tell whether the pipe stands on the descriptor, and the way around it is open."""
        pipes = self._pipes
        if pipes.gave_up or not self.sink.feed.stands_on(self._number):
            return False
        if not self._is_held() or not pipes.memory.is_ours():
            # The program's writes go through the pipe now, and must not be recorded twice.
            pipes.gave_up = True
            return False
        return True

    def write(self, data: Any) -> int | None:
        """Do the same as the original's `io.FileIO.write`, after all earlier bytes."""
        self.prepare()
        try:
            return _write(self._original(), data)
        except BlockingIOError as error:
            if not began_here(error):
                raise
            return None

    def way(
        self, original: Callable[[Any], int | None], data: Any, closed: bool
    ) -> tuple[Any, ...]:
        """Prepare a write; return the function to do it with, and its arguments for `map`."""
        if closed or not self.stands():
            return original, (data,)
        self.prepare()
        return _write, (self._original(),), (data,)

    def prepare(self) -> None:
        """Wait until earlier bytes of others are forwarded."""
        self._pipes.read_on()
        self._pipes.settle(self.sink)

    def _is_held(self) -> bool:
        """Tell whether the program has let the original be.

        It may open the very file that the original is, but no pipe of ours; and if it closes what
        it does not know, it closes both.
        """
        return self._saved.is_ours() and self._pipes.has_channel()

    def _original(self) -> int:
        if not self._is_held():
            raise OSError(9, "Bad file descriptor")
        return self._saved.number

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Do the same as the original's `io.FileIO.seek`."""
        return _lseek(self._original(), offset, whence)

    def tell(self) -> int:
        """Do the same as the original's `io.FileIO.tell`."""
        self._pipes.settle(self.sink)
        return self.seek(0, 1)

    def seekable(self) -> bool:
        """Do the same as the original's `io.FileIO.seekable`."""
        try:
            self.seek(0, 1)
        except OSError as error:
            if not began_here(error):
                raise
            return False
        return True

    def truncate(self, size: int | None = None, /) -> int:
        """Do the same as the original's `io.FileIO.truncate`."""
        length = self.tell() if size is None else size
        _ftruncate(self._original(), length)
        return length

    def put_back(self) -> None:
        """Put the original back, if the pipe is still there."""
        if self.sink.feed.stands_on(self._number) and self._is_held():
            _dup2(self._saved.number, self._number)

    def way_in(self) -> int:
        """Return the descriptor if the pipe stands on it, or -1."""
        return self._number if self.sink.feed.stands_on(self._number) else -1

    def close(self) -> None:
        """Close the kept descriptors."""
        if self._is_held():
            self._saved.close()


class Pipes:
    """Pipes on descriptors, a process that forwards them, a thread that reads copies.

    Attributes:
        memory: shared with the forwarder.
        gave_up: whether the program has closed a descriptor that bypassing the pipes needs.

    Parameters:
        record: called with a stream's number, a copy, and None, in a thread of ours.
        token: the bytes that begin a mark.
        memory: the descriptor of the memory; all descriptors are the new object's to close.
        channel: the ends of the pipe by which copies come.
        sinks: of each the descriptor by which it is fed, and whether it is a terminal.
        routes: of each descriptor its number, that of the original, and the sink's index.
    """

    def __init__(
        self,
        record: Record,
        token: bytes,
        memory: int,
        channel: tuple[int, int],
        sinks: tuple[tuple[int, bool], ...],
        routes: tuple[tuple[int, int, int], ...],
    ) -> None:
        self._record = record
        self._token = token
        self.memory = Held(memory)
        self._receiving, self._sending = map(Held, channel)
        _set_blocking(self._receiving.number, False)
        self._sinks = [Sink(feed, slot, terminal) for slot, (feed, terminal) in enumerate(sinks)]
        self._routes = {
            number: Route(self, number, saved, self._sinks[sink]) for number, saved, sink in routes
        }
        self._process = _getpid()
        self._reader: Any = None
        self._quits = False
        self._pending = b""
        self._ends = 0
        self.gave_up = False

    def start(self) -> None:
        """Take the place of the originals, and read copies."""
        for number, route in self._routes.items():
            _dup2(route.sink.feed.number, number)
        self.read_on()
        _active.append(self)
        _watch_forks()

    def restore(self) -> None:
        """Put the originals back, and wait for what is under way and for its copies."""
        if self not in _active:
            return
        _active.remove(self)
        is_ours = _getpid() == self._process
        with_end = [sink for sink in self._sinks if sink.feed.is_ours()]
        for sink in self._sinks:
            if sink not in with_end:
                self.settle(sink)
        for route in self._routes.values():
            route.put_back()
        self.read_on()
        for sink in with_end:
            self.settle(sink, MARK_END if is_ours else MARK_ACKNOWLEDGE)
        if is_ours and self._reader is not None:
            if len(with_end) == len(self._sinks) and not self.gave_up:
                self._await_copies()
            self._stop_reading()
        self._close()

    def _await_copies(self) -> None:
        for _ in range(100):
            if self._reader.acquire(timeout=0.1):
                self._reader = None
                return
            if all(map(self._is_dead, self._sinks)):
                return

    def _close(self) -> None:
        # These first: by the others it is known whose they are.
        for route in self._routes.values():
            route.close()
        self._routes = {}
        for held in (self._receiving, self._sending, self.memory):
            held.close()
        for sink in self._sinks:
            sink.feed.close()

    def route_of(self, descriptor: int) -> Route | None:
        """Return the way to the original of a descriptor."""
        return self._routes.get(descriptor)

    def has_channel(self) -> bool:
        """Tell whether an end of the pipe is there by which copies come."""
        return self._receiving.is_ours() or self._sending.is_ours()

    def settle(self, sink: Sink, kind: bytes = MARK_ACKNOWLEDGE) -> None:
        """Wait until all bytes written to `sink` so far have reached the original.

        A mark is written behind it. It bears the time, which is the same in all processes: when
        a later one is acknowledged, all that was written before the earlier is forwarded too.
        """
        feed = self._way_into(sink)
        if feed < 0 or not self.memory.is_ours():
            return
        if self._is_dead(sink):
            self._give_up(sink)
            return
        if kind == MARK_ACKNOWLEDGE and not sink.is_terminal:
            # The forwarder is busy before it takes something out. A terminal cannot be asked.
            waiting = _ioctl(feed, _FIONREAD, b"\0\0\0\0")
            busy = self._shared(1, BUSY_AT + sink.slot)
            if waiting == b"\0\0\0\0" and busy == b"\0":
                return
        stamp = _monotonic_ns()
        if not self._write_mark(sink, self._token + b"%016x" % stamp + kind):
            self._give_up(sink)
            return
        rounds = 0
        while int.from_bytes(self._shared(8, sink.slot * 8)) < stamp:
            # Most often it takes less time than the shortest sleep does.
            if rounds < 100:
                _sched_yield()
            else:
                _sleep(0.00002 if rounds < 200 else 0.001)
            rounds += 1
            if rounds % 100 == 0 and self._is_dead(sink):
                self._give_up(sink)
                return

    def _shared(self, size: int, at: int) -> bytes:
        """Return a part of the memory; what lets nobody wait if it is lost."""
        return _pread(self.memory.number, size, at) if self.memory.is_ours() else b"\xff" * size

    def _way_into(self, sink: Sink) -> int:
        """Return a descriptor by which a mark can be written, or -1."""
        if sink.feed.is_ours():
            return sink.feed.number
        ways = [route.way_in() for route in self._routes.values() if route.sink is sink]
        return max(ways, default=-1)

    def _write_mark(self, sink: Sink, mark: bytes) -> bool:
        while mark:
            feed = self._way_into(sink)
            try:
                mark = mark[_write(feed, mark) :]
            except OSError as error:
                if not began_here(error):
                    raise
                if not isinstance(error, BlockingIOError):
                    return False
                # The program has made its stdout non-blocking, and this is the same file.
                _sleep(0.001)
        return True

    def _is_dead(self, sink: Sink) -> bool:
        feed = self._way_into(sink)
        poll = _poll()
        poll.register(max(feed, 0), 0)
        return feed < 0 or bool(poll.poll(0))

    def _give_up(self, sink: Sink) -> None:
        """Put the original back: the forwarder was killed, or its output has no reader."""
        for route in self._routes.values():
            if route.sink is sink:
                route.put_back()

    # The thread that reads copies.

    def read_on(self) -> None:
        """Start the thread if it has not been, or if a fork has ended it."""
        is_wanted = self._reader is None and not self.gave_up and _getpid() == self._process
        if not is_wanted or not self._receiving.is_ours():
            return
        self._quits = False
        lock = _allocate_lock()
        lock.acquire()
        self._reader = lock
        _start_new_thread(self._reading_thread, (lock,))

    def _reading_thread(self, finished: Any) -> None:
        receiving = self._receiving
        poll = _poll()
        poll.register(receiving.number, _POLLIN)
        try:
            while not self._quits and not self.gave_up:
                ready = poll.poll(LOOK_AROUND)
                # It may have been closed, and be the program's by now.
                if not receiving.is_ours():
                    return
                if ready and not self._take_frames(_read(receiving.number, 65536)):
                    return
        except OSError:
            return
        finally:
            finished.release()

    def _take_frames(self, data: bytes) -> bool:
        """Take what has come apart; return whether more will come."""
        self._pending += data
        while (end := 3 + int.from_bytes(self._pending[1:3], "little")) <= len(self._pending):
            kind, content = self._pending[:1], self._pending[3:end]
            self._pending = self._pending[end:]
            if kind == FRAME_QUIT:
                return False
            if kind == FRAME_END:
                self._ends += 1
                if self._ends == len(self._sinks):
                    return False
            else:
                try:
                    self._record(int(kind), content, None)
                except Exception:
                    continue
        return bool(data)

    def _stop_reading(self) -> None:
        """End the thread, behind what has come."""
        lock, self._reader = self._reader, None
        if lock is None:
            return
        if self._sending.is_ours():
            _write(self._sending.number, FRAME_QUIT + b"\0\0")
        else:
            self._quits = True
        lock.acquire(timeout=1)

    def before_fork(self) -> None:
        """End the thread: CPython warns of a fork in a process that has several (3.12 on)."""
        if self._reader is None or _getpid() != self._process:
            return
        tasks = _count_tasks()
        self._stop_reading()
        # It is gone a little later than it says so.
        for _ in range(1000):
            if _count_tasks() < tasks or not tasks:
                return
            _sleep(0.00001)

    def after_fork_in_parent(self) -> None:
        """Read on."""
        if not WAITS_AFTER_FORK:
            self.read_on()


_active: list[Pipes] = []
_watched: list[bool] = []


def _watch_forks() -> None:
    # A fork hook cannot be removed; without a capture it does nothing.
    if not _watched:
        _watched.append(True)
        _register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)


def _before_fork() -> None:
    for pipes in _active:
        pipes.before_fork()


def _after_fork_in_parent() -> None:
    for pipes in _active:
        pipes.after_fork_in_parent()


def _count_tasks() -> int:
    """Return the number of the process' tasks, without opening a file; 0 if unknown."""
    try:
        return _stat("/proc/self/task").st_nlink
    except OSError as error:
        if not began_here(error):
            raise
        return 0


def _identity(descriptor: int) -> tuple[int, int, int]:
    found = _fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_mode & 0o170000
