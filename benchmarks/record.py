"""Measures the cost of recording a program, with codetracer and codetracer-python-recorder 0.3.0.

    python -m benchmarks.record [--json FILE] [PYTHON ...]     (default: the one that runs this)

Each interpreter gets a separate environment with both recorders. The other recorder, here called
the peer, is installed only on CPython 3.12 and 3.13, on which it runs. Each program of
benchmarks/workloads/ runs in a separate process: untraced, recorded by codetracer and recorded by
the peer (`--format json`) in turn, so that all of them see the same state of the machine. The peer
takes a hundred times as long, and has fewer turns. The benchmark publishes the medians of the wall
time of whole processes, and the same less the median of an empty program run in the same way.

Every run must succeed and print the same as the untraced one. If one does not, its row says so, the
others continue, and the exit status is 1. A low ratio is no failure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.costs.environments import install_checkout
from benchmarks.costs.processes import RunError, check, say

ROOT = Path(__file__).resolve().parent.parent
WORKLOADS = ROOT / "benchmarks/workloads"
ENVIRONMENTS = ROOT / ".venvs"

PEER = "codetracer-python-recorder"
PEER_VERSION = "0.3.0"
PEER_RUNS_ON = ("3.12.", "3.13.")

COUNT = "import codetracer, sys; print(sum(1 for _ in codetracer.read(sys.argv[1])))"
"""A program that prints the number of events in a recording by codetracer."""

PEER_EVENTS = (b'{"Step":', b'{"Return":', b'{"Event":')
"""The beginnings of an event in the peer's log. No string in the log contains one, because quotes
are escaped there. Each call has a separate step, at the line of the `def`, so steps are lines and
calls."""


class Run(NamedTuple):
    """One process, as seen from outside."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, of user and system."""
    memory: int
    """The most it had resident, in KiB."""
    stdout: bytes


class Mode(NamedTuple):
    """A way to run a program."""

    name: str
    command: tuple[str, ...]
    """The words before the program's path; `OUTPUT` stands for the folder to record into."""
    variables: dict[str, str]
    turns: int


OUTPUT = "{output}"
UNTRACED = "untraced"
PEER_MODE = "peer"
NONE = "-"


def modes(python: Path, options: argparse.Namespace, with_peer: bool) -> list[Mode]:
    """Return the ways to run a program on one interpreter; the first is untraced."""
    found = [Mode(UNTRACED, (str(python),), {}, options.turns)]
    recorder = (str(python), "-m", "codetracer", "record", "-o", OUTPUT)
    found += [
        Mode(backend, recorder, {"CODETRACER_BACKEND": backend}, options.turns)
        for backend in options.backend
    ]
    if with_peer:
        peer = (str(python), "-m", PEER.replace("-", "_"), "--trace-dir", OUTPUT)
        found.append(Mode(PEER_MODE, (*peer, "--format", "json"), {}, options.peer_turns))
    return found


def run(mode: Mode, program: Path, output: Path) -> Run:
    """Run a program in one way, recording into `output`; raise RunError when it fails."""
    command = [part.replace(OUTPUT, str(output)) for part in mode.command]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "CODETRACER"))
    }
    # The same order of sets in every run, and so the same work.
    environment |= {"PYTHONHASHSEED": "0"} | mode.variables
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command, str(program)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            cwd=output.parent,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode:
            last = stderr.read().decode(errors="replace").strip().splitlines()[-5:]
            raise RunError(
                f"{program.name}, {mode.name}: exit status {process.returncode}: {' / '.join(last)}"
            )
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, stdout.read())


