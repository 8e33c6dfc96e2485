"""Completes commands, files, functions and variables at the prompt, and keeps its history."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

from codetracer.debug.prompt_session import Session
from codetracer.errors import RecorderError
from codetracer.replay.values import ObjectValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Completing", "line_editing"]

DELIMITERS: Final = " \t\n`@#%^&*()=+[{]}\\|;:'\",<>?"
"""The characters that end the word to complete; a dot does not."""

HISTORY_LINES: Final = 2_000
"""The number of lines kept in the history."""


class Completing(Session):
    """Completes what is typed."""

    def completenames(self, text: str, *ignored: object) -> list[str]:
        """Complete the first word: a command, an alias, or else an expression."""
        commands = [name[3:] for name in dir(type(self)) if name.startswith(f"do_{text}")]
        commands = [name for name in commands if name != "EOF"]
        commands += [alias for alias in self.aliases if alias.startswith(text)]
        return commands or self._expressions(text)

    def completedefault(self, *ignored: str) -> list[str]:
        """Complete an expression."""
        return self._expressions(ignored[0])

    def complete_break(self, text: str, line: str, begin: int, end: int) -> list[str]:
        """Complete a function or a file; numbers and conditions are not completed."""
        if "," in line[:begin]:
            return self._expressions(text)
        if ":" in line[:begin]:
            return []
        path = self.frame.code.path
        names = [each.name for each in self.facts_of(path).functions]
        names += [f"{os.path.basename(path)}:" for path in self.paths()]
        return [name for name in names if name.startswith(text)]

    def complete_numbers(self, text: str, *ignored: object) -> list[str]:
        """Complete the number of a breakpoint."""
        numbers = [str(each.number) for each in self.breakpoints]
        return [number for number in numbers if number.startswith(text)]

    complete_b = complete_tbreak = complete_break
    complete_cl = complete_clear = complete_enable = complete_disable = complete_numbers
    complete_condition = complete_ignore = complete_commands = complete_numbers

    def _expressions(self, text: str) -> list[str]:
        """Complete a variable, or an attribute of what is in front of the last dot."""
        owner, dot, attribute = text.rpartition(".")
        if not dot:
            names = self.moment.globals(self.frame) | self.moment.locals(self.frame)
            return sorted(name for name in names if name.startswith(text))
        try:
            value = self.value(owner)
        except RecorderError:
            return []
        names = value.attributes if isinstance(value, ObjectValue) else {}
        return sorted(f"{owner}.{name}" for name in names if name.startswith(attribute))


@contextmanager
def line_editing(prompt: Session) -> Iterator[None]:
    """Let the terminal edit lines, complete words and remember lines, until the block ends.

    The lines are kept from one run to the next in ``codetracer/debug_history`` of the user's state
    folder, if that can be written; only the user can read them.
    """
    try:
        import readline
    except ImportError:
        # A build of Python without it.
        yield
        return
    folder = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    history = os.path.join(folder, "codetracer", "debug_history")
    before = readline.get_completer(), readline.get_completer_delims()
    # typeshed's cmd has the type of its own matches here.
    readline.set_completer(cast("Callable[[str, int], str | None]", prompt.complete))
    readline.set_completer_delims(DELIMITERS)
    is_editline = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_editline else "tab: complete")
    # There may be none yet.
    with suppress(OSError):
        readline.read_history_file(history)
    known = readline.get_current_history_length()
    try:
        yield
    finally:
        readline.set_completer(before[0])
        readline.set_completer_delims(before[1])
        # A history is a convenience: the prompt does without.
        with suppress(OSError):
            _append(history, readline.get_current_history_length() - known)


def _append(history: str, new: int) -> None:
    import readline

    os.makedirs(os.path.dirname(history), mode=0o700, exist_ok=True)
    os.close(os.open(history, os.O_WRONLY | os.O_CREAT, 0o600))
    readline.set_history_length(HISTORY_LINES)
    readline.append_history_file(max(new, 0), history)
