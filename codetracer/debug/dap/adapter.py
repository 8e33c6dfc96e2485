"""One client's conversation: from its first message to its last."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from codetracer.debug.dap.checks import RequestError, check
from codetracer.debug.dap.client import Client
from codetracer.debug.dap.first_recording import TARGETS, FirstRecording, folder_of
from codetracer.debug.dap.looking import Looking
from codetracer.debug.dap.moving import Moving
from codetracer.debug.dap.progress import Progress
from codetracer.debug.dap.session import Session
from codetracer.debug.dap.setting import FILTERS, Setting
from codetracer.debug.dap.wire import BrokenStreamError, NotJsonError, read
from codetracer.errors import RecorderError
from codetracer.reading import read as open_trace
from codetracer_bindings.debug_protocol import ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codetracer_bindings import debug_protocol as protocol

    type _Request = dict[str, Any]
    type _Answer = Callable[[Any], Mapping[str, Any] | None]

__all__ = ["Adapter"]

CAPABILITIES: Final[protocol.Capabilities] = {
    "supportsConfigurationDoneRequest": True,
    "supportsFunctionBreakpoints": True,
    "supportsConditionalBreakpoints": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsLogPoints": True,
    "supportsEvaluateForHovers": True,
    "exceptionBreakpointFilters": FILTERS,
    "supportsExceptionFilterOptions": True,
    "supportsExceptionInfoRequest": True,
    "supportsStepBack": True,
    "supportsSteppingGranularity": True,
    "supportsRestartFrame": True,
    "supportsGotoTargetsRequest": True,
    "supportsCompletionsRequest": True,
    "completionTriggerCharacters": ["."],
    "supportsModulesRequest": True,
    "supportsLoadedSourcesRequest": True,
    "supportsDataBreakpoints": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsClipboardContext": True,
    "supportsTerminateRequest": True,
    "supportTerminateDebuggee": False,
}


class Adapter:
    """Answers the requests of one client.

    A request that cannot be answered gets a response that says why; nothing that a client sends
    ends the conversation, except ``disconnect`` and what is no message at all.

    Parameters:
        incoming: where its messages come from.
        outgoing: where the answers go.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._client = Client(outgoing)
        # What the client sent, and what is to be done when a recording has ended; None at the end.
        self._queue: queue.SimpleQueue[_Request | Callable[[], None] | None] = queue.SimpleQueue()
        self._recording: FirstRecording | None = None
        self._session: Session | None = None
        self._moving: Moving | None = None
        self._at_entry = False
        self._is_over = False
        self._answers: dict[str, _Answer] = {
            "initialize": self._initialize,
            "configurationDone": self._configured,
            "disconnect": self._disconnect,
            "terminate": self._terminate,
        }

    def run(self) -> None:
        """Answer requests until the client is gone."""
        threading.Thread(target=self._receive, daemon=True).start()
        try:
            while not self._is_over and (each := self._queue.get()) is not None:
                if callable(each):
                    each()
                else:
                    self._answer(each)
        finally:
            self._end_program()

    def _receive(self) -> None:
        """Put what the client sends into the queue."""
        try:
            while True:
                try:
                    message = read(self._incoming)
                except NotJsonError as error:
                    self._queue.put(partial(self._client.refuse, {}, str(error)))
                    continue
                if message is None:
                    break
                if message.get("command") in ("pause", "terminate", "disconnect"):
                    self._client.wants_to_pause.set()
                self._queue.put(message)
        except BrokenStreamError as error:
            self._queue.put(partial(self._client.refuse, {}, str(error)))
        except (OSError, ValueError):  # ValueError: the stream was closed
            pass
        self._client.wants_to_pause.set()
        self._queue.put(None)

    # ---------------------------------------------------------------- any request

    def _answer(self, request: _Request) -> None:
        try:
            command = self._command(request)
            arguments: Any = request.get("arguments")
            wanted = ARGUMENTS[command]
            if wanted is not None:
                # A client may leave arguments out that have no required key.
                arguments = {} if arguments is None else arguments
                check(arguments, wanted, f"arguments of {command}")
            if command == "launch":
                self._launch(request, arguments)
                return
            body = self._answers[command](arguments)
        except Exception as error:
            self._client.refuse(request, _reason(error))
            return
        self._client.respond(request, body)
        self._do_what_is_left()

    def _command(self, request: _Request) -> str:
        command = request.get("command")
        if request.get("type") != "request" or not isinstance(command, str):
            raise RequestError("only requests with a command are answered")
        if command not in ARGUMENTS:
            raise RequestError(f"codetracer does not know the request {command!r}")
        if not self._client.is_known and command not in ("initialize", "disconnect"):
            raise RequestError(f"the first request must be initialize, not {command}")
        if command != "launch" and command not in self._answers:
            raise RequestError(f"there is no recording yet to which {command} could apply")
        return command

    def _do_what_is_left(self) -> None:
        session = self._session
        if session is None:
            return
        try:
            session.do_what_is_left()
        except Exception as error:
            # The client believes that the program runs, so it must learn where it stands.
            self._client.say(f"{_reason(error)}\n", "important")
            session.stop(session.travel.moment, "pause")

    # ---------------------------------------------------------------- beginning and end

    def _initialize(self, arguments: protocol.InitializeRequestArguments) -> protocol.Capabilities:
        if self._client.is_known:
            raise RequestError("initialize was answered before")
        self._client.is_known = True
        self._client.abilities = arguments
        return CAPABILITIES

    def _launch(self, request: _Request, arguments: protocol.LaunchRequestArguments) -> None:
        """Open a recording, or record a program first; the answer comes when that is done."""
        if self._session is not None or self._recording is not None:
            raise RequestError("launch was answered before")
        given = [kind for kind in TARGETS if kind in arguments]
        if len(given) != 1:
            raise RequestError(
                f"launch needs one of {', '.join(TARGETS)}; it has {given or 'none'}"
            )
        self._at_entry = arguments.get("stopOnEntry", False)
        path = arguments.get("recording")
        if path is not None:
            self._open(os.path.join(folder_of(arguments), path))
            self._begin(request)
            return
        progress = Progress(self._client, "Recording the program")
        progress.__enter__()

        def end(status: int) -> None:
            self._queue.put(lambda: ended(status))

        def ended(status: int) -> None:
            progress.__exit__(None, None, None)
            assert self._recording is not None
            folder, self._recording = self._recording.folder, None
            try:
                if not os.path.isdir(folder):
                    raise RequestError(
                        f"nothing was recorded: the program ended with status {status}; its output"
                        " says why"
                    )
                self._open(folder)
                self._client.say(f"codetracer: recorded into {folder}, exit status {status}\n")
                self._begin(request)
            except Exception as error:
                self._client.refuse(request, _reason(error))

        try:
            self._recording = FirstRecording(self._client, arguments, end)
        except RequestError:
            progress.__exit__(None, None, None)
            raise

    def _open(self, path: str) -> None:
        session = self._session = Session(self._client, open_trace(path))
        looking, moving, setting = Looking(session), Moving(session), Setting(session)
        self._moving = moving
        self._answers |= {
            "threads": looking.threads,
            "stackTrace": looking.stack_trace,
            "scopes": looking.scopes,
            "variables": looking.variables,
            "source": looking.source,
            "loadedSources": looking.loaded_sources,
            "modules": looking.modules,
            "evaluate": looking.evaluate,
            "completions": looking.completions,
            "exceptionInfo": looking.exception_info,
            "next": moving.next,
            "stepIn": moving.step_in,
            "stepOut": moving.step_out,
            "stepBack": moving.step_back,
            "continue": moving.go_on,
            "reverseContinue": moving.reverse_continue,
            "pause": moving.pause,
            "restartFrame": moving.restart_frame,
            "gotoTargets": moving.goto_targets,
            "goto": moving.goto,
            "setBreakpoints": setting.lines,
            "setFunctionBreakpoints": setting.functions,
            "setExceptionBreakpoints": setting.exceptions,
            "dataBreakpointInfo": setting.data_info,
            "setDataBreakpoints": setting.data,
        }

    def _begin(self, request: _Request) -> None:
        """Answer ``launch``, and ask for breakpoints."""
        self._client.respond(request)
        self._client.tell("initialized")

    def _configured(self, _: object) -> None:
        session, moving = self._session, self._moving
        if session is None or moving is None:
            raise RequestError("there is no recording yet; configurationDone follows launch")
        session.later(lambda: moving.begin(at_entry=self._at_entry))

    def _terminate(self, _: object) -> None:
        self._end_program()
        self._client.tell("terminated")

    def _disconnect(self, _: object) -> None:
        self._end_program()
        self._is_over = True

    def _end_program(self) -> None:
        if self._recording is not None:
            self._recording.stop()


def _reason(error: Exception) -> str:
    """Return why a request failed, for the user."""
    if isinstance(error, RecorderError):
        return error.message
    if isinstance(error, RequestError):
        return str(error)
    # A mistake of codetracer's own; the client goes on with other requests.
    with contextlib.suppress(OSError, ValueError):
        traceback.print_exception(error, file=sys.stderr)
    return f"codetracer failed: {type(error).__name__}: {error}"
