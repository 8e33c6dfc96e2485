"""Specs to text: one template for each generated file, nothing undefined let through."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from codegen.errors import CodegenError
from codegen.model import Spec
from codegen.observation import Observation
from codegen.probes import Probe
from codegen.reference import BehaviourReference
from codegen.trace_model import TraceSpec
from codegen.types_model import TypesSpec

OUTPUT_ROOT = Path("generated")
"""The folder that holds generated files only, relative to the project's root."""

_PACKAGE = OUTPUT_ROOT / "codetracer_bindings"
_TEMPLATES = {
    _PACKAGE / "__init__.py": "__init__.py.j2",
    _PACKAGE / "events.py": "events.py.j2",
    _PACKAGE / "own.py": "own.py.j2",
    _PACKAGE / "tracer.py": "tracer.py.j2",
    _PACKAGE / "callbacks.py": "callbacks.py.j2",
    _PACKAGE / "_native.c": "_native.c.j2",
    _PACKAGE / "_native.pyi": "_native.pyi.j2",
    _PACKAGE / "registration.py": "registration.py.j2",
    _PACKAGE / "trace_format.py": "trace_format.py.j2",
    _PACKAGE / "trace_encoder.py": "trace_encoder.py.j2",
    _PACKAGE / "trace_decoder.py": "trace_decoder.py.j2",
    _PACKAGE / "trace_texts.py": "trace_texts.py.j2",
    _PACKAGE / "_trace_format.h": "_trace_format.h.j2",
    _PACKAGE / "types.py": "types.py.j2",
    _PACKAGE / "py.typed": "py.typed.j2",
    _PACKAGE / "display.py": "display.py.j2",
    _PACKAGE / "events.txt": "events.txt.j2",
    OUTPUT_ROOT / "events.md": "events.md.j2",
    OUTPUT_ROOT / "trace.md": "trace.md.j2",
    OUTPUT_ROOT / "types.md": "types.md.j2",
}


def render(
    spec: Spec,
    observations: Sequence[Observation],
    trace: TraceSpec,
    types: TypesSpec,
    probes: Sequence[Probe],
) -> dict[Path, str]:
    """Return the text of every generated file by its path relative to the project's root.

    `observations` (one for each CPython that was observed, oldest first) and `probes` only feed the
    reference, in its two forms. Python files are not formatted yet.

    Raises:
        CodegenError: a template uses a name that does not exist, or is no template.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"plain": _plain, "code": _code}
    names = {
        "spec": spec,
        "observations": observations,
        "trace": trace,
        "types": types,
        "behaviour": BehaviourReference(spec, probes, observations),
    }
    return {path: _fill(environment, name, names) for path, name in _TEMPLATES.items()}


def _plain(text: str) -> str:
    """Return `text` for a table in Markdown so that no `*`, `__`, `<` or `|` in it is markup."""
    for mark in ("*", "__", "<", "|"):
        text = text.replace(mark, "".join(f"\\{character}" for character in mark))
    return text


def _code(text: str) -> str:
    """Return `text` as code for a table in Markdown."""
    return "`{}`".format(text.replace("`", "'").replace("|", "\\|"))


def _fill(environment: Environment, name: str, names: Mapping[str, object]) -> str:
    try:
        return environment.get_template(name).render(names)
    except TemplateError as error:
        raise CodegenError(f"codegen/templates/{name}: {error}; mend the template") from error
