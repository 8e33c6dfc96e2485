"""Reads from bytecode what each line of a code object can change.

After a line has run, only the variables that it names can have a new value. Which objects it can
have changed depends on what it does to them:

- It may store into an object, to which a *place* leads: a variable, and attributes from there.
- It may call. Whether the call was recorded, and else what the callable can change, is found out
  when the line has run (effects.py).
- It may make objects, which may have the addresses of others that no longer exist.

scanner.py follows the instructions, with the stack of values (valuestack.py, entries.py); facts.py
has what comes of it, and lines.py prepares that for the recorder.
"""

from __future__ import annotations

from codetracer.inspect.code import is_function, parameters
from codetracer.own import seal
from codetracer.runtime.facts import LineFacts
from codetracer.runtime.instructions import CACHES, EXTENDED_ARG, NOT_VARIABLES
from codetracer.runtime.lines import lines_of
from codetracer.runtime.scanner import Scanner, is_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Final

    from codetracer.runtime.lines import Line
    from codetracer.runtime.plans import Variable

__all__ = ["CodeReading", "facts_by_line"]

seal(globals())

LARGEST_OPERAND: Final = 0xFFFFFF


class CodeReading:
    """The content of a code object's bytecode; see `codetracer.runtime.contract.Reading`."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._facts = facts_by_line(code)
        self.locals = _local_names(code, self._facts)
        self.parameters = len(dict.fromkeys(parameters(code)))
        self.globals = list(
            dict.fromkeys(name for line in self._facts.values() for name in line.globals)
        )

    def lines(
        self, local_variables: dict[str, Variable], global_variables: dict[str, Variable]
    ) -> dict[int, Line]:
        """Return what each line can change, by number."""
        return lines_of(self._code, self._facts, local_variables, global_variables)


def facts_by_line(code: CodeType) -> dict[int, LineFacts]:
    """Return what each line of `code` does; 0 stands for instructions that have no line."""
    scanner = Scanner(code)
    lines: dict[int, LineFacts] = {}
    instructions = _decode(code.co_code)
    offset, opcode, argument, following = next(instructions)
    facts: list[LineFacts] = []
    parts: dict[int, list[tuple[int, int]]] = {}
    try:
        for start, end, number in code.co_lines():
            line = lines.setdefault(number or 0, LineFacts())
            scanner.parts = parts.setdefault(number or 0, [])
            scanner.parts.append((start, end))
            if not facts or facts[0] is not line:
                # What stands later in the line runs after the loop, even behind another line.
                facts = [line] if line.again is None else [line, line.again]
            while offset < end:
                if is_loop(opcode) and facts[-1].again is None:
                    line.again, line.again_at = LineFacts(), offset
                    facts = [line, line.again]
                scanner.follow(facts, offset, opcode, argument, following)
                offset, opcode, argument, following = next(instructions)
    except StopIteration:
        return lines
    return lines


def _local_names(code: CodeType, lines: dict[int, LineFacts]) -> list[str]:
    """Return the names of the local variables that can be seen, parameters first."""
    names = dict.fromkeys(parameters(code))
    if is_function(code):
        slots = (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
        names.update(
            dict.fromkeys(
                name for name in slots if not name.startswith(".") and name not in NOT_VARIABLES
            )
        )
    for line in lines.values():
        names.update(dict.fromkeys(line.locals))
    return list(names)


def _decode(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield each instruction's offset, opcode and argument, and the offset behind its caches."""
    offset = start = extended = 0
    while offset < len(content):
        opcode = content[offset]
        argument = content[offset + 1] | extended
        if opcode == EXTENDED_ARG:
            extended = (argument & LARGEST_OPERAND) << 8
            offset += 2
            continue
        if argument > LARGEST_OPERAND:
            raise ValueError(f"an operand of {argument} in bytecode")
        offset += 2 + 2 * CACHES[opcode]
        yield start, opcode, argument, offset
        extended, start = 0, offset
