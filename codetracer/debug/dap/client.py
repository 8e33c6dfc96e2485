"""The other side: an editor, to which responses and events are sent."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, Any, BinaryIO

from codetracer.debug.dap.wire import write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codetracer_bindings.debug_protocol import InitializeRequestArguments

__all__ = ["Client"]


class Client:
    """Sends messages, from any thread.

    Parameters:
        stream: where the messages go.

    Attributes:
        is_known: whether it has sent ``initialize``.
        abilities: what it said of itself in there.
        wants_to_pause: set when a request came that no run should keep waiting.
        is_gone: whether a message could not be written.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._numbers = count(1)
        self.is_known = False
        self.wants_to_pause = threading.Event()
        self.abilities: InitializeRequestArguments = {"adapterID": ""}
        self.is_gone = False

    def respond(self, request: Mapping[str, Any], body: Mapping[str, Any] | None = None) -> None:
        """Answer a request with success."""
        self._send(_response(request, success=True) | ({} if body is None else {"body": body}))

    def refuse(self, request: Mapping[str, Any], why: str) -> None:
        """Answer a request with an error that the user sees."""
        error = {"id": 1, "format": "{why}", "variables": {"why": why}, "showUser": True}
        response = _response(request, success=False)
        self._send(response | {"message": why, "body": {"error": error}})

    def tell(self, event: str, body: Mapping[str, Any] | None = None) -> None:
        """Send an event."""
        message = {"type": "event", "event": event}
        self._send(message if body is None else {**message, "body": body})

    def say(self, text: str, category: str = "console") -> None:
        """Write to the client's console, or to another of its outputs."""
        self.tell("output", {"category": category, "output": text})

    def _send(self, message: Mapping[str, Any]) -> None:
        with self._lock:
            if not self.is_gone:
                try:
                    write(self._stream, {"seq": next(self._numbers), **message})
                except (OSError, ValueError):  # ValueError: it is closed
                    self.is_gone = True


def _response(request: Mapping[str, Any], *, success: bool) -> dict[str, Any]:
    number, command = request.get("seq"), request.get("command")
    return {
        "type": "response",
        "request_seq": number if type(number) is int else 0,
        "command": command if isinstance(command, str) else "",
        "success": success,
    }
