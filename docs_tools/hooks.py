"""MkDocs calls this: it adds the pages that stand elsewhere in the project, and resolves links.

On GitHub, a page links to files of the project. On the site, a link to a file that is a page leads
to that page, and a link to any other file leads to GitHub. A link to no file is an error, so
that ``make docs`` checks every link inside of the project without a network.
"""

from __future__ import annotations

import os
import posixpath
import re
import tomllib
from typing import TYPE_CHECKING, Final

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from docs_tools.command_line import reference

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

__all__ = ["on_config", "on_files", "on_page_markdown"]

ELSEWHERE: Final = {
    "index.md": "README.md",
    "guides/find-a-bug.md": "examples/bugs/README.md",
    "reference/events.md": "generated/events.md",
    "reference/log.md": "generated/trace.md",
    "reference/index-file.md": "generated/index.md",
    "reference/types.md": "generated/types.md",
    "reference/spec.md": "spec/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
}
"""The places in the project of the site's pages that are not in ``docs/``."""

COMMANDS: Final = "reference/cli.md"
"""The page that is made of the command line's parsers."""

FENCED: Final = re.compile(r"(?ms)^( *)(```+).*?^\1\2$")
LINK: Final = re.compile(r"(?<=\]\()[^()\s]+(?=\))")


def on_config(config: MkDocsConfig) -> None:
    """Take the project's address from pyproject.toml, where alone it stands."""
    with open(os.path.join(_root(config), "pyproject.toml"), "rb") as file:
        config.repo_url = tomllib.load(file)["project"]["urls"]["Homepage"]
    config.repo_name = "GitHub"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand elsewhere, and the command line's."""
    for page, path in ELSEWHERE.items():
        with open(os.path.join(_root(config), path), encoding="utf-8") as file:
            files.append(File.generated(config, page, content=file.read()))
    files.append(File.generated(config, COMMANDS, content=reference()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page with links that lead where they should on the site."""
    here = page.file.src_uri
    source = ELSEWHERE.get(here, f"docs/{here}")
    pages = {ELSEWHERE.get(file.src_uri, f"docs/{file.src_uri}"): file.src_uri for file in files}

    def resolved(link: re.Match[str]) -> str:
        target, hash_, anchor = link[0].partition("#")
        if not target or ":" in target:
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if path in pages:
            return posixpath.relpath(pages[path], posixpath.dirname(here)) + hash_ + anchor
        full = os.path.join(_root(config), path)
        if not os.path.exists(full):
            raise PluginError(f"{source}: the link {link[0]} leads to no file: there is no {path}")
        kind = "tree" if os.path.isdir(full) else "blob"
        return f"{config.repo_url}/{kind}/main/{path}{hash_}{anchor}"

    parts = []
    end = 0
    for block in FENCED.finditer(markdown):
        parts += [LINK.sub(resolved, markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, LINK.sub(resolved, markdown[end:])])


def _root(config: MkDocsConfig) -> str:
    return os.path.dirname(config.config_file_path)
