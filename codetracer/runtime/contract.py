"""The protocol of an engine, for type checkers and for people.

Nothing in this module runs in a traced program, because it is imported only under TYPE_CHECKING. A
test compares it with both engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from codetracer.recording.writer import Log
    from codetracer.runtime.actions import NameActions
    from codetracer.runtime.lines import Line
    from codetracer.runtime.plans import Variable
    from codetracer_bindings import _engine

__all__ = ["Engine", "EngineInC", "Outline", "Reading"]


class Outline(TypedDict):
    """The decision about a code object, of which an engine makes its plan."""

    source: int
    """The number of its source in the log."""
    detail: int
    """The number of the detail in which it is recorded; see `DETAIL_NAMES`."""
    kind: int
    """Its kind in the log: module, class, function and so on."""
    first_line: int
    """Its ``co_firstlineno``."""
    beginning: int
    """The byte offset in its bytecode at which the event of a frame's beginning fires; or -1."""
    in_slots: bool
    """True if its variables are in slots, and not in a namespace."""
    gathers: bool
    """True if its last parameter gets a dict that the call makes, of keyword arguments."""
    makes: bool
    """True if it gets an object that has just been made."""
    name: str
    """Its ``co_name``."""
    qualified: str
    """Its ``co_qualname``."""
    module: str
    """``__name__`` of its globals, or an empty text."""
    parameters: int
    """The number of its parameters."""
    names: list[str]
    """The names of its local variables, parameters first."""
    global_names: list[str]
    """The names of its global variables."""
    actions: bytes
    """A filter's action for each variable, in the order of both lists."""
    return_action: int
    """The action for its results."""
    attributes: NameActions
    """The actions for attributes."""
    reading: Reading | None
    """The facts about its lines; None without values."""


class EngineInC(Protocol):
    """The part that a recording uses of ``codetracer_bindings._engine``."""

    Capture: type[_engine.Capture]
    CodeReader: type[_engine.CodeReader]
    Engine: type[_engine.Engine]
    LogWriter: type[_engine.LogWriter]
    Pipes: type[_engine.Pipes]

    def running_frames(self) -> list[FrameType]:
        """Return the innermost frame of each thread of this interpreter."""
        ...


class Engine(Protocol):
    """Turns events into records, and writes the records of each event in one piece.

    There are two engines, `codetracer.runtime.events.Events` and
    ``codetracer_bindings._engine.Engine``, and both write the same bytes. A handler returns DISABLE
    if none of the location's events will be recorded, otherwise None. It raises exceptions of the
    program, from signal handlers or formatters, and its own, such as HostError if the log cannot be
    written.
    """

    def on_py_start(self, code: CodeType, instruction_offset: int, /) -> object:
        """A frame begins."""

    def on_py_resume(self, code: CodeType, instruction_offset: int, /) -> object:
        """A generator or coroutine is resumed."""

    def on_py_throw(
        self, code: CodeType, instruction_offset: int, exception: BaseException, /
    ) -> None:
        """A generator or coroutine is resumed with an exception."""

    def on_line(self, code: CodeType, line_number: int, /) -> object:
        """A line is about to run."""

    def on_raise(
        self, code: CodeType, instruction_offset: int, exception: BaseException, /
    ) -> None:
        """An exception is raised, or comes out of a call."""

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
        """A frame ends with an exception."""

    def output(self, stream: int, data: bytes, frame: FrameType | None, /) -> None:
        """The program wrote an output, or read its standard input.

        Parameters:
            stream: STREAM_STDIN, STREAM_STDOUT or STREAM_STDERR of trace_format.
            data: the written or read bytes.
            frame: the frame that wrote or read them; None if it is not known.

        Raises:
            ValueError: there is no such stream; OverflowError for a negative number in C.
        """

    def exit(self, code: int | None, /) -> None:
        """Recording ends.

        Parameters:
            code: the exit status, of 64 bits; None if it is not known.

        Raises:
            OverflowError: the status has more than 64 bits.
        """

    def note(self, record: bytes, /) -> None:
        """Write a record that belongs to no event of CPython."""

    def end(self) -> None:
        """Stop recording for good."""

    def counts(self) -> dict[str, int]:
        """Return the numbers of ``threads``, ``calls`` and ``missed`` events so far."""
        ...

    def cost(self) -> dict[str, int]:
        """Return the CPU time that the engine has taken so far, in ns, extrapolated from samples.

        ``code_ns`` is the time of reading new code, ``events_ns`` that of everything else,
        ``writing_ns`` the part of it in which the log was written.
        """
        ...

    def raised_at(self, exception: BaseException, /) -> int | None:
        """Return the step at which a living exception was raised; None if it is not known."""

    def restart(self, log: Log, /) -> None:
        """Start again with another log, in a forked child."""

    def learn(self, value: object, /) -> None:
        """Hide the texts of a value from now on, wherever they appear."""

    def clean(self, data: bytes, /) -> bytes:
        """Return the bytes with placeholders in place of secrets."""
        ...


class Reading(Protocol):
    """The facts about a code object's lines, read from its bytecode.

    `codetracer.runtime.bytecode.CodeReading` is for the engine in Python, and what
    ``codetracer_bindings._engine.CodeReader`` returns is for the one in C.

    Attributes:
        locals: the names of the local variables that can be seen, parameters first.
        parameters: how many of them are parameters.
        globals: the names of the global variables.
    """

    locals: list[str]
    parameters: int
    globals: list[str]

    def lines(
        self, local_variables: dict[str, Variable], global_variables: dict[str, Variable], /
    ) -> dict[int, Line]:
        """Return what each line can change, by number, in a form for the engine alone.

        Parameters:
            local_variables: the variables of `locals`, by name, in that order.
            global_variables: likewise.
        """
        ...
