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
import sys

from codetracer.runtime.descriptors import Descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, Final, Literal

    from codetracer.runtime.descriptors import Route

    type CaptureMode = Literal["off", "proxies", "proxies+fd"]
    type Record = Callable[[int, bytes, FrameType | None], object]

__all__ = ["Delivery", "OutputCapture"]

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2

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
        self._delivery = Delivery()
        self._hooks: list[tuple[dict[str, Any], str, Any, Any]] = []
        self._descriptors: Descriptors | None = None
        self._started = False

    def start(self) -> None:
        """Take the place of the standard streams; nothing happens if it has been done."""
        if self._started or self._mode == "off":
            return
        self._started = True
        self._delivery.record = self._record
        if self._mode == "proxies+fd":
            self._descriptors = Descriptors.redirect(self._delivery)
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


class Delivery:
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
    delivery: Delivery,
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
    delivery: Delivery,
    route: Route | None,
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
    delivery: Delivery,
    route: Route | None,
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


def _position_hook(name: str, stream: io.FileIO, route: Route) -> Callable[..., Any]:
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
    original: Callable[..., str], delivery: Delivery, proxy: object, with_prompt: bool
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


def _setup(proxy: object, stream: object, delivery: Delivery) -> None:
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
        delivery: Delivery = get(self, "_delivery")
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
