"""What stands at an offset of a code object: line, columns, instruction, handler.

Each call takes time in proportion to the size of the code object. Who asks for the same place often
keeps the answer.
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
    """First line, last line, first column, column behind the last one."""

__all__ = ["handler_at", "instruction_at", "line_at", "position_at"]

seal(globals())


def line_at(code: CodeType, offset: int) -> int:
    """Return the line of the instruction at an offset, such as where a branch goes.

    The frame's own line is no substitute: in a BRANCH of 3.12 it is that of the destination.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it: ``offset`` or ``destination``.

    Returns:
        The line number, from 1; the first line of the code where the compiler gave none.

    Raises:
        IndexError: no instruction of the code is there.
    """
    _check(code, offset)
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or code.co_firstlineno
    return code.co_firstlineno


def position_at(code: CodeType, offset: int) -> Position:
    """Return which part of the source the instruction at an offset comes from.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it.

    Returns:
        First line and last line, from 1; first column and the column behind the last one, from 0,
        in bytes of the line in UTF-8. Each is None where the compiler gave none, or Python runs
        with ``-X no_debug_ranges``.

    Raises:
        IndexError: no instruction of the code is there.
    """
    _check(code, offset)
    # An instruction has two bytes; CPython has had that since 3.6 (bpo-26647).
    return next(islice(code.co_positions(), offset // 2, None), (None, None, None, None))


def instruction_at(code: CodeType, offset: int) -> str:
    """Return the name of the instruction at an offset, as `dis` shows it: ``LOAD_FAST``.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it.

    Raises:
        IndexError: no instruction of the code is there.
    """
    _check(code, offset)
    return opname[code.co_code[offset]]


def handler_at(code: CodeType, offset: int) -> int | None:
    """Return where an exception goes on that comes at an offset, if it stays in this frame.

    That is the ``offset`` which EXCEPTION_HANDLED carries. An exception that is raised again in the
    same frame, as at the end of ``finally``, comes at another offset than its traceback says:
    ``tb_lasti`` is still the first one.

    Parameters:
        code: a code object.
        offset: in bytes, as events carry it.

    Returns:
        The offset in bytes of the handler, which may be that of a ``with`` or ``finally``, or the
        compiler's own; None where the exception leaves the frame.

    Raises:
        IndexError: no instruction of the code is there.

    How ``co_exceptiontable`` is written is told in CPython's InternalDocs/exception_handling.md
    (Objects/exception_handling_notes.txt before 3.13); 3.12 to 3.15 write it alike.
    """
    _check(code, offset)
    unit = offset // 2
    numbers = _varints(code.co_exceptiontable)
    # Start, length, target, and what is on the stack.
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
    """Yield the numbers in an exception table: six bits a byte, the highest ones first."""
    number = 0
    for byte in table:
        number = number << 6 | byte & 0x3F
        if not byte & 0x40:
            yield number
            number = 0
