"""Reads descriptors 1 and 2 while the program runs; `native/engine/pipes.c` does the same in C.

The program may close any descriptor that is kept here, and open a file that gets its number. So the
identity of each is checked before each use, and a descriptor that is no longer ours is left alone:
all output then goes through the pipe as long as that exists, and copies are no longer read.
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
"""CPython 3.13 counts threads after the handlers for forks have run, other versions before that."""

LOOK_AROUND: Final = 200
"""Milliseconds after which the reading thread checks whether it must end."""


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
        """Return whether the number still has our file: the program has not closed it."""
        return self.stands_on(self.number)

    def close(self) -> None:
        """Close the descriptor if it is still ours."""
        if self.is_ours():
            _close(self.number)


class Sink:
    """A pipe or pseudo-terminal that has replaced a descriptor and is forwarded.

    Attributes:
        feed: our descriptor of its writing end, for marks.
        slot: the index of its place in the shared memory, where the forwarder acknowledges marks.
        is_terminal: whether it is a pseudo-terminal.
    """

    __slots__ = ("feed", "is_terminal", "slot")

    def __init__(self, feed: int, slot: int, is_terminal: bool) -> None:
        self.feed = Held(feed)
        self.slot = slot
        self.is_terminal = is_terminal


class Route:
    """The way to the original file of a descriptor, which bypasses the pipe that replaced it.

    Parameters:
        pipes: the pipes of the capture.
        number: the descriptor, 1 or 2.
        saved: a duplicate of the original descriptor.
        sink: the pipe that replaced it.
    """

    __slots__ = ("_number", "_pipes", "_saved", "sink")

    def __init__(self, pipes: Pipes, number: int, saved: int, sink: Sink) -> None:
        self._pipes = pipes
        self._number = number
        self._saved = Held(saved)
        self.sink = sink

    def stands(self) -> bool:
        """Return whether the pipe is still on the descriptor and the original can be written to."""
        pipes = self._pipes
        if pipes.gave_up or not self.sink.feed.stands_on(self._number):
            return False
        if not self._is_held() or not pipes.memory.is_ours():
            # The streams now write through the pipe, and their output must not be recorded twice.
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
        """Prepare a write, and return the function that does it and its arguments, for `map`."""
        if closed or not self.stands():
            return original, (data,)
        self.prepare()
        return _write, (self._original(),), (data,)

    def prepare(self) -> None:
        """Wait until all bytes that were written to the pipe earlier are forwarded."""
        self._pipes.read_on()
        self._pipes.settle(self.sink)

    def _is_held(self) -> bool:
        """Return whether the duplicate of the original is still ours.

        Its identity alone does not prove it, because the program may open the same file with the
        same number. It cannot open our pipe for copies, though, and if it closes unknown
        descriptors, it closes that pipe as well.
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
        """Put the original back on its descriptor, if the pipe is still there."""
        if self.sink.feed.stands_on(self._number) and self._is_held():
            _dup2(self._saved.number, self._number)

    def way_in(self) -> int:
        """Return the descriptor if the pipe is on it, else -1."""
        return self._number if self.sink.feed.stands_on(self._number) else -1

    def close(self) -> None:
        """Close the duplicate of the original if it is still ours."""
        if self._is_held():
            self._saved.close()


class Pipes:
    """The pipes on descriptors 1 and 2, and the thread that reads the forwarder's copies.

    Attributes:
        memory: the descriptor of the memory that is shared with the forwarder.
        gave_up: whether the program has closed a descriptor that bypassing the pipes needs.

    Parameters:
        record: called with a stream's number, the copied bytes, and None, in the reading thread.
        token: the bytes that begin a mark.
        memory: the descriptor of the shared memory. The object closes all descriptors it gets.
        channel: the reading and the writing end of the pipe for copies.
        sinks: for each pipe, the descriptor of its writing end, and whether it is a terminal.
        routes: for each descriptor, its number, the duplicate of its original, and the index of
            its pipe.
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
        """Put the pipes on the descriptors, and start the thread that reads copies."""
        for number, route in self._routes.items():
            _dup2(route.sink.feed.number, number)
        self.read_on()
        _active.append(self)
        _watch_forks()

    def restore(self) -> None:
        """Put the originals back, and wait until all bytes are forwarded and their copies read."""
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
        # First, because closing them safely needs the others.
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
        """Return whether an end of the pipe for copies is still ours."""
        return self._receiving.is_ours() or self._sending.is_ours()

    def settle(self, sink: Sink, kind: bytes = MARK_ACKNOWLEDGE) -> None:
        """Wait until all bytes written to `sink` so far have reached the original.

        A mark is written after them. It contains the monotonic time, which all processes share:
        when a mark is acknowledged, everything before any earlier mark is forwarded, too.

        Parameters:
            sink: the pipe.
            kind: MARK_ACKNOWLEDGE, or MARK_END to have the forwarder also end the copies.
        """
        feed = self._way_into(sink)
        if feed < 0 or not self.memory.is_ours():
            return
        if self._is_dead(sink):
            self._give_up(sink)
            return
        if kind == MARK_ACKNOWLEDGE and not sink.is_terminal:
            # The forwarder sets the byte at BUSY_AT before it reads. A terminal has no FIONREAD
            # for the bytes that wait in it.
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
            # Usually the forwarder needs less time than the shortest sleep.
            if rounds < 100:
                _sched_yield()
            else:
                _sleep(0.00002 if rounds < 200 else 0.001)
            rounds += 1
            if rounds % 100 == 0 and self._is_dead(sink):
                self._give_up(sink)
                return

    def _shared(self, size: int, at: int) -> bytes:
        """Return a part of the shared memory; the highest value if it is lost, so nothing waits."""
        return _pread(self.memory.number, size, at) if self.memory.is_ours() else b"\xff" * size

    def _way_into(self, sink: Sink) -> int:
        """Return a descriptor to which a mark can be written, or -1."""
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
                # The program has made its stdout non-blocking, which affects this descriptor, too.
                _sleep(0.001)
        return True

    def _is_dead(self, sink: Sink) -> bool:
        feed = self._way_into(sink)
        poll = _poll()
        poll.register(max(feed, 0), 0)
        return feed < 0 or bool(poll.poll(0))

    def _give_up(self, sink: Sink) -> None:
        """Put the originals back, because the forwarder was killed or its output has no reader."""
        for route in self._routes.values():
            if route.sink is sink:
                route.put_back()

    # The thread that reads copies.

    def read_on(self) -> None:
        """Start the reading thread if it does not run, for example because a fork has ended it."""
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
                # The program may have closed it, and use its number.
                if not receiving.is_ours():
                    return
                if ready and not self._take_frames(_read(receiving.number, 65536)):
                    return
        except OSError:
            return
        finally:
            finished.release()

    def _take_frames(self, data: bytes) -> bool:
        """Split received bytes into frames, and record them; return whether more will come."""
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
        """End the reading thread after it has read the frames that have come."""
        lock, self._reader = self._reader, None
        if lock is None:
            return
        if self._sending.is_ours():
            _write(self._sending.number, FRAME_QUIT + b"\0\0")
        else:
            self._quits = True
        lock.acquire(timeout=1)

    def before_fork(self) -> None:
        """End the reading thread, because since 3.12 CPython warns of a fork beside threads."""
        if self._reader is None or _getpid() != self._process:
            return
        tasks = _count_tasks()
        self._stop_reading()
        # The thread exists a little longer than its lock is held.
        for _ in range(1000):
            if _count_tasks() < tasks or not tasks:
                return
            _sleep(0.00001)

    def after_fork_in_parent(self) -> None:
        """Start the reading thread again."""
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
