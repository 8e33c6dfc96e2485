"""The gate of a recording: decides where it begins and which code it has, and counts the rest.

Nothing here runs code of the program. Names are read from code objects as plain text, paths are
computed from them, and the system is called only through `os.stat`, which is in C.
"""

from __future__ import annotations

import os

from codetracer.filters.chain import Scope
from codetracer.filters.selectors import VALUE_KINDS
from codetracer.inspect.paths import OURS, absolute, working_directory
from codetracer.own import seal
from codetracer.whose import began_here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Final

    from codetracer.filters.chain import FilterChain
    from codetracer.filters.model import Action, Detail
    from codetracer.filters.names import SecretNames
    from codetracer.filters.selectors import ValueKind

__all__ = ["Gate"]

seal(globals())

# Bound now, because the program may replace them.
_stat = os.stat
_text = str.__str__

EXEC_FILENAME: Final = "<string>"
"""The file name of code that `exec` and `eval` compile."""

LABELS: Final = {
    "local": "local",
    "global": "global",
    "arg": "argument",
    "ret": "return",
    "attr": "attribute",
}
"""The names of the kinds of values in a recording's metadata."""


class Gate:
    """Decides which code is recorded.

    Parameters:
        chain: the filters.
        activation_path: the file at whose code recording begins; None if it begins at once.
        strings: whether code with the file name ``<string>`` is the program (``-c``). Otherwise it
            was compiled by `exec`, as the standard library does for namedtuples and dataclasses,
            and is not recorded.
    """

    def __init__(
        self, chain: FilterChain, activation_path: str | None = None, *, strings: bool = False
    ) -> None:
        self._chain = chain
        self._strings = strings
        self._folder = working_directory()
        self._activation = (
            None if activation_path is None else absolute(activation_path, self._folder)
        )
        self._activation_id = _identity(self._activation) if self._activation else None
        self._activating: dict[str, bool] = {}
        self._left_out: dict[int, CodeType] = {}
        self._traced: dict[str, int] = {}
        self._skipped: dict[str, int] = {}
        self._redacted: dict[str, int] = dict.fromkeys(VALUE_KINDS, 0)
        self._dropped: dict[str, int] = dict.fromkeys(VALUE_KINDS, 0)

    def decide(self, code: CodeType, module: str | None) -> Scope:
        """Return the decision about a code object, and count it for the statistics.

        Parameters:
            code: the code object.
            module: the ``__name__`` of its globals; None if that is not a `str` itself.
        """
        scope = self._scope(code, module)
        if scope.traced:
            self._traced[scope.detail] = self._traced.get(scope.detail, 0) + 1
        else:
            self._skipped[scope.reason] = self._skipped.get(scope.reason, 0) + 1
        return scope

    def has_lines(self, code: CodeType, module: str | None) -> bool:
        """Return whether lines of a code object are recorded; it takes what `decide` takes."""
        scope = self._scope(code, module)
        return scope.traced and scope.detail != "calls"

    def _scope(self, code: CodeType, module: str | None) -> Scope:
        file = absolute(_text(code.co_filename), self._folder)
        if file.startswith("<frozen "):
            return Scope(False, "frozen code has no source")
        if file == EXEC_FILENAME and not self._strings:
            return Scope(False, "made by exec or eval")
        if file.startswith(OURS):
            return Scope(False, "codetracer's own code")
        if id(code) in self._left_out:
            return Scope(False, "runs the program")
        name = _text(code.co_qualname)
        return self._chain.scope(module or "", file, f"{module}.{name}" if module else name)

    @property
    def names(self) -> SecretNames | None:
        """Decides which names are secret; None if only filters hide values."""
        return self._chain.names

    @property
    def detail(self) -> Detail:
        """The detail of code for which no rule of a filter names one."""
        return self._chain.detail

    @property
    def has_details(self) -> bool:
        """True if a rule of a filter names a detail."""
        return self._chain.has_details

    def leave_out(self, code: CodeType) -> None:
        """Never record a code object, even if filters select it."""
        self._left_out[id(code)] = code

    def activates(self, code: CodeType) -> bool:
        """Return whether recording begins at a code object, because it is in the activation path.

        Without an activation path, it begins at any code object.
        """
        if self._activation is None:
            return True
        filename = _text(code.co_filename)
        known = self._activating.get(filename)
        if known is None:
            file = absolute(filename, self._folder)
            known = file == self._activation or (
                self._activation_id is not None and _identity(file) == self._activation_id
            )
            self._activating[filename] = known
        return known

    def count_value(self, action: Action, kind: ValueKind) -> None:
        """Count a value that was redacted or dropped; one that is allowed is not counted."""
        if action == "redact":
            self._redacted[kind] += 1
        elif action == "drop":
            self._dropped[kind] += 1

    def _redaction(self) -> dict[str, object] | None:
        if self.names is None or self.names.readers_only:
            return None
        return {"added": list(self.names.added)}

    def statistics(self) -> dict[str, object]:
        """Return the filters and their effects for the metadata, as values for JSON."""
        return {
            "filters": [
                {
                    "name": source.name,
                    "path": source.label,
                    "origin": source.origin,
                    "sha256": source.sha256,
                }
                for source in self._chain.sources
            ],
            "include": list(self._chain.files.include),
            "exclude": list(self._chain.files.exclude),
            "redaction": self._redaction(),
            "stats": {
                "scopes_traced": sum(self._traced.values()),
                "traced_by_detail": dict(self._traced),
                "scopes_skipped": sum(self._skipped.values()),
                "skipped_by": dict(self._skipped),
                "value_redactions": _labelled(self._redacted),
                "value_drops": _labelled(self._dropped),
            },
        }


def _identity(file: str) -> tuple[int, int] | None:
    """Return the device and inode of a file, which all its names share; None if it is missing."""
    try:
        found = _stat(file)
    except (OSError, ValueError) as error:
        if not began_here(error):
            raise
        return None
    return found.st_dev, found.st_ino


def _labelled(counts: dict[str, int]) -> dict[str, int]:
    return {LABELS[kind]: number for kind, number in counts.items()}
