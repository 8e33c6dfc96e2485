"""The process that forwards descriptors 1 and 2; `codetracer.capture.descriptors` starts it.

This file is the program of that process, so it imports nothing of codetracer. The layout of marks
and frames is defined here for both sides:

- A *mark* is in the forwarded bytes: the token, the time as 16 hexadecimal digits (monotonic ns),
  and MARK_ACKNOWLEDGE or MARK_END. The forwarder removes it, and acknowledges it in the shared
  memory when everything before it is forwarded.
- A *frame* is in the pipe with the copies: one byte (a stream's number, FRAME_END or FRAME_QUIT),
  the length of the data in two bytes (little-endian), and the data.
"""

from __future__ import annotations

import _thread
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import collections
    from typing import Any, Final

__all__ = [
    "BUSY_AT",
    "FRAME_END",
    "FRAME_QUIT",
    "MARK_ACKNOWLEDGE",
    "MARK_END",
    "MEMORY_SIZE",
    "TOKEN_SIZE",
]

TOKEN_SIZE: Final = 24
"""The number of random bytes in the token: ESC and these in hexadecimal. No program writes it."""

STAMP_SIZE: Final = 16
MARK_ACKNOWLEDGE: Final = b"a"
MARK_END: Final = b"e"

FRAME_DATA: Final = 4000
"""Bytes of data in a frame. With its head a frame is shorter than PIPE_BUF, and so it is written in
one piece."""

FRAME_END: Final = b"e"
FRAME_QUIT: Final = b"q"

COPIES_LIMIT: Final = 64 * 2**20
BUSY_AT: Final = 64
MEMORY_SIZE: Final = 128

MEMORY: Final = 3
CHANNEL: Final = 4


class _Copies:
    """A queue of frames for the recorder, which may read slowly or have ended.

    Parameters:
        channel: the descriptor of the pipe with the copies.
    """

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
        """Queue a frame; drop it if more than `COPIES_LIMIT` bytes are waiting.

        Parameters:
            kind: the first byte of the frame.
            data: any number of bytes; they are sent in frames of up to `FRAME_DATA`.
        """
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
                        # The program has ended, or has become another one with exec.
                        continue


class _Pump:
    """Forwards the bytes of one pipe or pseudo-terminal to the original file.

    Parameters:
        reader: the descriptor to read from; the next one is the original.
        kind: the stream's number and ``t`` for a terminal or ``p`` for anything else: ``1t``,
            ``2p``.
        slot: the index of the pipe, for its place in the shared memory.
        token: the bytes that begin a mark.
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
        self._has_ended = False
        self._poll = select.poll()
        self._poll.register(reader, select.POLLIN)
        self._modes: list[Any] | None = None
        self._size = b""
        self._mirror()

    def run(self, copies: _Copies) -> None:
        """Forward until no process has the pipe open for writing, or the original has no reader."""
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
                # EIO: the last process with the pseudo-terminal open has closed it.
                data = b""
            if not data:
                break
            try:
                rest = self._take(rest + data)
            except (BrokenPipeError, ConnectionError):
                # Closing the pipe gives writers the error that they would get without it.
                break
            os.pwrite(MEMORY, b"\0", BUSY_AT + self._slot)
        self._mirror()
        self._end()
        os.close(self._reader)

    def _end(self) -> None:
        """Say once that no more copies will come: the recorder waits for as many ends as pipes."""
        if self._copies is not None and not self._has_ended:
            self._has_ended = True
            self._copies.add(FRAME_END, b"")

    def _take(self, data: bytes) -> bytes:
        """Forward `data` without its marks; return its end if that may be the start of a mark."""
        token = self._token
        size = len(token) + STAMP_SIZE + 1
        while (at := data.find(token)) >= 0:
            self._give(data[:at])
            if len(data) < at + size:
                return data[at:]
            stamp, kind = data[at + len(token) : at + size - 1], data[at + size - 1 : at + size]
            self._mirror()
            if kind == MARK_END:
                self._end()
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
                # Usually the disk is full. These bytes are lost; later ones may fit.
                break
        if data and self._copies is not None:
            self._copies.add(self._stream, data)

    def _mirror(self) -> None:
        """Copy the real terminal's size to the pseudo-terminal, and changed modes back.

        Programs that draw on the screen, such as those with ncurses, set modes of their output.
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
    """Run the forwarder in this process.

    Parameters:
        token: the bytes that begin a mark.
        kinds: the kind of each pipe. The descriptors from 3 on are the shared memory, the pipe for
            copies, and for each pipe its reading end and the original.
    """
    import signal

    # A signal for the whole group ends the program; the forwarder ends after it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    os.closerange(5 + 2 * len(kinds), os.sysconf("SC_OPEN_MAX"))
    pumps = [_Pump(5 + 2 * slot, kind, slot, token.encode()) for slot, kind in enumerate(kinds)]
    # Fork again, so that the forwarder is no child for which the program might wait.
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
