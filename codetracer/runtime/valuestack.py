"""The stack of values, with what other lines have left there and what jumps take along."""

from __future__ import annotations

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.runtime.entries import Entry
    from codetracer.runtime.facts import LineFacts

__all__ = ["ValueStack"]

seal(globals())


class ValueStack:
    """The values on the stack, as far as they are known where a scanner is.

    Attributes:
        values: the values, the lowest first; always the same list.
        facts: the line that is followed, and its part that a loop runs again, if there is one.
        jumps: what jumps take to their targets, by the offset of the target, in bytes.
        is_cut_off: whether jumps alone lead to the next instruction.
    """

    def __init__(self) -> None:
        self.values: list[Entry] = []
        self.facts: list[LineFacts] = []
        self.jumps: dict[int, _Jumped] = {}
        self.is_cut_off = False
        # The lowest height since the line began.
        self._lowest = 0
        # The height of what other lines have left, what they may have made, and how much of that
        # each line has been told of.
        self._foreign = 0
        self._made = 0
        self._told: dict[LineFacts, int] = {}
        self._hides = False
        # What the line had made before it was followed on.
        self._earlier = 0

    def pop(self) -> Entry:
        """Remove the top value, and return it; None also if there is none."""
        found = self.values.pop() if self.values else None
        self._lower(len(self.values))
        return found

    def pops(self, count: int) -> list[Entry]:
        """Remove the top `count` values, and return them, the lowest first; None for what lacks."""
        if count == 0:
            return []
        lacking: list[Entry] = [None] * (count - len(self.values))
        found = self.values[-count:]
        del self.values[-count:]
        self._lower(len(self.values))
        return lacking + found

    def discard(self, count: int) -> None:
        """Remove the top `count` values, which nobody uses."""
        values = self.values
        del values[max(0, len(values) - count) :]
        self._lowest = min(self._lowest, len(values))
        self._foreign = min(self._foreign, len(values))

    def copy(self, depth: int) -> None:
        """Push one of the values again; a depth of 1 is the top."""
        values = self.values
        if len(values) - depth < self._foreign:
            self._tell()
        values.append(values[-depth] if depth <= len(values) else None)

    def turn_to(self, facts: list[LineFacts]) -> None:
        """Turn to another line, which may take what the one before leaves on the stack.

        Parameters:
            facts: the line, and its part that a loop runs again, if there is one.
        """
        before, self.facts = self.facts, facts
        if before and before[0] is facts[0]:
            return
        height = len(self.values)
        if height == 0 and not any(each.values for each in self.jumps.values()):
            self._made, self._hides = 0, False
            self._told.clear()
        elif before:
            if height > self._lowest:
                self._foreign = height
            # It may also have put objects into one that was on the stack before.
            self._made += _made_by(before[0]) - self._earlier
            self._hides |= before[0].hides
        self._lowest = height
        self._earlier = _made_by(facts[0])

    def _lower(self, height: int) -> None:
        """Note that a line takes values from the stack, which another one may have made."""
        self._lowest = min(self._lowest, height)
        if height < self._foreign:
            self._foreign = height
            self._tell()

    def _tell(self) -> None:
        """Add what other lines may have made to what the line may have made."""
        own = _made_by(self.facts[0]) - self._earlier
        for line in self.facts:
            line.births += self._made - self._told.get(line, 0)
            self._told[line] = self._made
            line.hides |= self._hides
        self._earlier = _made_by(self.facts[0]) - own

    def settle(self, change: int) -> None:
        """Follow an instruction of which only the effect on the stack's height is known.

        Parameters:
            change: by how many values the stack is higher after it.
        """
        values = self.values
        if change < 0:
            self.pops(-change)
            change = 0
        # Two more: an instruction may replace what it takes.
        for at in range(max(0, len(values) - 2), len(values)):
            values[at] = None
        values.extend([None] * change)

    def arrive(self, offset: int) -> None:
        """Keep what is known on all ways to the instruction at an offset, in bytes."""
        jumped = self.jumps.pop(offset, None)
        if jumped is None:
            if self.is_cut_off:
                # The handler of an exception.
                self.values.clear()
        else:
            others = jumped.values
            self.values[:] = others if self.is_cut_off else _common(self.values, others)
            of_another = jumped.line is not self.facts[0]
            self._foreign = max(self._foreign, len(others) if of_another else jumped.foreign)
        self.is_cut_off = False

    def jump(self, target: int, change: int) -> None:
        """Keep what is known for the target of a jump.

        Parameters:
            target: the offset of the target, in bytes.
            change: by how many values the stack is higher there.
        """
        values = [*self.values[: len(self.values) + min(change, 0)], *[None] * max(change, 0)]
        line = self.facts[0]
        known = self.jumps.get(target)
        if known is None:
            self.jumps[target] = _Jumped(values, line, self._foreign)
            return
        known.values = _common(known.values, values)
        known.line = line if known.line is line else None
        known.foreign = max(known.foreign, self._foreign)


class _Jumped:
    """The values that jumps take to one target.

    Attributes:
        values: the values on the stack.
        line: the line that jumps; None if several do.
        foreign: the height of what other lines had left on the stack.
    """

    __slots__ = ("foreign", "line", "values")

    def __init__(self, values: list[Entry], line: LineFacts, foreign: int) -> None:
        self.values = values
        self.line: LineFacts | None = line
        self.foreign = foreign


def _made_by(line: LineFacts) -> int:
    """Return how many objects a line may make, as far as it has been followed."""
    return line.births + len(line.calls)


def _common(one: list[Entry], other: list[Entry]) -> list[Entry]:
    """Return what two stacks have in common, from the top, because the bottom may be lost."""
    count = min(len(one), len(other))
    pairs = zip(one[len(one) - count :], other[len(other) - count :], strict=True)
    return [mine if mine == theirs else None for mine, theirs in pairs]
