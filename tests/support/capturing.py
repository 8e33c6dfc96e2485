"""Programs whose output is captured, in processes of their own."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from codetracer.monitoring.backend import VARIABLE, backend
from tests.support import warm
from tests.support.running import trace_environ, write

BOTH = ("proxies", "proxies+fd")

HARNESS = """
import atexit, json, os, sys
mode, records, *sys.argv = sys.argv[1:]
sys.path[0] = ''
code = compile(open(sys.argv[0]).read(), sys.argv[0], 'exec')
space = {'__name__': '__main__', '__builtins__': __builtins__}
if mode != 'untraced':
    import _thread
    from codetracer.capture.io import OutputCapture
    from codetracer.runtime.native import engine_in_c
    main, seen = os.getpid(), []
    def record(stream, data, frame):
        name = None if frame is None else os.path.basename(frame.f_code.co_filename)
        line = None if frame is None else frame.f_lineno
        thread = _thread.get_ident() == main_thread
        seen.append((stream, data.decode('latin-1'), name, line, thread))
    main_thread = _thread.get_ident()
    capture = OutputCapture(mode, record, engine_in_c())
    def finish():
        capture.stop()
        name = records if os.getpid() == main else records + '.child'
        with open(name, 'w') as file: file.write(json.dumps(seen))
    space['finish'], space['stop'] = finish, capture.stop
    atexit.register(finish)
    capture.start()
else:
    space['finish'] = space['stop'] = lambda: None
exec(code, space)
"""


class Seen(NamedTuple):
    """One call of the recorder's function; the data's bytes are characters."""

    stream: int
    data: str
    file: str | None
    line: int | None
    in_main_thread: bool


class Outcome(NamedTuple):
    """The observable outcome of a process."""

    code: int
    stdout: bytes
    stderr: bytes


def command(directory: Path, mode: str, program: str) -> list[str]:
    write(directory, {"harness.py": HARNESS, "app.py": program})
    return [sys.executable, "harness.py", mode, "seen.json", "app.py"]


def environ(**more: str) -> dict[str, str]:
    kept = trace_environ() | {"PYTHONIOENCODING": "utf-8", VARIABLE: backend()}
    kept.pop("PYTHONUNBUFFERED", None)
    return kept | more


def run(
    directory: Path,
    mode: str,
    program: str,
    stdin: bytes = b"",
    env: dict[str, str] | None = None,
) -> Outcome:
    """Run `program` with pipes for its streams."""
    words = command(directory, mode, program)
    env = env or environ()
    if warm.fits({}):
        return Outcome(*warm.run_forked(words[1:], directory, env, stdin))
    done = subprocess.run(
        words,
        cwd=directory,
        env=env,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def run_to_file(directory: Path, mode: str, program: str) -> bytes:
    """Run `program` with one file for stdout and stderr, and return what is in it."""
    words = command(directory, mode, program)
    with (directory / "output").open("wb") as file:
        if warm.fits({}):
            warm.run_forked_into(file, words[1:], directory, environ())
        else:
            subprocess.run(
                words,
                cwd=directory,
                env=environ(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                timeout=60,
                check=False,
            )
    return (directory / "output").read_bytes()


def run_on_terminal(
    directory: Path, mode: str, program: str, typed: Sequence[tuple[bytes, bytes]] = ()
) -> bytes:
    """Run `program` on a terminal, typing each text when what precedes it has appeared."""
    arguments = command(directory, mode, program)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    process = subprocess.Popen(
        arguments,
        cwd=directory,
        env=environ(TERM="xterm"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    output, waiting = b"", list(typed)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        output += data
        if waiting and waiting[0][0] in output:
            os.write(master, waiting.pop(0)[1])
    assert process.wait(timeout=10) == 0, output
    os.close(master)
    return output


def seen(directory: Path, name: str = "seen.json") -> list[Seen]:
    return [Seen(*row) for row in json.loads((directory / name).read_text())]


def text_of(records: list[Seen], stream: int) -> str:
    return "".join(record.data for record in records if record.stream == stream)


def datas(directory: Path) -> list[tuple[int, str, int | None]]:
    return [(record.stream, record.data, record.line) for record in seen(directory)]


def settled(path: Path, size: int) -> bytes:
    """Return what is in a file once it has that size; nobody waits for its last writer."""
    end = time.monotonic() + 20
    while path.stat().st_size < size and time.monotonic() < end:
        time.sleep(0.05)
    return path.read_bytes()
