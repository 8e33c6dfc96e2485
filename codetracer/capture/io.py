"""Catches text that the program writes to stdout and stderr and reads from stdin.

Each layer is captured in the way that disturbs the program least:

- *Output*: the streams stay the same objects. ``write`` becomes an attribute of the instance: of
  the text stream, of its buffer and of its raw file. Everything else stays as it was: identity,
  type, state, buffering and kept references. A second `TextIOWrapper` on the same buffer would
  have a second text buffer, which changes the order of output; a delegating object would be
  another object than ``sys.__stdout__``, and C code would not treat it as a file.
- *Input*: iteration (``for line in sys.stdin``) cannot be hooked in an instance, because C code
  looks ``__next__`` up in the type. So ``sys.stdin`` is replaced by an object of a subclass. It has
  no state and passes every operation to the original stream, so no text that was read ahead is
  lost.
- `input` is wrapped, because on a terminal it reads with C's ``readline``, not from ``sys.stdin``.
- With the engine in C, the replacement of a method is in C, too (`hooks.c`, `input.c`).
  It has the name, the signature and the repr of the method, no frame and no bytecode. Tracers,
  debuggers and tracebacks do not show it, and no signal handler runs in it. With the engine in
  Python it is a Python function (`codetracer.capture.hooks`), which all of these show.
- *Descriptors* (``proxies+fd``): descriptors 1 and 2 become a pipe, or a pseudo-terminal in place
  of a terminal. *Another process* forwards its bytes to the original, and sends copies to the
  recorder. A thread could not do it: C code that writes while it holds the GIL would wait for the
  thread forever, and bytes in the pipe would be lost when the program is killed, calls
  ``os._exit`` or ``os.exec*``, or ends before its children. Python's own streams bypass the pipe:
  they wait until all earlier bytes are forwarded, and then write to the original. So their errors
  stay the same, and their output is not captured twice.

A captured program differs from others in these ways:

- ``vars(sys.stdout)`` contains the hooks, and ``type(sys.stdin)`` is a subclass. With the engine in
  Python, `input` is a Python function, and debuggers that step into calls step into the hooks;
  tracebacks of exceptions from the streams do not contain them.
- Bytes are not recorded if they are written from an object whose class has a ``__buffer__`` in
  Python.
- ``io.TextIOWrapper.write(sys.stdout, ...)`` bypasses the hooks. With ``proxies``, C code and
  ``sys.stdout.buffer.raw.write`` do, too.
- ``proxies+fd``: C code does not see disk-full errors, and sees a closed pipe one write late.
  If the process dies suddenly, the forwarder still delivers its output, but perhaps just after the
  shell has noticed the end. If the forwarder is killed as well (at the end of a container), the
  bytes in the pipe are lost. The pseudo-terminal is not the controlling terminal
  (``os.tcgetpgrp(1)``, ``os.ttyname(1)``); its modes are copied to the real one, and the size of
  the window from it, within 0.2 s. If 1 and 2 are the same file, they share one pipe, which keeps
  their order; all output of C code then counts as stdout. If they are different files, their order
  relative to each other may change. Up to 64 MB of copies wait for the recorder; beyond that copies
  are dropped, but never output. About ten descriptors from 200 on are in use. A program may close
  them and use their numbers, so each is checked before each use. If one was closed, all output goes
  through the pipe and is recorded as with ``proxies``. If the original was closed, the pipe stays
  when the capture ends.
"""

from __future__ import annotations

import builtins
import io
import sys

from codetracer.capture.streams import STDERR, STDOUT
from codetracer.own import seal
from codetracer.whose import began_here, is_the_programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final, Protocol

    from codetracer.capture.hooks import Hooks
    from codetracer.capture.pipes import Pipes
    from codetracer.capture.streams import CaptureMode, Record
    from codetracer_bindings import _engine

    class CaptureInC(Protocol):
        """The part that this module uses of ``codetracer_bindings._engine``."""

        Capture: type[_engine.Capture]
        Pipes: type[_engine.Pipes]


__all__ = ["OutputCapture"]

seal(globals())

NO_STREAM: Final = -1

_ABSENT: Final = object()


