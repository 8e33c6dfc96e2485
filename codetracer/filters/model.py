"""The parts of a filter: its rules, their patterns, and the settings of its file."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from codetracer.filters.selectors import Selector

    type Exec = Literal["trace", "skip"]
    type Action = Literal["allow", "redact", "drop"]
    type Detail = Literal["values", "lines", "calls"]

__all__ = ["FilterFile", "IoCapture", "PatternError", "Rule", "ValuePattern"]


class PatternError(ValueError):
    """A selector or its pattern is wrong; the text describes the mistake and the remedy."""


class ValuePattern:
    """A ``[[scope.rules.value_patterns]]``: the action for values with certain names."""

    __slots__ = ("action", "selector")

    def __init__(self, selector: Selector, action: Action) -> None:
        self.selector = selector
        self.action: Action = action


class Rule:
    """A ``[[scope.rules]]``.

    Attributes:
        selector: selects the code objects to which the rule applies.
        exec: whether they are recorded (``trace``) or not (``skip``); None keeps the earlier
            decision.
        value_default: the action for values that match no pattern; None keeps the earlier one.
        patterns: the patterns for values, in the order of the file.
        reason: the reason in the file, or else the text of the selector.
        detail: the detail in which they are recorded; None keeps the earlier one.
    """

    __slots__ = ("detail", "exec", "patterns", "reason", "selector", "value_default")

    def __init__(
        self,
        selector: Selector,
        exec_: Exec | None,
        value_default: Action | None,
        patterns: tuple[ValuePattern, ...],
        reason: str,
        detail: Detail | None = None,
    ) -> None:
        self.detail: Detail | None = detail
        self.selector = selector
        self.exec: Exec | None = exec_
        self.value_default: Action | None = value_default
        self.patterns = patterns
        self.reason = reason


class IoCapture:
    """An ``[io]``: whether the program's output and input are recorded.

    Attributes:
        capture: whether they are recorded.
        streams: the recorded streams, from ``stdout``, ``stderr``, ``stdin``, ``files``.
    """

    __slots__ = ("capture", "streams")

    def __init__(self, capture: bool, streams: tuple[str, ...]) -> None:
        self.capture = capture
        self.streams = streams


class FilterFile:
    """A whole filter file.

    Attributes:
        name: the filter's name, from ``[meta]``.
        default_exec: whether code is recorded if no rule decides; None inherits the default of the
            filter before it in the chain.
        default_value_action: the action for values if no rule decides; None inherits as well.
        rules: the rules, in the order of the file.
        io: the ``[io]`` table; None if the file has none.
        formatters: the names of functions that describe objects, by the names of the objects'
            types.
        default_detail: the detail of code if no rule decides; None inherits as well.
    """

    __slots__ = (
        "default_detail",
        "default_exec",
        "default_value_action",
        "formatters",
        "io",
        "name",
        "rules",
    )

    def __init__(
        self,
        name: str,
        default_exec: Exec | None,
        default_value_action: Action | None,
        rules: tuple[Rule, ...],
        io: IoCapture | None,
        formatters: dict[str, str],
        default_detail: Detail | None = None,
    ) -> None:
        self.default_detail: Detail | None = default_detail
        self.formatters = formatters
        self.name = name
        self.default_exec: Exec | None = default_exec
        self.default_value_action: Action | None = default_value_action
        self.rules = rules
        self.io = io
