"""A recording on disk: its folder, its metadata, and the logs of its processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codetracer.errors import HostError, TargetError
from codetracer.recording.files import unreadable
from codetracer.recording.names import METADATA_FILE
from codetracer.recording.reader import LogReader
from codetracer.replay.calls import calls
from codetracer.replay.finding import find
from codetracer.replay.index_file import open_index
from codetracer.replay.indexed import IndexedLog
from codetracer.replay.metadata import read_metadata
from codetracer.replay.place import Place
from codetracer.replay.replay import Replay
from codetracer.replay.source_copies import SourceCopies
from codetracer.replay.timeline import Timeline
from codetracer_bindings.trace_decoder import ExecRecord
from codetracer_bindings.trace_format import LOG_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codetracer.replay.calls import Call
    from codetracer.replay.events import Event
    from codetracer.replay.finding import Finding
    from codetracer.replay.model import Thread
    from codetracer.replay.moment import Moment

__all__ = ["Process", "Trace"]


class Process:
    """One process of a recording.

    Attributes:
        number: how many of the recording's processes are before it.
        log: its log.
        pid: its process identifier.
        path: the file of the log.
    """

    __slots__ = ("_line_of", "_timeline", "log", "number", "path", "pid")

    def __init__(
        self, number: int, log: LogReader, line_of: Callable[[str, int], str] | None = None
    ) -> None:
        self.number = number
        self._line_of = line_of or (lambda path, line: "")
        self._timeline: Timeline | None = None
        self.log = log
        self.path = log.path
        self.pid = log.pid

    def __iter__(self) -> Iterator[Event]:
        return iter(self.replay())

    @property
    def complete(self) -> bool:
        """True if its log has the end that a recorder writes unless it is stopped earlier."""
        return self.log.has_end()

    def replay(self, *, tell_steps: bool = True, note_changes: bool = False) -> Replay:
        """Return an iterator over its events, which also knows the variables at each of them.

        Parameters:
            tell_steps: include the steps; leaving them out takes about a third less time.
            note_changes: collect the changes between two events in `Replay.changes`.
        """
        return Replay(self.log, tell_steps=tell_steps, note_changes=note_changes)

    def timeline(self, progress: Callable[[int, int], None] | None = None) -> Timeline:
        """Return its steps, any of which can be gone to; the first call makes the index.

        Parameters:
            progress: called while the index is made, with how many bytes of the log are done, and
                how many there are.

        Raises:
            HostError: ERR_IO, the log cannot be read.
        """
        if self._timeline is None:
            index = open_index(self.log, progress)
            self._timeline = Timeline(self.number, IndexedLog(self.log, index), self._line_of)
        return self._timeline

    @property
    def threads(self) -> list[Thread]:
        """Its threads, in the order in which they were seen, without their stacks.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, the log is damaged.
            HostError: ERR_IO, the log cannot be read.
        """
        return self.timeline().source.threads

    @property
    def tasks(self) -> list[str]:
        """The names of its asyncio tasks, in the order in which they were seen.

        Raises:
            TargetError, HostError: as for `threads`.
        """
        timeline = self.timeline()
        found = calls(timeline, lambda code: code.runs_in_task)
        return [*dict.fromkeys(call.task for call in found if call.task)]

    def calls(self, name: str) -> Iterator[Call]:
        """Yield the calls of a function, in order.

        Parameters:
            name: a qualified name, its last part, or either with the module in front of it.

        Raises:
            TargetError, HostError: as for `threads`.
        """
        return calls(self.timeline(), lambda code: code.is_named(name))


class Trace:
    """A recording. At first only the metadata and the headers of the logs are read.

    Iterating yields the events of all processes, one process after the other.

    Parameters:
        path: the folder of the recording, or one log in it, for that process alone.

    Attributes:
        path: the `path` that was given.
        folder: the folder of the recording.
        metadata: the valid content of trace_metadata.json; empty if there is none.
        processes: the processes, in the order in which they were recorded.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        TargetError: ERR_TRACE_MISSING, there is none; ERR_TRACE_DAMAGED, the header of a log is
            wrong; ERR_UNSUPPORTED_FORMAT, a newer codetracer wrote it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        alone = os.path.isfile(self.path)
        self.folder = os.path.dirname(self.path) if alone else self.path
        self.metadata, self._bad_metadata = read_metadata(os.path.join(self.folder, METADATA_FILE))
        self._sources = SourceCopies(self.folder, self.metadata.get("sources"))
        names = [os.path.basename(self.path)] if alone else self._logs()
        logs = [LogReader(os.path.join(self.folder, name)) for name in names]
        # By time, because process identifiers start again from low numbers.
        logs.sort(key=lambda log: log.started)
        self.processes = tuple(
            Process(number, log, self.source_line) for number, log in enumerate(logs)
        )

    def __iter__(self) -> Iterator[Event]:
        for process in self.processes:
            yield from process

    def __repr__(self) -> str:
        return f"<Trace {self.path}>"

    def at(self, place: Place | str | int) -> Moment:
        """Return the moment right before a step's line runs.

        The first call for a process makes the index of its log, beside it if that can be written.

        Parameters:
            place: the place, also as a text, ``process:step``, or a step of the first process.

        Raises:
            ValueError: the text says no place.
            TargetError: ERR_NOT_IN_TRACE, there is no such place; ERR_TRACE_DAMAGED, the log is
                damaged there.
            HostError: ERR_IO, the log cannot be read.
        """
        process, step = place if isinstance(place, tuple) else Place.parse(str(place))
        return self.process(process).timeline().at(step)

    def process(self, number: int) -> Process:
        """Return a process by its number.

        Raises:
            TargetError: ERR_NOT_IN_TRACE, there is no such process.
        """
        if not 0 <= number < len(self.processes):
            raise TargetError(
                "ERR_NOT_IN_TRACE",
                f"{self.path} has no process {number}; it has {len(self.processes)}, the first"
                " one is 0",
                {"path": self.path, "process": number},
            )
        return self.processes[number]

    def at_time(self, clock_ns: int) -> list[Moment]:
        """Return where each process was at a time: its last step that had begun by then.

        Processes that had no step by then are left out.

        Parameters:
            clock_ns: the time (ns since 1970), such as `Moment.clock_ns`.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, a log is damaged.
            HostError: ERR_IO, a log cannot be read.
        """
        found = [
            process.timeline().at_time(clock_ns - process.log.started) for process in self.processes
        ]
        return [moment for moment in found if moment is not None]

    def calls(self, name: str) -> Iterator[Call]:
        """Yield the calls of a function in all processes, one process after the other.

        Parameters:
            name: as for `Process.calls`.

        Raises:
            TargetError, HostError: as for `at_time`.
        """
        for process in self.processes:
            yield from process.calls(name)

    def find(self, text: str) -> Iterator[Finding]:
        """Yield where a text appears, in all processes, one process after the other.

        It appears where a variable, an attribute or an item gets a value that contains it, where
        such a value is an argument or is returned or yielded, at the first call of a function whose
        name, module or variables' names contain it, and in output and input. A number is found by
        its digits. This reads the whole logs.

        Parameters:
            text: the text.

        Raises:
            TargetError: ERR_TRACE_DAMAGED, a log is damaged after what was yielded.
            HostError: ERR_IO, a log cannot be read.
        """
        for process in self.processes:
            yield from find(process, text)

    @property
    def complete(self) -> bool:
        """True if every log has its end and the metadata agrees."""
        return self.problem is None

    @property
    def problem(self) -> str | None:
        """The reason why the recording is incomplete, or None; reads the end of each log.

        Damage in the middle of a log is found when the log is read, and damage of a source file's
        copy when its lines are read.
        """
        problems = [self._incomplete(), self._bad_metadata, *self._sources.problems.values()]
        return "; ".join(problem for problem in problems if problem) or None

    def replay(self) -> Replay:
        """Return `Process.replay` of the first process."""
        return self.processes[0].replay()

    def source_lines(self, path: str) -> list[str]:
        """Return the lines of a source file as it was recorded; none if there is no copy.

        Parameters:
            path: a `Code.path`.
        """
        return self._sources.lines(path)

    def source_line(self, path: str, line: int) -> str:
        """Return a line (1-based) of a source file, stripped; empty if there is no copy."""
        lines = self.source_lines(path)
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""

    def source_copy(self, path: str) -> str | None:
        """Return the path of the copy of a source file; None if there is no readable one.

        It is a regular file inside the recording, of any size.
        """
        return self._sources.copy(path)

    def _incomplete(self) -> str | None:
        for process in self.processes:
            try:
                if not process.complete:
                    return self._why(process)
            except HostError as error:
                return error.message
        if self._bad_metadata or self.metadata.get("complete") is not False:
            return None
        reason = self.metadata.get("incomplete_reason")
        if reason is None and self.metadata.get("duration_ns") is None:
            if self._was_replaced():
                return None
            return (
                f"{METADATA_FILE} was not written at the end: the recorder failed to write it, or"
                " was stopped while it did; the logs are complete"
            )
        return str(reason or "the recorder gave no reason")

    def _was_replaced(self) -> bool:
        """Return whether exec has replaced the process that would have written the metadata."""
        return bool(self.processes) and isinstance(self.processes[0].log.end(), ExecRecord)

    def _why(self, process: Process) -> str:
        reason = self.metadata.get("incomplete_reason")
        if isinstance(reason, str) and reason:
            return reason
        name = os.path.basename(process.path)
        if _lives(process.pid):
            return (
                f"{name} has no end: a process {process.pid} is running here, and may still be"
                " recording; or the recording was stopped, and the PID has been used again"
            )
        return (
            f"{name} has no end: its process was killed, left by os._exit or crashed,"
            " or the file was cut; `codetracer info` shows each process"
        )

    def _logs(self) -> list[str]:
        try:
            names = sorted(name for name in os.listdir(self.folder) if name.endswith(LOG_SUFFIX))
        except FileNotFoundError:
            raise TargetError(
                "ERR_TRACE_MISSING",
                f"there is no {self.path}; name the folder of a recording, or a log in it",
                {"path": self.path},
            ) from None
        except OSError as error:
            raise unreadable(self.path, error) from error
        if not names:
            raise TargetError(
                "ERR_TRACE_MISSING",
                f"{self.path} is not a recording: it has no {LOG_SUFFIX} file",
                {"path": self.path},
            )
        known = self.metadata.get("processes")
        if isinstance(known, list):
            logs = [row.get("log") for row in known if isinstance(row, dict)]
            order = {name: number for number, name in reversed([*enumerate(logs)])}
            names.sort(key=lambda name: order.get(name, len(logs)))
        return names


def _lives(pid: int) -> bool:
    if not pid:
        # No process; os.kill() would mean all processes of this group.
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
