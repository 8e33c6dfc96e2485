"""Reads plain command lines without `argparse`, by the options that a command gives its parser.

To load `argparse`, and to build a parser, takes longer than all that a recording needs. So a
command's `add_options` gives its options to a `PlainParser` first, as it would to an
ArgumentParser. A command line is plain if each of its options is spelled out, and has a value that
is right. Of any other one, and for every text that a user sees, argparse decides.
"""

from __future__ import annotations

from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Container, Sequence
    from typing import Any, Final, Literal

    type Options = argparse.Namespace | SimpleNamespace
    type OptionParser = argparse.ArgumentParser | PlainParser
    type Action = Literal["store", "append", "store_true", "switch"]

__all__ = ["PlainParser"]

NO: Final = "--no-"
"""The beginning of the flag that turns a switch off."""


class PlainParser:
    """Takes options as an ArgumentParser does, and reads plain command lines.

    Its methods have those parameters of argparse's that the commands use. The action ``switch`` is
    argparse's BooleanOptionalAction.
    """

    def __init__(self) -> None:
        self._options: list[_Option] = []
        self._flags: dict[str, tuple[_Option, bool]] = {}
        self._alternatives: list[set[str]] = []

    def add_argument(self, *flags: str, **settings: Any) -> str:
        """Add an option, and return the name of its value."""
        name = next((flag for flag in flags if flag.startswith("--")), flags[0])
        option = _Option(name.lstrip("-").replace("-", "_"), **settings)
        self._options.append(option)
        self._flags |= dict.fromkeys(flags, (option, True))
        if option.action == "switch":
            self._flags |= {flag.replace("--", NO, 1): (option, False) for flag in flags}
        return option.name

    def add_argument_group(self, title: str) -> PlainParser:
        """Return what takes the options of a group, which is one for the reader of a help only."""
        return self

    def add_mutually_exclusive_group(self) -> _Alternatives:
        """Return what takes options of which at most one may be given."""
        self._alternatives.append(set())
        return _Alternatives(self, self._alternatives[-1])

    @property
    def taking_values(self) -> set[str]:
        """The flags that have a value."""
        return {flag for flag, (option, _) in self._flags.items() if option.takes_value}

    def read(self, words: Sequence[str]) -> SimpleNamespace | None:
        """Return the values that argparse would read; None if the words are not plain.

        Parameters:
            words: the options and their values, without those that name a program.
        """
        given: dict[str, Any] = {}
        rest = iter(words)
        try:
            for word in rest:
                flag, equals, joined = word.partition("=") if word[:2] == "--" else (word, "", "")
                option, is_on = self._flags[flag]
                if not option.takes_value:
                    if equals:
                        return None
                    given[option.name] = is_on
                    continue
                if joined == "--":
                    # The argparse of 3.12 takes such a value away.
                    return None
                value = option.value_of(joined if equals else _plain(next(rest)))
                before = given.get(option.name, option.default)
                given[option.name] = [*before, value] if option.action == "append" else value
            if any(len(names & given.keys()) > 1 for names in self._alternatives):
                return None
            defaults = {option.name: option.default_value() for option in self._options}
        except Exception:
            # An unknown flag, or no value, or a wrong one: argparse has the message.
            return None
        return SimpleNamespace(**defaults | given)


class _Alternatives:
    """Takes options of which at most one may be given.

    Parameters:
        parser: gets the options.
        names: gets the names of their values.
    """

    def __init__(self, parser: PlainParser, names: set[str]) -> None:
        self._parser = parser
        self._names = names

    def add_argument(self, *flags: str, **settings: Any) -> None:
        """Add an option; see `PlainParser`."""
        self._names.add(self._parser.add_argument(*flags, **settings))


class _Option:
    """An option.

    Attributes:
        name: the name of its value.
        action, default: as for argparse.
        takes_value: whether the next word is its value.
    """

    def __init__(
        self,
        name: str,
        *,
        action: Action = "store",
        default: Any = None,
        type: Callable[[str], object] | None = None,
        choices: Container[object] | None = None,
        metavar: str | None = None,
        help: str | None = None,
    ) -> None:
        self.name = name
        self.action = action
        self.default = False if action == "store_true" else default
        self.takes_value = action in ("store", "append")
        self._parse = type
        self._choices = choices

    def value_of(self, text: str) -> object:
        """Return the value of a text.

        Raises:
            Exception: the text is wrong.
        """
        value = text if self._parse is None else self._parse(text)
        if self._choices is not None and value not in self._choices:
            raise ValueError(text)
        return value

    def default_value(self) -> object:
        """Return the value if the option is not given; as for argparse, a text is parsed."""
        if isinstance(self.default, str) and self._parse is not None:
            return self._parse(self.default)
        return self.default


def _plain(word: str) -> str:
    if word[:1] == "-":
        raise ValueError(word)
    return word
