"""README.md and the documentation: commands print what is shown, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import codetracer
import codetracer.replay
from docs_tools.command_line import reference
from docs_tools.sessions import PAGES, Session, comparable, play, read, write
from tests.support.running import ROOT

ADDRESS = "https://github.com/codetracer/codetracer-python"
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
        assert len(hunt.commands) <= 3
        assert 0 < sum(len(command.output) for command in hunt.commands) <= 60


CULPRITS = {
    "swallowed": r"contacts\.py:29 .*\n.*\\ufeffname",
    "hanging": r"!!!!!! KeyError\(''\)",
    "shared": r"Server\.login +self\.session\.user = 'bob' .*task request of bob",
    "price": r"vouchers\.py:11 .*\n.*discount\.percent = 25",
    "cache": r"-> \(2, 3, 'unit'\)(.|\n)*-> \(2, 3, 'unit'\)",
}


@pytest.mark.parametrize("folder", HUNTS)
def test_the_culprit_is_among_what_is_printed(folder: str) -> None:
    text = "\n".join(line for command in HUNTS[folder].commands for line in command.output)

    assert re.search(CULPRITS[folder], text)


@pytest.mark.parametrize("name", ["README.md"])
def test_the_links_of_a_page_that_pypi_shows_are_absolute_and_lead_to_files(name: str) -> None:
    # PyPI shows README.md without the files beside it.
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / name).read_text(encoding="utf-8"))

    assert links
    for link in links:
        assert link.startswith("https://"), link
        if link.startswith(ADDRESS):
            path, _, anchor = link.removeprefix(f"{ADDRESS}/").partition("#")
            kind, branch, file = path.split("/", 2)
            assert (kind, branch) in (("blob", "main"), ("tree", "main")), link
            assert (ROOT / file).is_dir() if kind == "tree" else (ROOT / file).is_file(), link
            assert not anchor or anchor in _anchors(ROOT / file), link


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


def _anchors(page: Path) -> list[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
