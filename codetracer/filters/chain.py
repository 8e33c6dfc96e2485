"""Chains of filters, and their decisions about code objects and names in them.

Of all rules in the chain that match, the last one decides. A value with a secret name is hidden
unless a pattern explicitly allows that name (docs/adr/0005-trace-filters.md).
"""

from __future__ import annotations

import os

from codetracer.filters.names import LONGEST_SECRET_NAME, MOST_NAMES
from codetracer.filters.selectors import as_base, file_test
from codetracer.inspect.paths import FileGlobs
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, Literal

    from codetracer.filters.model import (
        Action,
        Detail,
        FilterFile,
        IoCapture,
        Rule,
        ValuePattern,
    )
    from codetracer.filters.names import SecretNames
    from codetracer.filters.selectors import Test, ValueKind

    type Origin = Literal["builtin", "project", "environment", "command line"]

__all__ = ["FOLDER", "FilterChain", "FilterSource", "NamePatterns", "Scope"]

seal(globals())

FOLDER: Final = ".codetracer"
"""The name of a project's folder for filters."""

MOST_FILES: Final = 1_000
"""The number of modules whose scopes are remembered. If there are more, all are forgotten."""


class FilterSource:
    """The origin of a filter of a chain.

    Attributes:
        name: the filter's name, from its ``[meta]``.
        path: the absolute path of its file; None if it comes with codetracer.
        origin: ``builtin``, ``project``, ``environment`` or ``command line``.
        label: the path, or a text such as ``<builtin default>``.
        sha256: the SHA-256 of the file's bytes, in hexadecimal.
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

    The same names recur, and a dozen regexes take microseconds, so answers are cached.

    Parameters:
        patterns: the patterns, in the order of the file.
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
        """Return the action of the first pattern that matches a name; None if none does.

        Parameters:
            kind: one of `selectors.VALUE_KINDS`.
            name: a `str`, perhaps of a subclass.
        """
        # A subclass of str may have a __hash__ of the program.
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
        # The key of a dict can be any text; the cache does not keep long ones alive.
        if len(name) <= LONGEST_SECRET_NAME and len(self._known) < MOST_NAMES:
            self._known[key] = action
        return action


NO_PATTERNS: Final = NamePatterns(())


class Scope:
    """The decision of a chain about one code object.

    Attributes:
        traced: whether its events are recorded.
        reason: the rule and the filter that decided, for statistics.
        detail: the detail in which it is recorded.
    """

    __slots__ = ("_default", "_names", "_patterns", "_reads", "detail", "reason", "traced")

    def __init__(
        self,
        traced: bool,
        reason: str,
        default: Action = "allow",
        patterns: NamePatterns = NO_PATTERNS,
        names: SecretNames | None = None,
        *,
        reads: bool = False,
        detail: Detail = "values",
    ) -> None:
        self.detail: Detail = detail
        self.traced = traced
        self.reason = reason
        self._default: Action = default
        self._patterns = patterns if patterns else NO_PATTERNS
        self._names = names
        self._reads = reads

    def __repr__(self) -> str:
        return f"Scope(traced={self.traced}, reason={self.reason!r})"

    @property
    def rules(self) -> tuple[object, ...]:
        """The rules for values. Two scopes with equal rules have the same actions."""
        return self._default, self._patterns, self._names, self._reads

    @property
    def goes_by_name(self) -> bool:
        """True if the action for a value depends only on its name.

        Then neither its kind counts, nor the module and class of a function that returns it.
        """
        return self._patterns is NO_PATTERNS and not self._reads

    def action(self, kind: ValueKind, name: str) -> Action:
        """Return the action for a value.

        Parameters:
            kind: the kind of the value; ``attr`` is a field of a recorded object.
            name: the name of the variable, argument or field; for ``ret`` the module-qualified name
                of the function that returns the value.
        """
        if self._patterns is not NO_PATTERNS:
            own = self._patterns.first(kind, name)
            if own is not None:
                return own
        if self._default != "drop" and self._is_secret(kind, name):
            return "redact"
        return self._default

    def names_secret(self, kind: ValueKind, name: str) -> bool:
        """Return whether a value is hidden because of its name, not only by a filter's default.

        Such a value is hidden wherever else it appears.

        Parameters:
            kind, name: as for `action`.
        """
        own = self._patterns.first(kind, name)
        return own != "allow" if own is not None else self._is_secret(kind, name)

    def _is_secret(self, kind: ValueKind, name: str) -> bool:
        if self._names is None:
            return False
        if self._reads and kind in ("local", "ret"):
            return True
        # A subclass of str may have a __hash__ of the program.
        name = name if type(name) is str else str.__str__(name)
        # The module's name does not count: not every function of a module `tokens` is secret.
        return self._names.is_secret(name.rpartition(".")[2] if kind == "ret" else name)


class FilterChain:
    """A list of filters in which later ones override earlier ones.

    Attributes:
        sources: the origins of the filters, in their order.
        files: selects the files to record; overrides what filters decide about files and packages.
        io: the ``[io]`` of the last filter that has one; None if none has.
        names: decides which names are secret; None if only filters hide values.
        formatters: the names of functions that describe objects, by the names of the objects'
            types. If several filters name the same type, the last one counts.
        detail: the detail of code for which no rule names one.
        has_details: whether a rule names one.
    """

    def __init__(
        self,
        filters: Sequence[tuple[FilterSource, FilterFile]],
        project: str,
        files: FileGlobs | None = None,
        names: SecretNames | None = None,
        detail: Detail | None = None,
    ) -> None:
        """Make a chain.

        Parameters:
            filters: the filters in their order; all but the first may inherit defaults.
            project: the absolute path of a folder from which relative paths in filters start; they
                also start from the folder of the filter.
            files: the choice of --include and --exclude. Rules about files and packages do not
                apply to an included file; rules about objects and about values do. A file that is
                excluded, or not included, is not recorded.
            names: decides which names are secret.
            detail: the detail of code for which no rule names one; None for that of the last
                filter that names one, or else ``values``.
        """
        self.detail: Detail = detail or "values"
        self.has_details = False
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
        self._scopes: dict[tuple[str, str], Scope] = {}
        for number, (source, content) in enumerate(filters):
            if content.default_exec is not None:
                self._traced = content.default_exec == "trace"
                self._reason = f"{source.name}: scope.default_exec"
            if content.default_value_action is not None:
                self._default = content.default_value_action
                self._default_from = number
            if detail is None and content.default_detail is not None:
                self.detail = content.default_detail
            self.has_details |= any(rule.detail is not None for rule in content.rules)
            self.io = content.io or self.io
            self.formatters |= content.formatters
            bases = _bases(source, project)
            self._rules.extend(_ChainRule(rule, source, number, bases) for rule in content.rules)
        self._names_objects = any(rule.kind == "obj" for rule in self._rules)

    def scope(self, package: str, file: str, obj: str) -> Scope:
        """Return the chain's decision about a code object.

        Parameters:
            package: the dotted name of its module; empty if it has none.
            file: the absolute path of its file, or a name in angle brackets.
            obj: the name of its module, a dot, and its qualified name.
        """
        if self._names_objects or (self.names is not None and obj in self.names.readers):
            return self._decide(package, file, obj)
        # All code of a module has the same rules.
        known = self._scopes.get((package, file))
        if known is None:
            if len(self._scopes) >= MOST_FILES:
                self._scopes.clear()
            known = self._scopes[package, file] = self._decide(package, file, obj)
        return known

    def _decide(self, package: str, file: str, obj: str) -> Scope:
        names = {"pkg": package, "file": file, "obj": obj}
        traced, reason = self._traced, self._reason
        chosen = self.files.choose(file)
        if chosen is not None:
            traced, reason = chosen, "--include and --exclude"
        default: Action = self._default
        default_from = self._default_from
        patterns = NO_PATTERNS
        patterns_from = 0
        detail = self.detail
        for rule in self._rules:
            if not rule.test(names[rule.kind]):
                continue
            if rule.traced is not None and (chosen is None or (chosen and rule.kind == "obj")):
                traced, reason = rule.traced, rule.reason
            if rule.value_default is not None:
                default, default_from = rule.value_default, rule.number
            if rule.detail is not None:
                detail = rule.detail
            if not rule.is_builtin:
                patterns, patterns_from = rule.patterns, rule.number
        if default == "drop" and patterns_from < default_from:
            # A default of `drop` overrides the patterns of earlier files.
            patterns = NO_PATTERNS
        if self.names is not None and obj in self.names.readers:
            # Recorded although filters may skip it: only a known value can be hidden elsewhere.
            return Scope(True, "reads secrets", names=self.names, reads=True, detail=detail)
        return Scope(traced, reason, default, patterns, self.names, detail=detail)


class _ChainRule:
    """A rule with its position in a chain."""

    __slots__ = (
        "detail",
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
        self.detail: Detail | None = rule.detail
        self.patterns = NamePatterns(rule.patterns)
        self.reason = f"{source.name}: {rule.reason}"
        self.number = number
        self.is_builtin = source.origin == "builtin"


def _bases(source: FilterSource, project: str) -> tuple[str, ...]:
    """Return the folders from which relative paths in a filter start."""
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
