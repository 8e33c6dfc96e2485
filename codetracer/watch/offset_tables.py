"""Looks offsets up as `codetracer.inspect.offsets` does, by a table for each code object."""

from __future__ import annotations

import weakref

# Imported early, because later modules of the program may have the same names.
from bisect import bisect_right
from functools import partial
from opcode import opname

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

__all__ = ["OffsetTables"]


class _Table:
    """The instructions and lines of one code object."""

    __slots__ = ("bytes", "code", "lines", "starts")

    def __init__(self, code: CodeType, forget: Callable[[object], object]) -> None:
        # A weak reference, so that the code object can be deleted. The table is found by id,
        # because different code objects may be equal.
        self.code = weakref.ref(code, forget)
        # co_code is copied at each access, so it is kept here.
        self.bytes = code.co_code
        ranges = list(code.co_lines())
        self.starts = [start for start, _, _ in ranges]
        self.lines = [line for _, _, line in ranges]


class OffsetTables:
    """Finds lines and instructions by the byte offsets that events have."""

    def __init__(self) -> None:
        self._tables: dict[int, _Table] = {}

    def line(self, code: CodeType, offset: int) -> int:
        """Return the line of an instruction, or the first line of the code if it has none.

        ``f_lineno`` of the frame would be wrong: in a BRANCH of 3.12 it is the destination's line.

        Parameters:
            code: the code object.
            offset: the byte offset of the instruction.
        """
        table = self._table(code)
        return table.lines[bisect_right(table.starts, offset) - 1] or code.co_firstlineno

    def opname(self, code: CodeType, offset: int) -> str:
        """Return the name of an instruction, such as ``LOAD_FAST``.

        Parameters:
            code: the code object.
            offset: the byte offset of the instruction.
        """
        return opname[self._table(code).bytes[offset]]

    def _table(self, code: CodeType) -> _Table:
        table = self._tables.get(id(code))
        if table is None or table.code() is not code:
            table = _Table(code, partial(self._tables.pop, id(code)))
            self._tables[id(code)] = table
        return table
