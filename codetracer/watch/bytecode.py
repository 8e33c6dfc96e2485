"""Looks up an offset of a code object's bytecode: its line and instruction."""

from __future__ import annotations

import weakref

# All of it now, for later the program's own modules may be in the way.
from bisect import bisect_right
from functools import partial
from opcode import opname

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

__all__ = ["Bytecode"]


class _Table:
    __slots__ = ("bytes", "code", "lines", "starts")

    def __init__(self, code: CodeType, forget: Callable[[object], object]) -> None:
        # Weakly, for code objects come and go; and by identity, for different ones may be equal.
        self.code = weakref.ref(code, forget)
        # A copy, made at each access.
        self.bytes = code.co_code
        ranges = list(code.co_lines())
        self.starts = [start for start, _, _ in ranges]
        self.lines = [line for _, _, line in ranges]


class Bytecode:
    """Answers for offsets in bytes, as events carry them."""

    def __init__(self) -> None:
        self._tables: dict[int, _Table] = {}

    def line(self, code: CodeType, offset: int) -> int:
        """Return the line of an instruction; the first of the code where it has none.

        The frame's own line is no substitute: in a BRANCH of 3.12 it is that of the destination.
        """
        table = self._table(code)
        return table.lines[bisect_right(table.starts, offset) - 1] or code.co_firstlineno

    def opname(self, code: CodeType, offset: int) -> str:
        """Return the name of an instruction, such as ``LOAD_FAST``."""
        return opname[self._table(code).bytes[offset]]

    def _table(self, code: CodeType) -> _Table:
        table = self._tables.get(id(code))
        if table is None or table.code() is not code:
            table = _Table(code, partial(self._tables.pop, id(code)))
            self._tables[id(code)] = table
        return table
