"""One row in the spec is a whole record: encoder, decoder, writer in C, reference."""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from codetracer.monitoring.backend import BACKENDS, VARIABLE
from hatch_build import MODULES, sources_of
from tests.support.project import ROOT, Project, run_python
from tests.support.recordings import NATIVE

GREETING = """
[[record]]
name = "greeting"
tag = 0x3F
fields = [
    { name = "number", type = "uint", summary = "How many were before it." },
    { name = "change", type = "sint", summary = "By how much it is warmer." },
    { name = "words", type = "text", summary = "What is said." },
    { name = "mood", type = "f64", summary = "How it is meant." },
    { name = "person", type = "value", summary = "Who is greeted." },
    { name = "others", type = "values", summary = "Who else is." },
]
short = { field = "number", first = 0x21, last = 0x30, lowest = 3 }
summary = "The program says hello."
"""

IN_PYTHON = """
from codetracer_bindings import trace_decoder, trace_encoder
values = trace_encoder.value_text('Ada'), trace_encoder.value_none()
for number in (2, 3, 18, 19, 2**63):
    for change in (0, -1, 2**62):
        data = trace_encoder.encode_greeting(number, change, 'hé', 0.5, values[0], values)
        record, end = trace_decoder.decode_record(data, 0)
        assert end == len(data)
        assert record == (number, change, 'hé', 0.5, 'Ada', ('Ada', None)), record
        print(data.hex())
"""

IN_C = r"""
#include "_trace_records.h"
static PyObject *
greet(PyObject *module, PyObject *args)
{
    unsigned long long number;
    long long change;
    Buffer group = {0}, values = {0};
    if (!PyArg_ParseTuple(args, "KL", &number, &change)) return NULL;
    put_value_text(&values, (Bytes){"Ada", 3});
    Bytes person = {values.bytes, values.used};
    put_value_none(&values);
    person.bytes = values.bytes;
    Several others = {2, values.bytes, values.used};
    if (put_greeting(&group, number, change, (Bytes){"h\xc3\xa9", 3}, 0.5, person, others) < 0) {
        return NULL;
    }
    return PyBytes_FromStringAndSize((char *)group.bytes, (Py_ssize_t)group.used);
}
static PyMethodDef methods[] = {{"greet", greet, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "greeter", .m_methods = methods};
PyMODINIT_FUNC PyInit_greeter(void) { return PyModule_Create(&definition); }
"""

CALL_C = """
import greeter
for number in (2, 3, 18, 19, 2**63):
    for change in (0, -1, 2**62):
        print(greeter.greet(number, change).hex())
"""

BOTH_DECODERS = """
from codetracer_bindings import _decoder, trace_decoder, trace_encoder
def outcome(decoder, data):
    try:
        record, end = decoder.decode_record(data, 0)
        return type(record), repr(record), end
    except (IndexError, ValueError, RecursionError) as error:
        return type(error)
values = trace_encoder.value_text('Ada'), trace_encoder.value_none()
alike = 0
for number in (2, 3, 18, 19, 2**63):
    for change in (0, -1, 2**62):
        whole = trace_encoder.encode_greeting(number, change, 'hé', 0.5, values[0], values)
        assert outcome(_decoder, whole)[2] == len(whole)
        damaged = [whole[:end] for end in range(len(whole))]
        damaged += [
            whole[:at] + bytes((byte,)) + whole[at + 1:]
            for at in range(len(whole)) for byte in range(0, 256, 3)
        ]
        for data in (whole, *damaged):
            assert outcome(_decoder, data) == outcome(trace_decoder, data), data
            alike += 1
print(alike)
"""

RECORDED = """
from codetracer.filters import load_chain
from codetracer.limits import Limits
from codetracer.recording.reader import LogReader
from codetracer.replay.replay import Replay
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.filtering import Gate
from codetracer.runtime.plans import Plans
from codetracer_bindings import trace_encoder

gate, definitions = Gate(load_chain('/', environ={})), Definitions()
log = make_log(LOG, bytes(16), 1, 1)
engine = make_engine(log, gate, Plans(gate, definitions, code_reader()), definitions, Limits())
for person in 'Ada Lovelace', 'Ada Lovelace', 'Grace Hopper':
    value = trace_encoder.value_text(person)
    engine.note(trace_encoder.encode_greeting(4, 1, 'hi', 1.0, value, [value]))
engine.exit(0)
log.close()
with open(LOG, 'rb') as file:
    data = file.read()
print([data.count(name) for name in (b'Ada Lovelace', b'Grace Hopper')])
print([(record.person, record.others) for record in [*LogReader(LOG).records()][:-1]])
print([type(record).__name__ for record in LogReader(LOG).records()])
print([type(event).__name__ for event in Replay(LogReader(LOG))])
"""


