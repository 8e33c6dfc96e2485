"""README.md and the documentation: commands print what is shown, and links lead somewhere."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import codetracer
import codetracer.replay
from docs_tools.command_line import reference
from docs_tools.sessions import PAGES, Session, comparable, play, read, write
from tests.support.building import run
from tests.support.running import ROOT

SESSIONS = {
    f"{page.relative_to(ROOT)}-{number}": session
    for page in PAGES
    for number, session in enumerate(read(page.read_text(encoding="utf-8")))
}
HUNTS = {
    Path(session.copied[0]).name: session
    for name, session in SESSIONS.items()
    if name.startswith("examples/bugs/")
}


@pytest.mark.slow
@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
def test_the_commands_of_a_session_print_what_the_page_shows(session: Session) -> None:
    assert comparable(play(session)) == comparable(session)


def test_a_page_with_another_output_is_written_anew_and_otherwise_left_as_it_is() -> None:
    page = '```python title="a.py"\nprint(1)\n```\n```console\n$ python a.py\n{}\n```\n'

    (session,) = read(page.format(2))
    played = play(session)

    assert comparable(played) != comparable(session)
    assert write(page.format(2), [played]) == page.format(1)


def test_a_block_without_outputs_is_not_run() -> None:
    assert read("```console\n$ rm -rf /\n```\n") == []


def test_there_are_five_hunts_of_at_most_three_commands_and_sixty_lines() -> None:
    assert len(HUNTS) == 5
    for hunt in HUNTS.values():
        *commands, _ = hunt.commands
        assert len(commands) <= 3
        assert 0 < sum(len(command.output) for command in commands) <= 60


FAULTS = {
    "swallowed": r"contacts\.py:29 .*\.read_text\(encoding=\"utf-8\"\)",
    "hanging": r"jobs\.py:11 .*KeyError\(''\) is raised",
    "shared": r"server\.py:13 .*self\.session = Session\(\)",
    "price": r"vouchers\.py:11 .*discount\.percent \+= self\.percent",
    "cache": r"memo\.py:7 .*return args \+ tuple\(sorted\(kwargs\)\)",
}
"""The line with the bug of each hunt, as `codetracer why` shows it."""


@pytest.mark.parametrize("folder", HUNTS)
def test_the_line_with_the_bug_is_in_the_tree_of_one_question(folder: str) -> None:
    *_, question = HUNTS[folder].commands

    assert question.line.startswith("codetracer why trace-out")
    assert re.search(FAULTS[folder], "\n".join(question.output))
    assert len(question.output) <= 40


CULPRITS = {
    "swallowed": r"contacts\.py:29 .*\n.*\\ufeffname",
    "hanging": r"!!!!!! KeyError\(''\)",
    "shared": r"Server\.login +self\.session\.user = 'bob' .*task request of bob",
    "price": r"vouchers\.py:11 .*\n.*discount\.percent = 25",
    "cache": r"-> \(2, 3, 'unit'\)(.|\n)*-> \(2, 3, 'unit'\)",
}


@pytest.mark.parametrize("folder", HUNTS)
def test_the_culprit_is_among_what_is_printed(folder: str) -> None:
    *commands, _ = HUNTS[folder].commands
    text = "\n".join(line for command in commands for line in command.output)

    assert re.search(CULPRITS[folder], text)


def test_each_link_of_the_readme_leads_to_a_file_or_a_heading_of_one() -> None:
    links = _links((ROOT / "README.md").read_text(encoding="utf-8"))

    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        assert (ROOT / file).is_dir() if file.endswith("/") else (ROOT / file).is_file(), link
        assert not anchor or anchor in _anchors(ROOT / file), link


@pytest.mark.slow
def test_pypi_gets_the_readme_with_links_to_the_projects_page() -> None:
    # PyPI shows README.md without the files beside it.
    done = run("-m", "hatchling", "metadata", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    metadata = json.loads(done.stdout)
    address = metadata["urls"]["Homepage"]
    shown = metadata["readme"]["text"]

    assert metadata["readme"]["content-type"] == "text/markdown"
    assert _links(shown) == [
        f"{address}/{'tree' if link.endswith('/') else 'blob'}/main/{link}"
        for link in _links((ROOT / "README.md").read_text(encoding="utf-8"))
    ]


def test_the_projects_address_stands_in_pyproject_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owner_and_name = project["urls"]["Homepage"].removeprefix("https://github.com/")
    pages = [*ROOT.glob("*.md"), ROOT / "mkdocs.yml"]
    pages += [file for room in ("docs", "docs_tools") for file in (ROOT / room).rglob("*.[mp][dy]")]

    assert ROOT / "SECURITY.md" in pages
    assert [page for page in pages if owner_and_name in page.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("module", [codetracer, codetracer.replay])
def test_the_reference_of_the_api_has_every_public_name(module: ModuleType) -> None:
    page = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    named = re.findall(r"(?m)^::: [\w.]+\.(\w+)$|`(\w+)`", page)

    assert set(module.__all__) <= {name for names in named for name in names}


def test_a_page_of_the_site_is_made_of_each_commands_parser() -> None:
    page = reference()

    for command in ("record", "watch", "show", "info", "export", "completion", "events"):
        assert f"\n## {command}\n" in page
    assert "| `--max-depth N` |" in page
    assert "(default: 4)" in page


def _links(markdown: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", markdown)


def _anchors(page: Path) -> list[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
