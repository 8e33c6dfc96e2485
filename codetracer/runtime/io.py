"""What the program writes to stdout and stderr and reads from stdin, told to the recorder.

The design that disturbs least, for each layer:

- *Output*: the streams stay the objects that they are. ``write`` becomes an attribute of the very
  instance (of the text stream, of its buffer, of its raw file), in whose C code everything else
  remains: identity, type, state, buffering, and whoever kept a reference. A second `TextIOWrapper`
  on the same buffer would have a buffer of its own and change the order of what is written; a
  delegating object is not what ``sys.__stdout__`` is, and C code knows it from a file.
- *Input*: iteration (``for line in sys.stdin``) cannot be seen that way, for C does not ask an
  instance for it. So ``sys.stdin`` is replaced by an object of a subclass of its class that has
  no state and asks the stream that was there for everything; nothing read ahead is ever lost.
- `input` on a terminal reads with C's ``readline`` and not from ``sys.stdin``: it is wrapped.
- *Descriptors* (``proxies+fd``): what stands on 1 and 2 is replaced by a pipe (a pseudo-terminal
  for a terminal) that *another process* forwards, with a copy for us. It must be another process:
  C code that writes while it holds the GIL would wait for ever for a thread of ours, and what is
  in a pipe would be lost when the program is killed, calls ``os._exit`` or ``os.exec*``, or ends
  before its children. Python's own streams do not go through it but straight to the original, once
  all that was written before has been forwarded; so they fail as ever, and are not caught twice.

What differs from an untraced program:

- ``vars(sys.stdout)`` shows the hooks, ``type(sys.stdin)`` is a subclass, `input` is a function.
  Debuggers that step into calls meet our ``write``; tracebacks of what the streams raise do not.
- ``io.TextIOWrapper.write(sys.stdout, ...)`` goes by the hooks; in ``proxies`` C code does, and
  ``sys.stdout.buffer.raw.write``.
- ``proxies+fd``: C code is told of a full disk by nobody, and of a closed pipe one write later.
  When the process dies suddenly the forwarder still delivers, but may do so just after the shell
  has noticed; where it is killed too (the end of a container), what was under way is lost. The
  pseudo-terminal is not the controlling terminal (``os.tcgetpgrp(1)``, ``os.ttyname(1)``); its
  modes are carried over to the real one, and the window's size from it, within 0.2 s.
  If 1 and 2 are the same file there is one pipe for both, for order's sake: all that C code writes
  counts as stdout then. If the original two differ, their order among each other may differ too.
  What is not proxied is copied up to 64 MB behind; beyond that copies are dropped, output is not.
"""

from __future__ import annotations

import _thread
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, Final, Literal

    type CaptureMode = Literal["off", "proxies", "proxies+fd"]
    type Record = Callable[[int, bytes, FrameType | None], object]

__all__ = ["OutputCapture"]

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2

FIRST_DESCRIPTOR: Final = 200
"""Descriptors below it are left to the program, which shall get the numbers it gets untraced."""

_OURS: Final = globals()
_getframe: Final = sys._getframe


