"""The source files of a recording, as a client knows them: by path, or by a number of the copy."""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING

from codetracer.debug.dap.checks import RequestError

if TYPE_CHECKING:
    from codetracer.debug.dap.travel import Travel
    from codetracer.replay import Code
    from codetracer_bindings.debug_protocol import Module, Source

__all__ = ["Sources"]


class Sources:
    """Knows every file of which code was recorded.

    A file that is as it was recorded is named by its path: the client opens the file itself. Any
    other has a number, too, by which the client asks for the copy.

    Parameters:
        travel: the recording.
    """

    def __init__(self, travel: Travel) -> None:
        self._trace = travel.trace
        self._modules: dict[str, str] = {}
        for timeline in travel.timelines.values():
            for code in timeline.source.codes:
                self._modules.setdefault(code.path, code.module)
        self._paths = [*self._modules]
        self._numbers = {path: number for number, path in enumerate(self._paths, 1)}
        self._known: dict[str, Source] = {}

    def of(self, code: Code) -> Source:
        """Return the source of code."""
        return self._source(code.path)

    def every(self) -> list[Source]:
        """Return all sources."""
        return [self._source(path) for path in self._paths]

    def modules(self) -> list[Module]:
        """Return the modules of which code was recorded."""
        return [
            {"id": path, "name": self._modules[path], "path": path, "isUserCode": True}
            for path in self._paths
        ]

    def path(self, source: Source) -> str | None:
        """Return the path in the recording of what a client names; None if it has none.

        A recording may be of another machine: then the file with the longest same end is meant.
        """
        number = source.get("sourceReference", 0)
        if 0 < number <= len(self._paths):
            return self._paths[number - 1]
        wanted = source.get("path", "")
        if wanted in self._modules:
            return wanted
        real = os.path.realpath(wanted)
        for path in self._paths:
            if os.path.realpath(path) == real:
                return path
        alike = {path: _same_end(path, wanted) for path in self._paths}
        most = max(alike.values(), default=0)
        best = [path for path, same in alike.items() if same == most]
        return best[0] if most and len(best) == 1 else None

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file as it was recorded; none if there is no copy."""
        return self._trace.source_lines(path)

    def text(self, number: int) -> str:
        """Return the text of a file as it was recorded.

        Raises:
            RequestError: there is no copy.
        """
        if not 0 < number <= len(self._paths):
            raise RequestError(f"there is no source {number}")
        path = self._paths[number - 1]
        lines = self.lines(path)
        if not lines:
            raise RequestError(f"the recording has no copy of {path}")
        return "\n".join(lines) + "\n"

    def _source(self, path: str) -> Source:
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = {"name": os.path.basename(path) or path, "path": path}
            if not self._is_as_recorded(path):
                found["sourceReference"] = self._numbers[path]
                found["origin"] = "as it was recorded"
        return found

    def _is_as_recorded(self, path: str) -> bool:
        copy = self._trace.source_copy(path)
        try:
            return copy is None or filecmp.cmp(copy, path, shallow=False)
        except (OSError, ValueError):  # ValueError: a null byte in the path
            return False


def _same_end(one: str, other: str) -> int:
    """Return how many last parts of two paths are the same."""
    same = 0
    for first, second in zip(_parts(one)[::-1], _parts(other)[::-1], strict=False):
        if first != second:
            break
        same += 1
    return same


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part]