@pytest.fixture(scope="module")
def before() -> dict[str, bytes]:
    return {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, before: dict[str, bytes]) -> Project:
    project = Project(tmp_path_factory.mktemp("new"), whole=True)
    text = project.read("spec/trace.toml")
    project.write(f"{text}{GREETING}", "spec/trace.toml")
    before.update(project.tree())
    done = project.codegen("generate")
    assert (done.returncode, done.stderr) == (0, "")
    return project


@pytest.mark.slow
def test_a_new_record_changes_generated_files_and_no_other(
    project: Project, before: dict[str, bytes]
) -> None:
    after = project.tree()

    changed = {file for file in before.keys() | after.keys() if before.get(file) != after.get(file)}

    assert changed == {
        "generated/codetracer_bindings/_trace_fields.h",
        "generated/codetracer_bindings/_trace_format.h",
        "generated/codetracer_bindings/_trace_objects.h",
        "generated/codetracer_bindings/_trace_reader.h",
        "generated/codetracer_bindings/_trace_records.h",
        "generated/codetracer_bindings/trace_decoder.py",
        "generated/codetracer_bindings/trace_encoder.py",
        "generated/codetracer_bindings/trace_format.py",
        "generated/codetracer_bindings/trace_letters.py",
        "generated/trace.md",
    }


@pytest.mark.slow
def test_a_new_record_is_read_as_it_was_written(project: Project) -> None:
    done = run_python("-c", IN_PYTHON, root=project.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.split()) == 15


@pytest.mark.slow
@pytest.mark.only_where(NATIVE)
def test_the_writer_in_c_of_a_new_record_writes_the_bytes_of_the_encoder(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "greeter.c").write_text(IN_C, encoding="utf-8")

    compiled(project, tmp_path / "greeter.abi3.so", tmp_path / "greeter.c")

    in_c = run_python(
        "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{CALL_C}", root=project.root
    )
    in_python = run_python("-c", IN_PYTHON, root=project.root)
    assert in_c.stderr == ""
    assert in_c.stdout == in_python.stdout


@pytest.mark.slow
@pytest.mark.only_where(NATIVE)
def test_the_decoder_in_c_reads_a_new_record_as_the_one_in_python_does(project: Project) -> None:
    build(project, "_decoder")

    done = run_python("-c", BOTH_DECODERS, root=project.root)

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_both_engines_write_a_new_record_and_find_its_values_again(
    project: Project, tmp_path: Path, backend: str
) -> None:
    if backend == "native":
        build(project, "_native", "_engine", "_decoder")

    done = run_python(
        "-c",
        f"LOG = {str(tmp_path / '1.ctlog')!r}\n{RECORDED}",
        root=project.root,
        variables={VARIABLE: backend},
    )

    assert done.stderr == ""
    people = ["Ada Lovelace", "Ada Lovelace", "Grace Hopper"]
    assert done.stdout.splitlines() == [
        # A group has what only earlier groups have again.
        "[2, 2]",
        str([(person, (person,)) for person in people]),
        "['GreetingRecord', 'GreetingRecord', 'GreetingRecord', 'ExitRecord']",
        "['ExitEvent']",
    ]


def build(project: Project, *modules: str) -> None:
    """Compile modules over what is generated in a copy of the project, into that copy."""
    for module in modules:
        sources = map(Path, sources_of(ROOT, MODULES[f"codetracer_bindings.{module}"]))
        binary = project.root / f"generated/codetracer_bindings/{module}.abi3.so"
        compiled(project, binary, *sources)


def compiled(project: Project, binary: Path, *sources: Path) -> None:
    """Compile a module over what is generated in a copy of the project; no warning is let pass."""
    built = subprocess.run(
        [
            *(os.environ.get("CC", "cc"), "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"),
            *("-Wno-unused-parameter", "-Wno-missing-field-initializers"),
            *("-Wno-cast-function-type", "-DPy_LIMITED_API=0x030c0000"),
            *(f"-I{folder}" for folder in _includes(project.root)),
            *(*map(str, sources), "-o", str(binary)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, "")


def _includes(root: Path) -> list[Path]:
    headers = Path(sysconfig.get_path("include"))
    return [root / "generated/codetracer_bindings", *(ROOT / "native").iterdir(), headers]