class OutputCapture:
    """Records what goes through the standard streams, from `start` to `stop`.

    Parameters:
        mode: ``off``; ``proxies`` for what Python code writes and reads; ``proxies+fd`` also for
            what C code and subprocesses write. Where the system cannot do the latter (no
            ``memfd_create``, no interpreter to start) it is ``proxies``.
        record: called with 0, 1 or 2 for stdin, stdout or stderr, with what was read or accepted
            (text in UTF-8, lone surrogates too), and with the frame that did it, None for what
            only the descriptors saw. It is called in the thread that wrote, and in one of ours
            for the descriptors. It must not write to these streams. Its exceptions are dropped.
    """

    def __init__(self, mode: CaptureMode, record: Record) -> None:
        self._mode = mode
        self._record = record
        self._delivery = _Delivery()
        self._hooks: list[tuple[dict[str, Any], str, Any, Any]] = []
        self._descriptors: _Descriptors | None = None
        self._started = False

    def start(self) -> None:
        """Take the place of the standard streams; nothing happens if it has been done."""
        if self._started or self._mode == "off":
            return
        self._started = True
        self._delivery.record = self._record
        if self._mode == "proxies+fd":
            self._descriptors = _Descriptors.redirect(self._delivery)
        self._take_output()
        self._take_input()

    def stop(self) -> None:
        """Put back what was there, where ours still stands, and wait for what is under way.

        May be called again, at exit and in a forked child. Output that the program has buffered
        is flushed as far as that succeeds.
        """
        if not self._started:
            return
        self._started = False
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name, None)
            # What a flush raises is the program's to see, at its own flush.
            try:
                if stream is not None and not stream.closed:
                    stream.flush()
            except Exception:
                continue
        while self._hooks:
            namespace, name, hook, before = self._hooks.pop()
            if namespace.get(name) is hook:
                if before is _ABSENT:
                    del namespace[name]
                else:
                    namespace[name] = before
        if self._descriptors is not None:
            self._descriptors.restore()
            self._descriptors = None
        self._delivery.record = _ignore

    def _take_output(self) -> None:
        seen: list[object] = []
        for number, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
            stream = getattr(sys, name, None)
            buffer = _peek(stream, "buffer")
            for layer, make in ((stream, _text_hook), (buffer, _binary_hook)):
                self._hook_layer(seen, layer, number, make)
            if self._descriptors is not None:
                self._hook_layer(seen, _peek(buffer, "raw"), number, _raw_hook)
                # It may be what a stream that the program's site has put here writes to.
                beneath = _peek(_peek(getattr(sys, f"__{name}__", None), "buffer"), "raw")
                self._hook_layer(seen, beneath, number, _raw_hook)

    def _hook_layer(
        self, seen: list[object], layer: Any, number: int, make: Callable[..., Any]
    ) -> None:
        if layer is None or any(layer is other for other in seen):
            return
        seen.append(layer)
        namespace, original = _peek(layer, "__dict__"), _peek(layer, "write")
        if type(namespace) is not dict or original is None:
            return
        route = None
        if type(layer) is io.FileIO and self._descriptors is not None:
            route = self._descriptors.route_of(layer)
        self._set(namespace, "write", make(number, layer, original, self._delivery, route))
        if route is not None:
            for name in ("seek", "tell", "truncate", "seekable"):
                self._set(namespace, name, _position_hook(name, layer, route))
        if isinstance(layer, io.TextIOWrapper):
            # They call the buffer's write in C: it has to see that they do.
            for name in ("flush", "tell"):
                self._set(namespace, name, _passing(_peek(layer, name)))

    def _take_input(self) -> None:
        stream: Any = getattr(sys, "stdin", None)
        if type(stream) is not io.TextIOWrapper or type(_peek(stream, "buffer")) is not (
            io.BufferedReader
        ):
            return
        proxy = _TextInput.__new__(_TextInput)
        _setup(proxy, stream, self._delivery)
        for name in ("stdin", "__stdin__"):
            if getattr(sys, name, None) is stream:
                self._set(sys.__dict__, name, proxy)
        import builtins

        self._set(
            builtins.__dict__,
            "input",
            _input_hook(builtins.input, self._delivery, proxy, self._descriptors is None),
        )

    def _set(self, namespace: dict[str, Any], name: str, value: object) -> None:
        self._hooks.append((namespace, name, value, namespace.get(name, _ABSENT)))
        namespace[name] = value


_ABSENT: Final = object()


class _Delivery:
    """Where hooks bring what they see; they may outlive the capture, which then empties it.

    Attributes:
        record: the recorder's, or nobody's.
        refused: by thread, how many bytes the buffer has just not taken of what it was given.
        answered: threads whose call of `input` was answered by the proxy of stdin.
    """

    __slots__ = ("answered", "record", "refused")

    def __init__(self) -> None:
        self.record: Record = _ignore
        self.refused: dict[int, int] = {}
        self.answered: set[int] = set()

    def give(self, stream: int, data: bytes, frame: FrameType | None) -> None:
        """Call `record`, for whom a few nanoseconds do not matter."""
        try:
            self.record(stream, data, frame)
        except Exception:
            return


