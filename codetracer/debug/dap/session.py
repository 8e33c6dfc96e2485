"""A debugger's session on a recording: what is shared by the answers to all requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.debug.dap.breakpoints import Breakpoints
from codetracer.debug.dap.progress import Progress
from codetracer.debug.dap.sources import Sources
from codetracer.debug.dap.stacks import Stacks
from codetracer.debug.dap.travel import Travel
from codetracer.debug.dap.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codetracer.debug.dap.client import Client
    from codetracer.replay import Moment, Trace
    from codetracer_bindings.debug_protocol import StoppedEventBody

__all__ = ["Session"]


class Session:
    """The debugger's position in a recording, and the numbers that the client has for its parts.

    Parameters:
        client: the client.
        trace: the recording.

    Attributes:
        client: as given.
        travel: where the debugger is, and the ways from there.
        sources, stacks, variables: what has numbers that the client knows.
        breakpoints: the breakpoints.
        targets: the moments that the client may go to, by number.
        at_exception: whether it stopped because of an exception.

    Raises:
        TargetError: the recording has no step, or is damaged.
        HostError: a log cannot be read.
    """

    def __init__(self, client: Client, trace: Trace) -> None:
        self.client = client
        with Progress(client, "Preparing the recording") as progress:
            self.travel = Travel(trace, progress.update)
            self.sources = Sources(self.travel)
        self.stacks = Stacks(self.travel)
        self.variables = Variables()
        self.breakpoints = Breakpoints(self.travel, client.say, client.wants_to_pause.is_set)
        self.targets: list[Moment] = []
        self.at_exception = False
        self._later: list[Callable[[], None]] = []
        self._first_line = int(client.abilities.get("linesStartAt1", True))
        self.first_column = int(client.abilities.get("columnsStartAt1", True))

    def line_for_client(self, line: int) -> int:
        """Return a line (1-based) as the client counts lines."""
        return line - 1 + self._first_line

    def line_of_client(self, line: int) -> int:
        """Return a line (1-based) that the client named."""
        return line + 1 - self._first_line

    def later(self, action: Callable[[], None]) -> None:
        """Do something once the request is answered."""
        self._later.append(action)

    def do_what_is_left(self) -> None:
        """Do what was to be done once a request is answered."""
        actions, self._later = self._later, []
        for action in actions:
            action()

    def stop(
        self, moment: Moment, reason: str, description: str = "", hit: Sequence[int] = ()
    ) -> None:
        """Go to a moment, and report to the client that the program has stopped there.

        Parameters:
            moment: the moment.
            reason: why, in the protocol's words.
            description: why, for the user; empty for the client's own words.
            hit: the numbers of the breakpoints that are reached.
        """
        self.travel.go(moment)
        self.stacks.forget()
        self.variables.forget()
        self.targets = []
        self.at_exception = reason == "exception"
        body: StoppedEventBody = {
            "reason": reason,
            "threadId": self.stacks.thread_number(moment),
            "allThreadsStopped": True,
        }
        if description:
            body["description"] = description
        if hit:
            body["hitBreakpointIds"] = [*hit]
        self.client.tell("stopped", body)
