"""Serves the Debug Adapter Protocol, on standard input and output or at a port of this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import sys
from typing import TYPE_CHECKING, BinaryIO, cast

from codetracer.debug.dap.adapter import Adapter
from codetracer.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["serve_port", "serve_standard_streams"]

HOST = "127.0.0.1"


def serve_standard_streams() -> None:
    """Serve one client, until it is gone; all other output goes to standard error."""
    outgoing = os.dup(1)
    sys.stdout.flush()
    os.dup2(2, 1)
    # At the end a thread still waits for input. A buffered stream could not be closed then, nor the
    # interpreter end: the thread has its lock.
    reader = cast("BinaryIO", open(0, "rb", buffering=0, closefd=False))  # noqa: SIM115
    with os.fdopen(outgoing, "wb") as writer:
        Adapter(reader, writer).run()


def serve_port(port: int, on_ready: Callable[[str, int], None]) -> None:
    """Serve any number of clients of this machine, each by itself, until interrupted.

    Parameters:
        port: the port; 0 for a free one.
        on_ready: called with the address and the port when clients can connect.

    Raises:
        HostError: ERR_IO, the port cannot be used.
    """
    try:
        server = _Server((HOST, port), _Handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"port {port} cannot be used: {reason}; choose another one, or 0 for a free one"
        raise HostError("ERR_IO", message, {"port": port}) from None
    with server:
        on_ready(HOST, server.server_address[1])
        server.serve_forever()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Handler(socketserver.StreamRequestHandler):
    # An event that follows a response would wait for the client's acknowledgement.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            Adapter(cast("BinaryIO", self.rfile), cast("BinaryIO", self.wfile)).run()
        finally:
            # A thread still waits for input, and would keep the stream from being closed.
            with contextlib.suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)
