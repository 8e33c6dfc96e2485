"""The wheel: native where a compiler is, pure where none is, and both work."""

import os
import shutil
import sysconfig
import zipfile
from pathlib import Path

import pytest

import codetracer
from tests.support.building import ROOT, build, copy_of_the_project, run

CHECKOUT = os.pathsep.join((str(ROOT), str(ROOT / "generated")))

QUICK = "-O0"
"""The compiler's flags: optimizations would take most of the time."""

TELEPORT = """
[[event]]
name = "TELEPORT"
handler = "on_teleport"
since = "3.12"
arguments = ["code", "line"]
scope = "local"
disable = "location"
disable_since = "3.12"
shown = "{source}"
summary = "An event that no CPython has."
notes = []
program = "x = 1"
"""

DISPATCH_TELEPORT = """
import sys
from codetracer import DISABLE, Tracer, backend
from codetracer_bindings import _native

class Teleporting(Tracer):
    def on_teleport(self, code, line):
        if code.co_filename == "<program>":
            print(code.co_name, line)
        return None

def never(*arguments):
    print("never called", arguments)

# No CPython fires it, so it stands in for one that takes the same arguments.
LINE = sys.monitoring.events.LINE
sys.monitoring.use_tool_id(0, "test")
sys.monitoring.register_callback(
    0, LINE, _native.bind_teleport(Teleporting().on_teleport, never, never)
)
program = compile("x = 1\\ny = 2", "<program>", "exec")
sys.monitoring.set_events(0, LINE)
exec(program)
sys.monitoring.set_events(0, 0)
print(backend())
"""

TRACE = """
from codetracer import Tracer, backend, installed

class Lines(Tracer):
    def on_line(self, code, line):
        if code.co_filename == "<program>":
            print(line)

with installed(Lines()):
    exec(compile("x = 1", "<program>", "exec"))
print(backend())
"""


def compiler() -> str | None:
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return shutil.which(command.split()[0])


def has_native() -> bool:
    """Return whether a build with the compiler at hand must give native callbacks."""
    return compiler() is not None and not sysconfig.get_config_var("Py_GIL_DISABLED")


def installed_in(wheel: Path, folder: Path) -> Path:
    """Unpack a pure or local wheel as an installer would."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_checkout_uses_native_callbacks_wherever_they_can_be_compiled() -> None:
    done = run(
        "-c", "import codetracer; print(codetracer.backend())", cwd=ROOT, PYTHONPATH=CHECKOUT
    )

    assert done.stdout.strip() == ("native" if has_native() else "python")


@pytest.mark.slow
def test_a_wheel_holds_the_packages_and_binaries_for_every_version(
    tmp_path: Path, wheel: Path
) -> None:
    assert ("-cp312-abi3-" in wheel.name) == has_native()
    packages = {Path(name).parts[0] for name in contents(wheel)}
    assert packages == {"codetracer", "codetracer_bindings"}
    assert not any(name.endswith((".c", ".h")) for name in contents(wheel))
    binaries = [name for name in contents(wheel) if name.endswith((".so", ".pyd"))]
    assert len(binaries) == 4 * has_native()
    site = installed_in(wheel, tmp_path / "site")
    done = run("-c", TRACE, cwd=tmp_path, PYTHONPATH=str(site))
    assert done.stdout.split() == ["1", "native" if has_native() else "python"], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["/nonexistent/cc", "false"])
def test_without_a_working_compiler_the_wheel_is_pure_says_so_and_works(
    hidden: str, tmp_path: Path
) -> None:
    project = copy_of_the_project(tmp_path)
    stale = project / "generated/codetracer_bindings/_native.abi3.so"
    stale.write_bytes(b"left behind by an earlier build")

    wheel, said = build(project, CC=hidden)

    assert wheel.name.endswith("-py3-none-any.whl")
    assert "no native callbacks" in said
    assert "Install a C compiler" in said
    assert not any(name.endswith((".so", ".c")) for name in contents(wheel))
    site = installed_in(wheel, tmp_path / "site")
    done = run("-c", TRACE, cwd=tmp_path, PYTHONPATH=str(site))
    assert done.stdout.split() == ["1", "python"], done.stderr
    done = run("-c", TRACE, cwd=tmp_path, PYTHONPATH=str(site), CODETRACER_BACKEND="native")
    assert "CODETRACER_BACKEND is 'native', but" in done.stderr
    assert "install a C compiler" in done.stderr


@pytest.mark.slow
def test_a_wheel_made_from_the_source_distribution_is_the_same(tmp_path: Path, wheel: Path) -> None:
    source, _ = build(copy_of_the_project(tmp_path / "project"), "sdist")
    shutil.unpack_archive(source, tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()

    again, _ = build(unpacked, CFLAGS=QUICK)

    assert again.name == wheel.name
    assert contents(again) == contents(wheel)


@pytest.mark.slow
def test_an_event_added_to_the_spec_appears_in_c_compiles_and_is_dispatched(
    tmp_path: Path,
) -> None:
    project = copy_of_the_project(tmp_path)
    spec = project / "spec/events.toml"
    spec.write_text(spec.read_text(encoding="utf-8") + TELEPORT, encoding="utf-8")
    generated = run("-m", "codegen", "--root", ".", "generate", cwd=project)
    assert generated.returncode == 0, generated.stderr

    wheel, _ = build(project, CFLAGS=QUICK)
    site = installed_in(wheel, tmp_path / "site")
    done = run("-c", DISPATCH_TELEPORT, cwd=tmp_path, PYTHONPATH=str(site))

    if has_native():
        assert (done.stdout, done.stderr) == ("<module> 1\n<module> 2\nnative\n", "")
    else:
        assert "_native" in done.stderr


@pytest.mark.parametrize("name", ["native", "python"])
def test_the_environment_decides_which_backend_is_used(name: str) -> None:
    done = run("-c", TRACE, cwd=ROOT, PYTHONPATH=CHECKOUT, CODETRACER_BACKEND=name)

    if name == "python" or has_native():
        assert done.stdout.split() == ["1", name], done.stderr
    else:
        assert "cannot be imported" in done.stderr


def test_a_backend_that_does_not_exist_is_an_error_that_names_those_that_do() -> None:
    done = run("-c", TRACE, cwd=ROOT, PYTHONPATH=CHECKOUT, CODETRACER_BACKEND="rust")

    assert done.stdout == ""
    assert "CODETRACER_BACKEND is 'rust'; allowed: native, python" in done.stderr


def test_backend_tells_what_is_in_use() -> None:
    assert codetracer.backend() in ("native", "python")


def test_the_functions_in_c_are_those_in_python() -> None:
    program = """
from codetracer_bindings import callbacks
from codetracer_bindings import _native
def names(module): return sorted(name for name in dir(module) if name.startswith("bind_"))
print(names(_native) == names(callbacks) != [])
"""
    done = run("-c", program, cwd=ROOT, PYTHONPATH=CHECKOUT)

    if has_native():
        assert done.stdout == "True\n"
    else:
        assert "ImportError" in done.stderr
