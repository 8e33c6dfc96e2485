"""The short form of the differential fuzzing (`make fuzz`), and that it would see what is wrong."""

import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from fuzz.corpus import Corpus, candidates
from fuzz.forms import event_specs
from fuzz.random_programs import portion, run_programs
from fuzz.ways import Difference, Interpreter
from tests.support.project import BUILT, LIVE_EVENTS, ROOT, Project

# A machine may be busy with other things; the fuzzing itself takes less than half a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED = 20
CALLBACKS = "generated/codetracer_bindings/callbacks.py"
EVERYTHING = """
def generator(n=0):
    try:
        v0 = yield n
    finally:
        say('closed')
    return 1
def outer():
    v1 = yield from generator()
    say(v1)
for v0 in (0, 1):
    try:
        1 // v0
    except ZeroDivisionError as error:
        say(error)
    try:
        int('x')
    except ValueError:
        say(len([*outer()]))
started = generator()
next(started)
try:
    started.throw(KeyError(1))
except KeyError:
    pass
"""
"""Fires every event, STOP_ITERATION among them."""


@pytest.fixture
def interpreter() -> Iterator[Interpreter]:
    interpreter = Interpreter(sys.executable)
    yield interpreter
    interpreter.close()


@pytest.fixture
def spoiled(tmp_path: Path) -> Iterator[tuple[Project, Interpreter]]:
    """A copy of the project that a test may spoil, and what runs programs over it."""
    project = Project(tmp_path, whole=True)
    for pattern in BUILT:
        for file in (ROOT / "generated" / "codetracer_bindings").glob(pattern):
            shutil.copy(file, project.root / "generated" / "codetracer_bindings")
    interpreter = Interpreter(sys.executable, project.root)
    yield project, interpreter
    interpreter.close()


def test_random_programs_do_the_same_and_fire_the_same_in_every_way(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    differences = run_programs([interpreter], 50, SEED, time.monotonic() + 300, tmp_path)

    assert differences == []
    assert interpreter.figures.programs == 50
    assert interpreter.figures.events > 20_000


def test_every_event_of_the_interpreter_is_compared(interpreter: Interpreter) -> None:
    interpreter.check(EVERYTHING)

    assert interpreter.figures.by_event.keys() == {spec.event for spec in event_specs()}
    # The alias is what it stands for (3.14 on).
    assert LIVE_EVENTS.keys() - interpreter.figures.by_event.keys() <= {"BRANCH"}


@pytest.mark.parametrize("module", ["test.test_fnmatch", "test.test_textwrap"])
def test_a_test_module_of_the_standard_library_does_and_fires_the_same_in_every_way(
    module: str,
) -> None:
    if find_spec(module) is None:
        pytest.skip("this interpreter came without its test package")
    corpus = Corpus(sys.executable)

    corpus.check(module)

    assert corpus.left_out == {}
    assert corpus.figures.events > 10_000


def test_the_choice_of_test_modules_is_the_seeds(interpreter: Interpreter) -> None:
    chosen = candidates(sys.executable, 1)

    assert candidates(sys.executable, 1) == chosen
    assert sorted(candidates(sys.executable, 2)) == sorted(chosen)


def test_a_seed_makes_the_same_programs_again() -> None:
    programs = portion(SEED)

    assert programs == portion(SEED)
    with warnings.catch_warnings(action="ignore"):
        for program in programs:
            compile(program, "program", "exec")
    assert len(programs) > 50


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "outcome = handler(code, offset, exception)",
            "outcome = handler(code, offset, exception) if offset % 4 else None",
            "not the events of the raw API",
            id="an event is dropped",
        ),
        pytest.param(
            "outcome = handler(code, offset, callable, arg0)",
            "outcome = handler(code, offset, arg0, callable)",
            "not the events of the raw API",
            id="arguments are swapped",
        ),
        pytest.param(
            "outcome = handler(code, line)",
            "outcome = (handler(code, line), handler(code, line))[0]",
            "not the events of the raw API",
            id="an event comes twice",
        ),
        pytest.param(
            'return on_outcome("LINE", code, outcome)',
            "return None",
            "not the events of the raw API",
            id="DISABLE is swallowed",
        ),
        pytest.param(
            'return on_outcome("PY_RETURN", code, outcome)',
            'if code.co_filename.startswith("<program"):\n            raise OSError\n',
            "does not do what it does untraced",
            id="an exception reaches the program",
        ),
        pytest.param(
            "outcome = handler(code, offset, exception)",
            "outcome = handler(code, offset, exception); __import__('os')._exit(3)",
            "the process ended, exit 3",
            id="the process dies",
        ),
    ],
)
def test_a_fault_of_the_layer_is_a_difference(
    spoiled: tuple[Project, Interpreter], old: str, new: str, said: str
) -> None:
    project, interpreter = spoiled
    text = project.read(CALLBACKS)
    assert old in text
    project.write(text.replace(old, new), CALLBACKS)

    with pytest.raises(Difference, match=said):
        interpreter.check(EVERYTHING)


def test_a_difference_is_shrunk_and_written_to_a_file(
    spoiled: tuple[Project, Interpreter], tmp_path: Path
) -> None:
    project, interpreter = spoiled
    project.edit("outcome = handler(code, line)", "outcome = None", CALLBACKS)

    differences = run_programs([interpreter], 1, SEED, time.monotonic() + 300, tmp_path / "found")

    (file,) = (tmp_path / "found").iterdir()
    assert len(differences) == 1
    assert len(file.read_text(encoding="utf-8").splitlines()) < 12
