"""The rooms of the package: their imports, the time at which they load, and their docstrings.

A room is a package or a module right below `codetracer`; the front is `codetracer/__init__.py`.
"""

import ast
import importlib
import re
import types
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import codetracer
from tests.support.project import ROOT, run_python

PACKAGE = "codetracer"
FRONT = "(front)"
BASE = {"codeflags", "errors", "log", "own", "standard_error", "version", "whose"}
"""The modules that each room may use, and which use no room."""

ALLOWED: dict[str, set[str]] = {
    "capture": set(),
    "inspect": set(),
    "limits": set(),
    "terminal": set(),
    "launcher": {"inspect"},
    "policy": set(),
    "monitoring": {"policy"},
    # The decoder is in C or in Python as the callbacks are.
    "recording": {"monitoring"},
    "filters": {"inspect"},
    "runtime": {"capture", "filters", "inspect", "limits", "monitoring", "policy", "recording"},
    "session": {
        "capture",
        "filters",
        "inspect",
        "limits",
        "monitoring",
        "policy",
        "recording",
        "runtime",
    },
    "replay": {"inspect", "monitoring", "recording"},
    "reading": {"replay"},
    "export": {"replay"},
    "debug": {"reading", "recording", "replay", "terminal"},
    # The numbers of descriptors.
    "watch": {"capture", "filters", "inspect", "launcher", "monitoring"},
    FRONT: {"inspect", "limits", "monitoring", "policy", "reading", "session"},
    # Completion completes the names of events, which the watch command has.
    "commands": {
        "debug",
        "export",
        "filters",
        "inspect",
        "launcher",
        "limits",
        "monitoring",
        "policy",
        "reading",
        "recording",
        "replay",
        "runtime",
        "session",
        "terminal",
        "watch",
    },
    # It loads commands by name, from its table.
    "cli": {FRONT, "commands", "filters", "launcher", "terminal"},
    "__main__": {"cli"},
}
"""The other rooms that a room may import; types for checkers included."""

BASE_ALLOWED: dict[str, set[str]] = {
    "codeflags": set(),
    "errors": set(),
    "log": {"errors", "own", "whose"},
    "own": set(),
    "standard_error": {"own"},
    "version": set(),
    "whose": {"codeflags", "own"},
}

LOADED_BY_IMPORT = {
    "codeflags",
    "errors",
    "inspect",
    "limits",
    "log",
    "monitoring",
    "own",
    "policy",
    "reading",
    "session",
    "version",
    "whose",
}
LOADED_BY_START = LOADED_BY_IMPORT | {"capture", "filters", "recording", "runtime"}

