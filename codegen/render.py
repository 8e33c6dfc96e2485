"""Spec to text: one template for each generated file, nothing undefined let through."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from codegen.model import Spec
from codegen.observation import Observation

OUTPUT_ROOT = Path("generated")
"""The folder that holds generated files only, relative to the project's root."""

_PACKAGE = OUTPUT_ROOT / "codetracer_bindings"
_TEMPLATES = {
    _PACKAGE / "__init__.py": "__init__.py.j2",
    _PACKAGE / "events.py": "events.py.j2",
    _PACKAGE / "tracer.py": "tracer.py.j2",
    _PACKAGE / "callbacks.py": "callbacks.py.j2",
    _PACKAGE / "registration.py": "registration.py.j2",
    _PACKAGE / "py.typed": "py.typed.j2",
    OUTPUT_ROOT / "events.md": "events.md.j2",
}


def render(spec: Spec, observations: Sequence[Observation]) -> dict[Path, str]:
    """Return the text of every generated file by its path relative to the project's root.

    `observations` (one for each CPython that was observed, oldest first) only feed the reference
    page. Python files are not formatted yet.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return {
        path: environment.get_template(name).render(spec=spec, observations=observations)
        for path, name in _TEMPLATES.items()
    }
