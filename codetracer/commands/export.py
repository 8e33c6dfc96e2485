"""``codetracer export``: its options, and the folder it makes."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile

from codetracer.commands.newest import add_folder, named_or_newest
from codetracer.commands.option_values import whole_number
from codetracer.commands.progress import Progress
from codetracer.errors import HostError, TargetError, UsageError
from codetracer.reading import read
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.export.codetracer_values import Limits
    from codetracer.export.cut import Cut
    from codetracer.replay import Process, Trace

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "convert a recording to the format of another program"

EXAMPLES = """\
examples:
  codetracer export trace-out --to codetracer-json
  codetracer export trace-out --to codetracer-json -o for-codetracer
  codetracer export trace-out --to codetracer-json --from-step 5000 --to-step 9000
  codetracer export trace-out --to codetracer-json --function parse --depth 2 --items 10
  ct replay --trace-folder for-codetracer

CodeTracer 25.11 opens the format codetracer-json: trace.json, trace_metadata.json, trace_paths.json
and files/. The format has a single stack of calls. The main thread's calls come first; the calls of
each other thread follow in a call of their own. Every step has the full values of its local
variables and of the global variables that its code uses, so an export is far larger than the
recording. Its size is estimated from a sample of the steps and printed first; more than 2 GB is
written only with --force. Where a value is cut, the export says how much is missing.

The exit status is 0 if the export was written, 1 if something could not be read or written, and 2
for wrong usage and for an export that would be too large.
"""

FILES = ("trace.json", "trace_metadata.json", "trace_paths.json")
COPIES = "files"
LISTED = 5
"""The number of source files without a copy that are named."""
NAME_LENGTH = 200
"""The number of characters of such a name that are shown."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``export``."""
    add_folder(parser)
    parser.add_argument(
        "--to", choices=("codetracer-json",), required=True, help="convert to this format"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="write to this folder (default: DIR with -codetracer-json appended to its name)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace an earlier export in OUT, and write more than 2 GB if necessary",
    )
    parser.add_argument(
        "--process",
        metavar="PID",
        type=whole_number(0),
        help="export this process (default: the first one)",
    )
    parser.add_argument(
        "--from-step",
        metavar="N",
        type=whole_number(0),
        default=0,
        help="leave out everything before step N; `codetracer show` prints step numbers",
    )
    parser.add_argument(
        "--to-step", metavar="N", type=whole_number(0), help="leave out everything after step N"
    )
    parser.add_argument(
        "--function",
        metavar="NAME",
        help="export only calls of this function and everything they call. NAME is a qualified"
        " name or the last part of one, with or without its module",
    )
    parser.add_argument(
        "--depth",
        metavar="N",
        type=_depth,
        help="write values up to this many levels deep, at most 40 (default: 4)",
    )
    parser.add_argument(
        "--items",
        metavar="N",
        type=whole_number(1),
        help="write this many items of a value or fields of an object (default: 50). A value gets"
        " about 160 characters of JSON for each of them",
    )


def run(options: argparse.Namespace) -> int:
    """Write the export.

    Returns:
        The exit code, 0.

    Raises:
        HostError: ERR_IO, a file cannot be read or written; ERR_TRACE_DIR_CONFLICT, OUT exists and
            may not be replaced.
        TargetError: the recording is missing, damaged, of a newer version, or lacks the process,
            step or function in the options. The readable part of a damaged one has been exported.
        UsageError: ERR_EXPORT_TOO_LARGE, the export is larger than the limit without --force;
            ERR_NOT_IN_TRACE, --to-step is before --from-step.
    """
    if options.to_step is not None and options.to_step < options.from_step:
        raise UsageError(
            "ERR_NOT_IN_TRACE",
            f"no steps are from {options.from_step} to {options.to_step};"
            " --to-step must not be before --from-step",
            {"from": options.from_step, "to": options.to_step},
        )
    trace = read(named_or_newest(options.trace))
    process = _process(trace, options.process)
    if len(trace.processes) > 1 and options.process is None:
        complain(
            f"codetracer: exporting process {process.pid}, one of {len(trace.processes)};"
            " --process PID exports another one"
        )
    name = os.path.splitext(trace.path.rstrip(os.sep))[0] if trace.path != trace.folder else ""
    output = options.output or f"{name or trace.folder.rstrip(os.sep)}-{options.to}"
    output = output.rstrip(os.sep) or output
    _check(output, force=options.force)
    export = _Export(trace, process, options)
    export.estimate()
    partial = ""
    try:
        os.makedirs(os.path.dirname(output) or os.curdir, exist_ok=True)
        # A new folder, which no other user can have put files into.
        partial = tempfile.mkdtemp(".partial", f"{os.path.basename(output)}.", _parent(output))
        damage = export.write(partial)
        _move(partial, output)
    except OSError as error:
        raise HostError(
            "ERR_IO", f"{output} cannot be written: {error.strerror or error}", {"path": output}
        ) from error
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
    if damage is not None:
        complain(f"codetracer: {output} has the part that could be read")
        raise damage
    print(output)
    return 0


