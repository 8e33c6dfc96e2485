"""``codetracer info``: its options, and the description that it prints."""

from __future__ import annotations

import argparse
import json

from codetracer.commands.newest import add_folder, named_or_newest
from codetracer.reading import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from codetracer.replay import Trace

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

MOST_LOWERED = 20
"""The number of times that code of a process was lowered which are printed."""

SUMMARY = "say what a recording contains: which program, how much, and whether it is complete"

EXAMPLES = """\
examples:
  codetracer info
  codetracer info trace-out --format json

An index counts the contents of a long recording. The first command that needs the index makes it.
The recording itself is checked against its checksums.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``info``."""
    add_folder(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="print lines to be read, or one JSON object (default: text)",
    )


def run(options: argparse.Namespace) -> int:
    """Print a description of the recording.

    Returns:
        The exit code: 1 if a log is damaged, else 0.

    Raises:
        HostError: ERR_IO, a file cannot be read.
        TargetError: the recording is missing or of a newer version, or a header is damaged.
    """
    # Not imported at the top, because recorded programs load the command line, too.
    from codetracer.commands.event_counts import count, unrecorded

    trace = read(named_or_newest(options.trace))
    processes = [count(process) for process in trace.processes]
    damage = [str(row["damage"]) for row in processes if row["damage"] is not None]
    problem = damage[0] if damage else trace.problem
    if options.format == "json":
        found = {
            "path": trace.path,
            "complete": problem is None,
            "problem": problem,
            "metadata": trace.metadata,
            "processes": processes,
            "unrecorded": unrecorded(processes),
        }
        # Line by line, because `codetracer.terminal` escapes line ends inside a printed text.
        for part in json.JSONEncoder(indent=2).iterencode(found):
            for line in part.splitlines(keepends=True):
                print(line, end="")
        print()
    else:
        _print(trace, processes, problem, unrecorded(processes))
    return 1 if damage else 0


def _print(
    trace: Trace, processes: list[dict[str, Any]], problem: str | None, unrecorded: list[str]
) -> None:
    for name, text in _about(trace.metadata):
        _line(name, text)
    _line("complete", "yes" if problem is None else f"no: {problem}")
    counts = trace.metadata.get("counts")
    missed = counts.get("missed") if isinstance(counts, dict) else None
    if missed:
        _line("missed", f"{missed:,} events: memory or stack was full, or the recorder was busy")
    for command in dict.fromkeys(unrecorded):
        number = unrecorded.count(command)
        times = f" ({number} times)" if number > 1 else ""
        _line("missing", f"a Python process was started and is not recorded{times}: {command}")
    for row in processes:
        print(f"process {row['pid']}  {row['log']}")
        _line("end", str(row["ending"]), indent=1)
        _line("size", f"{row['bytes']:,} bytes", indent=1)
        _line("time", _seconds(row["duration_ns"]), indent=1)
        for names in (
            ("steps", "calls", "returns", "unwinds", "files"),
            ("yields", "resumes", "throws"),
            ("raises", "handled", "outputs"),
            ("lost", "unfinished"),
        ):
            _line("", ", ".join(f"{row[name]:,} {name}" for name in names), indent=1)
        _print_lowered(row["lowered"])
        for thread in row["threads"]:
            text = f"{thread['name']}: {thread['calls']:,} calls, {thread['steps']:,} steps"
            _line(f"thread {thread['number']}", text, indent=1)


def _print_lowered(rows: list[dict[str, Any]]) -> None:
    """Print of which code the budget lowered the detail, and when."""
    for row in rows[:MOST_LOWERED]:
        text = f"{row['function']} from {row['from']} to {row['to']} at {row['time_ns']:,} ns"
        _line("lowered", f"{text}  {row['path']}:{row['line']}", indent=1)
    if len(rows) > MOST_LOWERED:
        more = f"{len(rows) - MOST_LOWERED:,} times more: see --json"
        _line("lowered", more, indent=1)