def take_turns(
    ways: list[Mode], program: Path, scratch: Path, measure: bool = True
) -> dict[str, dict[str, Any]]:
    """Run a program in every way in turn; return the times and logs of each way by its name."""
    runs: dict[str, list[Run]] = {way.name: [] for way in ways}
    logs: dict[str, dict[str, int]] = {}
    for turn in range(max(way.turns for way in ways)):
        for way in ways:
            if turn >= way.turns:
                continue
            output = scratch / "recording"
            runs[way.name].append(done := run(way, program, output))
            if done.stdout != runs[UNTRACED][0].stdout:
                raise RunError(f"{program.name}, {way.name}: its output is not that untraced")
            if measure and way.name not in logs and way.name != UNTRACED:
                logs[way.name] = sizes(way, output)
            shutil.rmtree(output, ignore_errors=True)
    return {
        name: {
            "wall": median(one.wall for one in done),
            "least": min(one.wall for one in done),
            "cpu": median(one.cpu for one in done),
            "memory": max(one.memory for one in done),
            "turns": len(done),
            **logs.get(name, {}),
        }
        for name, done in runs.items()
    }


def sizes(way: Mode, output: Path) -> dict[str, int]:
    """Return the bytes of a log, those of the folder it is in, and how many events it has."""
    folder = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    if way.name == PEER_MODE:
        log = output / "trace.json"
        return {"bytes": log.stat().st_size, "folder": folder, "events": peer_events(log)}
    logs = sorted(output.glob("*.ctlog"))
    if not logs:
        raise RunError(f"{way.name}: no log in {sorted(file.name for file in output.iterdir())}")
    command = [way.command[0], "-c", COUNT, str(output)]
    counted = subprocess.run(command, capture_output=True, text=True, check=False)
    if counted.returncode:
        raise RunError(f"{way.name}: its log cannot be read: {counted.stderr.strip()}")
    size = sum(file.stat().st_size for file in logs)
    return {"bytes": size, "folder": folder, "events": int(counted.stdout)}


def peer_events(log: Path) -> int:
    """Return how many lines, calls, returns and writes the peer's log has; it must end."""
    found = 0
    longest = max(map(len, PEER_EVENTS))
    with log.open("rb") as file:
        kept = b""
        while block := file.read(1 << 22):
            text = kept + block
            # An event's start within what is kept is whole only with the next block.
            kept = text[-(longest - 1) :]
            whole = len(text) - len(kept)
            for start in PEER_EVENTS:
                found += text.count(start, 0, whole + len(start) - 1)
        found += sum(kept.count(start) for start in PEER_EVENTS)
    if not kept.rstrip().endswith(b"]"):
        raise RunError(f"{PEER_MODE}: its log is cut short")
    return found


def environment_for(python: str, version: str, folder: Path) -> Path:
    """Make an environment with both recorders; return its interpreter."""
    place = folder / f"bench-{version}"
    inside = place / "bin/python"
    if not inside.exists():
        say(f"making {place}")
        check([python, "-m", "venv", "--clear", str(place)])
    install = [str(inside), "-m", "pip", "install"]
    if version.startswith(PEER_RUNS_ON):
        say(f"installing {PEER} {PEER_VERSION} into {place}")
        check([*install, f"{PEER}=={PEER_VERSION}"])
    say(f"installing codetracer into {place}")
    install_checkout(install)
    return inside


def measure(python: str, programs: list[Path], options: argparse.Namespace) -> dict[str, Any]:
    """Measure every program on one interpreter; return what goes into the JSON file."""
    version = check([python, "-c", "import platform; print(platform.python_version())"]).strip()
    inside = environment_for(python, version, options.environments)
    with_peer = options.peer_turns > 0 and version.startswith(PEER_RUNS_ON)
    ways = modes(inside, options, with_peer)
    result: dict[str, Any] = {"version": version, "workloads": {}, "failures": []}
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        empty = Path(scratch, "empty.py")
        empty.write_text("")
        say(f"{version}: start-up")
        often = [way._replace(turns=options.turns) for way in ways]
        # Once without counting, to have everything compiled and cached.
        once = [way._replace(turns=1) for way in ways]
        take_turns(once, empty, Path(scratch), measure=False)
        result["start-up"] = take_turns(often, empty, Path(scratch), measure=False)
        for program in programs:
            say(f"{version}: {program.stem}")
            try:
                result["workloads"][program.stem] = take_turns(ways, program, Path(scratch))
            except RunError as error:
                say(f"FAILED: {error}")
                result["failures"].append(str(error))
                result["workloads"][program.stem] = None
    return result