class OutputCapture:
    """Records the bytes in the standard streams, from `start` to `stop`.

    Parameters:
        mode: ``off``; ``proxies`` records output and input of Python code; ``proxies+fd`` also
            records the output of C code and subprocesses. On systems that cannot do the latter (no
            ``memfd_create``, no interpreter to start, too few descriptors) it means ``proxies``.
        record: called with 0, 1 or 2 for stdin, stdout or stderr; the bytes that were read or
            accepted (text as UTF-8, with lone surrogates); and the frame that read or wrote them,
            or None for output of C code and subprocesses. It is called in the thread that wrote,
            or in a thread of the capture for the descriptors. It must not write to these streams.
            Its exceptions are dropped, except those that a signal handler of the program raises
            in it.
        in_c: the module with `Capture` and `Pipes` in C; None for those in Python.
    """

    def __init__(self, mode: CaptureMode, record: Record, in_c: CaptureInC | None) -> None:
        self._mode = mode
        self._redirect = _redirection(record, in_c) if mode == "proxies+fd" else None
        if in_c is None:
            # Imported here and below, because the usual recording does without these modules.
            from codetracer.capture.hooks import Hooks

            self._make_hooks: Callable[[], Hooks | _engine.Capture] = lambda: Hooks(record)
        else:
            self._make_hooks = lambda: in_c.Capture(record, began_here)
        self._hooks: Hooks | _engine.Capture | None = None
        self._pipes: Pipes | _engine.Pipes | None = None
        self._set: list[tuple[dict[str, Any], str, object, object]] = []

    def start(self) -> None:
        """Replace methods of the standard streams; do nothing if that was done already."""
        if self._hooks is not None or self._mode == "off":
            return
        self._hooks = self._make_hooks()
        if self._redirect is not None:
            self._pipes = self._redirect()
            self._hooks.set_pipes(self._pipes)
        self._take_output()
        self._take_input()

    def stop(self) -> None:
        """Restore the streams, unless the program has replaced them, and wait for their last bytes.

        May be called again, at exit, in a forked child, and after an exception has interrupted it.
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
        # Names are literals, because CPython's cache of methods keeps each one that is looked up.
        for number, name, first in (
            (STDOUT, "stdout", "__stdout__"),
            (STDERR, "stderr", "__stderr__"),
        ):
            stream = getattr(sys, name, None)
            buffer = _peek(stream, "buffer")
            for layer, kind in ((stream, "text.write"), (buffer, "bytes.write")):
                self._hook_layer(seen, layer, number, kind)
            if self._pipes is not None:
                self._hook_layer(seen, _peek(buffer, "raw"), number, "raw.write")
                # A stream that a sitecustomize has put into sys may write to this raw file.
                beneath = _peek(_peek(getattr(sys, first, None), "buffer"), "raw")
                self._hook_layer(seen, beneath, number, "raw.write")

    def _hook_layer(self, seen: list[object], layer: object, number: int, kind: str) -> None:
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
            # These call the buffer's write in C. The hook of write sees that this module called
            # them, and does not record the bytes again.
            for name in ("flush", "tell"):
                self._hook(namespace, name, f"text.{name}", layer, number)

    def _take_input(self) -> None:
        stream: object = getattr(sys, "stdin", None)
        if type(stream) is not io.TextIOWrapper or type(_peek(stream, "buffer")) is not (
            io.BufferedReader
        ):
            return
        assert self._hooks is not None
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
        layer: object,
        number: int,
        descriptor: int = NO_STREAM,
    ) -> None:
        assert self._hooks is not None
        hook = self._hooks.hook(kind, layer, number, _peek(layer, name), descriptor)
        self._put(namespace, name, hook)

    def _put(self, namespace: dict[str, Any], name: str, value: object) -> None:
        self._set.append((namespace, name, value, namespace.get(name, _ABSENT)))
        namespace[name] = value


def _redirection(
    record: Record, in_c: CaptureInC | None
) -> Callable[[], Pipes | _engine.Pipes | None] | None:
    """Return a function that redirects descriptors; None if this system cannot do it."""
    try:
        from codetracer.capture.descriptors import redirect

        make: type[Pipes | _engine.Pipes]
        if in_c is None:
            from codetracer.capture import pipes

            make = pipes.Pipes
        else:
            make = in_c.Pipes
    except ImportError:
        # This system has no such modules or functions.
        return None
    return lambda: redirect(make, record)


def _peek(owner: object, name: str) -> Any:
    """Return an attribute; None if it is missing or looking it up raises an exception."""
    try:
        return getattr(owner, name, None)
    except Exception as error:
        if is_the_programs(error):
            raise
        return None