def _about(metadata: dict[str, object]) -> list[tuple[str, str]]:
    """Return pairs of names and texts for the entries that the metadata has."""
    rows = [("recording", metadata.get("recording_id"))]
    arguments = metadata.get("args")
    program = [metadata.get("program"), *(arguments if isinstance(arguments, list) else [])]
    rows.append(("program", " ".join(str(word) for word in program if word is not None)))
    rows.append(("workdir", metadata.get("workdir")))
    rows.append(("python", _words(metadata.get("python"), "implementation", "version")))
    rows.append(("platform", metadata.get("platform")))
    rows.append(("recorder", _words(metadata.get("recorder"), "name", "version", "backend")))
    rows.append(("started", metadata.get("started")))
    rows.append(("duration", _seconds(metadata.get("duration_ns"))))
    rows.append(("cost", _cost(metadata.get("cost"))))
    rows.append(("budget", _budget(metadata.get("budget"))))
    rows.append(("ended", _words(metadata.get("exit_status"), "label")))
    rows.append(("filters", _filters(metadata.get("filters"))))
    rows.append(("redaction", _redaction(metadata.get("redaction"))))
    rows.append(("detail", _detail(metadata.get("detail"), metadata.get("filters"))))
    rows += [(name, _settings(metadata.get(name))) for name in ("limits", "policy")]
    return [(name, str(value)) for name, value in rows if value]


def _cost(table: object) -> str:
    """Return what the recorder took in the process that began the recording."""
    known = table if isinstance(table, dict) else {}
    if not {"events_ns", "code_ns", "writing_ns"} <= known.keys():
        return ""
    events, code, writing = (
        _seconds(known[name]) for name in ("events_ns", "code_ns", "writing_ns")
    )
    return (
        f"about {events} of CPU time for events, {writing} of it for writing;"
        f" {code} for reading new code"
    )


def _budget(table: object) -> str:
    """Return the limit on the cost of recording, and what it came to; an empty text without one."""
    known = table if isinstance(table, dict) else {}
    if "percent" not in known:
        return ""
    text = f"{known['percent']:g}% of the program's own CPU time"
    program, recording = known.get("program_ns"), known.get("recording_ns")
    if not program or not recording:
        return text
    return (
        f"{text}; recording took about {recording / program * 100:.3g}%:"
        f" {_seconds(recording)} beside {_seconds(program)}"
    )


def _words(table: object, *keys: str) -> str:
    known = table if isinstance(table, dict) else {}
    return " ".join(str(known[key]) for key in keys if known.get(key) is not None)


def _filters(table: object) -> str:
    """Return the names of the filters, and how many values they hid; the JSON has the details."""
    known = table if isinstance(table, dict) else {}
    text = ", ".join(row.get("name", "unknown") for row in known.get("filters", ()))
    stats = known.get("stats")
    for key, word in (("value_redactions", "redacted"), ("value_drops", "dropped")):
        counts = stats.get(key) if isinstance(stats, dict) else None
        hidden = sum(counts.values()) if isinstance(counts, dict) else 0
        text += f"; {hidden:,} values {word}" if hidden else ""
    for key, word in (("include", "only files that match"), ("exclude", "no files that match")):
        globs = known.get(key)
        text += f"; {word} {' or '.join(globs)}" if globs else ""
    return text


def _detail(detail: object, filters: object) -> str:
    """Return how much was recorded of each function; an empty text if that is unknown."""
    if not isinstance(detail, str):
        return ""
    known = filters if isinstance(filters, dict) else {}
    stats = known.get("stats")
    counts = stats.get("traced_by_detail") if isinstance(stats, dict) else None
    others = counts if isinstance(counts, dict) else {}
    text = f"{detail} ({_DETAIL_WORDS[detail]})" if detail in _DETAIL_WORDS else detail
    for name, number in others.items():
        if name != detail:
            text += f"; {number:,} code objects with {name}, by a filter"
    return text


_DETAIL_WORDS = {
    "values": "everything",
    "lines": "calls and lines, no values",
    "calls": "calls with arguments and results, no lines",
}


def _redaction(table: object) -> str:
    """Return whether values with secret names were hidden; an empty text if that is unknown."""
    known = table if isinstance(table, dict) else {}
    if "by_name" not in known:
        return ""
    if not known["by_name"]:
        return "none by name: secrets may be in it (--no-redaction)"
    return ", ".join(["by name", *(f"also {name}" for name in known.get("added", ()))])


def _settings(table: object) -> str:
    known = table if isinstance(table, dict) else {}
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in known.items())


def _seconds(ns: object) -> str:
    from codetracer.commands.printer import duration

    return duration(ns) if isinstance(ns, int) else ""


def _line(name: str, text: str, indent: int = 0) -> None:
    print(f"{'  ' * indent}{name:<10} {text}")
