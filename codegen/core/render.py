"""Templates to text: one for each generated file, nothing undefined let through."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.bccache import Bucket

from codegen.core import cache
from codegen.core.errors import CodegenError

TEMPLATES = Path(__file__).parent.parent / "templates"


def render(templates: Mapping[Path, str], names: Mapping[str, object]) -> dict[Path, str]:
    """Return what each of `templates` (names of files) makes of `names`, by the path it is for.

    Raises:
        CodegenError: a template uses a name that does not exist, or is no template.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        bytecode_cache=_CompiledTemplates(),
    )
    environment.filters |= {"plain": _plain, "code": _code}
    return {path: _fill(environment, name, names) for path, name in templates.items()}


class _CompiledTemplates(BytecodeCache):
    """Keeps what Jinja compiles, by the template's text and by how this module sets Jinja up."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill `bucket`, unless the template has to be compiled."""
        kept = cache.read(self._inputs(bucket))
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what `bucket` has been filled with."""
        cache.keep(self._inputs(bucket), bucket.bytecode_to_string())

    @staticmethod
    def _inputs(bucket: Bucket) -> tuple[str, ...]:
        this_module = Path(__file__).read_text(encoding="utf-8")
        return this_module, importlib.metadata.version("jinja2"), bucket.checksum


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
