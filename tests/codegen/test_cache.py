"""What is kept between two runs of the spec compiler saves time and decides nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import GENERATED, Project, run_python

CACHE = ".codegen_cache"
FORMAT = "codegen/core/format.py"
RENDER = "codegen/core/render.py"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy whose compiler has run once."""
    project = Project(tmp_path_factory.mktemp("filled"))
    assert generate(project) == f"{GENERATED} generated files, 0 changed\n"
    return project


@pytest.fixture
def project(filled: Project, tmp_path: Path) -> Project:
    project = Project(tmp_path)
    shutil.copytree(filled.root / CACHE, project.root / CACHE)
    return project


def generate(project: Project) -> str:
    """Run the compiler of the copy on the copy; return what it said."""
    done = run_python("-m", "codegen", "generate", root=project.root)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def entries(project: Project) -> list[Path]:
    return sorted((project.root / CACHE).iterdir())


def test_what_was_formatted_before_is_not_formatted_again(project: Project) -> None:
    def loaded() -> str:
        return run_python("-X", "importtime", "-m", "codegen", "generate", root=project.root).stderr

    with_cache = loaded()
    shutil.rmtree(project.root / CACHE)

    assert " black\n" not in with_cache
    assert " black\n" in loaded()


def cut_short(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[:-1])


def changed(entry: Path) -> None:
    content = entry.read_bytes()
    entry.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])


def emptied(entry: Path) -> None:
    entry.write_bytes(b"")


def unreadable(entry: Path) -> None:
    entry.unlink()
    entry.mkdir()


@pytest.mark.parametrize("damage", [cut_short, changed, emptied, unreadable])
def test_a_damaged_entry_is_made_anew(project: Project, damage: Callable[[Path], None]) -> None:
    for entry in entries(project):
        damage(entry)

    assert generate(project) == f"{GENERATED} generated files, 0 changed\n"


def test_an_entry_under_anothers_name_is_made_anew(project: Project) -> None:
    contents = [entry.read_bytes() for entry in entries(project)]
    for entry, content in zip(entries(project), [*contents[1:], contents[0]], strict=True):
        entry.write_bytes(content)

    assert generate(project) == f"{GENERATED} generated files, 0 changed\n"


@pytest.mark.parametrize(
    ("old", "new", "file"),
    [
        ("_LINE_LENGTH = 100", "_LINE_LENGTH = 40", FORMAT),
        ("keep_trailing_newline=True", "keep_trailing_newline=False", RENDER),
        (
            "One handler for each event",
            "A handler for each event",
            "codegen/templates/tracer.py.j2",
        ),
        ("An unconditional jump is taken.", "A jump is taken.", "spec/events.toml"),
    ],
    ids=["formatter", "renderer", "template", "spec"],
)
def test_what_decides_the_result_makes_entries_stale(
    project: Project, old: str, new: str, file: str
) -> None:
    project.edit(old, new, file)
    said = generate(project)
    shutil.rmtree(project.root / CACHE)

    assert not said.endswith(" 0 changed\n")
    assert generate(project) == f"{GENERATED} generated files, 0 changed\n"


def test_a_cache_that_cannot_be_written_is_no_mistake(project: Project) -> None:
    shutil.rmtree(project.root / CACHE)
    project.write("a file, where the folder should be\n", CACHE)

    assert generate(project) == f"{GENERATED} generated files, 0 changed\n"


def test_the_cache_does_not_grow_for_ever(project: Project) -> None:
    for number in range(1100):
        (project.root / CACHE / f"{number:064}").write_bytes(b"of an older spec")
    project.edit("An unconditional jump is taken.", "A jump is taken.")

    generate(project)

    assert len(entries(project)) < 700
    assert generate(project) == f"{GENERATED} generated files, 0 changed\n"
