"""The hooks in Python, which replace the streams' methods if the engine is not in C.

`hooks.c` and `input.c` of `native/engine/` are the same in C. Unlike those, the functions here have
frames that a program can see: a debugger steps into them, functions of `sys.settrace` and
`sys.setprofile` get their events, and a signal handler may run in them.
"""

from __future__ import annotations

import io
import sys
from _thread import get_ident as _get_ident
from sys import _getframe

from codetracer.capture.streams import STDIN, STDOUT
from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, Final

    from codetracer.capture.pipes import Pipes, Route
    from codetracer.capture.streams import Record

__all__ = ["Delivery", "Hooks"]

seal(globals())

_OURS: Final = globals()
_WRAPPER: Final = type(bytes.__buffer__)
_find_types: Final = type.__dict__["__mro__"].__get__
_find_names: Final = type.__dict__["__dict__"].__get__


# Literals: CPython's cache of methods keeps each name that is looked up, and one that is cut out of
# `kind` is another object each time.
_POSITIONS = {
    "raw.seek": "seek",
    "raw.tell": "tell",
    "raw.truncate": "truncate",
    "raw.seekable": "seekable",
}


class Hooks:
    """Makes the hooks of one capture.

    Parameters:
        record: the function of that name of `codetracer.capture.io.OutputCapture`.
    """

    def __init__(self, record: Record) -> None:
        self._delivery = Delivery(record)

    def hook(
        self,
        kind: str,
        stream: Any,
        number: int,
        original: Any,
        descriptor: int,
        /,
    ) -> Callable[..., Any]:
        """Return the replacement of a method.

        Parameters:
            kind: the layer and the method, such as ``text.write``, ``bytes.write`` or ``raw.seek``;
                or ``input``.
            stream: the object whose method is replaced.
            number: the recorded number of the stream.
            original: the method.
            descriptor: the descriptor of a raw file; -1 for other layers.
        """
        delivery = self._delivery
        pipes = delivery.pipes
        route = None if pipes is None else pipes.route_of(descriptor)
        if kind == "input":
            return _input_hook(original, delivery)
        if kind == "text.write":
            return _text_hook(number, original, delivery)
        if kind == "bytes.write":
            return _binary_hook(number, stream, original, delivery, route)
        if kind == "raw.write":
            return _raw_hook(number, stream, original, delivery, route)
        if kind in _POSITIONS:
            return _position_hook(_POSITIONS[kind], stream, original, route)
        return _passing(original)

    def stdin(self, stream: Any, /) -> Any:
        """Return the replacement of the text stream `stream`, which the program reads."""
        proxy = _TextInput.__new__(_TextInput)
        _setup(proxy, stream, self._delivery)
        self._delivery.proxy = proxy
        return proxy

    def set_pipes(self, pipes: Any, /) -> None:
        """Make raw files bypass the pipes on the descriptors."""
        self._delivery.pipes = pipes

    def release(self) -> None:
        """Stop recording; hooks that the program has kept continue to work."""
        self._delivery.record = _ignore
        self._delivery.pipes = self._delivery.proxy = None


class Delivery:
    """The state that the hooks of a capture share. Hooks may outlive the capture.

    Attributes:
        record: the recorder's function; after the capture, one that does nothing.
        pipes: the pipes on the descriptors; None without them.
        proxy: the replacement of stdin.
        refused: by thread, how many bytes of its last write the buffer has not accepted.
        answered: the threads in whose running call of `input` the replacement of stdin was read.
    """

    __slots__ = ("answered", "pipes", "proxy", "record", "refused")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.pipes: Pipes | None = None
        self.proxy: object = None
        self.refused: dict[int, int] = {}
        self.answered: set[int] = set()

    def give(self, stream: int, data: bytes | None, frame: FrameType | None) -> None:
        """Call `record` with bytes, if there are any; used where speed does not matter."""
        if not data:
            return
        try:
            self.record(stream, data, frame)
        except Exception as error:
            if not began_here(error):
                raise


def _ignore(stream: int, data: bytes, frame: FrameType | None, /) -> None:
    return


def _forget_frame(error: BaseException) -> None:
    """Remove the catching frame from a traceback; a bare ``raise`` does not add it again."""
    traceback = error.__traceback__
    if traceback is not None:
        error.__traceback__ = traceback.tb_next


def _outside(frame: FrameType | None) -> FrameType | None:
    """Return `frame` or its nearest caller that is not of this module."""
    while frame is not None and frame.f_globals is _OURS:
        frame = frame.f_back
    return frame


def _bytes_of(data: Any, size: int) -> bytes | None:
    """Return the first `size` bytes of an object's buffer; None if that would run program code."""
    if type(data) is bytes and len(data) == size:
        return data
    for kind in _find_types(type(data)):
        get = _find_names(kind).get("__buffer__")
        if get is not None:
            return bytes(memoryview(data).cast("B")[:size]) if type(get) is _WRAPPER else None
    return None


# Hooks. Everything that they need is in their closures, because they are called until the
# interpreter ends, and the globals of a module are deleted before.


