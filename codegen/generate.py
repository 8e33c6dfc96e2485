"""The pipeline without its ends: the specs in, the text of every generated file out."""

from collections.abc import Sequence
from pathlib import Path

from codegen.format import format_file
from codegen.model import Spec
from codegen.observation import Observation
from codegen.probes import Probe
from codegen.render import render
from codegen.trace_model import TraceSpec
from codegen.types_model import TypesSpec


def generate(
    spec: Spec,
    observations: Sequence[Observation],
    trace: TraceSpec,
    types: TypesSpec,
    probes: Sequence[Probe] = (),
) -> dict[Path, str]:
    """Return the content of every generated file by its path relative to the project's root.

    Pure: nothing is read but the templates, nothing is written, and the same specs give the same
    bytes on every interpreter and machine.
    """
    return {
        path: format_file(path, text)
        for path, text in render(spec, observations, trace, types, probes).items()
    }
