"""Damages recordings: their records, their bytes, their metadata, and what their files are."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final
from zlib import crc32

from codetracer_bindings import trace_encoder as encode
from codetracer_bindings.trace_format import BLOCK_HEADER, BLOCK_MAGIC, FILE_HEADER, NESTING
from fuzz.made_recordings import HOSTILE, Made, make
from tests.support import logs

__all__ = ["write_damaged"]

SPARSE: Final = 20 << 30
"""Bytes of a file that is a hole but for its beginning."""

_JUNK: Final = (
    "1" + "0" * 400,
    "1" + "0" * 5000,
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    "1.5",
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"\\u001b[31m\\u202e"',
    '"/dev/zero"',
    '"../../../../outside"',
    "[1]",
    "[[], {}]",
    '{"filters": [1], "stats": {"value_drops": {"local": "x"}}}',
    '{"/app/app.py": 5, "app.py": "\\u0000", "/app/other.py": "\\ud800.py"}',
    '[{"log": 5}, 7]',
    "[" * 30 + "]" * 30,
    "[" * 300 + "]" * 300,
)
"""Values for the metadata, as JSON."""


def write_damaged(folder: Path, chance: random.Random) -> list[str]:
    """Write a recording into `folder` and damage it; return what was done to it."""
    made = make(chance, chance.choice((0, 5, 40, 200, 600)))
    done = [_damage_records(made.records, chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 5)))]
    folder.mkdir(parents=True)
    (folder / "sources").mkdir()
    for name, content in made.sources.items():
        (folder / "sources" / name).write_bytes(content)
    content = _assemble(made.records, chance)
    if chance.random() < 0.4:
        content, how = _damage_bytes(bytearray(content), chance)
        done.append(how)
    log = folder / "process-4321.ctlog"
    log.write_bytes(content)
    if chance.random() < 0.1:
        os.truncate(log, SPARSE)
        done.append("a log with a hole")
    if chance.random() < 0.2:
        other = make(chance, 30)
        (folder / "process-77.ctlog").write_bytes(logs.log(other.records, pid=77))
        done.append("a second process")
    text, how = _metadata(made, chance)
    (folder / "trace_metadata.json").write_bytes(text)
    done.append(how)
    if chance.random() < 0.25:
        done.append(_replace(folder, chance))
    return done


# ---------------------------------------------------------------- records


def _damage_records(records: list[bytes], chance: random.Random) -> str:
    def swap() -> None:
        other = chance.randrange(len(records))
        records[place], records[other] = records[other], records[place]

    def flip() -> None:
        record = bytearray(records[place])
        record[chance.randrange(len(record))] ^= 1 << chance.randrange(8)
        records[place] = bytes(record)

    def splice() -> None:
        records[place:place] = make(chance, 40).records

    def deep() -> None:
        wrap = chance.choice(_WRAPS)
        value = encode.value_none()
        for _ in range(chance.choice((100, NESTING, NESTING + 1, 600, 5000))):
            value = wrap(value)
        records.insert(place, chance.choice(_HOLDERS)(value))

    def huge() -> None:
        digits = (1 << chance.choice((63, 5000, 100_000))).to_bytes(20_000, "little")
        records.insert(place, chance.choice(_HOLDERS)(encode.value_big_integer(digits)))

    def wide() -> None:
        items = [encode.value_reference(number % 7) for number in range(20_000)]
        records.insert(place, encode.encode_object(3, 1, 0, 1 << 60, items, 1 << 60, []))
        calls = [encode.encode_call(2, 1, []), encode.encode_return(1, encode.value_reference(3))]
        records[place + 1 : place + 1] = calls * chance.choice((1, 30))

    def nonsense() -> None:
        records.insert(place, chance.randbytes(chance.choice((1, 3, 20))))

    def numbers() -> None:
        large = 1 << chance.choice((16, 31, 63))
        records[place:place] = [
            encode.encode_resume(chance.choice((0, 1, large)), large),
            encode.encode_switch(chance.choice((0, large))),
            encode.encode_namespace(chance.choice((0, large)), large),
            encode.encode_step(-large),
        ][chance.randrange(4) :]

    def many() -> None:
        records[place:place] = [
            each
            for number in range(2000)
            for each in (encode.encode_thread(number, "t"), encode.encode_call(3, 0, []))
        ] + [encode.encode_resume(number, 0) for number in range(2000)]

    def twice() -> None:
        records.insert(place, records[place])

    def drop() -> None:
        del records[place]

    place = chance.randrange(len(records))
    way = chance.choice(
        (swap, flip, splice, deep, huge, wide, nonsense, numbers, many, twice, drop)
    )
    way()
    return f"records: {way.__name__} at {place}"


_HOLDERS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda value: encode.encode_raise(value),
    lambda value: encode.encode_unwind(1, value),
    lambda value: encode.encode_return(1, value),
    lambda value: encode.encode_yield(1, value),
    lambda value: encode.encode_variable(0, value),
    lambda value: encode.encode_handled(value),
    lambda value: encode.encode_throw(0, 1, value),
    lambda value: encode.encode_object(3, 1, 0, 1, [value], 0, [(0, value)]),
)
"""Records that have a value."""

_WRAPS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda value: encode.value_tuple([value]),
    lambda value: encode.value_cut_tuple(3, [value]),
    lambda value: encode.value_range(value, encode.value_none(), encode.value_none()),
)
"""Values that have a value."""


def _assemble(records: list[bytes], chance: random.Random) -> bytes:
    """Return a log of these records, in blocks that are as they must be."""
    blocks: list[list[bytes]] = [[]]
    for record in records:
        if chance.random() < 0.02:
            blocks.append([])
        blocks[-1].append(record)
    whole = logs.log(*blocks, filled=True)
    if chance.random() < 0.2:
        # Still being filled.
        start = len(whole) - len(b"".join(blocks[-1])) - BLOCK_HEADER.size
        header = BLOCK_HEADER.pack(BLOCK_MAGIC, len(blocks) - 1, 1 << 20, 0, 0)
        whole = whole[:start] + header + whole[start + BLOCK_HEADER.size :]
    return whole


# ---------------------------------------------------------------- bytes


def _damage_bytes(content: bytearray, chance: random.Random) -> tuple[bytes, str]:
    place = chance.randrange(len(content))
    ways: dict[str, Callable[[], None]] = {
        "cut": lambda: content.__delitem__(slice(place, None)),
        "flipped": lambda: content.__setitem__(place, content[place] ^ 1 << chance.randrange(8)),
        "inserted": lambda: content.__setitem__(slice(place, place), chance.randbytes(9)),
        "zeros": lambda: content.__setitem__(slice(place, place + 40), bytes(40)),
        "spliced": lambda: content.__setitem__(
            slice(place, None), content[chance.randrange(len(content)) :]
        ),
        "file header": lambda: content.__setitem__(
            slice(0, FILE_HEADER.size),
            FILE_HEADER.pack(
                bytes(content[:8]).ljust(8, b"\0"),
                chance.choice((0, 1, 1, 1, 2, 1 << 31)),
                0,
                chance.choice((0, 1, 4321, 1 << 40)),
                chance.choice((0, 1 << 63)),
                bytes(16),
            ),
        ),
        "block header": lambda: _block_header(content, chance),
    }
    name = chance.choice([*ways])
    ways[name]()
    return bytes(content), f"bytes: {name} at {place}"


def _block_header(content: bytearray, chance: random.Random) -> None:
    """Have the first block say something else of itself, with a checksum that is right."""
    start = FILE_HEADER.size
    size = chance.choice((0, 19, 20, 64, 4096, 1 << 20, 400 << 20, (1 << 32) - 1))
    used = chance.choice((0, 0, 1, size // 2, max(size - BLOCK_HEADER.size, 0)))
    payload = bytes(content[start + BLOCK_HEADER.size :][:used])
    header = BLOCK_HEADER.pack(BLOCK_MAGIC, 0, size, used, crc32(payload))
    content[start : start + BLOCK_HEADER.size] = header


# ---------------------------------------------------------------- metadata and files


def _metadata(made: Made, chance: random.Random) -> tuple[bytes, str]:
    known = {key: json.dumps(value) for key, value in made.metadata.items()}
    names = []
    for _ in range(chance.choice((0, 0, 1, 2, 6))):
        name = chance.choice([*known, "unknown", "processes"])
        known[name] = chance.choice(_JUNK)
        names.append(name)
    rows = ", ".join(f"{json.dumps(key)}: {value}" for key, value in known.items())
    text = f"{{{rows}}}".encode()
    if chance.random() < 0.15:
        text = chance.choice(
            (
                b"",
                b"\xff\xfe",
                b"[1]",
                b"[" * 1_000_000,
                b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
                b"[" + b"[]," * 8_000_000 + b"1]",
                text[: chance.randrange(len(text))],
                text + b"\0",
            )
        )
        names = ["all of it"]
    return text, f"metadata: {' '.join(names) or 'as it must be'}"


def _replace(folder: Path, chance: random.Random) -> str:
    """Put something else where a file of the recording is."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = chance.choice([*files, folder / "trace_metadata.json", folder / "process-4321.ctlog"])
    content = path.read_bytes()[:200] if path.stat().st_size < SPARSE else b""
    path.unlink()

    def listen() -> None:
        # The path of a socket may have 108 bytes, and this is longer.
        before = os.open(".", os.O_RDONLY)
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
        os.fchdir(before)
        os.close(before)

    def hole() -> None:
        path.write_bytes(content)
        os.truncate(path, SPARSE)

    ways: dict[str, Callable[[], object]] = {
        "FIFO": lambda: os.mkfifo(path),
        "directory": path.mkdir,
        "socket": listen,
        "link to a device that never ends": lambda: path.symlink_to("/dev/zero"),
        "link to a terminal": lambda: path.symlink_to("/dev/tty"),
        "link to itself": lambda: path.symlink_to(path.name),
        "link to nothing": lambda: path.symlink_to("nothing"),
        "link out of it": lambda: path.symlink_to("/etc/passwd"),
        "hole": hole,
        "text": lambda: path.write_text("".join(HOSTILE), "utf-8", "surrogatepass"),
        "nothing": lambda: None,
    }
    name = chance.choice([*ways])
    ways[name]()
    return f"{path.relative_to(folder)} is a {name}"
