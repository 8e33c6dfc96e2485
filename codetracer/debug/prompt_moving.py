"""The prompt's commands that go somewhere: as pdb's, and backwards, and to any place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codetracer.debug.motion import Ways, last, stop_at, uncaught
from codetracer.debug.prompt_breaks import Watchpoint
from codetracer.debug.prompt_session import Session, exception_text
from codetracer.debug.stops import LEAVES, LINE
from codetracer.replay import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.debug.prompt_breaks import Breakpoint
    from codetracer.debug.stops import Mark, Stop
    from codetracer.replay import Goal, Moment

__all__ = ["Moving"]


class Moving(Session):
    """Commands that lead from one stop to another."""

    # ---------------------------------------------------------------- as pdb goes

    def do_step(self, argument: str) -> None:
        """Go to the next stop, which may be in a function that is called.

        s(tep)
        """
        self._go(argument, lambda ways: ways.step(), forward=True)

    def do_next(self, argument: str) -> None:
        """Go to the next line of this function, or to its end.

        n(ext)
        """
        self._go(argument, lambda ways: ways.next(self.frame), forward=True)

    def do_return(self, argument: str) -> None:
        """Go to the end of this function.

        r(eturn)
        """
        self._go(argument, lambda ways: ways.leave(self.frame), forward=True)

    def do_until(self, argument: str) -> None:
        """Go to a line of this function below this one, or not above `line`, or to its end.

        unt(il) [line]
        """
        line = self.frame.line + 1
        if argument:
            if not argument.isdecimal():
                self.error(f"Error in argument: {argument!r}")
                return
            if int(argument) <= self.frame.line:
                self.error('"until" line number is smaller than current line number')
                return
            line = int(argument)
        self._go("", lambda ways: ways.until(self.frame, line), forward=True)

    def do_continue(self, argument: str) -> None:
        """Go on to a breakpoint, to the raise that ends the program, or to the end.

        c(ont(inue))
        """
        if argument:
            self.refuse(argument)
            return
        hit, stop = self._run(self.breakpoints.goals(), back=False)
        raised = self._uncaught()
        if raised is not None and (stop is None or stop.step > raised.step):
            self.message(f"Uncaught {exception_text(raised.value).partition(':')[0]}")
            hit, stop = None, raised
        self._arrive(hit, stop or self._end(forward=True), forward=True)

    # ---------------------------------------------------------------- backwards

    def do_rs(self, argument: str) -> None:
        """Go back to the stop before, which may be in a function that was called.

        rs (reverse step)
        """
        self._go(argument, lambda ways: ways.back_step(), forward=False)

    def do_rn(self, argument: str) -> None:
        """Go back to the line before in this function, or to the one that called it.

        rn (reverse next)
        """
        self._go(argument, lambda ways: ways.back_next(self.frame), forward=False)

    def do_ru(self, argument: str) -> None:
        """Go back to the line that called this function.

        ru (reverse up)
        """
        self._go(argument, lambda ways: ways.back_out(self.frame), forward=False)

    def do_rc(self, argument: str) -> None:
        """Go back to a breakpoint, or to the beginning.

        rc (reverse continue)
        """
        if argument:
            self.refuse(argument)
            return
        hit, stop = self._own_line()
        if hit is None:
            hit, stop = self._run(self.breakpoints.goals(), back=True)
        self._arrive(hit, stop or self._end(forward=False), forward=False)

    # ---------------------------------------------------------------- to a place

    def do_goto(self, argument: str) -> None:
        """Go to a place, such as 0:120.

        goto step | process:step | start | end
        """
        place = self._place(argument)
        if place is not None:
            self.enter(place)
            self.show_stop()

    def do_jump(self, argument: str) -> None:
        """Go to the next time that a line of this file runs, or else to the last time.

        j(ump) line
        """
        if not argument.isdecimal():
            self.error("The 'jump' command requires a line number")
            return
        path, line = self.frame.code.path, int(argument)

        def is_there(mark: Mark) -> bool:
            return mark.kind == LINE and mark.line == line and mark.code.path == path

        ways = Ways(self.timeline, self.stop, None)
        stop = ways.ahead(is_there) or ways.back_to(is_there)
        if stop is None:
            self.error(f"Jump failed: line {line} never runs in this thread")
            return
        self._arrive(None, stop, forward=True)

    def do_run(self, argument: str) -> None:
        """Go to the first step of the process; breakpoints stay.

        run | restart
        """
        if argument:
            self.refuse(argument)
            return
        self.enter(Place(self.process, 0))
        self.show_stop()

    def do_thread(self, argument: str) -> None:
        """Look at another thread, where it is at this time.

        thread number
        """
        numbers = {thread.number for thread in self.moment.threads}
        if not argument.isdecimal() or int(argument) not in numbers:
            there = ", ".join(map(str, sorted(numbers)))
            self.error(f"There is no thread {argument!r} yet; there is {there}")
            return
        anchor, number = self.anchor, int(argument)
        step: int | None = anchor
        if self.timeline.at(anchor).thread.number != number:
            step = self.timeline.before(anchor, None, number)
        if step is None:
            self.error(f"Thread {number} has run no line yet")
            return
        self.settle(stop_at(self.timeline, number, step))
        self.anchor = anchor
        self.show_stop()

    def do_process(self, argument: str) -> None:
        """Look at another process, where it is at this time; before its first step, at that.

        process number
        """
        if not argument.isdecimal():
            self.error("Process number expected; `processes` lists them")
            return
        process = self.trace.process(int(argument))
        time_ns = self.moment.clock_ns - process.log.started
        there = process.timeline().at_time(time_ns)
        self.enter(Place(process.number, 0) if there is None else there.place)
        self.show_stop()

    do_s = do_step
    do_n = do_next
    do_r = do_return
    do_unt = do_until
    do_c = do_cont = do_continue
    do_j = do_jump
    do_restart = do_run

    # ---------------------------------------------------------------- how it gets there

    def _place(self, argument: str) -> Place | None:
        """Return the place that an argument names; say what is wrong with any other."""
        match argument:
            case "start":
                return Place(self.process, 0)
            case "end":
                return Place(self.process, self.timeline.steps - 1)
        try:
            place = Place.parse(argument)
            return place if ":" in argument else place._replace(process=self.process)
        except ValueError as error:
            self.error(str(error))
            return None

    def _way(self, go: Callable[[Ways], Stop | None]) -> tuple[Breakpoint | None, Stop | None]:
        """Go a way; return the breakpoint that ended it, and the stop."""
        hit: list[Breakpoint] = []

        def breaks(mark: Mark, moment: Callable[[], Moment]) -> bool:
            if mark.kind == LINE:
                found = self.breakpoints.reached(mark.code, mark.line, moment)
                if found is not None:
                    hit.append(found)
                    return True
            return False

        stop = go(Ways(self.timeline, self.stop, breaks if self.breakpoints.has_lines() else None))
        return (hit[0] if hit else None), stop

    def _run(
        self, goals: dict[Goal, Breakpoint], *, back: bool, end: Stop | None = None
    ) -> tuple[Breakpoint | None, Stop | None]:
        """Run to one of some breakpoints in any thread, before `end`; return it, and the stop."""
        moment = self.moment
        while goals:
            arrival = moment.run_back(*goals) if back else moment.run(*goals)
            if arrival is None:
                break
            moment = arrival.moment
            if end is not None and back == (moment.step <= end.step):
                break
            for goal in arrival.goals:
                hit = goals[goal]
                if not hit.is_passed():
                    return hit, stop_at(self.timeline, moment.thread.number, moment.step)
        return None, None

    def _own_line(self) -> tuple[Breakpoint | None, Stop | None]:
        """Return the breakpoint at the line that this stop is within, and the stop there."""
        step, thread = self.stop.step, self.moment.thread.number
        if not self.stop.between:
            return None, None
        hit, stop = self._way(lambda ways: ways.back_to(lambda mark: mark.step < step))
        if hit is not None:
            return hit, stop
        line = stop_at(self.timeline, thread, step)
        if self.stop.kind in LEAVES and self.stop.frame.number == line.frame.number:
            for each in self.breakpoints.goals(Watchpoint).values():
                if isinstance(each, Watchpoint) and each.is_changed_by(line.moment):
                    return each, line
        return None, None

    def _uncaught(self) -> Stop | None:
        """Return where the next exception is raised that ends a thread, if one does."""
        if self.process not in self._raised:
            threads = self.timeline.at(self.timeline.steps - 1).threads
            found = [uncaught(self.timeline, thread.number) for thread in threads]
            self._raised[self.process] = sorted(filter(None, found), key=_order)
        here = _order(self.stop)
        return next((stop for stop in self._raised[self.process] if _order(stop) > here), None)

    def _go(self, argument: str, go: Callable[[Ways], Stop | None], *, forward: bool) -> None:
        if argument:
            self.refuse(argument)
            return
        hit, stop = self._way(go)
        watches = self.breakpoints.goals(Watchpoint)
        watched, change = self._run(watches, back=not forward, end=stop)
        if change is not None:
            hit, stop = watched, change
        self._arrive(hit, stop, forward=forward)

    def _arrive(self, hit: Breakpoint | None, stop: Stop | None, *, forward: bool) -> None:
        """Take the stop to which a command led, or the end of the thread, and print it."""
        if stop is None:
            edge = "ends" if forward else "begins"
            self.message(f"The recording of this thread {edge} here.")
            stop = self._edge(self.moment.thread.number, forward=forward)
        thread = self.moment.thread.number
        self.settle(stop)
        if self.moment.thread.number != thread:
            self.message(f"Thread {self.moment.thread.number}: {self.moment.thread.name}")
        if hit is None:
            self.show_stop()
        else:
            self.may_stop(hit)

    def _edge(self, thread: int, *, forward: bool) -> Stop:
        """Return the last stop of a thread, or the first."""
        if forward:
            return last(self.timeline, thread) or self.stop
        first = 0 if self.timeline.at(0).thread.number == thread else None
        step = self.timeline.after(0, None, thread) if first is None else first
        return self.stop if step is None else stop_at(self.timeline, thread, step)

    def _end(self, *, forward: bool) -> Stop:
        """Return the last stop of the process, or the first; say that it is."""
        self.message(f"The recording {'ends' if forward else 'begins'} here.")
        moment = self.timeline.at(self.timeline.steps - 1 if forward else 0)
        return self._edge(moment.thread.number, forward=forward)


def _order(stop: Stop) -> tuple[int, int]:
    return stop.step, stop.between
