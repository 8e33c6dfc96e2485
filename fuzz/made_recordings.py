"""Recordings of programs that never ran: well-formed at first, with names nobody would choose."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import FORM_DICT, FORM_NAMES
from tests.support import logs

__all__ = ["HOSTILE", "PATHS", "SOURCES", "Made", "make"]

HOSTILE: Final = (
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m\x85\x90",
    "\x7f\x08\r\n\t\v\f",
    "a\u202eb\u2066c\u200f\u061c",
    "\ufeff\u200b\u2060\u00ad\U000e0041",
    "\u2028\u2029\u3164\uffa0",
    "\ud800\udfff\udc1b",
    "\0",
    "line\nprocess 1  forged",
    "n" * 9000,
    "",
)
"""Names that act on a terminal, hide, cannot be encoded, or are too long."""

PATHS: Final = (
    "/app/app.py",
    "/app/other.py",
    "app.py",
    "../../outside.py",
    "<x/../../../../outside/name",
    "/app/../../../../outside.py",
    "<string>",
)

SOURCES: Final = (
    b"x = 1\n\tf(x)\n\x0c\ny = 2\n" * 20,
    b"# coding: idna\n" + b"x = 1\n" * 50,
    b"# coding: punycode\n" + b"a" * 200_000 + b"-" + b"b" * 200_000,
    b"# coding: zlib\nx = 1\n",
    b"# coding: undefined\nx = 1\n",
    b"# coding: \xff\nx\0 = 1\n\x1b[31m\n",
    b"\xff\xfe# coding: utf-16\n",
    "# coding: utf-8\nx = '\u202e\x1b[31m'\n".encode() * 20,
    b"x" * 1_000_000,
)

_FUNCTIONS: Final = ("<module>", "Class", "work", "generate", "waits", "generates")
_FORMS: Final = tuple(FORM_NAMES)


class Made:
    """A recording, part by part.

    Attributes:
        records: the log's records.
        metadata: what the metadata says.
        sources: the copies of source files by their names below the folder of sources.
    """

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.metadata: dict[str, object] = {}
        self.sources: dict[str, bytes] = {}


def make(chance: random.Random, length: int) -> Made:
    """Return a random recording of about `length` records."""
    return _Maker(chance).make(length)


class _Maker:
    """Knows what is on the stacks, so that what it writes could have been."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._made = Made()
        self._stacks: list[list[int]] = []
        self._thread = 0
        self._kinds: list[int] = []
        self._frames: list[int] = []
        self._suspended: list[int] = []
        self._types = 0
        self._attributes = 0

    def make(self, length: int) -> Made:
        self._define()
        chosen: list[tuple[int, Callable[[], None]]] = [
            (20, self._call),
            (40, self._step),
            (25, self._variable),
            (15, self._object),
            (14, self._leave),
            (6, self._suspend),
            (8, self._go_on),
            (6, self._raise),
            (3, self._new_thread),
            (5, self._switch),
            (5, self._output),
        ]
        weights = [weight for weight, _ in chosen]
        for _ in range(length):
            self._chance.choices(chosen, weights)[0][1]()
        self._add(encode.encode_exit(5, 1, 0))
        return self._made

    def _add(self, record: bytes) -> None:
        self._made.records.append(record)

    def _name(self, plain: str) -> str:
        name = self._chance.choice(HOSTILE) if self._chance.random() < 0.3 else ""
        return plain + name

    def _define(self) -> None:
        chance, made = self._chance, self._made
        paths = chance.sample(PATHS, chance.randint(1, len(PATHS)))
        for path in paths:
            self._add(encode.encode_source(path))
        for number in range(chance.randint(1, 5)):
            self._add(encode.encode_type(self._name(f"m.Type{number}")))
            self._add(encode.encode_attribute(self._name(f"attribute{number}")))
            self._types = self._attributes = number + 1
        for number, name in enumerate(_FUNCTIONS):
            self._add(
                logs.code(
                    self._name(name),
                    source=chance.randrange(len(paths)),
                    kind=number,
                    module=self._name("app"),
                    parameters=["self", self._name("x")][: chance.randint(0, 2)],
                    variables=["y", self._name("z")],
                    global_names=["total"],
                )
            )
            self._kinds.append(number)
        self._new_thread()
        made.metadata = {
            "recording_id": "0",
            "program": self._name("app.py"),
            "args": [self._name("-v")],
            "workdir": chance.choice(["/app", "", ".", "/app/../..", self._name("/app")]),
            "python": {"implementation": "cpython", "version": "3.13.0"},
            "recorder": {"name": "codetracer", "version": "0.1.0", "backend": "native"},
            "started": self._name("2026-01-01T00:00:00Z"),
            "duration_ns": chance.randrange(1 << 40),
            "exit_status": {"code": 0, "label": self._name("exited 0")},
            "filters": {"filters": [{"name": self._name("mine")}], "stats": {}},
            "complete": chance.random() < 0.7,
            "incomplete_reason": self._name("it was killed"),
            "limits": {"depth": 4},
            "policy": {self._name("json_errors"): False},
        }
        names = [f"{number}.py" for number in range(len(paths))]
        made.metadata["sources"] = dict(zip(paths, names, strict=True))
        made.sources = {name: chance.choice(SOURCES) for name in names}

    def _value(self, depth: int = 0) -> bytes:
        chance = self._chance
        texts = ("plain", chance.choice(HOSTILE))
        kinds: list[Callable[[], bytes]] = [
            encode.value_none,
            encode.value_true,
            encode.value_unbound,
            encode.value_redacted,
            lambda: encode.value_integer(chance.randrange(-(1 << 40), 1 << 40)),
            lambda: encode.value_big_integer(
                (10 ** chance.choice((30, 700, 5000))).to_bytes(2100, "little")
            ),
            lambda: encode.value_float(chance.choice((1.5, float("nan"), float("-inf")))),
            lambda: encode.value_text(chance.choice(texts)),
            lambda: encode.value_cut_text(10_000, chance.choice(texts)),
            lambda: encode.value_binary(b"\x1b\x00\xff"),
            lambda: encode.value_reference(chance.randrange(40)),
            lambda: encode.value_reference(chance.randrange(40)),
        ]
        if depth < 4:
            kinds += [
                lambda: encode.value_tuple(self._values(depth + 1)),
                lambda: encode.value_cut_tuple(99, self._values(depth + 1)),
                lambda: encode.value_range(*(self._value(depth + 2) for _ in range(3))),
            ]
        return chance.choice(kinds)()

    def _values(self, depth: int) -> list[bytes]:
        return [self._value(depth) for _ in range(self._chance.randint(0, 3))]

    def _object(self) -> None:
        chance = self._chance
        form = chance.choice(_FORMS)
        count = chance.choice((0, 1, 2, 5, 300))
        items = [self._value(2) for _ in range(count * (2 if form == FORM_DICT else 1))]
        attributes = [
            (chance.randrange(self._attributes), self._value(2))
            for _ in range(chance.randint(0, 3))
        ]
        self._add(
            encode.encode_object(
                chance.randrange(40),
                form,
                chance.randrange(self._types),
                count,
                items,
                0,
                attributes,
            )
        )

    @property
    def _stack(self) -> list[int]:
        return self._stacks[self._thread]

    def _call(self) -> None:
        code = self._chance.randrange(len(self._kinds))
        self._stack.append(len(self._frames))
        self._frames.append(code)
        if self._chance.random() < 0.1:
            self._add(encode.encode_enter(code, 7, 3))
        else:
            self._add(encode.encode_call(code, 7, self._values(1)[:2]))

    def _step(self) -> None:
        if self._stack:
            self._add(encode.encode_step(self._chance.choice((0, 1, 1, 2, -1, 5, 1 << 40))))

    def _variable(self) -> None:
        if self._stack:
            self._add(encode.encode_variable(self._chance.randrange(3), self._value()))

    def _leave(self) -> None:
        if not self._stack:
            return
        self._stack.pop()
        leave: Sequence[Callable[[], bytes]] = (
            lambda: encode.encode_return(9, self._value()),
            lambda: encode.encode_unwind(9, self._value()),
            encode.encode_lost,
        )
        self._add(self._chance.choice(leave)())

    def _suspend(self) -> None:
        if self._stack and self._frames[self._stack[-1]] >= 3:
            self._suspended.append(self._stack.pop())
            self._add(encode.encode_yield(3, self._value()))

    def _go_on(self) -> None:
        if not self._suspended:
            return
        frame = self._suspended.pop(self._chance.randrange(len(self._suspended)))
        self._stack.append(frame)
        if self._chance.random() < 0.7:
            self._add(encode.encode_resume(frame, 2))
        else:
            self._add(encode.encode_throw(frame, 2, self._value()))

    def _raise(self) -> None:
        if not self._stack:
            return
        exception = self._value()
        self._add(encode.encode_raise(exception))
        if self._chance.random() < 0.5:
            self._add(encode.encode_handled(exception))

    def _new_thread(self) -> None:
        self._thread = len(self._stacks)
        self._stacks.append([])
        self._add(encode.encode_thread(100 + self._thread, self._name("Worker")))

    def _switch(self) -> None:
        self._thread = self._chance.randrange(len(self._stacks))
        self._add(encode.encode_switch(self._thread))
        self._add(encode.encode_task(self._name("Task-1")))

    def _output(self) -> None:
        chance = self._chance
        data = chance.choice(
            (b"plain\n", b"\x1b[31mred\x1b[0m", "\u202e\u9b12\n".encode(), b"\xff\0\r")
        )
        self._add(encode.encode_output(chance.randrange(3), chance.choice(PATHS), 3, data))
