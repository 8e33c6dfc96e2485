"""Threads and frames, by the numbers under which a client knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from codetracer.debug.dap.checks import RequestError

if TYPE_CHECKING:
    from codetracer.debug.dap.travel import Travel
    from codetracer.replay import Frame, Moment
    from codetracer_bindings import debug_protocol as protocol

__all__ = ["Place", "Stacks"]


class Place(NamedTuple):
    """A frame of a thread at this stop.

    Parameters:
        moment: the moment at which its variables are read.
        frame: the frame.
        line: the line (1-based) that it is at.
    """

    moment: Moment
    frame: Frame
    line: int


class Stacks:
    """The threads of all processes, and their frames at this stop.

    Parameters:
        travel: where the debugger is.
    """

    def __init__(self, travel: Travel) -> None:
        self._travel = travel
        self._threads: list[tuple[int, int]] = []
        self._places: list[Place] = []

    def forget(self) -> None:
        """Make the numbers of frames invalid, because the program is somewhere else."""
        self._places = []

    def thread_number(self, moment: Moment) -> int:
        """Return the number of the thread that runs a moment's line."""
        return self._number(moment.process, moment.thread.number)

    def threads(self) -> list[protocol.Thread]:
        """Return the threads that run something recorded now, in all processes."""
        found: list[protocol.Thread] = []
        processes = self._travel.trace.processes
        for number in self._travel.timelines:
            moment = self._travel.in_process(number)
            for thread in moment.threads if moment is not None else ():
                if thread.top is not None:
                    name = thread.name
                    if len(processes) > 1:
                        name += f" (process {number}, PID {processes[number].pid})"
                    found.append({"id": self._number(number, thread.number), "name": name})
        return found

    def moment(self, thread: int) -> Moment:
        """Return the moment at which a thread is now.

        Raises:
            RequestError: there is no such thread, or it runs nothing recorded now.
        """
        if not 0 < thread <= len(self._threads):
            raise RequestError(f"there is no thread {thread}")
        found = self._travel.in_thread(*self._threads[thread - 1])
        if found is None:
            raise RequestError(f"thread {thread} runs nothing that is recorded now")
        return found

    def stack(self, thread: int) -> list[Place]:
        """Return the frames of a thread, innermost first.

        Raises:
            RequestError: there is no such thread.
        """
        if not 0 < thread <= len(self._threads):
            raise RequestError(f"there is no thread {thread}")
        process, number = self._threads[thread - 1]
        moment = self._travel.in_process(process)
        if moment is None:
            return []
        top = next((each.top for each in moment.threads if each.number == number), None)
        places: list[Place] = []
        while top is not None:
            places.append(Place(moment, top, top.line))
            top = top.caller
        return places

    def keep(self, place: Place) -> int:
        """Return a number for a frame."""
        self._places.append(place)
        return len(self._places)

    def place(self, frame: int | None) -> Place:
        """Return the frame of a number; the innermost one where the debugger is without one.

        Raises:
            RequestError: there is no such frame at this stop.
        """
        if frame is None:
            moment = self._travel.moment
            return Place(moment, moment.frame, moment.line)
        if not 0 < frame <= len(self._places):
            raise RequestError(f"there is no frame {frame} at this stop")
        return self._places[frame - 1]

    def _number(self, process: int, thread: int) -> int:
        if (process, thread) not in self._threads:
            self._threads.append((process, thread))
        return self._threads.index((process, thread)) + 1
