"""An engine writes nothing after the end of its recording, and refuses numbers too large for it."""

from pathlib import Path

from codetracer.monitoring.backend import VARIABLE
from codetracer.recording.reader import LogReader
from codetracer_bindings.trace_decoder import ExitRecord, OutputRecord
from tests.support.running import execute, write

ENGINE = """
from codetracer.filters import load_chain
from codetracer.limits import Limits
from codetracer.monitoring import DISABLE
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.filtering import Gate
from codetracer.runtime.plans import Plans
from codetracer_bindings.trace_encoder import encode_output

log = make_log("log.ctlog", bytes(16), 1, 1)
gate, definitions = Gate(load_chain("/", environ={})), Definitions()
plans = Plans(gate, definitions, code_reader())
engine = make_engine(log, gate, plans, definitions, Limits(), clock=lambda: 5)
"""

ENDED = """
def work(code):
    began = engine.on_py_start(code, 0)
    ran = engine.on_line(code, 1)
    engine.on_raise(code, 0, ValueError())
    engine.on_py_unwind(code, 0, ValueError())
    return began is DISABLE, ran is DISABLE

def newer(code):
    return engine.on_py_start(code, 0) is DISABLE

def tell(what):
    engine.output(1, what, None)
    engine.note(encode_output(1, "", 0, what))

print(work(work.__code__))
tell(b"before")
engine.exit(3)
print(work(work.__code__), newer(newer.__code__), engine.counts()["missed"])
tell(b"after")
log.close()
print(work(work.__code__), newer(newer.__code__))
tell(b"closed")
"""

WITHIN = """
import gc

class Last:
    def __del__(self):
        # Within the first event of new code.
        engine.output(1, b"within", None)
        engine.exit(3)
        engine.output(1, b"after", None)

def work(code):
    engine.on_py_start(code, 0)
    return engine.on_line(code, 1)

plans.outline, outline = lambda code, module: (Last(), outline(code, module))[1], plans.outline
work(work.__code__)
engine.output(1, b"after", None)
log.close()
"""

NUMBERS = """
def outcome(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        return type(error) is not SystemError and isinstance(error, Exception)

print([outcome(engine.output, stream, b"", None) for stream in (-1, 3, 2**64)])
print([outcome(engine.exit, status) for status in (2**63, -2**63 - 1, 2**70)])
print([outcome(make_log, "other.ctlog", bytes(16), pid, 1) for pid in (-1, 2**64 + 5)])
print([outcome(make_log, "other.ctlog", bytes(16), 1, began) for began in (-1, 2**64 + 5)])
engine.exit(-2**63)
log.close()
"""


def run(folder: Path, program: str, backend: str) -> str:
    write(folder, {"app.py": ENGINE + program})
    outcome = execute("app.py", cwd=folder, environ={VARIABLE: backend})
    assert (outcome.code, outcome.stderr) == (0, "")
    return outcome.stdout


def test_nothing_is_written_after_the_end(tmp_path: Path, backend: str) -> None:
    said = run(tmp_path, ENDED, backend)

    assert said.splitlines() == [
        "(False, False)",
        "(True, True) True 0",
        "(True, True) True",
    ]
    records = list(LogReader(str(tmp_path / "log.ctlog")).records())
    assert isinstance(records[-1], ExitRecord)
    outputs = [record.data for record in records if isinstance(record, OutputRecord)]
    assert outputs == [b"before", b"before"]


def test_nothing_is_written_after_an_end_within_an_event(tmp_path: Path, backend: str) -> None:
    run(tmp_path, WITHIN, backend)

    records = list(LogReader(str(tmp_path / "log.ctlog")).records())
    assert isinstance(records[-1], ExitRecord)
    outputs = [record.data for record in records if isinstance(record, OutputRecord)]
    assert outputs == [b"within"]


def test_a_number_that_no_record_holds_is_refused(tmp_path: Path, backend: str) -> None:
    said = run(tmp_path, NUMBERS, backend)

    assert said.splitlines() == [
        "[True, True, True]",
        "[True, True, True]",
        "[True, True]",
        "[True, True]",
    ]
    (record,) = LogReader(str(tmp_path / "log.ctlog")).records()
    assert isinstance(record, ExitRecord)
    assert record.status == -(2**63)