def _ignore(stream: int, data: bytes, frame: FrameType | None, /) -> None:
    return


def _peek(owner: Any, name: str) -> Any:
    """Return an attribute, None if there is none or it does not want to be asked for."""
    try:
        return getattr(owner, name, None)
    except Exception:
        return None


def _forget_frame(error: BaseException) -> None:
    """Take the catching frame out of a traceback; a bare ``raise`` does not put it in again."""
    traceback = error.__traceback__
    if traceback is not None:
        error.__traceback__ = traceback.tb_next


def _outside(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame from `frame` on that is not this module's."""
    while frame is not None and frame.f_globals is _OURS:
        frame = frame.f_back
    return frame


# Hooks. Whatever they need is in their closure: they are called until the interpreter is gone, and
# the globals of a module are not there so long.


def _text_hook(
    number: int,
    stream: Any,
    original: Callable[[str], int],
    delivery: _Delivery,
    route: object,
) -> Callable[[str], int]:
    ours, getframe, outside, forget = _OURS, _getframe, _outside, _forget_frame
    get_ident, encode = _thread.get_ident, str.encode

    def write(text: str, /) -> int:
        try:
            accepted = original(text)
        except BlockingIOError as error:
            # The buffer has taken it, or a part of it; to write that out was not possible.
            forget(error)
            try:
                data = encode(text, "utf-8", "surrogatepass")
                refused = delivery.refused.pop(get_ident(), 0)
                if refused < len(data):
                    data = data[: len(data) - refused]
                    delivery.record(number, data, outside(getframe(0)))
            except Exception:
                refused = 0
            raise
        except BaseException as error:
            forget(error)
            raise
        frame: FrameType | None
        try:
            frame = getframe(1)
            if frame.f_globals is ours:
                frame = outside(frame)
        except ValueError:
            # C has called it when no Python code was running: at exit.
            frame = None
        try:
            delivery.record(number, encode(text, "utf-8", "surrogatepass"), frame)
        except Exception:
            return accepted
        return accepted

    write.__qualname__ = "TextIOWrapper.write"
    return write


def _binary_hook(
    number: int,
    stream: Any,
    original: Callable[[Any], int | None],
    delivery: _Delivery,
    route: _Route | None,
) -> Callable[[Any], int | None]:
    ours, getframe, forget, get_ident = _OURS, _getframe, _forget_frame, _thread.get_ident

    def write(data: Any, /) -> int | None:
        frame: FrameType | None
        is_routed = route is not None and route.stands() and not stream.closed
        try:
            accepted = route.write(data) if route is not None and is_routed else original(data)
        except BaseException as error:
            if is_routed:
                error.__traceback__ = None
            else:
                forget(error)
            if isinstance(error, BlockingIOError):
                frame = getframe(0).f_back
                taken = error.characters_written
                if frame is not None and frame.f_globals is ours:
                    delivery.refused[get_ident()] = len(data) - taken
                elif taken:
                    delivery.give(number, bytes(memoryview(data).cast("B")[:taken]), frame)
                frame = None
            raise
        try:
            frame = getframe(1)
        except ValueError:
            frame = None
        # The layers above call this from C: a text stream below a hook of ours, a buffer (to its
        # raw file, from anywhere) with a view of memory that is no object's.
        if not accepted or (frame is not None and frame.f_globals is ours):
            return accepted
        try:
            if type(data) is memoryview and data.obj is None:
                return accepted
            if type(data) is not bytes or len(data) != accepted:
                data = bytes(memoryview(data).cast("B")[:accepted])
            delivery.record(number, data, frame)
        except Exception:
            return accepted
        return accepted

    write.__qualname__ = f"{type(stream).__name__}.write"
    return write


def _raw_hook(
    number: int,
    stream: Any,
    original: Callable[[Any], int | None],
    delivery: _Delivery,
    route: _Route | None,
) -> Callable[[Any], int | None]:
    general = _binary_hook(number, stream, original, delivery, route)
    forget, outside, getframe = _forget_frame, _outside, _getframe

    def write(data: Any, /) -> int | None:
        if route is None or type(data) is not memoryview or data.obj is not None:
            try:
                taken = general(data)
            except BaseException as error:
                forget(error)
                raise
            if taken:
                frame = outside(getframe(0))
                delivery.give(number, bytes(memoryview(data).cast("B")[:taken]), frame)
            return taken
        # A buffer calls it, from C, and writes again what it does not hear to be written. So no
        # signal handler may raise between the write and the return: handlers run after calls,
        # and unpacking an iterator is none (3.12 to 3.15).
        try:
            (accepted,) = map(*route.way(original, data, stream.closed))
        except BlockingIOError as error:
            error.__traceback__ = None
            return None
        except BaseException as error:
            error.__traceback__ = None
            raise
        return accepted

    write.__qualname__ = "FileIO.write"
    return write


def _position_hook(name: str, stream: io.FileIO, route: _Route) -> Callable[..., Any]:
    """Return a method of a raw file, about the original, which may be a file on a disk."""
    original, routed = getattr(stream, name), getattr(route, name)

    def position(*args: Any, **kwargs: Any) -> Any:
        is_routed = route.stands() and not stream.closed
        try:
            return (routed if is_routed else original)(*args, **kwargs)
        except BaseException as error:
            error.__traceback__ = None
            raise

    position.__name__, position.__qualname__ = name, f"FileIO.{name}"
    return position


def _passing(original: Callable[..., Any]) -> Callable[..., Any]:
    forget = _forget_frame

    def passing(*args: Any, **kwargs: Any) -> Any:
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            forget(error)
            raise

    passing.__name__ = _peek(original, "__name__") or "passing"
    passing.__qualname__ = f"TextIOWrapper.{passing.__name__}"
    return passing


def _input_hook(
    original: Callable[..., str], delivery: _Delivery, proxy: object, with_prompt: bool
) -> Callable[..., str]:
    forget, outside, getframe = _forget_frame, _outside, _getframe
    get_ident, modules = _thread.get_ident, sys
    # It shows as '' but is not: without a prompt nothing is written, not even an empty string.
    absent = type("str", (str,), {})()

    def ask(prompt: object = absent, /) -> str:
        thread = get_ident()
        delivery.answered.discard(thread)
        try:
            line = original() if prompt is absent else original(prompt)
        except BaseException as error:
            forget(error)
            if isinstance(error, EOFError | KeyboardInterrupt):
                record_terminal(thread, prompt, None, outside(getframe(0)))
            raise
        record_terminal(thread, prompt, line, outside(getframe(0)))
        return line

    def record_terminal(
        thread: int, prompt: object, line: str | None, frame: FrameType | None
    ) -> None:
        # When stdin's proxy was not asked although it stands, C has asked the terminal.
        if thread in delivery.answered or modules.stdin is not proxy:
            return
        if with_prompt and type(prompt) is str and prompt:
            delivery.give(STDOUT, prompt.encode("utf-8", "surrogatepass"), frame)
        if line is not None:
            delivery.give(STDIN, f"{line}\n".encode("utf-8", "surrogatepass"), frame)

    ask.__module__, ask.__name__, ask.__qualname__ = "builtins", "input", "input"
    ask.__doc__ = original.__doc__
    ask.__annotations__ = {}
    return ask


def _setup(proxy: object, stream: object, delivery: _Delivery) -> None:
    for name, value in (("_stream", stream), ("_delivery", delivery), ("_buffer", None)):
        object.__setattr__(proxy, name, value)


class _Input:
    """Answers everything with the attributes of another stream, but what it records itself."""

    _own: frozenset[str] = frozenset()

    def __getattribute__(self, name: str) -> Any:
        get = object.__getattribute__
        if name in get(self, "_own"):
            return get(self, name)
        return getattr(get(self, "_stream"), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(object.__getattribute__(self, "_stream"), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(object.__getattribute__(self, "_stream"), name)

    def __repr__(self) -> str:
        return repr(object.__getattribute__(self, "_stream"))

    def __dir__(self) -> list[str]:
        return dir(object.__getattribute__(self, "_stream"))

    def __del__(self) -> None:
        # The inherited one would close the stream, which is not ours.
        return


def _reading(name: str) -> Any:
    """Return a method that asks the stream's `name` and records what it returns."""
    get, forget, outside, getframe = object.__getattribute__, _forget_frame, _outside, _getframe
    ours, get_ident = _OURS, _thread.get_ident
    is_next, into = name == "__next__", name.startswith("readinto")

    def read(self: object, /, *args: Any, **kwargs: Any) -> Any:
        try:
            stream = get(self, "_stream")
            result = next(stream) if is_next else getattr(stream, name)(*args, **kwargs)
        except BaseException as error:
            forget(error)
            raise
        delivery: _Delivery = get(self, "_delivery")
        frame = getframe(0).f_back
        if frame is not None and frame.f_globals is ours:
            # Only our `input` calls it from here.
            delivery.answered.add(get_ident())
            frame = outside(frame)
        if result:
            if into:
                data = bytes(memoryview(args[0]).cast("B")[:result])
            elif type(result) is list:
                data = b"".join(map(_as_bytes, result))
            else:
                data = _as_bytes(result)
            delivery.give(STDIN, data, frame)
        return result

    read.__name__ = name
    return read


def _as_bytes(data: str | bytes) -> bytes:
    return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data


class _TextInput(_Input, io.TextIOWrapper):
    """Stands where a text stream that is read stood."""

    _own = frozenset(
        {"__iter__", "__next__", "buffer", "detach", "read", "readline", "readlines"},
    )
    __next__ = _reading("__next__")
    read = _reading("read")
    readline = _reading("readline")
    readlines = _reading("readlines")

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        iter(object.__getattribute__(self, "_stream"))
        return self

    @property
    def buffer(self) -> Any:
        return _proxied_buffer(self, object.__getattribute__(self, "_stream").buffer)

    def detach(self) -> Any:
        try:
            return _proxied_buffer(self, object.__getattribute__(self, "_stream").detach())
        except BaseException as error:
            _forget_frame(error)
            raise


class _BinaryInput(_Input, io.BufferedReader):
    """Stands where the buffer of a `_TextInput` stood."""

    _own = frozenset(
        {"__iter__", "__next__", "read", "read1", "readinto", "readinto1", "readline", "readlines"},
    )
    __next__ = _reading("__next__")
    read = _reading("read")
    read1 = _reading("read1")
    readinto = _reading("readinto")
    readinto1 = _reading("readinto1")
    readline = _reading("readline")
    readlines = _reading("readlines")

    def __iter__(self) -> Iterator[bytes]:
        iter(object.__getattribute__(self, "_stream"))
        return self


def _proxied_buffer(proxy: object, buffer: object) -> Any:
    get = object.__getattribute__
    known = get(proxy, "_buffer")
    if known is None or get(known, "_stream") is not buffer:
        if type(buffer) is not io.BufferedReader:
            return buffer
        known = _BinaryInput.__new__(_BinaryInput)
        _setup(known, buffer, get(proxy, "_delivery"))
        object.__setattr__(proxy, "_buffer", known)
    return known


# Descriptors. `_Descriptors` is the program's side, `_forward` the other process's.

TOKEN_SIZE: Final = 24
"""Random bytes, after ESC: nobody else writes them. They begin a mark: token, time, kind."""

STAMP_SIZE: Final = 16
MARK_ACKNOWLEDGE: Final = b"a"
MARK_END: Final = b"e"

FRAME_DATA: Final = 4000
"""Of a copy's frame: with its head it is below PIPE_BUF, so that it is written in one piece."""

FRAME_END: Final = b"e"
FRAME_QUIT: Final = b"q"

COUNTS_AFTER_FORK: Final = sys.version_info[:2] == (3, 13)
"""CPython 3.13 counts threads after the handlers for forks have run; the other versions before."""

COPIES_LIMIT: Final = 64 * 2**20
BUSY_AT: Final = 64
MEMORY_SIZE: Final = 128


class _Sink:
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


class _Route:
    """The way to an original, around the pipe that stands in its place."""

    __slots__ = ("_all", "_number", "_stat", "_write", "saved", "sink")

    def __init__(self, all_of_them: _Descriptors, number: int, saved: int, sink: _Sink) -> None:
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


class _Descriptors:
    """Pipes on descriptors 1 and 2, a process that forwards them, a thread that reads copies."""

    def __init__(self, delivery: _Delivery) -> None:
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
        self._sinks: list[_Sink] = []
        self._routes: dict[int, _Route] = {}
        self._opened: list[int] = []
        self._memory = self._keep(os.memfd_create("codetracer"))
        os.ftruncate(self._memory, MEMORY_SIZE)
        self._receiving, self._sending = map(self._keep, os.pipe())
        self.reader: _thread.LockType | None = None
        self._pending = b""
        self._ends = 0

    @classmethod
    def redirect(cls, delivery: _Delivery) -> _Descriptors | None:
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
        known: dict[tuple[int, int], _Sink] = {}
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
                sink = _Sink(self._keep(writer), len(self._sinks), number, terminal)
                known[identity] = sink
                self._sinks.append(sink)
            self._routes[number] = _Route(self, number, saved, sink)
        return readers

    def _spawn(self, readers: list[int]) -> bool:
        passed = [self._memory, self._sending]
        arguments = [sys.executable, "-I", "-S", __file__, self._token.decode()]
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

    def route_of(self, file: io.FileIO) -> _Route | None:
        """Return the way to the original of what `file` writes to."""
        try:
            return self._routes.get(file.fileno())
        except (OSError, ValueError):
            return None

    def settle(self, sink: _Sink, kind: bytes = MARK_ACKNOWLEDGE) -> None:
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

    def _write_mark(self, sink: _Sink, mark: bytes) -> bool:
        while mark:
            try:
                mark = mark[os.write(sink.feed, mark) :]
            except BlockingIOError:
                # The program has made its stdout non-blocking, and this is the same file.
                self._sleep(0.001)
            except OSError:
                return False
        return True

    def _is_dead(self, sink: _Sink) -> bool:
        poll = self._poll()
        poll.register(sink.feed, 0)
        return bool(poll.poll(0))

    def _give_up(self, sink: _Sink) -> None:
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


_active: list[_Descriptors] = []
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


# The other process. It begins with this very file as its program, and imports nothing of ours.


MEMORY: Final = 3
CHANNEL: Final = 4


class _Copies:
    """What is on its way to the recorder, which may be slow, or gone."""

    def __init__(self, channel: int) -> None:
        import collections

        self._channel = channel
        self._frames: collections.deque[tuple[bytes, bytes]] = collections.deque()
        self._size = 0
        self._wake = _thread.allocate_lock()
        self._change = _thread.allocate_lock()
        self._wake.acquire()
        _thread.start_new_thread(self._send, ())

    def add(self, kind: bytes, data: bytes) -> None:
        """Queue a copy; it is dropped if too much is waiting."""
        with self._change:
            if self._size > COPIES_LIMIT and data:
                return
            self._size += len(data)
            self._frames.append((kind, data))
            if self._wake.locked():
                self._wake.release()

    def _send(self) -> None:
        while True:
            self._wake.acquire()
            while self._frames:
                kind, data = self._frames.popleft()
                with self._change:
                    self._size -= len(data)
                for at in range(0, max(len(data), 1), FRAME_DATA):
                    piece = data[at : at + FRAME_DATA]
                    try:
                        os.write(self._channel, kind + len(piece).to_bytes(2, "little") + piece)
                    except OSError:
                        # The program is gone, or somebody else since an exec.
                        continue


class _Pump:
    """Forwards what comes out of a pipe or a pseudo-terminal to the original.

    Parameters:
        reader: where it comes out; where it is to go is the next descriptor.
        kind: ``1t`` is stdout on a terminal, ``2p`` stderr on anything else.
    """

    def __init__(self, reader: int, kind: str, slot: int, token: bytes) -> None:
        import select

        self._reader = reader
        self._original = reader + 1
        self._stream = kind[:1].encode()
        self._terminal = kind.endswith("t")
        self._slot = slot
        self._token = token
        self._acknowledged = 0
        self._copies: _Copies | None = None
        self._poll = select.poll()
        self._poll.register(reader, select.POLLIN)
        self._modes: list[Any] | None = None
        self._size = b""
        self._mirror()

    def run(self, copies: _Copies) -> None:
        """Forward until nobody can write any more, or nobody reads."""
        self._copies = copies
        rest = b""
        while True:
            events = self._poll.poll(200 if self._terminal else None)
            self._mirror()
            if not events:
                continue
            os.pwrite(MEMORY, b"\1", BUSY_AT + self._slot)
            try:
                data = os.read(self._reader, 65536)
            except OSError:
                # EIO: the last of those who had a pseudo-terminal open has closed it.
                data = b""
            if not data:
                break
            try:
                rest = self._take(rest + data)
            except (BrokenPipeError, ConnectionError):
                # So those who write are told, as they would have been.
                break
            os.pwrite(MEMORY, b"\0", BUSY_AT + self._slot)
        self._mirror()
        os.close(self._reader)

    def _take(self, data: bytes) -> bytes:
        """Forward `data` without its marks; return what may be the beginning of a mark."""
        token = self._token
        size = len(token) + STAMP_SIZE + 1
        while (at := data.find(token)) >= 0:
            self._give(data[:at])
            if len(data) < at + size:
                return data[at:]
            stamp, kind = data[at + len(token) : at + size - 1], data[at + size - 1 : at + size]
            self._mirror()
            if kind == MARK_END and self._copies is not None:
                self._copies.add(FRAME_END, b"")
            self._acknowledged = max(self._acknowledged, int(stamp, 16))
            os.pwrite(MEMORY, self._acknowledged.to_bytes(8), self._slot * 8)
            data = data[at + size :]
        kept = min(len(data), len(token) - 1)
        while kept and not token.startswith(data[len(data) - kept :]):
            kept -= 1
        self._give(data[: len(data) - kept])
        return data[len(data) - kept :]

    def _give(self, data: bytes) -> None:
        import time

        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._original, view) :]
            except BlockingIOError:
                time.sleep(0.001)
            except BrokenPipeError:
                raise
            except OSError:
                # No room, most likely. Later there may be some.
                break
        if data and self._copies is not None:
            self._copies.add(self._stream, data)

    def _mirror(self) -> None:
        """Carry the terminal's size over, and back what the program changes of its modes.

        Programs that draw on the screen set the modes of what they write to (ncurses does).
        """
        if not self._terminal:
            return
        import fcntl
        import termios

        try:
            size = fcntl.ioctl(self._original, termios.TIOCGWINSZ, bytes(8))
            if size != self._size:
                self._size = size
                fcntl.ioctl(self._reader, termios.TIOCSWINSZ, size)
            modes = termios.tcgetattr(self._reader)
            before, self._modes = self._modes, modes
            if before is not None and modes != before:
                real = termios.tcgetattr(self._original)
                for part in (0, 2, 3, 6):
                    real[part] = modes[part]
                termios.tcsetattr(self._original, termios.TCSADRAIN, real)
        except (OSError, termios.error):
            return


def _forward(token: str, kinds: list[str]) -> None:
    """Be the process that forwards; descriptors 3 and up are those that `_spawn` has passed."""
    import signal

    # Who wants to end everything ends it by ending the program.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    os.closerange(5 + 2 * len(kinds), os.sysconf("SC_OPEN_MAX"))
    pumps = [_Pump(5 + 2 * slot, kind, slot, token.encode()) for slot, kind in enumerate(kinds)]
    # An orphan: no child that the program might wait for.
    if os.fork():
        os._exit(0)
    copies = _Copies(CHANNEL)
    running = []
    for pump in pumps:
        finished = _thread.allocate_lock()
        finished.acquire()
        _thread.start_new_thread(_pump, (pump, copies, finished))
        running.append(finished)
    for finished in running:
        finished.acquire()
    os._exit(0)


def _pump(pump: _Pump, copies: _Copies, finished: _thread.LockType) -> None:
    try:
        pump.run(copies)
    finally:
        finished.release()


if __name__ == "__main__":
    _forward(sys.argv[1], sys.argv[2:])
