"""Chains of filters, and what they say of a code object and of a name in it.

The last rule that matches decides, in the order of the chain. Built-in redaction is a floor: only
a pattern that allows a name lifts it (docs/adr/0005-trace-filters.md).
"""

from __future__ import annotations

import os

import codetracer
import codetracer_bindings
from codetracer.errors import UsageError
from codetracer.filters.schema import parse_filter
from codetracer.filters.selectors import as_base, file_test

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final, Literal

    from codetracer.filters.schema import Action, FilterFile, IoCapture, Rule, ValuePattern
    from codetracer.filters.selectors import Test, ValueKind

    type Origin = Literal["builtin", "project", "environment", "command line"]

__all__ = [
    "BUILTINS",
    "PROJECT_FILTER",
    "VARIABLE",
    "FilterChain",
    "FilterSource",
    "Scope",
    "load_chain",
]

VARIABLE: Final = "CODETRACER_TRACE_FILTER"
"""The environment variable that names filter files."""

FOLDER: Final = ".codetracer"
PROJECT_FILTER: Final = os.path.join(FOLDER, "trace-filter.toml")
"""What a project's filter is called; looked for from the program's folder upward."""

SEPARATOR: Final = "::"

BUILTINS: Final = ("default", "pytest", "unittest")
"""The filters that come with codetracer."""

OWN_FOLDERS: Final = tuple(
    sorted(
        base
        for module in (codetracer, codetracer_bindings)
        if module.__file__
        for base in as_base(os.path.dirname(module.__file__))
    )
)
"""Where codetracer's own code is."""

STRICTNESS: Final[dict[Action, int]] = {"allow": 0, "redact": 1, "drop": 2}


MOST_NAMES: Final = 10_000
"""How many names a list of patterns remembers its answers for."""


class FilterSource:
    """A filter of a chain.

    Attributes:
        name: its own, from its ``[meta]``.
        path: absolute; None when it comes with codetracer.
        origin: ``builtin``, ``project``, ``environment`` or ``command line``.
        label: the path, or such as ``<builtin default>``.
        sha256: of the file's bytes, in hexadecimal.
    """

    __slots__ = ("label", "name", "origin", "path", "sha256")

    def __init__(
        self, name: str, path: str | None, origin: Origin, label: str, sha256: str
    ) -> None:
        self.name = name
        self.path = path
        self.origin: Origin = origin
        self.label = label
        self.sha256 = sha256

    def __repr__(self) -> str:
        return f"FilterSource({self.name!r}, {self.label!r}, {self.origin!r})"


class NamePatterns:
    """The patterns of one rule.

    Names come again and again, and a dozen regexes take microseconds, so answers are remembered.
    """

    __slots__ = ("_known", "_tests")

    def __init__(self, patterns: Sequence[ValuePattern]) -> None:
        self._tests: dict[str, list[tuple[Test, Action]]] = {}
        for pattern in patterns:
            tests = self._tests.setdefault(pattern.selector.kind, [])
            tests.append((pattern.selector.test, pattern.action))
        self._known: dict[tuple[str, str], Action | None] = {}

    def __bool__(self) -> bool:
        return bool(self._tests)

    def first(self, kind: str, name: str) -> Action | None:
        """Return the action of the first pattern that matches; None when none does."""
        # What only looks like a str may have a hash of the program's own.
        if type(name) is not str:
            name = str.__str__(name)
        key = (kind, name)
        if key in self._known:
            return self._known[key]
        action: Action | None = None
        for test, action_of_test in self._tests.get(kind, ()):
            if test(name):
                action = action_of_test
                break
        if len(self._known) < MOST_NAMES:
            self._known[key] = action
        return action


NO_PATTERNS: Final = NamePatterns(())


