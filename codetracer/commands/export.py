"""``codetracer export``: its options, and the folder it makes."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys

from codetracer.errors import HostError, TargetError
from codetracer.launcher import complain
from codetracer.reading import read
from codetracer.terminal import overwrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.replay import Process, Trace

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "write a trace in the format of another program"

EXAMPLES = """\
examples:
  codetracer export trace-out --to codetracer-json
  codetracer export trace-out --to codetracer-json -o for-codetracer
  ct replay --trace-folder for-codetracer

codetracer-json is what CodeTracer 25.11 opens: trace.json, trace_metadata.json, trace_paths.json
and files/. It has one stack of calls: the main thread's calls come first, then those of each other
thread, in a call of its own. Each step has the local variables, and the global ones that its code
names; values are given 4 levels deep and 50 items long.
"""

FILES = ("trace.json", "trace_metadata.json", "trace_paths.json")
COPIES = "files"
BAR = 30


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``export``."""
    parser.add_argument("trace", metavar="DIR", help="a trace's folder, or one log in it")
    parser.add_argument(
        "--to", choices=("codetracer-json",), required=True, help="the format to write"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the folder to write (default: DIR, with -codetracer-json behind its name)",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace what an earlier export wrote to OUT"
    )
    parser.add_argument(
        "--process", metavar="PID", type=int, help="export this process (default: the first one)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the trace.

    Returns:
        The exit code.

    Raises:
        HostError: ERR_IO, a file cannot be read or written; ERR_TRACE_DIR_CONFLICT, OUT is there.
        TargetError: the trace is missing, damaged or of a newer version. What could be read of a
            damaged one has been exported.
    """
    trace = read(options.trace)
    process = _process(trace, options.process)
    if len(trace.processes) > 1 and options.process is None:
        complain(
            f"codetracer: exporting process {process.pid}, one of {len(trace.processes)};"
            " --process PID exports another one"
        )
    name = os.path.splitext(trace.path.rstrip(os.sep))[0] if trace.path != trace.folder else ""
    output = options.output or f"{name or trace.folder.rstrip(os.sep)}-{options.to}"
    _check(output, force=options.force)
    partial = f"{output.rstrip(os.sep)}.partial-{os.getpid()}"
    damage: TargetError | None = None
    try:
        os.makedirs(partial)
        damage = _export(trace, process, partial)
        _move(partial, output)
    except OSError as error:
        raise HostError(
            "ERR_IO", f"{output} cannot be written: {error.strerror or error}", {"path": output}
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if damage is not None:
        complain(f"codetracer: {output} holds what could be read")
        raise damage
    print(output)
    return 0


def _process(trace: Trace, pid: int | None) -> Process:
    for process in trace.processes:
        if pid in (None, process.pid):
            return process
    there = ", ".join(str(process.pid) for process in trace.processes)
    raise TargetError(
        "ERR_NOT_IN_TRACE", f"{trace.path} has no process {pid}; there is {there}", {"process": pid}
    )


def _check(output: str, *, force: bool) -> None:
    try:
        there = os.listdir(output)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HostError(
            "ERR_TRACE_DIR_CONFLICT",
            f"{output} is no folder to write to: {error.strerror or error}; name another one",
            {"path": output},
        ) from error
    foreign = sorted(set(there) - {*FILES, COPIES})
    if there and not force:
        raise HostError(
            "ERR_TRACE_DIR_CONFLICT",
            f"{output} is there and not empty; name another folder, or --force to replace it",
            {"path": output},
        )
    if foreign:
        raise HostError(
            "ERR_TRACE_DIR_CONFLICT",
            f"{output} holds more than an export, {foreign[0]} for one; name another folder",
            {"path": output},
        )


def _export(trace: Trace, process: Process, folder: str) -> TargetError | None:
    """Write everything into a folder; return what is damaged, if anything is."""
    from codetracer.export.codetracer_json import Writer
    from codetracer.export.spool import Spool

    replay = process.replay()
    workdir = trace.metadata.get("workdir")
    writer = Writer(replay, Spool(folder), workdir if isinstance(workdir, str) else os.getcwd())
    damage: TargetError | None = None
    progress = _Progress(process.log.size())
    try:
        for event in replay:
            writer.write(event)
            progress.show(replay.position)
    except TargetError as error:
        damage = error
    finally:
        progress.clear()
    problem = damage.message if damage else trace.problem
    writer.finish(os.path.join(folder, FILES[0]), _error(trace, problem))
    _write_json(os.path.join(folder, FILES[1]), _metadata(trace))
    _write_json(os.path.join(folder, FILES[2]), writer.paths)
    for path, full in writer.sources():
        copy = trace.source_copy(path)
        if copy is not None:
            target = os.path.join(folder, COPIES, full.lstrip(os.sep))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(copy, target)
    return damage


def _error(trace: Trace, problem: str | None) -> str | None:
    status = trace.metadata.get("exit_status")
    label = status.get("label") if isinstance(status, dict) else None
    if isinstance(label, str) and label.startswith("uncaught"):
        return label
    return problem


def _metadata(trace: Trace) -> dict[str, object]:
    """Return CodeTracer's metadata: three keys it needs, and some that its recorders write."""
    known = trace.metadata
    found: dict[str, object] = {
        "workdir": known.get("workdir") or os.getcwd(),
        "program": known.get("program") or "",
        "args": known.get("args") or [],
    }
    for key, source in (
        ("recording_id", "recording_id"),
        ("process_exit_status", "exit_status"),
        ("recorder", "recorder"),
    ):
        if known.get(source) is not None:
            found[key] = known[source]
    return found


def _write_json(path: str, content: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")


def _move(partial: str, output: str) -> None:
    """Put what was written in its place; what an earlier export wrote there is replaced."""
    os.makedirs(output, exist_ok=True)
    for name in (*FILES, COPIES):
        target = os.path.join(output, name)
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
        if os.path.exists(os.path.join(partial, name)):
            os.replace(os.path.join(partial, name), target)


class _Progress:
    """A bar on standard error, if that is a terminal.

    Parameters:
        size: how many bytes there are to read.
    """

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._shown = -1
        self._wanted = sys.stderr is not None and sys.stderr.isatty()

    def show(self, position: int) -> None:
        """Show that so many bytes were read."""
        percent = 100 * position // self._size
        if self._wanted and percent != self._shown:
            self._shown = percent
            bar = "#" * (BAR * percent // 100)
            overwrite(f"[{bar:<{BAR}}] {percent}%")

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown >= 0:
            overwrite(" " * (BAR + 8))
            overwrite("")
