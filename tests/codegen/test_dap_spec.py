"""Mistakes in spec/dap/, and what a message that is added there becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.dap.model import load_protocol
from tests.support.project import Project

ADAPTER = "spec/dap/adapter.toml"
SCHEMA = "spec/dap/debugProtocol.json"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (ADAPTER, '"stepBack"', '"stepBak"', "no 'stepBak'; did you mean 'stepBack'?"),
        (ADAPTER, '"stopped"', '"stoped"', "no 'stoped'; did you mean 'stopped'?"),
        (ADAPTER, 'type = "flag"', 'type = "bool"', "Input should be 'text', 'flag'"),
        (ADAPTER, 'name = "cwd"', 'name = "args"', "key 'name': args is there twice"),
        (ADAPTER, "summary = ", "sumary = ", "unknown key; did you mean 'summary'?"),
        (SCHEMA, "{", "[", "debugProtocol.json: no schema of the protocol"),
    ],
    ids=["request", "event", "type", "twice", "key", "schema"],
)
def test_a_mistake_is_one_message_that_says_what_would_be_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, said: str
) -> None:
    project = Project(tmp_path)
    project.edit(old, new, file)

    status = main(["--root", str(project.root), "generate"])

    stdout, message = capsys.readouterr()
    assert (status, stdout, message.count("\n")) == (1, "", 1)
    assert said in message


def test_a_request_that_is_added_brings_the_types_that_it_needs(tmp_path: Path) -> None:
    project = Project(tmp_path)
    before = load_protocol(project.root)
    project.edit('    "goto",\n', '    "goto",\n    "disassemble",\n', ADAPTER)

    after = load_protocol(project.root)

    assert after.arguments["disassemble"] == "DisassembleArguments"
    new = {shape.name for shape in after.shapes} - {shape.name for shape in before.shapes}
    assert new == {"DisassembleArguments", "DisassembleBody", "DisassembledInstruction"}