class Scope:
    """What a chain says of one code object.

    Attributes:
        traced: whether its events are recorded.
        reason: which rule of which filter said so, for statistics.
    """

    __slots__ = ("_default", "_floor", "_patterns", "reason", "traced")

    def __init__(
        self,
        traced: bool,
        reason: str,
        default: Action = "allow",
        patterns: NamePatterns = NO_PATTERNS,
        floor: NamePatterns = NO_PATTERNS,
    ) -> None:
        self.traced = traced
        self.reason = reason
        self._default: Action = default
        self._patterns = patterns
        self._floor = floor

    def __repr__(self) -> str:
        return f"Scope(traced={self.traced}, reason={self.reason!r})"

    def action(self, kind: ValueKind, name: str) -> Action:
        """Return what happens to a value.

        Parameters:
            kind: what it is; ``attr`` is a field of a recorded object.
            name: that of the variable, argument or field; for ``ret`` the module-qualified name
                of the function that returns it.
        """
        own = self._patterns.first(kind, name)
        if own is not None:
            return own
        floor = self._floor.first(kind, name) or "allow"
        return floor if STRICTNESS[floor] > STRICTNESS[self._default] else self._default


class FilterChain:
    """Filters, one after the other.

    Attributes:
        sources: where they come from, in their order.
        io: what the last one that has an ``[io]`` says; None when none has.
    """

    def __init__(self, filters: Sequence[tuple[FilterSource, FilterFile]], project: str) -> None:
        """Put filters together.

        Parameters:
            filters: in their order; all but the first may inherit.
            project: the folder that relative paths count from, beside the filter's own.
        """
        self.sources = tuple(source for source, _ in filters)
        self.io: IoCapture | None = None
        self._rules: list[_ChainRule] = []
        self._traced = True
        self._reason = "no filter says otherwise"
        self._default: Action = "allow"
        self._default_from = 0
        for number, (source, content) in enumerate(filters):
            if content.default_exec is not None:
                self._traced = content.default_exec == "trace"
                self._reason = f"{source.name}: scope.default_exec"
            if content.default_value_action is not None:
                self._default = content.default_value_action
                self._default_from = number
            self.io = content.io or self.io
            bases = _bases(source, project)
            self._rules.extend(_ChainRule(rule, source, number, bases) for rule in content.rules)

    def scope(self, package: str, file: str, obj: str) -> Scope:
        """Return what the chain says of a code object.

        Parameters:
            package: the dotted name of its module; empty when it has none.
            file: the absolute path of its file, or a name in angle brackets.
            obj: its qualified name, after that of its module and a dot.
        """
        names = {"pkg": package, "file": file, "obj": obj}
        traced, reason = self._traced, self._reason
        default: Action = self._default
        default_from = self._default_from
        patterns = floor = NO_PATTERNS
        patterns_from = 0
        for rule in self._rules:
            if not rule.test(names[rule.kind]):
                continue
            if rule.traced is not None:
                traced, reason = rule.traced, rule.reason
            if rule.value_default is not None:
                default, default_from = rule.value_default, rule.number
            if not rule.is_builtin:
                patterns, patterns_from = rule.patterns, rule.number
            elif rule.patterns:
                floor = rule.patterns
        if default == "drop" and patterns_from < default_from:
            # Whoever drops everything does not mean what an earlier file would let through.
            patterns = NO_PATTERNS
        return Scope(traced, reason, default, patterns, floor)


class _ChainRule:
    """A rule in its place in a chain."""

    __slots__ = (
        "is_builtin",
        "kind",
        "number",
        "patterns",
        "reason",
        "test",
        "traced",
        "value_default",
    )

    def __init__(self, rule: Rule, source: FilterSource, number: int, bases: Sequence[str]) -> None:
        selector = rule.selector
        self.kind = selector.kind
        self.test: Test = file_test(selector, bases) if self.kind == "file" else selector.test
        self.traced = None if rule.exec is None else rule.exec == "trace"
        self.value_default: Action | None = rule.value_default
        self.patterns = NamePatterns(rule.patterns)
        self.reason = f"{source.name}: {rule.reason}"
        self.number = number
        self.is_builtin = source.origin == "builtin"


