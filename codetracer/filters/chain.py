"""Chains of filters, and their decisions about code objects and names in them.

The last rule that matches decides, in the order of the chain. What names say is secret is a floor:
only a pattern that allows a name lifts it (docs/adr/0005-trace-filters.md).
"""

from __future__ import annotations

import os

import codetracer_bindings
from codetracer.filters.names import LONGEST, MOST_NAMES
from codetracer.filters.selectors import as_base, file_test
from codetracer.inspect.paths import FileGlobs
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, Literal

    from codetracer.filters.names import SecretNames
    from codetracer.filters.schema import Action, FilterFile, IoCapture, Rule, ValuePattern
    from codetracer.filters.selectors import Test, ValueKind

    type Origin = Literal["builtin", "project", "environment", "command line"]

__all__ = ["FOLDER", "OWN_FOLDERS", "FilterChain", "FilterSource", "NamePatterns", "Scope"]

seal(globals())

FOLDER: Final = ".codetracer"
"""Where a project keeps its filters."""

OWN_FOLDERS: Final = tuple(
    sorted(
        base
        for file in (os.path.dirname(__file__), codetracer_bindings.__file__)
        if file
        for base in as_base(os.path.dirname(file))
    )
)
"""Where codetracer's own code is."""


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
        # A dict may have any text as a key; it is not kept alive.
        if len(name) <= LONGEST and len(self._known) < MOST_NAMES:
            self._known[key] = action
        return action


NO_PATTERNS: Final = NamePatterns(())


class Scope:
    """What a chain says of one code object.

    Attributes:
        traced: whether its events are recorded.
        reason: which rule of which filter said so, for statistics.
    """

    __slots__ = ("_default", "_names", "_patterns", "_reads", "reason", "traced")

    def __init__(
        self,
        traced: bool,
        reason: str,
        default: Action = "allow",
        patterns: NamePatterns = NO_PATTERNS,
        names: SecretNames | None = None,
        *,
        reads: bool = False,
    ) -> None:
        self.traced = traced
        self.reason = reason
        self._default: Action = default
        self._patterns = patterns
        self._names = names
        self._reads = reads

    def __repr__(self) -> str:
        return f"Scope(traced={self.traced}, reason={self.reason!r})"

    def action(self, kind: ValueKind, name: str) -> Action:
        """Return the action for a value.

        Parameters:
            kind: what it is; ``attr`` is a field of a recorded object.
            name: that of the variable, argument or field; for ``ret`` the module-qualified name
                of the function that returns it.
        """
        own = self._patterns.first(kind, name)
        if own is not None:
            return own
        if self._default != "drop" and self._is_secret(kind, name):
            return "redact"
        return self._default

    def names_secret(self, kind: ValueKind, name: str) -> bool:
        """Tell whether the name says that a value is secret, and not just a filter's default.

        Such a value is hidden wherever else it is met.
        """
        own = self._patterns.first(kind, name)
        return own != "allow" if own is not None else self._is_secret(kind, name)

    def _is_secret(self, kind: ValueKind, name: str) -> bool:
        if self._names is None:
            return False
        if self._reads and kind in ("local", "ret"):
            return True
        # What only looks like a str may have a hash of the program's own.
        name = name if type(name) is str else str.__str__(name)
        # A function of a module `tokens` is not secret for that.
        return self._names.is_secret(name.rpartition(".")[2] if kind == "ret" else name)


class FilterChain:
    """Filters, one after the other.

    Attributes:
        sources: where they come from, in their order.
        files: the files to record, which overrides the filters about files.
        io: the ``[io]`` of the last filter that has one; None if none has.
        names: decides which names are secret; None if only filters hide values.
        formatters: the names of functions that say what an object is, by the types' names; of
            several for a type the last one.
    """

    def __init__(
        self,
        filters: Sequence[tuple[FilterSource, FilterFile]],
        project: str,
        files: FileGlobs | None = None,
        names: SecretNames | None = None,
    ) -> None:
        """Put filters together.

        Parameters:
            filters: in their order; all but the first may inherit.
            project: the folder that relative paths count from, beside the filter's own.
            files: which files are recorded. A file that is included is recorded whatever the
                filters say of files and packages; what they say of single objects, and of values,
                holds there, too. One that is not, or is excluded, is left out.
            names: decides which names are secret.
        """
        self.files = files or FileGlobs()
        self.names = names
        self.sources = tuple(source for source, _ in filters)
        self.io: IoCapture | None = None
        self.formatters: dict[str, str] = {}
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
            self.formatters |= content.formatters
            bases = _bases(source, project)
            self._rules.extend(_ChainRule(rule, source, number, bases) for rule in content.rules)

    def scope(self, package: str, file: str, obj: str) -> Scope:
        """Return the chain's decision about a code object.

        Parameters:
            package: the dotted name of its module; empty when it has none.
            file: the absolute path of its file, or a name in angle brackets.
            obj: its qualified name, after that of its module and a dot.
        """
        names = {"pkg": package, "file": file, "obj": obj}
        traced, reason = self._traced, self._reason
        chosen = self.files.choose(file)
        if chosen is not None:
            traced, reason = chosen, "--include and --exclude"
        default: Action = self._default
        default_from = self._default_from
        patterns = NO_PATTERNS
        patterns_from = 0
        for rule in self._rules:
            if not rule.test(names[rule.kind]):
                continue
            if rule.traced is not None and (chosen is None or (chosen and rule.kind == "obj")):
                traced, reason = rule.traced, rule.reason
            if rule.value_default is not None:
                default, default_from = rule.value_default, rule.number
            if not rule.is_builtin:
                patterns, patterns_from = rule.patterns, rule.number
        if default == "drop" and patterns_from < default_from:
            # A default of `drop` overrides the patterns of earlier files.
            patterns = NO_PATTERNS
        if self.names is not None and obj in self.names.readers:
            # Only a recorded value can be hidden in other places too.
            return Scope(True, "reads secrets", names=self.names, reads=True)
        return Scope(traced, reason, default, patterns, self.names)


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
