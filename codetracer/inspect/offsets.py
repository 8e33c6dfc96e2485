"""Looks up an offset of a code object: its line, columns, instruction, and exception handler.

The time of each call is proportional to the size of the code object, so keep results that you need
often.
"""

from __future__ import annotations

from itertools import islice
from opcode import opname

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    type Position = tuple[int | None, int | None, int | None, int | None]
    """First line, last line, first column, column after the last one."""

__all__ = ["handler_at", "instruction_at", "line_at", "position_at"]

seal(globals())


def line_at(code: CodeType, offset: int) -> int:
    """Return the line of the instruction at an offset, such as the destination of a branch.

    The frame's own line is not the same: in a BRANCH event of 3.12 it is the destination's line.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it: ``offset`` or ``destination``.

    Returns:
        The line number, from 1; the first line of the code if the instruction has no line.

    Raises:
        IndexError: the code has no instruction there.
    """
    _check(code, offset)
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or code.co_firstlineno
    return code.co_firstlineno


def position_at(code: CodeType, offset: int) -> Position:
    """Return the part of the source that the instruction at an offset comes from.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it.

    Returns:
        First line and last line, from 1; first column and the column after the last one, from 0,
        in bytes of the line in UTF-8. Each is None if the compiler gave none, or if Python runs
        with ``-X no_debug_ranges``.

    Raises:
        IndexError: the code has no instruction there.
    """
    _check(code, offset)
    # Every instruction has two bytes (since CPython 3.6, bpo-26647).
    return next(islice(code.co_positions(), offset // 2, None), (None, None, None, None))


def instruction_at(code: CodeType, offset: int) -> str:
    """Return the name of the instruction at an offset, as `dis` shows it: ``LOAD_FAST``.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it.

    Raises:
        IndexError: the code has no instruction there.
    """
    _check(code, offset)
    return opname[code.co_code[offset]]


def handler_at(code: CodeType, offset: int) -> int | None:
    """Return the offset of the handler for an exception raised at an offset, if it has one.

    EXCEPTION_HANDLED carries this offset. If an exception is raised again in the same frame, as at
    the end of ``finally``, its offset is not the one in its traceback: ``tb_lasti`` is still the
    first one.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it.

    Returns:
        The handler's offset in bytes, which may belong to a ``with``, a ``finally`` or the
        compiler's own code; None if the exception leaves the frame.

    Raises:
        IndexError: the code has no instruction there.

    CPython's InternalDocs/exception_handling.md describes the format of ``co_exceptiontable``
    (Objects/exception_handling_notes.txt before 3.13). The format is the same in 3.12 to 3.15.
    """
    _check(code, offset)
    unit = offset // 2
    numbers = _varints(code.co_exceptiontable)
    # Each entry has four numbers: start, length, target, and depth of the stack.
    for start, length, target, _ in zip(numbers, numbers, numbers, numbers, strict=True):
        if start <= unit < start + length:
            return 2 * target
    return None


def _check(code: CodeType, offset: int) -> None:
    size = len(code.co_code)
    if offset % 2 or not 0 <= offset < size:
        raise IndexError(
            f"no instruction of {code.co_qualname} is at offset {offset}: offsets are even numbers"
            f" of bytes, from 0 to {size - 2}, as events carry them"
        )


def _varints(table: bytes) -> Iterator[int]:
    """Yield the numbers in an exception table, six bits per byte, the highest bits first."""
    number = 0
    for byte in table:
        number = number << 6 | byte & 0x3F
        if not byte & 0x40:
            yield number
            number = 0
