"""Catches text that the program writes to stdout and stderr and reads from stdin.

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
- What stands for a method is in C where the engine is (`native/capture.c`, ``input.c``): it is
  called, named and shown as the method is, has no frame and runs no bytecode, so that neither
  tracers and debuggers nor tracebacks show it, and no signal's handler runs in it. With the
  engine in Python it is a Python function (`codetracer.capture.hooks`), which all these show.
- *Descriptors* (``proxies+fd``): what stands on 1 and 2 is replaced by a pipe (a pseudo-terminal
  for a terminal) that *another process* forwards, with a copy for us. It must be another process:
  C code that writes while it holds the GIL would wait for ever for a thread of ours, and what is
  in a pipe would be lost when the program is killed, calls ``os._exit`` or ``os.exec*``, or ends
  before its children. Python's own streams do not go through it but straight to the original, once
  all that was written before has been forwarded; so they fail as ever, and are not caught twice.

What differs from an untraced program:

- ``vars(sys.stdout)`` shows the hooks, ``type(sys.stdin)`` is a subclass. With the engine in
  Python `input` is a function, and debuggers that step into calls meet our ``write``; tracebacks of
  what the streams raise do not.
- What is written from an object whose class has a ``__buffer__`` in Python is not recorded.
- ``io.TextIOWrapper.write(sys.stdout, ...)`` goes by the hooks; in ``proxies`` C code does, and
  ``sys.stdout.buffer.raw.write``.
- ``proxies+fd``: C code does not see disk-full errors, and sees a closed pipe one write late.
  When the process dies suddenly the forwarder still delivers, but may do so just after the shell
  has noticed; where it is killed too (the end of a container), what was under way is lost. The
  pseudo-terminal is not the controlling terminal (``os.tcgetpgrp(1)``, ``os.ttyname(1)``); its
  modes are carried over to the real one, and the window's size from it, within 0.2 s.
  If 1 and 2 are the same file there is one pipe for both, for order's sake: all that C code writes
  counts as stdout then. If the original two differ, their order among each other may differ too.
  What is not proxied is copied up to 64 MB behind; beyond that copies are dropped, output is not.
  Some ten descriptors from 200 on are taken. A program may close them and use their numbers: each
  is asked what it is before each use. If one is gone, all output goes by the pipe, and is recorded
  as with ``proxies``; the pipe stays when the capture ends, if the original was closed.
"""

from __future__ import annotations

import builtins
import io
import sys

from codetracer.capture.hooks import Hooks
from codetracer.capture.streams import STDERR, STDOUT
from codetracer.own import seal
from codetracer.whose import began_here, is_the_programs

_pipes: Any
_descriptors: Any
try:
    from codetracer.capture import descriptors as _descriptors
    from codetracer.capture import pipes as _pipes
except ImportError:
    # No such thing on this system.
    _pipes = _descriptors = None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from codetracer.capture.streams import CaptureMode, Record

__all__ = ["OutputCapture"]

seal(globals())

NO_STREAM: Final = -1

_ABSENT: Final = object()


