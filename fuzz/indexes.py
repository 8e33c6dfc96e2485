"""Damages indexes: through them must be read what is read from the beginning of the log.

    python -m fuzz.indexes

is the process that checks them on one interpreter. A line of JSON is a request: the first seed,
and how many. The answer is a line: the faults, each as its seed, what was done, and what was wrong.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from codetracer.errors import RecorderError
from codetracer.recording.reader import LogReader
from codetracer.replay import Replay, StepEvent, Trace
from codetracer.replay.index_file import index_path, open_index
from codetracer_bindings.index_format import INDEX_HEADER
from fuzz.made_recordings import make
from fuzz.ways import ROOT, Process
from tests.support import logs
from tests.support.decoders import DECODERS
from tests.support.long_recordings import Stacks, stacks

__all__ = ["Indexes", "main", "run_indexes"]

OF_A_LOG: Final = 25
"""So many indexes of one log are damaged."""

CHECKED: Final = 6
"""The state at so many steps is compared through each index."""

AT_ONCE: Final = 50
"""So many indexes are one request."""


class Fault(NamedTuple):
    """A read through an index that differs from the log."""

    seed: int
    damage: str
    told: str


class Indexes:
    """Checks indexes on one interpreter, in C and in Python in turn.

    Parameters:
        python: its path.
        root: where the code of codetracer is.
    """

    def __init__(self, python: str, root: Path = ROOT) -> None:
        self.python = python
        self._root = root
        self._processes: dict[str, Process] = {}

    def check(self, seed: int, count: int) -> list[Fault]:
        """Damage the indexes of `count` seeds, and return what is wrong."""
        backend = [*DECODERS][seed // AT_ONCE % len(DECODERS)]
        process = self._processes.get(backend)
        if process is None:
            process = Process([self.python, "-m", "fuzz.indexes"], backend, self._root)
            self._processes[backend] = process
        process.send([seed, count])
        found = process.answer()
        if found is None:
            del self._processes[backend]
            return [Fault(seed, f"one of {count}", f"the process ended: {process.ending()}")]
        return [Fault(*one) for one in found]

    def close(self) -> None:
        """End the processes."""
        for process in self._processes.values():
            process.end()


def run_indexes(
    interpreters: Sequence[Indexes], count: int, seed: int, deadline: float, save: Path
) -> tuple[int, list[Fault]]:
    """Check `count` damaged indexes, until `deadline`, on one interpreter after the other.

    Returns:
        How many there were, and the faults. Each is written to a file, too; its seed makes the
        index again.
    """
    faults: list[Fault] = []
    checked = 0
    while checked < count and time.monotonic() < deadline:
        interpreter = interpreters[checked // AT_ONCE // len(DECODERS) % len(interpreters)]
        size = min(AT_ONCE, count - checked)
        for fault in interpreter.check(seed + checked, size):
            faults.append(fault)
            save.mkdir(parents=True, exist_ok=True)
            text = "\n".join((interpreter.python, *map(str, fault)))
            (save / f"index-{fault.seed}.txt").write_text(text, encoding="utf-8")
            print(f"FAULT {interpreter.python} {fault}", flush=True)
        checked += size
    print(f"{checked} damaged indexes, {len(faults)} faults", flush=True)
    return checked, faults


# ---------------------------------------------------------------- in the process


def main() -> None:
    """Answer one request after the other."""
    with tempfile.TemporaryDirectory(prefix="codetracer-fuzz-") as folder:
        log: _Log | None = None
        for line in sys.stdin:
            first, count = json.loads(line)
            faults: list[Fault] = []
            for seed in range(first, first + count):
                if log is None or log.seed != seed // OF_A_LOG:
                    log = _Log(seed // OF_A_LOG, Path(folder))
                faults.extend(log.check(seed))
            print(json.dumps(faults), flush=True)


class _Log:
    """A log with the index that fits it, and what is read from its beginning."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        chance = random.Random(seed)
        records = make(chance, chance.choice((100, 400, 1500))).records
        self._content = _in_blocks(records, chance)
        self._path = folder / "process-4321.ctlog"
        self._path.write_bytes(self._content)
        self._index = Path(index_path(str(self._path)))
        self._index.unlink(missing_ok=True)
        log = LogReader(str(self._path))
        open_index(log)
        self._good = self._index.read_bytes()
        total = sum(1 for _ in _steps(Replay(log)))
        chosen = {*chance.sample(range(total), min(total, CHECKED))}
        replay = Replay(log)
        self._states: dict[int, Stacks] = {
            event.number: stacks(replay) for event in _steps(replay) if event.number in chosen
        }
        other = make(chance, 300).records
        self._path.write_bytes(logs.log(other, pid=99))
        self._index.unlink()
        open_index(LogReader(str(self._path)))
        self._others = self._index.read_bytes()

    def check(self, seed: int) -> Iterator[Fault]:
        chance = random.Random(seed)
        content, index, done = self._content, self._good, []
        for _ in range(chance.choice((1, 1, 2))):
            if index:
                done.append(chance.choice([*_DAMAGES]))
                index = _DAMAGES[done[-1]](index, self._others, chance)
        damage = " and ".join(done)
        if chance.random() < 0.2:
            damage += " and a log that was cut"
            content = content[: chance.randrange(len(content))]
        self._path.write_bytes(content)
        self._index.write_bytes(index)
        try:
            for step, state in self._states.items():
                if not _is(self._path, step, state, cut=content is not self._content):
                    yield Fault(seed, damage, f"another state at step {step}")
        except Exception as error:
            yield Fault(seed, damage, f"{type(error).__name__}: {error}")


