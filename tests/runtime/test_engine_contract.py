"""Both engines are what `codetracer.runtime.contract.Engine` says, and the stub is the module."""

import ast
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from codetracer.runtime.contract import Engine
from codetracer.runtime.events import Events
from tests.support.project import ROOT
from tests.support.recordings import NATIVE

STUB = ROOT / "generated/codetracer_bindings/_engine.pyi"
CONTRACT = {name: method for name, method in vars(Engine).items() if inspect.isfunction(method)}
CONTRACT = {name: method for name, method in CONTRACT.items() if not name.startswith("_")}
IN_C = "codetracer_bindings._engine"


def parameters(method: Any) -> list[str]:
    return [*inspect.signature(method).parameters][1:]


def test_the_engine_in_python_has_every_method_of_the_contract_with_its_parameters() -> None:
    assert len(CONTRACT) == 19
    for name, method in CONTRACT.items():
        if name not in ("learn", "clean"):  # bound in __init__: they are those of its secrets
            assert parameters(getattr(Events, name)) == parameters(method), name
    public = {name for name in vars(Events) if not name.startswith("_")}
    assert public | {"learn", "clean"} == {*CONTRACT}


@pytest.mark.only_where(NATIVE)
def test_the_engine_in_c_has_every_method_of_the_contract_with_its_parameters() -> None:
    engine = import_module(IN_C).Engine

    for name, method in CONTRACT.items():
        assert parameters(getattr(engine, name)) == parameters(method), name
    assert {name for name in vars(engine) if not name.startswith("_")} == {*CONTRACT}


def typed(path: Path, name: str) -> dict[str, list[str]]:
    """Return the types of each method of a class: its parameters in order, and the result."""
    (found,) = (
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    return {
        node.name: [
            *(
                f"{each.arg}: {ast.unparse(each.annotation)}"
                for each in (*node.args.posonlyargs, *node.args.args)
                if each.annotation is not None
            ),
            ast.unparse(node.returns) if node.returns is not None else "",
        ]
        for node in found.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def test_both_engines_say_the_types_of_the_contract() -> None:
    contract = typed(ROOT / "codetracer/runtime/contract.py", "Engine")
    in_c = typed(STUB, "Engine")
    in_python = typed(ROOT / "codetracer/runtime/events.py", "Events")
    secrets = typed(ROOT / "codetracer/runtime/secrets.py", "Secrets")

    # In C it takes its own log alone.
    assert in_c == contract | {"restart": ["log: LogWriter", "None"]}
    assert in_python == {name: contract[name] for name in in_python}
    assert {*contract} - {*in_python} == {"learn", "clean"}
    assert secrets["clean"] == contract["clean"]
    assert secrets["learn"][-1] == contract["learn"][-1]


@pytest.mark.only_where(NATIVE)
@pytest.mark.parametrize("name", ["_decoder", "_engine", "_indexer"])
def test_a_stub_has_the_names_of_its_module_and_no_others(name: str) -> None:
    compiled = import_module(f"codetracer_bindings.{name}")
    stub = ast.parse((ROOT / f"generated/codetracer_bindings/{name}.pyi").read_text("utf-8"))

    assert stub_names(stub) == public(compiled)
    for each in stub.body:
        if isinstance(each, ast.ClassDef):
            assert stub_names(each) == public(getattr(compiled, each.name)), each.name


def public(owner: object) -> set[str]:
    return {name for name in vars(owner) if not name.startswith("_")}


@pytest.mark.only_where(NATIVE)
def test_the_engine_in_c_takes_what_the_stub_says_by_name_alone() -> None:
    (stub,) = (
        node
        for node in ast.parse(STUB.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Engine"
    )
    (init,) = (
        node for node in stub.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    names = [argument.arg for argument in init.args.kwonlyargs]
    compiled = import_module(IN_C)
    given: dict[str, Any] = dict.fromkeys(names)
    given |= {"log": compiled.LogWriter("unwritten", bytes(16), 1, 1, OSError)}
    given |= dict.fromkeys(("depth", "items", "text", "objects"), 1)
    given |= dict.fromkeys(("containers", "iterators"), ())

    assert type(compiled.Engine(**given)) is compiled.Engine
    with pytest.raises(TypeError, match="takes no positional arguments"):
        compiled.Engine(*given.values())
    with pytest.raises(TypeError, match=f"at most {len(names)} keyword arguments"):
        compiled.Engine(**given, another=1)


def stub_names(stub: ast.ClassDef | ast.Module) -> set[str]:
    found = {
        node.target.id
        for node in stub.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    found |= {node.name for node in stub.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return {name for name in found if not name.startswith("_")}
