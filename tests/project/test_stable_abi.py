"""The wheel's binaries use nothing but the stable ABI of 3.12, which abi3audit checks."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import build, copy_of_the_project
from tests.support.recordings import NATIVE

# Where nothing is compiled, the wheel has no binaries.
pytestmark = pytest.mark.only_where(NATIVE)

OUTSIDE = """
extern PyObject *_PyType_Lookup(PyTypeObject *, PyObject *);
extern int PyDict_GetItemRef(PyObject *, PyObject *, PyObject **);
PyObject *
use_them(PyObject *one, PyObject **found)
{
    return PyDict_GetItemRef(one, one, found) ? _PyType_Lookup(Py_TYPE(one), one) : NULL;
}
"""
"""The first is in no limited API, the second in that of 3.13."""


def audited(wheel: Path) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit status of abi3audit, and what it says of each binary of a wheel."""
    done = subprocess.run(
        [sys.executable, "-m", "abi3audit", "--strict", "--report", wheel],
        capture_output=True,
        text=True,
        check=False,
    )
    (found,) = json.loads(done.stdout)["specs"].values()
    return done.returncode, [
        {"name": binary["name"], **binary["result"]} for binary in found["wheel"]
    ]


@pytest.mark.slow
def test_the_wheel_uses_the_stable_abi_of_its_tag(wheel: Path) -> None:
    code, binaries = audited(wheel)

    assert code == 0
    names = sorted(binary["name"] for binary in binaries)
    assert names == [
        "_decoder.abi3.so",
        "_engine.abi3.so",
        "_indexer.abi3.so",
        "_native.abi3.so",
    ]
    for binary in binaries:
        assert binary["baseline"] == "3.12"
        assert (binary["non_abi3_symbols"], binary["future_abi3_objects"]) == ([], {})


@pytest.mark.slow
def test_a_symbol_outside_of_the_stable_abi_is_found(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    source = project / "native/guard/guard.c"
    source.write_text(source.read_text(encoding="utf-8") + OUTSIDE, encoding="utf-8")
    # Without optimizations, which take most of the time.
    wheel, _ = build(project, CFLAGS="-O0")

    code, binaries = audited(wheel)

    assert code != 0
    (spoiled,) = (binary for binary in binaries if binary["name"] == "_native.abi3.so")
    assert spoiled["non_abi3_symbols"] == ["_PyType_Lookup"]
    assert spoiled["future_abi3_objects"] == {"PyDict_GetItemRef": "3.13"}
