"""The pipeline without its ends: the specs in, the text of every generated file out."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from codegen.core.format import format_file
from codegen.core.load import load_spec
from codegen.core.output import OUTPUT_ROOT
from codegen.core.render import render
from codegen.events.model import EventsSpec
from codegen.events.probes import Probe, load_probes
from codegen.events.reference import BehaviourReference
from codegen.observe.observation import Observation, load_observations
from codegen.trace.model import TraceSpec
from codegen.types.model import TypesSpec

PACKAGE = OUTPUT_ROOT / "codetracer_bindings"
_TEMPLATES = {
    PACKAGE / "__init__.py": "__init__.py.j2",
    PACKAGE / "events.py": "events.py.j2",
    PACKAGE / "own.py": "own.py.j2",
    PACKAGE / "tracer.py": "tracer.py.j2",
    PACKAGE / "callbacks.py": "callbacks.py.j2",
    PACKAGE / "_native.c": "_native.c.j2",
    PACKAGE / "_native.pyi": "_native.pyi.j2",
    PACKAGE / "registration.py": "registration.py.j2",
    PACKAGE / "trace_format.py": "trace_format.py.j2",
    PACKAGE / "trace_encoder.py": "trace_encoder.py.j2",
    PACKAGE / "trace_decoder.py": "trace_decoder.py.j2",
    PACKAGE / "trace_texts.py": "trace_texts.py.j2",
    PACKAGE / "_trace_format.h": "_trace_format.h.j2",
    PACKAGE / "_trace_records.h": "_trace_records.h.j2",
    PACKAGE / "types.py": "types.py.j2",
    PACKAGE / "py.typed": "py.typed.j2",
    PACKAGE / "display.py": "display.py.j2",
    PACKAGE / "events.txt": "events.txt.j2",
    OUTPUT_ROOT / "events.md": "events.md.j2",
    OUTPUT_ROOT / "trace.md": "trace.md.j2",
    OUTPUT_ROOT / "types.md": "types.md.j2",
}


class Specs(NamedTuple):
    """All that stands in spec/."""

    events: EventsSpec
    probes: list[Probe]
    observations: list[Observation]
    trace: TraceSpec
    types: TypesSpec


def load_specs(root: Path) -> Specs:
    """Read and validate everything in ``spec/`` below `root`.

    Raises:
        SpecError: a file is wrong; the first mistake found is the one that is named.
    """
    events = load_spec(EventsSpec, root)
    return Specs(
        events,
        load_probes(root, events),
        load_observations(root),
        load_spec(TraceSpec, root),
        load_spec(TypesSpec, root),
    )


def generate(specs: Specs) -> dict[Path, str]:
    """Return the content of every generated file by its path relative to the project's root.

    Pure: nothing is read but the templates, nothing is written, and the same specs give the same
    bytes on every interpreter and machine.

    Raises:
        CodegenError: a template uses a name that does not exist, or makes no Python.
    """
    behaviour = BehaviourReference(specs.events, specs.probes, specs.observations)
    names = {
        "spec": specs.events,
        "observations": specs.observations,
        "trace": specs.trace,
        "types": specs.types,
        "behaviour": behaviour,
    }
    return {path: format_file(path, text) for path, text in render(_TEMPLATES, names).items()}
