"""The gate: which code objects are recorded, where recording begins, and what is counted."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

import codetracer
import codetracer_bindings
from codetracer.filters import FilterChain, load_chain
from codetracer.runtime.filtering import Gate
from tests.support import programs

ALL = """\
[meta]
name = "all"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
[[scope.rules]]
selector = "pkg:*"
exec = "trace"
"""


def code_of(filename: str, source: str = "pass") -> CodeType:
    return compile(source, filename, "exec")


def inner(code: CodeType) -> CodeType:
    (found,) = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return found


def chain_of(tmp_path: Path, text: str) -> FilterChain:
    path = tmp_path / "filter.toml"
    path.write_text(text, encoding="utf-8")
    return load_chain("/", environ={}, command_line=[str(path)])


def skips(tmp_path: Path, selector: str) -> FilterChain:
    return chain_of(tmp_path, ALL + f"[[scope.rules]]\nselector = '{selector}'\nexec = 'skip'\n")


@pytest.fixture
def gate() -> Gate:
    return Gate(load_chain("/", environ={}))


# ---------------------------------------------------------------- which code is recorded


def test_the_programs_code_is_traced_and_the_standard_librarys_is_not(gate: Gate) -> None:
    assert gate.decide(code_of("/home/me/app.py"), "app").traced
    assert gate.decide(code_of(programs.__file__), "tests.support.programs").traced
    assert not gate.decide(json.dumps.__code__, "json").traced


def test_what_exec_compiles_is_traced_where_it_is_the_program_and_not_elsewhere(
    gate: Gate,
) -> None:
    program = Gate(load_chain("/", environ={}), strings=True)

    assert program.decide(code_of("<string>"), "__main__").traced
    assert not gate.decide(code_of("<string>"), "__main__").traced


def test_code_that_has_no_file_is_traced_and_frozen_code_is_not(gate: Gate) -> None:
    assert gate.decide(code_of("<stdin>"), "__main__").traced
    assert not gate.decide(code_of("<frozen importlib._bootstrap>"), "importlib._bootstrap").traced


def test_code_of_the_same_module_may_have_rules_of_its_own(tmp_path: Path) -> None:
    names = ("app.shown", "app.hidden", "app.shown")

    scopes = skips(tmp_path, "obj:app.hidden")
    assert [scopes.scope("app", "/app.py", name).traced for name in names] == [True, False, True]
    reading = load_chain("/", environ={})
    names = ("getpass.main", "getpass.getpass", "getpass.main")
    found = [reading.scope("getpass", "/lib/getpass.py", name) for name in names]
    assert [scope.action("ret", "getpass.x") for scope in found] == ["allow", "redact", "allow"]


def test_modules_that_share_a_file_or_a_name_have_their_own_decision(tmp_path: Path) -> None:
    scopes = skips(tmp_path, "pkg:app.hidden")
    places = (("app", "/a.py"), ("app.hidden", "/a.py"), ("app.hidden", "/b.py"), ("app", "/b.py"))

    found = [scopes.scope(package, file, f"{package}.f").traced for package, file in places * 2]
    assert found == [True, False, False, True] * 2
    scopes = skips(tmp_path, "file:/a.py")
    found = [scopes.scope(package, file, f"{package}.f").traced for package, file in places * 2]
    assert found == [False, False, True, True] * 2


def test_no_filter_brings_back_codetracers_own_code_or_what_is_frozen(tmp_path: Path) -> None:
    gate = Gate(chain_of(tmp_path, ALL))

    assert gate.decide(json.dumps.__code__, "json").traced
    for module in (codetracer, codetracer_bindings):
        assert module.__file__ is not None
        folder = os.path.dirname(module.__file__)
        assert gate.decide(code_of(f"{folder}/x.py"), "x").reason == "codetracer's own code"
        assert gate.decide(code_of(f"{folder}/deep/../x.py"), "x").reason == "codetracer's own code"
        assert gate.decide(code_of(f"{folder}_of_mine/x.py"), "x").traced
    assert not gate.decide(code_of("<frozen os>"), "os").traced


@pytest.mark.parametrize(
    ("selector", "traced"),
    [
        ("pkg:a.b", False),
        ("pkg:a", True),
        ("obj:a.b.C.method", False),
        ("obj:C.method", True),
        ("obj:a.b.*", False),
        ("file:/home/me/b.py", False),
    ],
)
def test_a_function_goes_by_its_module_its_qualified_name_and_its_file(
    selector: str, traced: bool, tmp_path: Path
) -> None:
    method = inner(inner(code_of("/home/me/b.py", "class C:\n def method(self): pass")))

    assert Gate(skips(tmp_path, selector)).decide(method, "a.b").traced is traced


def test_a_function_without_a_module_goes_by_its_qualified_name(tmp_path: Path) -> None:
    function = inner(code_of("<string>", "def f(): pass"))

    assert not Gate(skips(tmp_path, "obj:f")).decide(function, None).traced


def test_a_relative_file_counts_from_where_recording_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gate = Gate(skips(tmp_path, f"file:literal:{os.getcwd()}/x.py"))
    monkeypatch.chdir("/")

    assert not gate.decide(code_of("x.py"), "x").traced
    assert not gate.decide(code_of("./deep/..//x.py"), "x").traced
    assert not gate.decide(code_of(f"{tmp_path}/./x.py"), "x").traced
    assert gate.decide(code_of("deep/x.py"), "x").traced


def fail(*arguments: object) -> object:
    raise AssertionError("code of the program")


class Shady(str):
    __hash__ = __eq__ = __format__ = __str__ = startswith = fail  # type: ignore[assignment]


def test_no_code_of_the_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, link = tmp_path / "x.py", tmp_path / "link.py"
    script.touch()
    link.symlink_to(script)
    gate = Gate(skips(tmp_path, "obj:m.f"), str(link))
    code = code_of("<string>").replace(
        co_filename=Shady(f"{tmp_path}/./x.py"), co_name=Shady("f"), co_qualname=Shady("f")
    )
    for module, name in (
        (os, "getcwd"),
        (os, "stat"),
        (os, "lstat"),
        (os, "fspath"),
        (os.path, "abspath"),
        (os.path, "normpath"),
        (os.path, "realpath"),
    ):
        monkeypatch.setattr(module, name, fail)
    try:
        traced, activates = gate.decide(code, "m").traced, gate.activates(code)
    finally:
        monkeypatch.undo()

    assert (traced, activates) == (False, True)


# ---------------------------------------------------------------- where recording begins


def test_without_an_activation_path_any_code_activates(gate: Gate) -> None:
    assert gate.activates(code_of("<string>"))


def test_code_of_the_activation_path_activates_under_every_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, other = tmp_path / "app.py", tmp_path / "other.py"
    script.touch()
    other.touch()
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    chain = load_chain("/", environ={})

    for path in (str(script), "app.py", "./link/app.py", str(tmp_path / "link/app.py")):
        gate = Gate(chain, path)
        for name in (str(script), "app.py", f"{tmp_path}/link/app.py", f"{tmp_path}/x/../app.py"):
            assert gate.activates(code_of(name)), (path, name)
            assert gate.activates(inner(code_of(name, "def f(): pass")))
        assert not gate.activates(code_of(str(other)))
        assert not gate.activates(code_of("<string>"))
        assert not gate.activates(code_of(f"{tmp_path}/none.py"))


def test_an_activation_path_that_is_no_file_goes_by_its_name() -> None:
    gate = Gate(load_chain("/", environ={}), "/none/app.py")

    assert gate.activates(code_of("/none/app.py"))
    assert not gate.activates(code_of("/none/other.py"))


def test_whether_a_file_activates_is_found_out_once(tmp_path: Path) -> None:
    script, link = tmp_path / "app.py", tmp_path / "link.py"
    script.touch()
    link.symlink_to(script)
    gate = Gate(load_chain("/", environ={}), str(script))
    assert gate.activates(code_of(str(link)))

    link.unlink()

    assert gate.activates(code_of(str(link)))


# ---------------------------------------------------------------- what is counted


def test_statistics_name_the_filters_and_count_what_was_left_out(tmp_path: Path) -> None:
    gate = Gate(skips(tmp_path, "pkg:loud"))
    count: Callable[[str, str], None] = gate.count_value  # type: ignore[assignment]
    for module in ("app", "loud", "loud"):
        gate.decide(code_of(f"/{module}.py"), module)
    gate.decide(code_of("<frozen os>"), "os")
    for action, kind in (
        ("redact", "arg"),
        ("redact", "arg"),
        ("redact", "local"),
        ("drop", "ret"),
        ("drop", "attr"),
        ("allow", "global"),
    ):
        count(action, kind)

    said = gate.statistics()

    assert json.loads(json.dumps(said)) == said
    filters = said["filters"]
    assert isinstance(filters, list)
    assert [{**source, "sha256": len(source["sha256"])} for source in filters] == [
        {
            "name": "builtin-default",
            "path": "<builtin default>",
            "origin": "builtin",
            "sha256": 64,
        },
        {
            "name": "all",
            "path": str(tmp_path / "filter.toml"),
            "origin": "command line",
            "sha256": 64,
        },
    ]
    assert said["stats"] == {
        "scopes_traced": 1,
        "traced_by_detail": {"values": 1},
        "scopes_skipped": 3,
        "skipped_by": {"all: pkg:loud": 2, "frozen code has no source": 1},
        "value_redactions": {"local": 1, "global": 0, "argument": 2, "return": 0, "attribute": 0},
        "value_drops": {"local": 0, "global": 0, "argument": 0, "return": 1, "attribute": 1},
    }
