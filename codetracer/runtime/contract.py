"""What an engine is, and what the one in C is told: for type checkers and for people.

Nothing of this runs in a traced program: the module is imported under TYPE_CHECKING alone. A test
compares it with both engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from codetracer.recording.writer import Log

__all__ = ["Engine"]


class Engine(Protocol):
    """Turns events into records, and writes each event's in one piece.

    `codetracer.runtime.events.Events` is one, ``codetracer_bindings._engine.Engine`` the other;
    they write the same bytes. The handlers return DISABLE where none of the location's events will
    be recorded, else None; they raise what is the program's, and what must not happen.
    """

    def on_py_start(self, code: CodeType, instruction_offset: int, /) -> object:
        """A frame begins."""

    def on_py_resume(self, code: CodeType, instruction_offset: int, /) -> object:
        """A generator or coroutine goes on."""

    def on_py_throw(
        self, code: CodeType, instruction_offset: int, exception: BaseException, /
    ) -> None:
        """A generator or coroutine goes on with an exception."""

    def on_line(self, code: CodeType, line_number: int, /) -> object:
        """A line is about to run."""

    def on_raise(
        self, code: CodeType, instruction_offset: int, exception: BaseException, /
    ) -> None:
        """An exception is raised, or comes out of what was called."""

    def on_exception_handled(
        self, code: CodeType, instruction_offset: int, exception: BaseException, /
    ) -> None:
        """An exception is handled."""

    def on_py_return(self, code: CodeType, instruction_offset: int, retval: object, /) -> object:
        """A frame returns."""

    def on_py_yield(self, code: CodeType, instruction_offset: int, retval: object, /) -> object:
        """A generator or coroutine is suspended."""

    def on_py_unwind(
        self, code: CodeType, instruction_offset: int, exception: BaseException, /
    ) -> None:
        """A frame ends by an exception."""

    def output(self, stream: int, data: bytes, frame: FrameType | None, /) -> None:
        """The program wrote something, or read its standard input.

        Parameters:
            stream: STREAM_STDIN, STREAM_STDOUT or STREAM_STDERR of trace_format.
            data: what it was.
            frame: the frame that did; None when it is not known.
        """

    def exit(self, code: int | None, /) -> None:
        """Recording ends.

        Parameters:
            code: the exit status, of 64 bits; None when it is not known.
        """

    def note(self, record: bytes, /) -> None:
        """Write a record that no event of CPython's tells of."""

    def end(self) -> None:
        """Record nothing more, and never begin again."""

    def counts(self) -> dict[str, int]:
        """Return how many ``threads`` and ``calls`` there were, and how many events ``missed``."""
        raise NotImplementedError

    def raised_at(self, exception: BaseException, /) -> int | None:
        """Return the step at which an exception that is alive was raised; None if not known."""

    def restart(self, log: Log, /) -> None:
        """Begin anew with another log, as a forked child must."""

    def learn(self, value: object, /) -> None:
        """Hide the texts of a value from now on, wherever they come."""

    def clean(self, data: bytes, /) -> bytes:
        """Return bytes with placeholders where they have secrets."""
        raise NotImplementedError
