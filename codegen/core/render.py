"""Renders templates with Jinja; a name that is not defined is an error."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.bccache import Bucket

from codegen.core import cache
from codegen.core.errors import CodegenError

TEMPLATES = Path(__file__).parent.parent / "templates"


def render(templates: Mapping[Path, str], names: Mapping[str, object]) -> dict[Path, str]:
    """Render templates.

    Parameters:
        templates: the name of a template's file, by the path of the generated file.
        names: the names that every template may use.

    Returns:
        The texts, by the paths of the generated files.

    Raises:
        CodegenError: a template uses an undefined name, or has a syntax error.
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
    """Caches compiled templates, by the text of the template and of this module."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill `bucket` from the cache, unless the template must be compiled."""
        kept = cache.read(self._inputs(bucket))
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Cache the content of `bucket`."""
        cache.keep(self._inputs(bucket), bucket.bytecode_to_string())

    @staticmethod
    def _inputs(bucket: Bucket) -> tuple[str, ...]:
        return *_tools(), bucket.checksum


@functools.cache
def _tools() -> tuple[str, str]:
    return Path(__file__).read_text(encoding="utf-8"), importlib.metadata.version("jinja2")


def _plain(text: str) -> str:
    """Return `text` for a table in Markdown, with ``*``, ``__``, ``<`` and ``|`` escaped."""
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
        raise CodegenError(f"codegen/templates/{name}: {error}; correct the template") from error
