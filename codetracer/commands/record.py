"""``codetracer record``: its options, and the recording that they start."""

from __future__ import annotations

import atexit
import os
import sys
from os import _exit
from os import getpid as _getpid

from codetracer import session
from codetracer.commands import INTERRUPTED
from codetracer.commands.option_values import percentage, whole_number
from codetracer.commands.summary import Summary, flush, say
from codetracer.filters.globs import add_file_options
from codetracer.inspect.paths import FileGlobs, working_directory
from codetracer.launcher import COMMAND_FILENAME, Target, run
from codetracer.limits import HIGHEST, Limits
from codetracer.own import seal
from codetracer.policy import configure_policy, recording_policy
from codetracer.recording.names import DEFAULT_FOLDER
from codetracer.runtime import reserve
from codetracer.standard_error import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from codetracer.commands.plain_options import OptionParser, Options
    from codetracer.runtime.lifecycle import Recorder

__all__ = ["EXAMPLES", "RUNNERS", "SUMMARY", "add_options", "execute", "prepare"]

SUMMARY = "run a program and record what it does; `codetracer show` shows the recording"

EXAMPLES = """\
examples:
  codetracer record app.py --verbose
  codetracer record -o trace -m package.module
  codetracer record --pytest tests/test_app.py -x
  codetracer record --include 'app/*.py' --exclude '*_pb2.py' app.py
  codetracer record --detail calls app.py
  codetracer record --budget 20% app.py
  codetracer show

environment:
  CODETRACER_PYTHON_RECORDER_OUT_DIR   same as --out-dir
  CODETRACER_PYTHON_RECORDER_DISABLED  1 runs the program without recording it
  CODETRACER_TRACE_FILTER              filter files; those of --trace-filter override them
  CODETRACER_REDACT                    names as with --redact, separated by commas
  CODETRACER_NO_REDACTION              1 is the same as --no-redaction
  CODETRACER_CAPTURE_IO                same as --io-capture
  CODETRACER_DETAIL                    same as --detail
  CODETRACER_BUDGET                    same as --budget
  CODETRACER_ON_RECORDER_ERROR, CODETRACER_REQUIRE_TRACE, CODETRACER_KEEP_PARTIAL_TRACE,
  CODETRACER_LOG_LEVEL, CODETRACER_LOG_FILE, CODETRACER_JSON_ERRORS,
  CODETRACER_PROPAGATE_SCRIPT_EXIT     same as the options with these names

exit status:
  The program's own. If recording fails while the program runs, the program continues, and what
  was recorded is kept. Before the program starts: 2 for wrong usage, 1 if recording cannot start.
  1 if recording fails and --on-recorder-error abort or --require-trace is given.
  With --no-propagate-script-exit, 0 whenever the program was recorded.
"""

OUT_DIR = "CODETRACER_PYTHON_RECORDER_OUT_DIR"
DISABLED = "CODETRACER_PYTHON_RECORDER_DISABLED"
RUNNERS = ("pytest", "unittest")
"""Modules that run other people's code. For each there is a built-in filter of the same name."""


def add_options(parser: OptionParser) -> None:
    """Give `parser` the options of ``record``, without those that name the program."""
    defaults = Limits()
    parser.add_argument(
        "-o",
        "--out-dir",
        metavar="DIR",
        default=os.environ.get(OUT_DIR) or None,
        help="write the recording to this folder, which must be empty or not exist (default:"
        " trace-out; if that exists, trace-out-2, trace-out-3 and so on). A child of a recorded"
        " program that names the same folder joins its recording",
    )
    parser.add_argument(
        "--activation-path",
        metavar="PATH",
        help="start at the first call into this file, stop when that call returns",
    )
    parser.add_argument(
        "--trace-filter",
        metavar="FILE",
        action="append",
        default=[],
        help="use a filter file, or several separated by ::. Can be given more than once; later"
        " filters override earlier ones",
    )
    add_file_options(
        parser,
        "record",
        "everything but the standard library, unless filters say otherwise",
    )
    hiding = parser.add_mutually_exclusive_group()
    hiding.add_argument(
        "--redact",
        metavar="NAME",
        action="append",
        default=[],
        help="also hide values with this name, as values named password are hidden. NAME matches"
        " whole words of names, in any case and spelling. Can be given more than once",
    )
    hiding.add_argument(
        "--no-redaction",
        action="store_true",
        help="hide no value because of its name; values that filters redact and input of getpass"
        " stay hidden",
    )
    parser.add_argument(
        "--detail",
        choices=session.DETAILS,
        default=None,
        help="how much to record of each function, unless a filter decides: values (everything);"
        " lines (calls and lines, but no values except exceptions); calls (calls with arguments,"
        " results, exceptions and output, but no lines) (default: values)",
    )
    parser.add_argument(
        "--budget",
        metavar="PERCENT",
        type=percentage,
        default=None,
        help="record the code that costs most in less detail, from values to lines to calls, once"
        " recording takes more extra CPU time than this share of the program's own, such as 20%%."
        " `codetracer info` lists what was lowered, and when (default: no limit)",
    )
    parser.add_argument(
        "--io-capture",
        choices=session.CAPTURE_MODES,
        default=None,
        help="output to record: off; proxies (Python's streams); proxies+fd (also C code and"
        " subprocesses) (default: proxies)",
    )
    for name, text in (
        ("depth", "follow references between objects this many levels deep"),
        ("items", "record this many items of a container or attributes of an object"),
        ("text", "record this many characters of a str or bytes of a bytes object"),
    ):
        parser.add_argument(
            f"--max-{name}",
            metavar="N",
            type=whole_number(1, HIGHEST.get(name)),
            default=getattr(defaults, name),
            help=f"{text} (default: %(default)s)",
        )
    parser.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        help="print nothing about the recording at the end unless something went wrong",
    )
    parser.add_argument(
        "--propagate-script-exit",
        action="switch",
        default=None,
        help="exit with the program's status (default), or with 0 whenever the program was"
        " recorded",
    )
    _add_policy_options(parser)


