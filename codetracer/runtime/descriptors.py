"""Descriptors 1 and 2, in the place of which a pipe or a pseudo-terminal stands.

This is the program's side; `codetracer.runtime.forwarder` is the other process, and
`codetracer.runtime.io` says why there must be one.
"""

from __future__ import annotations

import _thread
import io
import os
import sys

from codetracer.runtime import forwarder
from codetracer.runtime.forwarder import (
    BUSY_AT,
    FRAME_END,
    FRAME_QUIT,
    MARK_ACKNOWLEDGE,
    MARK_END,
    MEMORY_SIZE,
    TOKEN_SIZE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from codetracer.runtime.io import Delivery

__all__ = ["Descriptors", "Route"]

STDOUT: Final = 1
STDERR: Final = 2

FIRST_DESCRIPTOR: Final = 200
"""Descriptors below it are left to the program, which shall get the numbers it gets untraced."""

COUNTS_AFTER_FORK: Final = sys.version_info[:2] == (3, 13)
"""CPython 3.13 counts threads after the handlers for forks have run; the other versions before."""


class Sink:
    """What stands on a descriptor: a pipe or a pseudo-terminal that is forwarded.

    Attributes:
        feed: our end of it, for marks.
        identity: of the file, to know it on a descriptor.
        slot: where in the shared memory the forwarder says how far it is.
    """

    __slots__ = ("feed", "identity", "slot", "stream", "terminal")

    def __init__(self, feed: int, slot: int, stream: int, terminal: bool) -> None:
        self.feed = feed
        self.identity = _identity(feed)
        self.slot = slot
        self.stream = stream
        self.terminal = terminal


class Route:
    """The way to an original, around the pipe that stands in its place."""

    __slots__ = ("_all", "_number", "_stat", "_write", "saved", "sink")

    def __init__(self, all_of_them: Descriptors, number: int, saved: int, sink: Sink) -> None:
        self._all = all_of_them
        self._number = number
        self.saved = saved
        self.sink = sink
        # Kept here, out of reach of what replaces such functions wherever a module names them.
        self._stat, self._write = os.fstat, os.write

    def stands(self) -> bool:
        """Tell whether ours is still on the descriptor; the program may put there what it likes."""
        try:
            found = self._stat(self._number)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.sink.identity

    def write(self, data: Any) -> int | None:
        """Do what the original's `io.FileIO.write` does, after what was written before."""
        self.prepare()
        try:
            return self._write(self.saved, data)
        except BlockingIOError:
            return None

    def way(
        self, original: Callable[[Any], int | None], data: Any, closed: bool
    ) -> tuple[Any, ...]:
        """Prepare a write; return the function to do it with, and its arguments for `map`."""
        if closed or not self.stands():
            return original, (data,)
        self.prepare()
        return self._write, (self.saved,), (data,)

    def prepare(self) -> None:
        """Wait until what others have written before is forwarded."""
        if self._all.reader is None:
            self._all.read_on()
        self._all.settle(self.sink)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Do what the original's `io.FileIO.seek` does."""
        return os.lseek(self.saved, offset, whence)

    def tell(self) -> int:
        """Do what the original's `io.FileIO.tell` does."""
        self._all.settle(self.sink)
        return self.seek(0, 1)

    def seekable(self) -> bool:
        """Do what the original's `io.FileIO.seekable` does."""
        try:
            self.seek(0, 1)
        except OSError:
            return False
        return True

    def truncate(self, size: int | None = None, /) -> int:
        """Do what the original's `io.FileIO.truncate` does."""
        length = self.tell() if size is None else size
        os.ftruncate(self.saved, length)
        return length

    def restore(self) -> None:
        """Put the original back, if ours is still there."""
        if self.stands():
            os.dup2(self.saved, self._number)


class Descriptors:
    """Pipes on descriptors 1 and 2, a process that forwards them, a thread that reads copies."""

    def __init__(self, delivery: Delivery) -> None:
        import fcntl
        import select
        import termios
        import time

        self._ioctl, self._how_much = fcntl.ioctl, termios.FIONREAD
        self._clock, self._sleep = time.monotonic_ns, time.sleep
        self._poll, self._pread, self._yield = select.poll, os.pread, os.sched_yield
        self._delivery = delivery
        self._process = os.getpid()
        self._token = b"\x1b" + os.urandom(TOKEN_SIZE).hex().encode()
        self._sinks: list[Sink] = []
        self._routes: dict[int, Route] = {}
        self._opened: list[int] = []
        self._memory = self._keep(os.memfd_create("codetracer"))
        os.ftruncate(self._memory, MEMORY_SIZE)
        self._receiving, self._sending = map(self._keep, os.pipe())
        self.reader: _thread.LockType | None = None
        self._pending = b""
        self._ends = 0

    @classmethod
    def redirect(cls, delivery: Delivery) -> Descriptors | None:
        """Take the place of descriptors 1 and 2; return None if that cannot be done here."""
        if not sys.executable or not hasattr(os, "memfd_create"):
            return None
        try:
            self = cls(delivery)
        except OSError:
            return None
        try:
            readers = self._prepare()
            if not readers or not self._spawn(readers):
                self._close()
                return None
        except OSError:
            self._close()
            return None
        for reader in readers:
            self._opened.remove(reader)
            os.close(reader)
        for number, route in self._routes.items():
            os.dup2(route.sink.feed, number)
        self._read_copies()
        _active.append(self)
        _watch_forks()
        return self

    def _keep(self, descriptor: int) -> int:
        """Move a descriptor of ours out of the program's way; it is not inherited."""
        import fcntl

        try:
            kept = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR)
        finally:
            os.close(descriptor)
        self._opened.append(kept)
        return kept

    def _close(self) -> None:
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened.clear()

    def _prepare(self) -> list[int]:
        """Open what is to stand on the descriptors; return the ends that are to be forwarded."""
        readers: list[int] = []
        known: dict[tuple[int, int], Sink] = {}
        for number in (STDOUT, STDERR):
            try:
                identity = _identity(number)
            except OSError:
                continue
            saved = self._keep(os.dup(number))
            sink = known.get(identity)
            if sink is None:
                terminal = os.isatty(number)
                reader, writer = _open_terminal(number) if terminal else os.pipe()
                readers.append(self._keep(reader))
                sink = Sink(self._keep(writer), len(self._sinks), number, terminal)
                known[identity] = sink
                self._sinks.append(sink)
            self._routes[number] = Route(self, number, saved, sink)
        return readers

    def _spawn(self, readers: list[int]) -> bool:
        passed = [self._memory, self._sending]
        arguments = [sys.executable, "-I", "-S", forwarder.__file__, self._token.decode()]
        for sink, reader in zip(self._sinks, readers, strict=True):
            passed += [reader, self._routes[sink.stream].saved]
            arguments.append(f"{sink.stream}{'t' if sink.terminal else 'p'}")
        actions: list[Any] = [
            (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)
        ]
        actions += [
            (os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(passed, 3)
        ]
        child = os.posix_spawn(sys.executable, arguments, os.environ, file_actions=actions)
        try:
            return os.waitpid(child, 0)[1] == 0
        except ChildProcessError:
            # The program was started with SIGCHLD ignored: nobody can know.
            return True

    def route_of(self, file: io.FileIO) -> Route | None:
        """Return the way to the original of what `file` writes to."""
        try:
            return self._routes.get(file.fileno())
        except (OSError, ValueError):
            return None

    def settle(self, sink: Sink, kind: bytes = MARK_ACKNOWLEDGE) -> None:
        """Wait until what has been written to `sink` so far is where it belongs.

        A mark is written behind it. It bears the time, which is the same in all processes: when
        a later one is acknowledged, all that was written before the earlier is forwarded too.
        """
        if self._is_dead(sink):
            self._give_up(sink)
            return
        if kind == MARK_ACKNOWLEDGE and not sink.terminal:
            # The forwarder is busy before it takes something out. A terminal cannot be asked.
            waiting = self._ioctl(sink.feed, self._how_much, b"\0\0\0\0")
            busy = self._pread(self._memory, 1, BUSY_AT + sink.slot)
            if waiting == b"\0\0\0\0" and busy == b"\0":
                return
        stamp = self._clock()
        if not self._write_mark(sink, self._token + b"%016x" % stamp + kind):
            self._give_up(sink)
            return
        rounds = 0
        while int.from_bytes(self._pread(self._memory, 8, sink.slot * 8)) < stamp:
            # Most often it takes less time than the shortest sleep does.
            if rounds < 100:
                self._yield()
            else:
                self._sleep(0.00002 if rounds < 200 else 0.001)
            rounds += 1
            if rounds % 100 == 0 and self._is_dead(sink):
                self._give_up(sink)
                return

    def _write_mark(self, sink: Sink, mark: bytes) -> bool:
        while mark:
            try:
                mark = mark[os.write(sink.feed, mark) :]
            except BlockingIOError:
                # The program has made its stdout non-blocking, and this is the same file.
                self._sleep(0.001)
            except OSError:
                return False
        return True

    def _is_dead(self, sink: Sink) -> bool:
        poll = self._poll()
        poll.register(sink.feed, 0)
        return bool(poll.poll(0))

    def _give_up(self, sink: Sink) -> None:
        """Put the original back: the forwarder was killed, or nobody reads what it forwards."""
        for route in self._routes.values():
            if route.sink is sink:
                route.restore()

    def restore(self) -> None:
        """Put the originals back, and wait for what is under way and for its copies."""
        _active.remove(self)
        for route in self._routes.values():
            route.restore()
        is_ours = os.getpid() == self._process
        self.read_on()
        for sink in self._sinks:
            self.settle(sink, MARK_END if is_ours else MARK_ACKNOWLEDGE)
        if is_ours and self.reader is not None:
            lock, rounds = self.reader, 0
            while not lock.acquire(timeout=0.1) and rounds < 100:
                rounds += 1
                if all(map(self._is_dead, self._sinks)):
                    self._stop_reading()
                    break
        self._close()

    # The thread that reads copies.

    def _read_copies(self) -> None:
        lock = _thread.allocate_lock()
        lock.acquire()
        self.reader = lock
        _thread.start_new_thread(self._reading_thread, (lock,))

    def _reading_thread(self, finished: _thread.LockType) -> None:
        read, delivery = os.read, self._delivery
        try:
            while True:
                data = read(self._receiving, 65536)
                if not data:
                    return
                self._pending += data
                while (end := 3 + int.from_bytes(self._pending[1:3], "little")) <= len(
                    self._pending
                ):
                    kind, data = self._pending[:1], self._pending[3:end]
                    self._pending = self._pending[end:]
                    if kind == FRAME_END:
                        self._ends += 1
                        if self._ends == len(self._sinks):
                            return
                    elif kind == FRAME_QUIT:
                        return
                    else:
                        delivery.give(int(kind), data, None)
        except OSError:
            return
        finally:
            finished.release()

    def _stop_reading(self) -> None:
        if self.reader is None:
            return
        os.write(self._sending, FRAME_QUIT + b"\0\0")
        self.reader.acquire(timeout=1)
        self.reader = None

    def before_fork(self) -> None:
        """End the thread: CPython warns of a fork in a process that has several (3.12 on)."""
        if os.getpid() != self._process or self.reader is None:
            return
        tasks = _count_tasks()
        self._stop_reading()
        # It is gone a little later than it says so.
        for _ in range(1000):
            if _count_tasks() < tasks:
                return
            self._sleep(0.00001)

    def after_fork_in_parent(self) -> None:
        """Read on."""
        if os.getpid() == self._process and not COUNTS_AFTER_FORK:
            self._read_copies()

    def read_on(self) -> None:
        """Start the thread if a fork has ended it."""
        if self.reader is None and os.getpid() == self._process:
            self._read_copies()


_active: list[Descriptors] = []
_watched: list[bool] = []


def _watch_forks() -> None:
    # There is no way to end this; it does nothing while nobody captures.
    if not _watched:
        _watched.append(True)
        os.register_at_fork(
            before=lambda: _each_active("before_fork"),
            after_in_parent=lambda: _each_active("after_fork_in_parent"),
        )


def _each_active(what: str) -> None:
    for descriptors in _active:
        try:
            getattr(descriptors, what)()
        except OSError:
            continue


def _count_tasks() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def _open_terminal(like: int) -> tuple[int, int]:
    """Return both ends of a pseudo-terminal that changes nothing of what is written to it.

    Its size comes from the forwarder, which has set it once before it is used.
    """
    import termios

    master, slave = os.openpty()
    modes = termios.tcgetattr(like)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    return master, slave
