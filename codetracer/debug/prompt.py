"""The prompt of `codetracer debug`: pdb's commands over a recording, in both directions."""

from __future__ import annotations

import cmd
import sys
from typing import TYPE_CHECKING, Final

from codetracer.debug.prompt_breaking import Breaking
from codetracer.debug.prompt_completing import Completing
from codetracer.debug.prompt_looking import Looking
from codetracer.debug.prompt_moving import Moving
from codetracer.debug.prompt_session import NEEDS_A_PROGRAM
from codetracer.debug.prompt_times import Times
from codetracer.errors import RecorderError
from codetracer.terminal import SafeStream

if TYPE_CHECKING:
    from codetracer.debug.stops import Stop

__all__ = ["Prompt"]


class Prompt(Moving, Looking, Times, Breaking, Completing):
    """Asks for commands and runs them until somebody quits; see `Session` for its parameters."""

    identchars = cmd.IDENTCHARS + "=.[](),\"'+-*/%@&|<>~^"
    """Letters of one word, so that ``c.total`` is an expression and no command ``c``."""

    def begin(self, stop: Stop) -> None:
        """Ask for commands, from a stop on, until somebody quits or the input ends."""
        self.settle(stop)
        self.show_stop()
        while True:
            try:
                self.cmdloop()
                return
            except KeyboardInterrupt:
                self.cmdqueue.clear()
                self.message("")
                self.message("--KeyboardInterrupt--")

    def cmdloop(self, intro: object = None) -> None:
        """Ask for commands, and run those that are waiting first."""
        stopped = False
        while not stopped:
            line = self.cmdqueue.pop(0) if self.cmdqueue else self.ask(self.prompt, at_end="EOF")
            stopped = bool(self.onecmd(self.precmd(line)))

    def ask(self, question: str, at_end: str = "") -> str:
        """Return the line that is typed after a question; see `Session.ask`."""
        stream = sys.stdout
        # The line editor writes only to the interpreter's own standard output.
        sys.stdout = stream.stream if isinstance(stream, SafeStream) else stream
        try:
            line = input(question)
        except EOFError:
            self.message("")
            return at_end
        finally:
            sys.stdout = stream
        if not sys.stdin.isatty():
            # What a terminal would have shown.
            self.message(line)
        return line

    def precmd(self, line: str) -> str:
        """Replace an alias by what it stands for, and keep what is after ``;;`` for later."""
        words = line.split()
        if not words:
            return line
        for _ in self.aliases:
            if words[0] not in self.aliases:
                break
            replaced = self._without_alias(words)
            if replaced is None:
                return "!None"
            line, words = replaced, replaced.split()
        if words[0] != "alias" and ";;" in line:
            line, _, later = line.partition(";;")
            self.cmdqueue.insert(0, later.strip())
        return line.strip()

    def onecmd(self, line: str) -> bool:
        """Run a command, and return whether it was the last one."""
        try:
            return bool(super().onecmd(line))
        except RecorderError as error:
            self.error(error.message)
            return False

    def _without_alias(self, words: list[str]) -> str | None:
        """Return the command that an alias and its arguments stand for."""
        name, *given = words
        line = self.aliases[name]
        if "%*" in line:
            return line.replace("%*", " ".join(given))
        wanted = max((number for number in range(1, 10) if f"%{number}" in line), default=0)
        if len(given) != wanted:
            many = "Too many" if len(given) > wanted else "Not enough"
            self.error(f"{many} arguments for alias {name!r}")
            return None
        for number, word in enumerate(given, 1):
            line = line.replace(f"%{number}", word)
        return line

    # ---------------------------------------------------------------- commands

    def do_alias(self, argument: str) -> None:
        """Let a name stand for a command, or print what it stands for.

        alias [name [command]]
        In the command, %1 to %9 are the words after the name, and %* is all of them.
        """
        name, _, command = argument.partition(" ")
        if command:
            self.aliases[name] = command.strip()
            return
        for known in sorted(self.aliases) if not name else [name] if name in self.aliases else []:
            self.message(f"{known} = {self.aliases[known]}")

    def do_unalias(self, argument: str) -> None:
        """Delete an alias.

        unalias name
        """
        if self.aliases.pop(argument, None) is None:
            self.error(f"There is no alias {argument!r}")

    def do_help(self, arg: str) -> None:
        """List the commands, or say what one does.

        h(elp) [command]
        """
        method = getattr(self, f"do_{arg}", None) if arg else None
        if method is not None:
            for line in (method.__doc__ or "").splitlines():
                self.message(line.strip())
        elif arg:
            self.error(f"No help for {arg!r}; `help` lists the commands")
        else:
            for title, names in GROUPS.items():
                self.message(f"{title + ':':<12}{names}")
            self.message("`help COMMAND` says what one does. Any other line is an expression.")

    def do_quit(self, argument: str) -> bool:
        """Leave the prompt.

        q(uit) | exit
        """
        return True

    def do_EOF(self, argument: str) -> bool:  # noqa: N802 cmd gives it this name
        """Leave the prompt at the end of the input."""
        return True

    def do_interact(self, argument: str) -> None:
        """Do nothing: a recording runs no code.

        interact | debug
        """
        self.error(f"{NEEDS_A_PROGRAM}; `p` evaluates expressions")

    do_h = do_help
    do_q = do_exit = do_quit
    do_debug = do_interact


GROUPS: Final = {
    "Forwards": "s(tep) n(ext) r(eturn) unt(il) c(ontinue)",
    "Backwards": "rs rn ru rc",
    "Anywhere": "goto j(ump) run thread process",
    "Stops": "b(reak) tbreak watch cl(ear) enable disable condition ignore commands",
    "Stack": "w(here) u(p) d(own) a(rgs) retval threads processes",
    "Source": "l(ist) ll source",
    "Values": "p pp whatis display undisplay why history raises",
    "Prompt": "h(elp) alias unalias q(uit)",
}
"""The commands, by what they are for."""