def _add_policy_options(parser: OptionParser) -> None:
    group = parser.add_argument_group("when recording fails")
    group.add_argument(
        "--on-recorder-error",
        choices=("abort", "disable"),
        help="end the program with an error, or let it go on without recording (default: disable)",
    )
    group.add_argument(
        "--require-trace",
        action="switch",
        default=None,
        help="exit with 1 unless the recording is complete",
    )
    group.add_argument(
        "--keep-partial-trace",
        action="switch",
        default=None,
        help="keep an incomplete recording (default: yes)",
    )
    group.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error", "off"),
        help="verbosity of codetracer's own log (default: warning)",
    )
    group.add_argument("--log-file", metavar="FILE", help="log to this file (default: stderr)")
    group.add_argument(
        "--json-errors",
        action="switch",
        default=None,
        help="print each error as a line of JSON, too",
    )


def prepare(options: Options, target: Target) -> Callable[[], None]:
    """Create the folder and the recorder, and return a function that starts the recording.

    Parameters:
        options: the parsed command line.
        target: the program to run.

    Raises:
        UsageError: the folder, a filter or a setting is wrong.
        HostError: the folder cannot be created.
    """
    configure_policy(
        on_recorder_error=options.on_recorder_error,
        require_trace=options.require_trace,
        keep_partial_trace=options.keep_partial_trace,
        log_level=options.log_level,
        log_file=options.log_file,
        json_errors=options.json_errors,
        propagate_script_exit=options.propagate_script_exit,
    )
    if os.environ.get(DISABLED, "").lower() in ("1", "true", "yes"):
        return lambda: None
    framework = target.value if target.kind == "module" and target.value in RUNNERS else None
    recorder = session.make_recorder(
        options.out_dir,
        filter_start=_filter_start(target),
        trace_filter=options.trace_filter,
        files=FileGlobs(options.include, options.exclude),
        redact=options.redact,
        redaction=False if options.no_redaction else None,
        builtin_filters=("default", framework) if framework else ("default",),
        activation_path=options.activation_path,
        io_capture=session.capture_mode(options.io_capture),
        detail=options.detail,
        budget=options.budget,
        limits=Limits(options.max_depth, options.max_items, options.max_text),
        program=COMMAND_FILENAME if target.kind == "command" else target.value,
        arguments=target.args,
        strings=target.kind == "command",
    )
    if target.kind == "command":
        recorder.directory.write_source(COMMAND_FILENAME, target.value.encode())
    _prepared.append(recorder)
    name = os.path.basename(recorder.directory.path)
    if not options.quiet and not recorder.directory.joined:
        if options.out_dir is None and name != DEFAULT_FOLDER:
            complain(f"codetracer: {DEFAULT_FOLDER} exists; recording into {name}")
        _summaries.append(Summary(recorder, options.out_dir or name))

    def start() -> None:
        recorder.leave_out(sys._getframe())
        session.start_recorder(recorder)

    return start


_prepared: list[Recorder] = []
_summaries: list[Summary] = []
"""The summaries to print at the end; none with --quiet."""
_statuses: list[int] = []
"""The exit statuses of this process that were decided so far; the last one is in force."""

seal(globals())


