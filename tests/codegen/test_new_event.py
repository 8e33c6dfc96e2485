"""One row in the spec is a whole event: handler, callback, registration, reference."""

import json
import re
import sys
from pathlib import Path

import pytest

from codegen.core.load import load_spec
from codegen.events.model import EventsSpec
from tests.support.project import GENERATED, ROOT, SPEC, TELEPORT, Project, run_python

COUNT = len(load_spec(EventsSpec, ROOT).event)

USE_TELEPORT = """
import json, sys
from codetracer_bindings import callbacks, events, registration, tracer

class Teleports(tracer.TracerBase):
    def on_teleport(self, code, offset, destination):
        return ["handler", code.co_name, offset, destination]

code = compile("", "<nowhere>", "exec")
callback = callbacks.bind_teleport(
    Teleports().on_teleport,
    lambda event, error: False,
    lambda event, code, outcome: [event, *outcome],
)
spec = registration.CALLBACK_SPECS[-1]
print(json.dumps({
    "file": tracer.__file__,
    "default": tracer.TracerBase().on_teleport(code, 1, 2),
    "called": callback(code, 1, 2),
    "callback": callback.__name__,
    "registered": [spec.event, spec.handler, spec.bind, spec.disable_since],
    "id": events.EVENTS.TELEPORT,
    "names": events.EVENT_NAMES[-1],
}))
"""

INSTALL_TELEPORT = """
import codetracer
class Teleports(codetracer.Tracer):
    def on_teleport(self, code, offset, destination): ...
try:
    codetracer.install_tracer(Teleports())
except codetracer.UsageError as error:
    print(error.code, error.message)
"""


@pytest.fixture(scope="module")
def before() -> dict[str, bytes]:
    return {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, before: dict[str, bytes]) -> Project:
    project = Project(tmp_path_factory.mktemp("new"), whole=True)
    project.append_row(TELEPORT)
    before.update(project.tree())
    done = project.codegen("generate")
    assert (done.returncode, done.stderr) == (0, "")
    return project


@pytest.mark.slow
def test_a_new_event_changes_generated_files_and_no_other(
    project: Project, before: dict[str, bytes]
) -> None:
    after = project.tree()

    changed = {file for file in before.keys() | after.keys() if before.get(file) != after.get(file)}

    assert changed == {
        "generated/codetracer_bindings/_native.c",
        "generated/codetracer_bindings/_native.pyi",
        "generated/codetracer_bindings/callback_rows.py",
        "generated/codetracer_bindings/callbacks.py",
        "generated/codetracer_bindings/display_rows.py",
        "generated/codetracer_bindings/events.py",
        "generated/codetracer_bindings/events.txt",
        "generated/codetracer_bindings/tracer.py",
        "generated/events.md",
    }


@pytest.mark.slow
def test_a_new_event_has_a_handler_a_callback_a_registration_and_a_section(
    project: Project,
) -> None:
    bindings = "generated/codetracer_bindings"

    assert (
        "    def on_teleport(self, code: CodeType, offset: int, destination: int, /)"
        " -> CallbackOutcome:\n"
        '        """Execution goes on somewhere else altogether.\n'
    ) in project.read(f"{bindings}/tracer.py")
    assert '\n    "bind_teleport",\n]' in project.read(f"{bindings}/callbacks.py")
    assert "\ndef bind_teleport(\n" in project.read(f"{bindings}/callbacks.py")
    assert (
        '        "TELEPORT",\n        "on_teleport",\n'
        '        ("code", "offset", "destination"),\n        "bind_teleport",'
    ) in project.read(f"{bindings}/callback_rows.py")
    assert "\n    TELEPORT: EventId\n" in project.read(f"{bindings}/events.py")
    reference = project.read("generated/events.md")
    assert f"\nThere are {COUNT + 1} events." in reference
    assert "\n| [`TELEPORT`](#teleport) | `on_teleport` | 3.99 |" in reference
    assert "\n## TELEPORT\n\nExecution goes on somewhere else altogether.\n" in reference
    assert "def on_teleport(self, code, offset, destination): ..." in reference


def test_the_generated_handler_and_callback_of_a_new_event_work(project: Project) -> None:
    done = run_python("-c", USE_TELEPORT, root=project.root)

    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "file": str(project.root / "generated/codetracer_bindings/tracer.py"),
        "default": None,
        "called": ["TELEPORT", "handler", "<module>", 1, 2],
        "callback": "teleport_callback",
        "registered": ["TELEPORT", "on_teleport", "bind_teleport", [3, 99]],
        "id": 0,
        "names": "TELEPORT",
    }


def test_the_hand_written_layer_knows_a_new_event_without_being_told(
    project: Project,
) -> None:
    done = run_python("-c", INSTALL_TELEPORT, root=project.root)

    release = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert done.stderr == ""
    assert done.stdout.startswith(
        "ERR_TRACER_INSTALL_CONFLICT Teleports has on_teleport,"
        f" but CPython {release} has no event TELEPORT;"
    )


def test_the_live_view_knows_a_new_event_without_being_told(project: Project) -> None:
    program = """
from codetracer.watch.tracer import LiveTracer
from codetracer_bindings.tracer import TracerBase
print(LiveTracer.on_teleport is not TracerBase.on_teleport)
"""
    done = run_python("-c", program, root=project.root)

    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.slow
def test_what_the_live_view_shows_of_an_event_and_when_is_its_row(tmp_path: Path) -> None:
    project = Project(tmp_path, whole=True)
    project.set_key("CALL", "shown", '"{function} calls {callable}[ with {arg0}] at {offset}"')
    project.set_key("CALL", "unasked", "true")
    for name in ("PY_START", "PY_RETURN", "LINE"):
        project.set_key(name, "unasked", None)
    project.codegen("generate")
    app = tmp_path / "app.py"
    app.write_text("len('abc')\nlocals()\n", encoding="utf-8")

    done = run_python("-m", "codetracer", "watch", str(app), root=project.root)

    lines = [
        re.sub(r"at \d+", "at N", line.split(maxsplit=1)[1]) for line in done.stderr.splitlines()
    ]
    assert [" ".join(line.split()) for line in lines] == [
        "call <module> calls len with 'abc' at N",
        "call <module> calls locals at N",
    ]


@pytest.mark.slow
def test_check_passes_a_new_event_that_only_a_later_cpython_has(project: Project) -> None:
    done = project.codegen("check")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{COUNT + 1} events:")


@pytest.mark.slow
def test_taking_the_row_away_takes_every_trace_of_the_event_away(tmp_path: Path) -> None:
    project = Project(tmp_path, whole=True)
    before = project.tree()
    project.append_row(TELEPORT)
    added = project.codegen("generate")

    project.write(before[SPEC].decode())
    removed = project.codegen("generate")

    assert added.stdout.endswith(f"{GENERATED} generated files, 9 changed\n")
    assert removed.stdout.endswith(f"{GENERATED} generated files, 9 changed\n")
    assert project.tree() == before
