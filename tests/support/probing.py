"""The probes and their outcomes, and copies of the project with few probes: all take a while."""

import shutil
import sys

from codegen.core.load import load_spec
from codegen.events.model import EventsSpec
from codegen.events.probes import load_probes
from codegen.observe.observation import load_observations
from tests.support.project import ROOT, THIS_MINOR, Project

PROBES = "spec/probes/own.toml"
SPEC = load_spec(EventsSpec, ROOT)
ALL = load_probes(ROOT, SPEC)
OBSERVED = {observation.version: observation for observation in load_observations(ROOT)}
MINORS = list(OBSERVED)
THIS_RELEASE = ".".join(map(str, sys.version_info[:3]))
THIS_FILE = f"spec/observed/{THIS_MINOR}.toml"


def without_probes(project: Project) -> Project:
    """Take the probes and their stored outcomes out of a copy of the project."""
    shutil.rmtree(project.root / "spec/probes")
    for path in (project.root / "spec/observed").glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.partition("\n[probe]\n")[0] + "\n", encoding="utf-8", newline="\n")
    return project


def row(name: str, program: str, *, events: str = "", question: str = "", keys: str = "") -> str:
    """Return a row of a file of probes; `events` are names with spaces between them."""
    return (
        f"[[probe]]\nname = {name!r}\nevents = {events.split()!r}\n"
        f"question = {question or f'What about {name}?'!r}\n{keys}program = '''\n{program}\n'''\n\n"
    )


def with_probes(project: Project, *rows: str) -> Project:
    """Give a copy of the project these probes only, without stored outcomes."""
    without_probes(project).write("".join(rows), PROBES)
    return project


def store(project: Project, minor: str, **outcomes: str) -> None:
    """Store outcomes of probes (with ``_`` for ``-``) in the copy, as those of CPython `minor`."""
    file = f"spec/observed/{minor}.toml"
    lines = [f"{name.replace('_', '-')} = {outcome!r}" for name, outcome in outcomes.items()]
    kept = project.read(file).partition("\n[probe]\n")[0].rstrip("\n")
    project.write("\n".join([kept, "", "[probe]", *lines, ""]), file)