def tables(result: dict[str, Any], backends: Iterable[str]) -> Iterable[str]:
    """Return the lines of one interpreter's tables, as Markdown."""
    version = result["version"]
    start = {name: times["wall"] for name, times in result["start-up"].items()}
    starts = ", ".join(f"{name} {seconds * 1e3:.0f} ms" for name, seconds in start.items())
    yield f"\nCPython {version}; an empty program: {starts}.\n"
    yield (
        "| workload | by | events | untraced, ms | ours, ms | to untraced | peer, ms | peer to ours"
        " | without start-up | ours, bytes | peer, bytes | peer to ours | ns an event"
        " | bytes an event |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for workload, by_mode in result["workloads"].items():
        for backend in backends:
            if by_mode is None:
                yield f"| {workload} | {backend} | failed |" + " |" * 11
                continue
            yield row(workload, backend, by_mode, start)


def row(workload: str, backend: str, times: dict[str, Any], start: dict[str, float]) -> str:
    """Return the row of one program and backend."""
    untraced, ours, peer = times[UNTRACED], times[backend], times.get(PEER_MODE)
    inside = {name: way["wall"] - start[name] for name, way in times.items()}
    added = (inside[backend] - inside[UNTRACED]) / ours["events"]
    cells = [
        workload,
        backend,
        f"{ours['events']:,}",
        f"{untraced['wall'] * 1e3:.0f}",
        f"{ours['wall'] * 1e3:.0f}",
        f"{ours['wall'] / untraced['wall']:.1f}",
        f"{peer['wall'] * 1e3:,.0f}" if peer else NONE,
        f"**{peer['wall'] / ours['wall']:.1f}**" if peer else NONE,
        f"{inside[PEER_MODE] / inside[backend]:.1f}" if peer else NONE,
        f"{ours['bytes']:,}",
        f"{peer['bytes']:,}" if peer else NONE,
        f"**{peer['bytes'] / ours['bytes']:,.0f}**" if peer else NONE,
        f"{added * 1e9:,.0f}",
        f"{ours['bytes'] / ours['events']:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary,
        epilog=rest.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = sorted(file.stem for file in WORKLOADS.glob("*.py"))
    parser.add_argument("python", nargs="*", default=[sys.executable], help="interpreters")
    parser.add_argument(
        "--workload",
        action="append",
        choices=names,
        help="only this program of benchmarks/workloads/ (may be repeated)",
    )
    parser.add_argument(
        "--backend",
        action="append",
        choices=("native", "python"),
        help="codetracer's callbacks (default: native; may be repeated, for both)",
    )
    parser.add_argument("--turns", type=int, default=5, help="runs, untraced and ours (5)")
    parser.add_argument(
        "--peer-turns", type=int, default=1, help=f"runs under {PEER} (1); 0 leaves it out"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument(
        "--environments",
        type=Path,
        default=ENVIRONMENTS,
        metavar="FOLDER",
        help="where the environments are made and kept (.venvs)",
    )
    parser.add_argument(
        "--scratch", metavar="FOLDER", help="where to record (default: a temporary folder)"
    )
    options = parser.parse_args()
    if options.turns < 1 or options.peer_turns < 0:
        parser.error("--turns must be 1 or more, --peer-turns 0 or more")
    options.backend = options.backend or ["native"]
    options.workload = options.workload or names
    return options


def main() -> int:
    """Measure every interpreter given, and print the tables as Markdown."""
    options = parsed()
    programs = [WORKLOADS / f"{name}.py" for name in options.workload]
    results: list[dict[str, Any]] = []
    failed = False
    for python in options.python:
        try:
            result = measure(python, programs, options)
        except RunError as error:
            say(f"FAILED: {python}: {error}")
            failed = True
            continue
        results.append(result)
        failed = failed or bool(result["failures"])
        for line in tables(result, options.backend):
            print(line, flush=True)
    if options.json:
        text = json.dumps({"peer": f"{PEER} {PEER_VERSION}", "results": results}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