def _is(path: Path, step: int, state: Stacks, *, cut: bool) -> bool:
    """Return whether the state at a step is this one, or refused because the log was `cut`."""
    try:
        timeline = Trace(path).processes[0].timeline()
        if step >= timeline.steps and cut:
            return True
        replay = timeline.replay(step)
        return any(event.number == step for event in _steps(replay)) and stacks(replay) == state
    except RecorderError:
        if cut:
            return True
        raise


def _steps(replay: Replay) -> Iterator[StepEvent]:
    return (event for event in replay if isinstance(event, StepEvent))


def _in_blocks(records: list[bytes], chance: random.Random) -> bytes:
    size = chance.choice((5, 30, 100))
    blocks = [records[at : at + size] for at in range(0, len(records), size)]
    return logs.log(*blocks)


type _Damage = Callable[[bytes, bytes, random.Random], bytes]


def _flipped(index: bytes, other: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(index)
    for _ in range(chance.randrange(1, 4)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _zeros(index: bytes, _: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(index))
    length = min(chance.choice((1, 8, 64, 4096)), len(index) - at)
    return index[:at] + bytes(length) + index[at + length :]


def _moved(index: bytes, _: bytes, chance: random.Random) -> bytes:
    at, start = chance.randrange(len(index)), chance.randrange(len(index))
    return index[:at] + index[start:]


def _nonsense(index: bytes, _: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(index))
    junk = chance.randbytes(chance.choice((1, 16, 500)))
    return index[:at] + junk + index[at + chance.choice((0, len(junk))) :]


def _of_another_log(_: bytes, other: bytes, __: random.Random) -> bytes:
    return other


def _with_anothers_segments(index: bytes, other: bytes, chance: random.Random) -> bytes:
    return index[: INDEX_HEADER.size] + other[INDEX_HEADER.size :] + chance.choice((b"", index))


_DAMAGES: Final[dict[str, _Damage]] = {
    "cut": lambda index, _, chance: index[: chance.randrange(len(index))],
    "flipped bits": _flipped,
    "zeros": _zeros,
    "a part moved": _moved,
    "nonsense": _nonsense,
    "twice": lambda index, _, __: index + index,
    "of another log": _of_another_log,
    "with another log's segments": _with_anothers_segments,
    "nothing": lambda *_: b"",
}


if __name__ == "__main__":
    main()
