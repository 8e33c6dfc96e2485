"""The last lines of ``codetracer record``: how much was recorded, and how to see it.

This code runs after the program. It runs no code of the program, looks up nothing that the program
may have replaced, and imports nothing. It writes to the standard error of the time when recording
began, and writes nothing if the program has closed that.
"""

from __future__ import annotations

import sys
from io import BufferedWriter as _BufferedWriter
from io import FileIO as _FileIO
from io import TextIOWrapper as _TextIOWrapper

from codetracer.log import to_stderr
from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from codetracer.runtime.lifecycle import Recorder

__all__ = ["Summary", "flush", "say"]

MOST_NAMED: Final = 3
"""The number of processes without a recording that are named."""

UNQUOTED: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-"
)
"""The characters that mean themselves in a shell."""

_modules = vars(sys)

seal(globals())


class Summary:
    """The last lines about one recording.

    Parameters:
        recorder: the recorder.
        folder: the folder of the recording, in the form in which the user would name it.
    """

    def __init__(self, recorder: Recorder, folder: str) -> None:
        self._recorder = recorder
        self._folder = _quoted(folder)
        self._show = f"codetracer show {self._folder}"
        self._hidden = 0
        self._uncaught = ""
        self._step: int | None = None

    def note_uncaught(self, error: BaseException) -> None:
        """Remember the exception that ended the program."""
        self._uncaught = type(error).__name__
        self._step = self._recorder.raised_at(error)

    def note_hidden(self, status: int) -> None:
        """Remember the program's exit status, which the command's own status will not show."""
        self._hidden = status

    def tell(self) -> None:
        """Print the summary, unless recording failed; that is reported elsewhere."""
        recorder = self._recorder
        if not recorder.started or recorder.failed or not recorder.is_wanted:
            return
        _say_unrecorded(recorder.unrecorded())
        if self._hidden:
            say(f"codetracer: the program ended with status {self._hidden}")
        try:
            processes, size = len(recorder.directory.logs()), recorder.directory.size()
        except OSError as error:
            if not began_here(error):
                raise
            return
        counts = recorder.counts()
        calls = counts["calls"]
        if not calls and processes == 1:
            say(
                "codetracer: nothing was recorded: the filters, --include or --activation-path"
                " left out all code that ran"
            )
            return
        others = f" and {_number(processes - 1, 'more process', 'es')}" if processes > 1 else ""
        missed = f", {_number(counts['missed'], 'event')} missed" if counts["missed"] else ""
        say(
            f"codetracer: recorded {_number(calls, 'call')}{others}, {_size(size)}{missed};"
            f" to see it: {self._show}"
        )
        if recorder.lowered:
            say(
                "codetracer: the budget lowered details of code"
                f" {_number(recorder.lowered, 'time')}; which, and when:"
                f" codetracer info {self._folder}"
            )
        if self._uncaught and self._step is None:
            say(f"codetracer: uncaught {self._uncaught}; to see it: {self._show} --raises")
        elif self._uncaught:
            say(
                f"codetracer: uncaught {self._uncaught}, raised at step {self._step:,};"
                f" to see it: {self._show} --step {self._step}"
            )


def say(text: str) -> None:
    """Print a line on standard error without recording it as the program's output."""
    # What the program printed comes first.
    flush("stdout")
    flush("stderr")
    to_stderr(text)


def flush(name: str) -> None:
    """Flush a stream of `sys` if all its layers are CPython's own classes.

    An error of the stream itself is ignored: CPython reports it at exit.

    Parameters:
        name: ``stdout`` or ``stderr``.
    """
    stream = _modules.get(name)
    if (
        type(stream) is not _TextIOWrapper
        or type(stream.buffer) is not _BufferedWriter
        or type(stream.buffer.raw) is not _FileIO
    ):
        return
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        # The stream is closed, or the reader of its pipe has gone.
        if not began_here(error):
            raise


def _say_unrecorded(missing: list[str]) -> None:
    if missing:
        more = f"; and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        say(
            f"codetracer: Python processes that the program started, which are not recorded:"
            f" {len(missing)} ({'; '.join(missing[:MOST_NAMED])}{more})"
        )


def _number(number: int, what: str, plural: str = "s") -> str:
    return f"{number:,} {what}{'' if number == 1 else plural}"


def _size(size: int) -> str:
    """Return a number of bytes with its largest fitting unit."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"


def _quoted(word: str) -> str:
    """Return a word quoted for a shell.

    `shlex` would do it, but it would be loaded into the program's process.
    """
    if not word.isprintable():
        # Nobody can type such a name, and its control characters must not move the cursor.
        return ascii(word)
    if word and all(character in UNQUOTED for character in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"
