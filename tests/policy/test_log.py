"""An error as one JSON line on file descriptor 2, and nothing said unasked."""

import json

import pytest

from tests.support.project import run_python

TWO_ERRORS = """
import sys
from codetracer import HostError, UsageError, log
sys.stderr = None
log.json_line(HostError("ERR_IO", "no \\u00e9crit", {"file": "a.log", "odd": {1, 2}.__class__}))
log.json_line(UsageError("ERR_ALREADY_TRACING", "twice"))
"""

FAILING_TRACER = """
import codetracer
class Failing(codetracer.Tracer):
    def on_py_start(self, code, offset):
        raise KeyError("mine")
def f():
    return "the program went on"
for _ in range(2):
    codetracer.install_tracer(Failing())
    f()
    codetracer.uninstall_tracer()
print(f())
"""


def test_an_error_is_one_json_line_on_file_descriptor_2_whatever_sys_stderr_is() -> None:
    done = run_python("-c", TWO_ERRORS)

    first, second = map(json.loads, done.stderr.splitlines())
    assert (done.returncode, done.stdout) == (0, "")
    assert list(first) == [
        "run_id",
        "trace_id",
        "error_code",
        "error_kind",
        "message",
        "context",
    ]
    assert first == {
        "run_id": first["run_id"],
        "trace_id": None,
        "error_code": "ERR_IO",
        "error_kind": "host",
        "message": "no \u00e9crit",
        "context": {"file": "a.log", "odd": "<class 'set'>"},
    }
    assert (second["error_code"], second["error_kind"]) == ("ERR_ALREADY_TRACING", "usage")


def test_all_lines_of_a_process_have_the_same_run_id_and_no_other_process_has_it() -> None:
    runs = [
        [json.loads(line)["run_id"] for line in run_python("-c", TWO_ERRORS).stderr.splitlines()]
        for _ in range(2)
    ]

    assert [len(set(run)) for run in runs] == [1, 1]
    assert runs[0][0] != runs[1][0]
    assert len(bytes.fromhex(runs[0][0])) == 16


@pytest.mark.slow
@pytest.mark.parametrize("words", ["no", "yes"])
def test_json_errors_decides_whether_a_failing_tracer_leaves_a_json_line(words: str) -> None:
    done = run_python(
        "-c",
        f"import codetracer\ncodetracer.configure_policy_from_env()\n{FAILING_TRACER}",
        variables={
            "CODETRACER_ON_RECORDER_ERROR": "disable",
            "CODETRACER_JSON_ERRORS": words,
            "CODETRACER_LOG_LEVEL": "off",
        },
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == "the program went on\n"
    assert len(lines) == (2 if words == "yes" else 0)
    assert len({line["run_id"] for line in lines}) == len(lines) // 2
    for line in lines:
        assert line["error_code"] == "ERR_TRACER_FAILED"
        assert line["error_kind"] == "internal"
        assert line["message"] == "Failing.on_py_start failed at <string>:7: KeyError: 'mine'"
        assert line["context"]["tracer"] == "Failing"


def test_a_removed_tracer_is_said_once_with_its_code_when_nobody_configured_logging() -> None:
    done = run_python(
        "-c",
        "import codetracer\ncodetracer.configure_policy(on_recorder_error='disable')\n"
        + FAILING_TRACER.replace("range(2)", "range(1)"),
    )

    assert done.stdout == "the program went on\n"
    assert done.stderr.count("[ERR_TRACER_FAILED] Failing.on_py_start failed at ") == 1


def test_logging_is_not_imported_until_something_is_said() -> None:
    done = run_python(
        "-S",
        "-c",
        "import sys, codetracer\n"
        "codetracer.configure_policy(on_recorder_error='disable')\n"
        "print('logging' in sys.modules)\n"
        "codetracer.configure_policy(log_level='error')\n"
        "print('logging' in sys.modules)\n",
    )

    assert done.stdout == "False\nTrue\n"


UNSPEAKABLE = """
import codetracer, os, sys
codetracer.configure_policy(on_recorder_error="disable", json_errors=True, log_level="off")

class Unspeakable:
    def __repr__(self):
        raise ValueError("no words")

class Failing(codetracer.Tracer):
    def on_py_start(self, code, offset):
        {failure}

def f():
    return "the program went on"

codetracer.install_tracer(Failing())
print(f())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure",
    [
        "os.close(2); raise KeyError('stderr is closed')",
        "r, w = os.pipe(); os.close(r); os.dup2(w, 2); raise KeyError('nobody reads stderr')",
        "raise codetracer.TargetError('ERR_IO', 'odd keys', {(1, 2): 3})",
        "raise codetracer.TargetError('ERR_IO', 'no repr', {'value': Unspeakable()})",
    ],
    ids=["closed", "broken pipe", "odd keys", "no repr"],
)
def test_a_json_line_that_cannot_be_made_or_written_never_surprises_the_program(
    failure: str,
) -> None:
    done = run_python("-c", UNSPEAKABLE.replace("{failure}", failure))

    assert (done.returncode, done.stdout) == (0, "the program went on\n")
    assert "Traceback" not in done.stderr
