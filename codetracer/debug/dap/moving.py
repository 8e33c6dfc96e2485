"""The requests that go somewhere else in the recording, forwards and backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.debug.dap.breakpoints import InterruptedRunError
from codetracer.debug.dap.checks import RequestError
from codetracer.replay import Line, StepEvent
from codetracer.terminal import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.debug.dap.session import Session
    from codetracer.replay import Arrival, Frame, Moment, Timeline
    from codetracer_bindings import debug_protocol as protocol

    type _Way = Callable[[Moment], Moment | None]

__all__ = ["Moving"]


class Moving:
    """Answers requests that move; each is answered first, and then the client gets the event.

    Parameters:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, *, at_entry: bool) -> None:
        """Stop for the first time.

        Parameters:
            at_entry: at the first line; otherwise where the last exception was raised that nothing
                recorded caught, or at the first breakpoint, or at the end.
        """
        session, travel = self._session, self._session.travel
        if at_entry:
            session.stop(travel.end(back=True), "entry")
            return
        for number, timeline in travel.timelines.items():
            steps = session.breakpoints.uncaught_in(number)
            if steps:
                moment = timeline.at(max(steps))
                session.stop(moment, "exception", "where an exception was raised, uncaught")
                return
        travel.rewind()
        self._run(back=False)

    def next(self, arguments: protocol.NextArguments) -> None:
        """Go to the next line of a thread, past what it calls."""
        self._step(arguments["threadId"], lambda moment: moment.over())

    def step_in(self, arguments: protocol.StepInArguments) -> None:
        """Go to the next line of a thread, in any function."""
        self._step(arguments["threadId"], lambda moment: moment.forward())

    def step_out(self, arguments: protocol.StepOutArguments) -> None:
        """Go to where the caller goes on."""
        self._step(arguments["threadId"], lambda moment: moment.out())

    def step_back(self, arguments: protocol.StepBackArguments) -> None:
        """Go to the line before, past what it called; with granularity instruction, into that."""
        if arguments.get("granularity") == "instruction":
            self._step(arguments["threadId"], lambda moment: moment.back(), back=True)
        else:
            self._step(arguments["threadId"], lambda moment: moment.back_over(), back=True)

    def go_on(self, _: protocol.ContinueArguments) -> protocol.ContinueBody:
        """Go on to a breakpoint."""
        self._session.later(lambda: self._run(back=False))
        return {"allThreadsContinued": True}

    def reverse_continue(self, _: protocol.ReverseContinueArguments) -> None:
        """Go back to a breakpoint."""
        self._session.later(lambda: self._run(back=True))

    def pause(self, _: protocol.PauseArguments) -> None:
        """Stop where the debugger is; a run before has noticed already, and has ended."""
        session = self._session
        session.client.wants_to_pause.clear()
        session.later(lambda: session.stop(session.travel.moment, "pause"))

    def restart_frame(self, arguments: protocol.RestartFrameArguments) -> None:
        """Go to the first line of a frame."""
        place = self._session.stacks.place(arguments["frameId"])
        timeline = self._session.travel.timelines[place.moment.process]
        first = _first_step(timeline, place.frame)
        self._session.later(lambda: self._session.stop(timeline.at(first), "restart"))

    def goto_targets(self, arguments: protocol.GotoTargetsArguments) -> protocol.GotoTargetsBody:
        """Return the nearest moments, before and after, at which a line runs."""
        session = self._session
        path = session.sources.path(arguments["source"])
        if path is None:
            raise RequestError("the recording has no such file")
        line = session.line_of_client(arguments["line"])
        targets: list[protocol.GotoTarget] = []
        for back, name in ((False, "next time"), (True, "last time")):
            arrival = session.travel.run(lambda _: [Line(path, line)], back=back)
            if arrival is not None:
                session.targets.append(arrival.moment)
                label = f"the {name}, at {arrival.moment.place}"
                client_line = arguments["line"]
                targets.append({"id": len(session.targets), "label": label, "line": client_line})
        return {"targets": targets}

    def goto(self, arguments: protocol.GotoArguments) -> None:
        """Go to one of these moments."""
        number, targets = arguments["targetId"], self._session.targets
        if not 0 < number <= len(targets):
            raise RequestError(f"there is no target {number} at this stop")
        moment = targets[number - 1]
        self._session.later(lambda: self._session.stop(moment, "goto"))

    def _step(self, thread: int, way: _Way, *, back: bool = False) -> None:
        start = self._session.stacks.moment(thread)
        self._session.later(lambda: self._go(start, way(start), back=back))

    def _go(self, start: Moment, end: Moment | None, *, back: bool) -> None:
        """Go to a moment, unless there is a breakpoint on the way to it."""
        session = self._session
        if end is None:
            which = "first" if back else "last"
            session.stop(start, "step", f"at the {which} recorded line of the thread")
            return
        here = session.travel.in_process(end.process)
        goals = session.breakpoints.goals(end.process) if here is not None else []
        if here is None or not goals:
            session.stop(end, "step")
            return
        last = Line(end.frame.code.path, end.line, lambda moment: moment.step == end.step)
        try:
            arrival = here.run_back(*goals, last) if back else here.run(*goals, last)
        except InterruptedRunError as error:
            self._interrupt(error)
        else:
            self._arrive(arrival, end, "step", "", back=back)

    def _run(self, *, back: bool) -> None:
        travel = self._session.travel
        try:
            arrival = travel.run(self._session.breakpoints.goals, back=back)
        except InterruptedRunError as error:
            self._interrupt(error)
            return
        end = travel.end(back=back)
        where = "at the beginning of the recording" if back else "at the end of the recording"
        self._arrive(arrival, end, "pause", where, back=back)

    def _arrive(
        self, arrival: Arrival | None, end: Moment, reason: str, description: str, *, back: bool
    ) -> None:
        """Stop where a run has led, or else at its end; write what log points say until there."""
        session = self._session
        moment = end if arrival is None else arrival.moment
        self._log(moment, back=back)
        hit_reason, hit = session.breakpoints.reached(() if arrival is None else arrival.goals)
        session.breakpoints.forget()
        if hit_reason:
            session.stop(moment, hit_reason, "", hit)
        else:
            session.stop(moment, reason, description)

    def _interrupt(self, error: InterruptedRunError) -> None:
        """Go to where a run was interrupted; the request that did so is answered next."""
        session = self._session
        session.breakpoints.forget()
        session.travel.go(session.travel.timelines[error.place.process].at(error.place.step))

    def _log(self, end: Moment, *, back: bool) -> None:
        logged = self._session.breakpoints.logged
        # A run may have looked further than it went.
        for place in sorted(logged, reverse=back):
            step = place[1]
            passed = place[0] != end.process or (step >= end.step if back else step <= end.step)
            if passed:
                self._session.client.say(safe(logged[place]) + "\n", "stdout")


def _first_step(timeline: Timeline, frame: Frame) -> int:
    """Return the number of a frame's first step."""
    for number in range(timeline.index.block_of_call(frame.number), timeline.index.blocks):
        for event in timeline.block(number):
            if type(event) is StepEvent and event.frame.number == frame.number:
                return event.number
    raise RequestError("the frame has no recorded line")
