"""The order of the fields of a content stands in the spec alone; whoever writes one follows it."""

import re
from pathlib import Path

import pytest

from codetracer.monitoring.backend import BACKENDS, VARIABLE
from codetracer_bindings import trace_decoder
from tests.codegen.test_new_record import build
from tests.support.project import ROOT, Project, run_python

MOVED = ("object", "worded", "attributes_set", "items_set", "items_replaced")
"""The records of contents. Their number stays first, where `positions_of` looks for it."""

RECORDED = """
import itertools, sys
from codetracer.filters import load_chain
from codetracer.limits import Limits
from codetracer.monitoring import Tracer, install_tracer, uninstall_tracer
from codetracer.recording.reader import LogReader
from codetracer.runtime.definitions import Definitions
from codetracer.runtime.engine import code_reader, make_engine, make_log
from codetracer.runtime.filtering import Gate
from codetracer.runtime.plans import Plans

PROGRAM = '''
class Box: pass
class Deep:
    def __init__(self, inner): self.inner = inner
keep = []
def work():
    items, entries, box = list(range(50)), {i: str(i) for i in range(50)}, Box()
    box.one, box.two, box.three = 1, "two", [3]
    keep.extend((items, entries, box, Deep(Deep(Deep(Deep(Deep(1)))))))
    items[3] = items[40] = -1
    items.append(5)
    del items[7]
    entries[9] = "nine"
    box.two = "another two"
    del box.one
    box.four = 4
    return box
work()
'''
log = make_log(sys.argv[1], bytes(16), 1, 1)
gate, definitions = Gate(load_chain('/', environ={})), Definitions()
engine = make_engine(
    log, gate, Plans(gate, definitions, code_reader()), definitions, Limits(),
    clock=itertools.count(1000, 7).__next__,
)
tracer = Tracer()
for name in dir(engine):
    if name.startswith('on_'):
        setattr(tracer, name, getattr(engine, name))
install_tracer(tracer)
exec(compile(PROGRAM, 'app.py', 'exec'), {'__name__': '__main__'})
uninstall_tracer()
engine.exit(0)
log.close()
for record in LogReader(sys.argv[1]).records():
    if type(record).__name__ != 'ThreadRecord':
        print(type(record).__name__, sorted(record._asdict().items()))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("moved"), whole=True)
    text = project.read("spec/trace.toml")
    for name in MOVED:
        row = re.compile(
            rf'(^\[\[record\]\]\nname = "{name}"\n.*?^fields = \[\n.*?\n)(.*?)(^\]$)',
            re.MULTILINE | re.DOTALL,
        )
        text, count = row.subn(
            lambda found: found[1] + "".join(found[2].splitlines(keepends=True)[::-1]) + found[3],
            text,
        )
        assert count == 1
    project.write(text, "spec/trace.toml")
    done = project.codegen("generate")
    assert (done.returncode, done.stderr) == (0, "")
    return project


def records(root: Path, log: Path, backend: str) -> list[str]:
    """Record a program with the code below `root`, and return what is read, a line a record."""
    done = run_python("-c", RECORDED, str(log), root=root, variables={VARIABLE: backend})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_fields_of_contents_that_change_their_places_are_written_and_read_by_their_names(
    project: Project, tmp_path: Path, backend: str
) -> None:
    if backend == "native":
        build(project, "_native", "_engine", "_decoder")

    moved = records(project.root, tmp_path / "moved.ctlog", backend)

    told = records(ROOT, tmp_path / "1.ctlog", backend)
    assert moved == told
    kinds = {line.split()[0] for line in told}
    assert kinds >= {
        trace_decoder.ObjectRecord.__name__,
        trace_decoder.AttributesSetRecord.__name__,
        trace_decoder.ItemsSetRecord.__name__,
        trace_decoder.ItemsReplacedRecord.__name__,
    }
    moved_bytes, plain_bytes = (
        (tmp_path / name).read_bytes() for name in ("moved.ctlog", "1.ctlog")
    )
    assert moved_bytes != plain_bytes