def load_chain(
    start: str,
    *,
    environ: Mapping[str, str],
    command_line: Sequence[str] = (),
    builtin: Sequence[str] = ("default",),
) -> FilterChain:
    """Return the chain that holds for a program.

    It is: what comes with codetracer, the project's filter, those that the environment names and
    those of the command line.

    Parameters:
        start: the folder of the program; there and in the folders above it the project's filter
            is looked for.
        environ: its CODETRACER_TRACE_FILTER names files, separated by ``::``.
        command_line: names of files, each of which may be several, separated by ``::``.
        builtin: some of `BUILTINS`.

    Raises:
        UsageError: ERR_INVALID_FILTER, a file cannot be read or is wrong.
    """
    found = _project_filter(start)
    project = os.path.dirname(os.path.dirname(found)) if found else _working_directory(start)
    filters: list[tuple[FilterSource, FilterFile]] = []
    for name in builtin:
        filters.append(_load_builtin(name, inherits=bool(filters)))

    def load(path: str, origin: Origin) -> None:
        filters.append(_load_file(path, origin, inherits=bool(filters)))

    if found:
        load(found, "project")
    for path in _paths(environ.get(VARIABLE, ""), VARIABLE):
        load(path, "environment")
    for text in command_line:
        if not text:
            raise _unreadable(repr(text), "command line", "it names no file")
        for path in _paths(text, "command line"):
            load(path, "command line")
    return FilterChain(filters, project)


def _project_filter(start: str) -> str | None:
    folder = os.path.abspath(start)
    while True:
        path = os.path.join(folder, PROJECT_FILTER)
        # A link that leads nowhere is one that was meant to be there.
        if os.path.lexists(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _working_directory(otherwise: str) -> str:
    try:
        return os.getcwd()
    except OSError:
        return otherwise


def _paths(text: str, where: str) -> list[str]:
    """Return the absolute paths that a list of files names; none when it is empty."""
    if not text:
        return []
    names = text.split(SEPARATOR)
    if "" in names:
        raise _unreadable(repr(text), where, f"it names no file on one side of a {SEPARATOR}")
    return [os.path.abspath(os.path.expanduser(name)) for name in names]


def _unreadable(path: str, origin: str, problem: str) -> UsageError:
    return UsageError(
        "ERR_INVALID_FILTER",
        f"trace filter {path} ({origin}): {problem}",
        {"file": path, "origin": origin},
    )


def _load_file(path: str, origin: Origin, *, inherits: bool) -> tuple[FilterSource, FilterFile]:
    try:
        with open(path, "rb") as file:
            content = file.read()
        # Some editors put a mark before it.
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, origin, error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, origin, f"line {line} is not UTF-8") from None
    except ValueError as error:
        # A null byte in the name.
        raise _unreadable(repr(path), origin, str(error)) from None
    parsed = parse_filter(text, path, inherits=inherits)
    return FilterSource(parsed.name, path, origin, path, _sha256(content)), parsed


def _load_builtin(name: str, *, inherits: bool) -> tuple[FilterSource, FilterFile]:
    if name not in BUILTINS:
        raise ValueError(f"there is no built-in filter {name!r}; there are {', '.join(BUILTINS)}")
    label = f"<builtin {name}>"
    path = os.path.join(os.path.dirname(__file__), "builtin", f"{name}.toml")
    with open(path, "rb") as file:
        content = file.read()
    text = content.decode("utf-8").replace("@standard_library@", _standard_library())
    parsed = parse_filter(text, label, inherits=inherits)
    return FilterSource(parsed.name, None, "builtin", label, _sha256(content)), parsed


def _standard_library() -> str:
    """Return a regex for the folders, with a slash at the end, that the standard library is in."""
    import re

    folders = sorted(as_base(os.path.dirname(os.__file__)))
    # An apostrophe would end the text that it is put into.
    return "|".join(map(re.escape, folders)).replace("'", r"\x27")


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _bases(source: FilterSource, project: str) -> tuple[str, ...]:
    """Return the folders that relative paths in a filter count from."""
    if source.path is None:
        return ()
    folder = os.path.dirname(source.path)
    while os.path.dirname(folder) != folder:
        if os.path.basename(folder) == FOLDER:
            own = os.path.dirname(folder)
            break
        folder = os.path.dirname(folder)
    else:
        own = os.path.dirname(source.path)
    return tuple(sorted(as_base(own) | as_base(project)))