class _Export:
    """Estimates and writes the export of one process.

    Parameters:
        trace: the recording.
        process: the process of the recording to export.
        options: the parsed command line.
    """

    def __init__(self, trace: Trace, process: Process, options: argparse.Namespace) -> None:
        # Not imported at the top, because recorded programs load the command line, too.
        from codetracer.export.codetracer_values import DEFAULT_ITEMS, DEPTH, Limits
        from codetracer.export.size import LIMIT

        self._trace = trace
        self._process = process
        self._options = options
        self._limits: Limits = Limits(options.depth or DEPTH, options.items or DEFAULT_ITEMS)
        self._most: int | None = None if options.force else LIMIT
        self._expected = 0
        workdir = trace.metadata.get("workdir")
        # A missing or relative working directory starts from the current folder: no other is known.
        self._workdir = os.path.abspath(workdir if isinstance(workdir, str) else "")

    def estimate(self) -> None:
        """Estimate the size of the export, and print it on standard error.

        Raises:
            HostError: ERR_IO, the log cannot be read.
            TargetError: ERR_NOT_IN_TRACE, the selected part is empty.
            UsageError: ERR_EXPORT_TOO_LARGE, the size is larger than allowed.
        """
        from codetracer.export.estimate import estimate
        from codetracer.export.size import LIMIT, said, too_large
        from codetracer.export.sources import Sources

        replay = self._process.replay()
        cut = self._cut()
        size = self._process.log.size()
        # An export that is far too large can be refused before the log is read to its end.
        enough = None if self._most is None else 10 * LIMIT
        with Progress("measured") as progress:
            found = estimate(
                replay,
                cut,
                Sources(self._workdir),
                self._limits,
                enough,
                progress.watch(lambda: (replay.position, size)),
            )
        self._require(cut, found.events, replay.steps)
        about = "about" if found.whole else "more than"
        complain(f"codetracer: the export will have {about} {said(found.size)}")
        if self._most is not None and found.size > self._most:
            raise too_large(f"the export would have {about} {said(found.size)}")
        self._expected = found.size

    def write(self, folder: str) -> TargetError | None:
        """Write all files of the export.

        Parameters:
            folder: an existing empty folder.

        Returns:
            The error at which reading a damaged log ended, or None.
        """
        from codetracer.export.codetracer_json import Writer
        from codetracer.export.codetracer_metadata import error, metadata
        from codetracer.export.sources import Sources
        from codetracer.export.spool import Spool

        trace = self._trace
        replay = self._process.replay()
        cut = self._cut()
        sources = Sources(self._workdir)
        spool = Spool(folder, self._most)
        writer = Writer(replay, cut, spool, sources, self._limits)
        damage: TargetError | None = None
        with Progress("written") as progress:
            watch = progress.watch(lambda: (spool.size, self._expected))
            try:
                for event in cut.events(replay, watch):
                    writer.write(event)
            except TargetError as found:
                damage = found
        problem = damage.message if damage else trace.problem
        writer.finish(
            os.path.join(folder, FILES[0]), None if cut.ends_early else error(trace, problem)
        )
        _write_json(os.path.join(folder, FILES[1]), metadata(trace, self._workdir))
        _write_json(os.path.join(folder, FILES[2]), sources.paths)
        room = None if self._most is None else self._most - spool.size
        _say_left_out(list(sources.copy(os.path.join(folder, COPIES), trace.source_copy, room)))
        return damage

    def _cut(self) -> Cut:
        from codetracer.export.cut import Cut

        name = self._options.function
        named = None if name is None else lambda code: code.is_named(name)
        return Cut(self._options.from_step, self._options.to_step, named)

    def _require(self, cut: Cut, events: int, steps: int) -> None:
        from codetracer.commands.function_names import close_names

        first, name = self._options.from_step, self._options.function
        problem = ""
        if first and steps <= first:
            has = f"steps 0 to {steps - 1}" if steps else "no steps"
            why = self._process.timeline().because("lines")
            problem = f"there is no step {first}: the log has {has}{why}"
        elif name is not None and not any(cut.known.values()):
            known = close_names(name, {code.name for code in cut.known})
            problem = f"{self._trace.path} has no call of a function {name}{known}"
        elif name is not None and not events:
            problem = f"no call of {name} runs in these steps"
        if problem:
            raise TargetError("ERR_NOT_IN_TRACE", problem, {"path": self._trace.path})


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
            f"{output} cannot be written to: {error.strerror or error}; name another one",
            {"path": output},
        ) from error
    foreign = sorted(set(there) - {*FILES, COPIES})
    if there and not force:
        raise HostError(
            "ERR_TRACE_DIR_CONFLICT",
            f"{output} exists and is not empty; name another folder, or use --force to replace it",
            {"path": output},
        )
    if foreign:
        raise HostError(
            "ERR_TRACE_DIR_CONFLICT",
            f"{output} has files that are not part of an export, such as {foreign[0]}; name another"
            " folder",
            {"path": output},
        )


def _parent(output: str) -> str:
    return os.path.dirname(output) or os.curdir


def _write_json(path: str, content: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")


def _say_left_out(left: list[tuple[str, str]]) -> None:
    for path, reason in left[:LISTED]:
        shown = ascii(path if len(path) <= NAME_LENGTH else f"{path[:NAME_LENGTH]}...")
        complain(f"codetracer: the source {shown} is not copied: {reason}")
    if len(left) > LISTED:
        complain(f"codetracer: {len(left) - LISTED} more sources are not copied")


def _move(partial: str, output: str) -> None:
    """Move the written files to the output folder, and replace those of an earlier export."""
    os.makedirs(output, exist_ok=True)
    for name in (*FILES, COPIES):
        target = os.path.join(output, name)
        # A symbolic link is removed, not followed.
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
        elif os.path.lexists(target):
            os.unlink(target)
        if os.path.exists(os.path.join(partial, name)):
            os.replace(os.path.join(partial, name), target)


def _depth(text: str) -> int:
    from codetracer.export.codetracer_values import MOST_LEVELS

    return whole_number(1, MOST_LEVELS)(text)