PATHS = sorted((ROOT / PACKAGE).rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of each module, by its name."""
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in PATHS}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else FRONT


def guarded(tree: ast.Module) -> set[ast.AST]:
    """Return all nodes that only type checkers read."""
    return {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If)
        and isinstance(branch.test, ast.Name)
        and branch.test.id == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }


@cache
def imports(module: str, *, types_too: bool) -> list[tuple[str, str]]:
    """Return each module of the package that a module imports, and a name that it takes from it."""
    return list(_imports(module, types_too=types_too))


def _imports(module: str, *, types_too: bool) -> Iterator[tuple[str, str]]:
    tree = modules()[module]
    skipped = set() if types_too else guarded(tree)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner, "") if inner in modules() else (node.module, alias.name)


def rooms() -> dict[str, set[str]]:
    """Return which rooms each room imports."""
    found: dict[str, set[str]] = {}
    for module in modules():
        room = room_of(module)
        known = {room_of(imported) for imported, _ in imports(module, types_too=True)}
        found.setdefault(room, set()).update(known - {room})
    return found


def test_each_room_imports_those_alone_that_it_may_know() -> None:
    wrong = {
        room: sorted(known - (BASE_ALLOWED[room] if room in BASE else ALLOWED[room] | BASE))
        for room, known in rooms().items()
    }

    assert {room: known for room, known in wrong.items() if known} == {}


def test_the_table_allows_nothing_that_no_room_does() -> None:
    known = rooms()
    unused = {room: sorted(allowed - known[room]) for room, allowed in ALLOWED.items()}
    unused |= {room: sorted(allowed - known[room]) for room, allowed in BASE_ALLOWED.items()}

    assert {room: names for room, names in unused.items() if names} == {}


def test_no_room_leads_back_to_itself() -> None:
    TopologicalSorter(rooms()).prepare()


def test_no_module_leads_back_to_itself() -> None:
    graph = {
        module: {imported for imported, _ in imports(module, types_too=False)} - {module}
        for module in modules()
    }

    TopologicalSorter(graph).prepare()


def loaded_after(code: str) -> tuple[set[str], set[str]]:
    """Return the rooms and the other packages that a process has when it has run some code."""
    done = run_python("-S", "-c", f"import sys\n{code}\nprint(*sys.modules)")
    assert done.stderr == ""
    names = done.stdout.split()
    own = {name.split(".")[1] for name in names if name.startswith(f"{PACKAGE}.")}
    return own, {name.partition(".")[0] for name in names}


def test_importing_codetracer_loads_the_layer_and_nothing_of_the_recorder() -> None:
    own, tops = loaded_after("import codetracer")

    assert own == LOADED_BY_IMPORT
    assert "codegen" not in tops


def test_starting_loads_the_recorder_and_nothing_that_shows_or_reads(tmp_path: Path) -> None:
    own, tops = loaded_after(f"import codetracer\ncodetracer.start({str(tmp_path / 'out')!r})")

    assert own == LOADED_BY_START
    assert "codegen" not in tops


def test_each_module_says_in_its_first_line_what_it_is_for() -> None:
    for module, tree in modules().items():
        text = ast.get_docstring(tree)

        assert text, module
        first, _, rest = text.partition("\n")
        assert len(first.split()) >= 3, module
        assert first.endswith((".", ":")), module
        assert not rest or rest.startswith("\n"), f"{module}: the first line is no sentence"


def test_a_docstring_does_not_begin_with_a_question_word() -> None:
    beginning = re.compile(r"\s*(What|Where|When|Which|Why|How|Whether|Who|Whose)(ever)?\b")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("codetracer", "codegen", "fuzz", "benchmarks", "docs_tools", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str) and beginning.match(node.value.value)
    ]

    assert not found


def listed(tree: ast.Module) -> list[str] | None:
    """Return what a module's ``__all__`` has; None where it has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def defined(tree: ast.Module) -> Iterator[str]:
    """Yield the public names of the functions and classes that a module defines."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from [node.name] * (not node.name.startswith("_"))


def order(name: str) -> tuple[int, str]:
    """Return what names are sorted by: constants first, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_each_module_lists_what_is_public_in_order() -> None:
    taken: dict[str, set[str]] = {}
    for module in modules():
        for imported, wanted in imports(module, types_too=False):
            taken.setdefault(imported, set()).update({wanted} - {""})
    for module, tree in modules().items():
        names = listed(tree) or []
        public = taken.get(module, set()) | {*defined(tree)}

        assert names == sorted(set(names), key=order), module
        assert sorted(public - {*names}) == [], module


def constants(tree: ast.Module) -> set[str]:
    """Return the constants of a module that it does not import.

    The numbers of an enumeration, which one statement unpacks, are a table of their own.
    """
    found: set[str] = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        found.update(each.id for each in targets if isinstance(each, ast.Name))
    return {name for name in found if name.isupper() and not name.startswith("__")}


def parts_of_commands() -> set[str]:
    """Return the constants that each module of a command has, because the command line asks it."""
    tree = modules()[f"{PACKAGE}.commands"]
    return {
        node.target.id
        for node in guarded(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def test_no_two_modules_have_a_constant_of_the_same_name() -> None:
    # One is the other's copy, or their names do not say what tells them apart.
    homes: dict[str, list[str]] = {}
    for module, tree in modules().items():
        for name in constants(tree) - parts_of_commands() - {"TYPE_CHECKING"}:
            homes.setdefault(name, []).append(module)

    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
    assert len(homes) > 400
    assert len(parts_of_commands()) == 3


def test_what_codetracer_exports_is_what_it_lists() -> None:
    public = {
        name
        for name, value in vars(codetracer).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert public == {*codetracer.__all__}


def test_what_a_module_lists_is_there() -> None:
    lists = [name for name, tree in modules().items() if listed(tree) is not None]
    found = {name: importlib.import_module(name) for name in sorted(lists)}

    missing = {
        name: [each for each in module.__all__ if not hasattr(module, each)]
        for name, module in found.items()
    }

    assert {name: names for name, names in missing.items() if names} == {}
    assert len(found) > 100
