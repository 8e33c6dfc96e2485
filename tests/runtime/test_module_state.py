"""The state of its module holds what the engine in C binds; an interpreter may have two."""

import gc
import weakref
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.recordings import NATIVE, record, texts

pytestmark = pytest.mark.only_where(NATIVE)

AMID = """
import gc
from importlib.util import find_spec, module_from_spec

class Shop:
    def __init__(self):
        self.sold = []

def sell(shop, number):
    shop.sold.append({"number": number})
    return shop

shop = Shop()
for number in range(3):
    spec = find_spec("codetracer_bindings._engine")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sell(shop, number)
    del spec, module
    gc.collect()
    sell(shop, number)
"""


def load() -> ModuleType:
    """Return a module of its own for the engine."""
    spec = find_spec("codetracer_bindings._engine")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def log_of(module: ModuleType, folder: Path) -> object:
    return module.LogWriter(str(folder / "log"), bytes(16), 1, 0, ValueError)


def test_a_module_that_nothing_refers_to_is_freed_with_its_types() -> None:
    module = load()
    types = [value for value in vars(module).values() if isinstance(value, type)]
    freed = [weakref.ref(each) for each in (module, *types)]
    del module, types

    gc.collect()

    assert len(freed) > 5
    assert not any(each() is not None for each in freed)


def test_an_engine_takes_the_logs_of_its_own_module_alone(tmp_path: Path) -> None:
    first = load()
    second = load()

    # The log is the first argument that is looked at.
    with pytest.raises(TypeError, match="gate"):
        first.Engine(log=log_of(first, tmp_path))
    with pytest.raises(TypeError, match="argument 1 must be"):
        first.Engine(log=log_of(second, tmp_path))


def test_a_recording_goes_on_when_another_module_of_the_engine_is_loaded_and_freed(
    tmp_path: Path,
) -> None:
    in_c, in_python = tmp_path / "native", tmp_path / "python"
    for folder in (in_c, in_python):
        folder.mkdir()
        record(folder, AMID, "--exclude=importlib", backend=folder.name)

    assert texts(in_c / "out") == texts(in_python / "out")