def _text_hook(
    number: int, original: Callable[[str], int], delivery: Delivery
) -> Callable[[str], int]:
    ours, getframe, outside, forget = _OURS, _getframe, _outside, _forget_frame
    get_ident, encode, is_ours = _get_ident, str.encode, began_here

    def write(text: str, /) -> int:
        try:
            accepted = original(text)
        except BlockingIOError as error:
            # The buffer has accepted the text or a part of it, but could not write it out.
            forget(error)
            try:
                data = encode(text, "utf-8", "surrogatepass")
                refused = delivery.refused.pop(get_ident(), 0)
                if refused < len(data):
                    data = data[: len(data) - refused]
                    delivery.record(number, data, outside(getframe(0)))
            except Exception as other:
                if not is_ours(other):
                    raise
            raise
        except BaseException as error:
            forget(error)
            raise
        # None if C code calls it at exit, when no Python code is running.
        frame = getframe(0).f_back
        if frame is not None and frame.f_globals is ours:
            frame = outside(frame)
        try:
            delivery.record(number, encode(text, "utf-8", "surrogatepass"), frame)
        except Exception as error:
            if not is_ours(error):
                forget(error)
                raise
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
    ours, getframe, forget, get_ident = _OURS, _getframe, _forget_frame, _get_ident
    is_ours, bytes_of = began_here, _bytes_of

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
                # An exception from a stream of the program may lack the attribute.
                taken = getattr(error, "characters_written", 0)
                if frame is not None and frame.f_globals is ours:
                    delivery.refused[get_ident()] = len(data) - taken
                elif taken:
                    delivery.give(number, bytes_of(data, taken), frame)
                frame = None
            raise
        frame = getframe(0).f_back
        # Nothing is recorded if a layer above calls this from C, because its hook records the
        # bytes: a text stream below its hook, or a buffer, which passes a view of memory that
        # belongs to no object.
        if not accepted or (frame is not None and frame.f_globals is ours):
            return accepted
        try:
            if type(data) is memoryview and data.obj is None:
                return accepted
            data = bytes_of(data, accepted)
            if data:
                delivery.record(number, data, frame)
        except Exception as error:
            if not is_ours(error):
                forget(error)
                raise
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
    forget, outside, getframe, bytes_of = _forget_frame, _outside, _getframe, _bytes_of

    def write(data: Any, /) -> int | None:
        if route is None or type(data) is not memoryview or data.obj is not None:
            try:
                taken = general(data)
            except BaseException as error:
                forget(error)
                raise
            if taken:
                delivery.give(number, bytes_of(data, taken), outside(getframe(0)))
            return taken
        # A buffer calls this from C, and writes bytes again unless it learns that they were
        # written. So no signal handler may raise between the write and the return. Handlers run
        # after calls, and unpacking an iterator is no call (3.12 to 3.15).
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


def _position_hook(
    name: str, stream: io.FileIO, original: Callable[..., Any], route: Route | None
) -> Callable[..., Any]:
    """Return a method of a raw file that applies to the original, not to the pipe on it."""
    routed = getattr(route, name, original)

    def position(*args: Any, **kwargs: Any) -> Any:
        is_routed = route is not None and route.stands() and not stream.closed
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

    passing.__name__ = getattr(original, "__name__", "passing")
    passing.__qualname__ = f"TextIOWrapper.{passing.__name__}"
    return passing


def _input_hook(original: Callable[..., str], delivery: Delivery) -> Callable[..., str]:
    forget, outside, getframe = _forget_frame, _outside, _getframe
    get_ident, modules = _get_ident, sys
    # The default shows as '' in the signature. Without a prompt the original must get no argument,
    # because it would write even an empty one.
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
        # If the replacement of stdin is in place but was not read, C code has read the terminal.
        if thread in delivery.answered or modules.stdin is not delivery.proxy:
            return
        if delivery.pipes is None and type(prompt) is str and prompt:
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
    """A stream with the attributes of another one, except for the methods that record."""

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

    # The inherited finalizer would close the program's stream. This one does nothing. It is in C,
    # because an exception of a signal handler inside a finalizer in Python would be lost.
    __del__: Any = _get_ident


def _reading(name: str) -> Any:
    """Return a method that calls the stream's `name` and records the result."""
    get, forget, outside, getframe = object.__getattribute__, _forget_frame, _outside, _getframe
    ours, get_ident, bytes_of = _OURS, _get_ident, _bytes_of
    is_next, into = name == "__next__", name.startswith("readinto")

    def read(self: object, /, *args: Any, **kwargs: Any) -> Any:
        data: bytes | None
        try:
            stream = get(self, "_stream")
            result = next(stream) if is_next else getattr(stream, name)(*args, **kwargs)
        except BaseException as error:
            forget(error)
            raise
        delivery: Delivery = get(self, "_delivery")
        frame = getframe(0).f_back
        if frame is not None and frame.f_globals is ours:
            # Only the hook of `input` calls it from this module.
            delivery.answered.add(get_ident())
            frame = outside(frame)
        if result:
            if into:
                data = bytes_of(args[0], result)
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
    """Replaces a text stream that is read."""

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
    """Replaces the buffer of a text stream that is read."""

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