class OutputCapture:
    """Records the bytes in the standard streams, from `start` to `stop`.

    Parameters:
        mode: ``off``; ``proxies`` for what Python code writes and reads; ``proxies+fd`` also for
            what C code and subprocesses write. Where the system cannot do the latter (no
            ``memfd_create``, no interpreter to start, too few descriptors) it is ``proxies``.
        record: called with 0, 1 or 2 for stdin, stdout or stderr, with what was read or accepted
            (text in UTF-8, lone surrogates too), and with the frame that did it, None for what
            only the descriptors saw. It is called in the thread that wrote, and in one of ours
            for the descriptors. It must not write to these streams. Its exceptions are dropped,
            but not those that a signal's handler of the program raises meanwhile.
        in_c: the module that has `Capture` and `Pipes` in C, None to use those in Python.
    """

    def __init__(self, mode: CaptureMode, record: Record, in_c: Any) -> None:
        self._mode = mode
        self._record = record
        self._in_c = in_c
        self._hooks: Any = None
        self._pipes: Any = None
        self._set: list[tuple[dict[str, Any], str, Any, Any]] = []

    def start(self) -> None:
        """Take the place of the standard streams; nothing happens if it has been done."""
        if self._hooks is not None or self._mode == "off":
            return
        in_c = self._in_c
        self._hooks = in_c.Capture(self._record, began_here) if in_c else Hooks(self._record)
        if self._mode == "proxies+fd" and _descriptors is not None:
            self._pipes = _descriptors.redirect((in_c or _pipes).Pipes, self._record)
            self._hooks.set_pipes(self._pipes)
        self._take_output()
        self._take_input()

    def stop(self) -> None:
        """Put back what was there, where ours still stands, and wait for what is under way.

        May be called again, at exit and in a forked child, and when an exception has ended it.
        """
        if self._hooks is None:
            return
        while self._set:
            namespace, name, hook, before = self._set[-1]
            if namespace.get(name) is hook:
                if before is _ABSENT:
                    del namespace[name]
                else:
                    namespace[name] = before
            self._set.pop()
        if self._pipes is not None:
            self._pipes.restore()
        self._hooks.release()
        self._hooks = self._pipes = None

    def _take_output(self) -> None:
        seen: list[object] = []
        for number, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
            stream = getattr(sys, name, None)
            buffer = _peek(stream, "buffer")
            for layer, kind in ((stream, "text.write"), (buffer, "bytes.write")):
                self._hook_layer(seen, layer, number, kind)
            if self._pipes is not None:
                self._hook_layer(seen, _peek(buffer, "raw"), number, "raw.write")
                # It may be what a stream that the program's site has put here writes to.
                beneath = _peek(_peek(getattr(sys, f"__{name}__", None), "buffer"), "raw")
                self._hook_layer(seen, beneath, number, "raw.write")

    def _hook_layer(self, seen: list[object], layer: Any, number: int, kind: str) -> None:
        if layer is None or any(layer is other for other in seen):
            return
        seen.append(layer)
        namespace = _peek(layer, "__dict__")
        if type(namespace) is not dict or _peek(layer, "write") is None:
            return
        descriptor = NO_STREAM
        if type(layer) is io.FileIO and self._pipes is not None:
            try:
                descriptor = layer.fileno()
            except (OSError, ValueError):
                descriptor = NO_STREAM
        self._hook(namespace, "write", kind, layer, number, descriptor)
        if descriptor in (STDOUT, STDERR):
            for name in ("seek", "tell", "truncate", "seekable"):
                self._hook(namespace, name, f"raw.{name}", layer, number, descriptor)
        if isinstance(layer, io.TextIOWrapper):
            # They call the buffer's write in C: it has to see that they do.
            for name in ("flush", "tell"):
                self._hook(namespace, name, f"text.{name}", layer, number)

    def _take_input(self) -> None:
        stream: Any = getattr(sys, "stdin", None)
        if type(stream) is not io.TextIOWrapper or type(_peek(stream, "buffer")) is not (
            io.BufferedReader
        ):
            return
        proxy = self._hooks.stdin(stream)
        for name in ("stdin", "__stdin__"):
            if getattr(sys, name, None) is stream:
                self._put(sys.__dict__, name, proxy)
        hook = self._hooks.hook("input", builtins, NO_STREAM, builtins.input, NO_STREAM)
        self._put(builtins.__dict__, "input", hook)

    def _hook(
        self,
        namespace: dict[str, Any],
        name: str,
        kind: str,
        layer: Any,
        number: int,
        descriptor: int = NO_STREAM,
    ) -> None:
        hook = self._hooks.hook(kind, layer, number, _peek(layer, name), descriptor)
        self._put(namespace, name, hook)

    def _put(self, namespace: dict[str, Any], name: str, value: object) -> None:
        self._set.append((namespace, name, value, namespace.get(name, _ABSENT)))
        namespace[name] = value


def _peek(owner: Any, name: str) -> Any:
    """Return an attribute, None if there is none or it does not want to be asked for."""
    try:
        return getattr(owner, name, None)
    except Exception as error:
        if is_the_programs(error):
            raise
        return None