def execute(target: Target, start: Callable[[], None]) -> int:
    """Run the program, and return the exit status of ``codetracer record``.

    Parameters:
        target: the program to run.
        start: starts the recording; it is called right before the program's first line.

    Raises:
        BaseException: the program raised it and --no-propagate-script-exit is not given, or it
            kept the program from starting.
    """
    # Handlers run last in, first out, so the recording has ended when this one runs.
    atexit.register(_end, _getpid())
    try:
        try:
            run(target, start)
        finally:
            # A function in C, because memory may be too short for a Python frame.
            reserve.release()
    except SystemExit as ending:
        if not _has_begun(ending):
            _leave_nothing()
            raise
        status = _status_of(ending)
        _note_end(status, f"exited {status}")
        if _ends_as_the_program():
            raise
        if ending.code is not None and not isinstance(ending.code, int):
            complain(str(ending.code))
    except BaseException as error:
        if not _has_begun(error):
            _leave_nothing()
            raise
        status = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
        _note_end(status, f"uncaught {type(error).__qualname__}")
        for summary in _summaries:
            summary.note_uncaught(error)
        if _ends_as_the_program():
            raise
        _show(error)
    else:
        status = 0
        _note_end(0, "exited 0")
    return _conclude(status)


def _filter_start(target: Target) -> str:
    if target.kind == "script" and target.value != "-":
        return os.path.dirname(os.path.abspath(target.value))
    return working_directory()


def _status_of(ending: SystemExit) -> int:
    """Return the exit status that CPython would end with (Python/pythonrun.c)."""
    code = ending.code
    if code is None:
        return 0
    if not isinstance(code, int):
        return 1
    # int's own operators, because a subclass may replace them. CPython turns a number too large
    # for a C long into -1.
    fits = int.__le__(-(1 << 63), code) and int.__lt__(code, 1 << 63)
    return int.__and__(code, 0xFF) if fits else 0xFF


def _has_begun(ending: BaseException) -> bool:
    """Return whether the program's code had begun to run when it raised `ending`."""
    if not all(recorder.started for recorder in _prepared):
        return False
    traceback = ending.__traceback__
    names = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        names.append((os.path.basename(code.co_filename), code.co_name))
        traceback = traceback.tb_next
    # runpy finds the program after recording has begun, and runs it in _run_code.
    is_found_by_runpy = ("<frozen runpy>", "_run_module_as_main") in names
    return not is_found_by_runpy or ("<frozen runpy>", "_run_code") in names


def _leave_nothing() -> None:
    _statuses.append(1)
    for recorder in _prepared:
        if recorder.started:
            recorder.is_wanted = False
            session.stop()
        else:
            recorder.discard()


def _note_end(status: int, label: str) -> None:
    _statuses.append(status)
    for recorder in _prepared:
        recorder.set_exit_status(status)
        recorder.set_exit_label(label)


def _ends_as_the_program() -> bool:
    """Return whether this process ends with the program's exception or exit status.

    It does unless --no-propagate-script-exit is given. Even then it does in a child of a recorded
    program, because the parent looks at the status, and where recording failed or was disabled.
    """
    return recording_policy().propagate_script_exit or not any(
        recorder.started
        and not recorder.failed
        and not recorder.directory.joined
        and not recorder.is_forked
        for recorder in _prepared
    )


def _show(error: BaseException) -> None:
    """Report an uncaught exception as CPython does at the end of ``python`` (_PyErr_PrintEx)."""
    sys.last_exc = error
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    sys.excepthook(type(error), error, error.__traceback__)


def _end(process: int) -> None:
    """Print what is missing and the summary; exit with 1 if a required recording is incomplete.

    This is the last handler that runs at exit. After it only finalizers of the program's objects
    can print.

    Parameters:
        process: the PID of the process that registered the handler; forked children do nothing.
    """
    if _getpid() != process:
        return
    for recorder in _prepared:
        recorder.retry()
        if recorder.failed and recorder.is_wanted:
            path = recorder.directory.path
            kept = recorder.directory.is_there()
            where = f"the recorded part is in {path}" if kept else f"{path} does not exist any more"
            say(f"codetracer: the recording is incomplete: {recorder.problem}; {where}")
    for summary in _summaries:
        summary.tell()
    if _is_failure() and not any(_statuses[-1:]):
        for name in ("stdout", "stderr"):
            flush(name)
        _exit(1)


def _is_failure() -> bool:
    policy = recording_policy()
    return (policy.require_trace or policy.on_recorder_error == "abort") and any(
        recorder.failed for recorder in _prepared
    )


def _conclude(status: int) -> int:
    if _is_failure():
        return 1
    if status:
        for summary in _summaries:
            summary.note_hidden(status)
    # If recording fails after this, `_end` must see that the process would exit with 0.
    _statuses.append(0)
    return 0
