"""Real programs under `codetracer watch`: same output, same end, and a trace that makes sense."""

import json
import re
from pathlib import Path

import pytest

from tests.support.running import ROOT, execute, watch, write

pytestmark = pytest.mark.fresh

SUITE = """
import unittest
class Sums(unittest.TestCase):
    def setUp(self): self.total = 0
    def test_passes(self): self.assertEqual(sum([1, 2]), 3)
    def test_fails(self): self.assertEqual(sum([1, 2]), self.total)
    @unittest.skip('why not')
    def test_skipped(self): pass
    def test_subtests(self):
        for i in range(3):
            with self.subTest(i=i): self.assertLess(i, 2)
"""

PROGRAMS: dict[str, tuple[list[str], set[str]]] = {
    "json.tool": (["-m", "json.tool", "--sort-keys", "data.json"], {"tool.py"}),
    "json.tool on bad input": (["-m", "json.tool", "suite.py"], {"tool.py"}),
    "compileall": (["-m", "compileall", "-f", "-l", "."], {"compileall.py"}),
    "unittest": (["-m", "unittest", "-v", "suite"], {"__main__.py", "suite.py"}),
    "doctest": (
        ["-m", "doctest", "-v", "documented.py"],
        {"doctest.py", "<doctest documented.double[0]>", "documented.py"},
    ),
    "an example": ([str(ROOT / "examples" / "inventory.py")], {"inventory.py"}),
}

FILES = {
    "data.json": json.dumps({"b": [1, 2.5, None], "a": {"ä": True}}),
    "suite.py": SUITE,
    "documented.py": "def double(x):\n    '''>>> double(2)\n    4'''\n    return x * 2\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("events", ["start,resume,line,return,yield,throw,unwind,raise", "all"])
@pytest.mark.parametrize(("arguments", "shown"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_real_program_does_the_same_traced(
    arguments: list[str], shown: set[str], events: str, tmp_path: Path
) -> None:
    write(tmp_path, FILES)

    expected = execute(*arguments, cwd=tmp_path)
    actual = watch("-o", "out.txt", "--events", events, *arguments, cwd=tmp_path)

    assert (actual.code, timeless(actual.stdout)) == (expected.code, timeless(expected.stdout))
    assert timeless(actual.stderr) == timeless(expected.stderr)
    lines = (tmp_path / "out.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split(":")[0].rpartition("/")[2] for line in lines} == shown
    assert len(lines) > 10


def timeless(text: str) -> str:
    """Return `text` without durations and addresses."""
    return re.sub(r"\d\.\d+s|0x[0-9a-f]+", "_", text)
