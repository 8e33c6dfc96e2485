"""The variables of the compiled modules, which all interpreters of a process share.

The objects that a module binds belong into its state (ADR 21). Each entry of `ALLOWED` says why a
variable is one of the process.
"""

import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from shutil import which

import pytest

from tests.support.project import ROOT
from tests.support.recordings import NATIVE

FUNCTION = "a function of CPython, which is the same for all interpreters"
TABLE = "a table without objects, which CPython takes as not const"
DESCRIBED = "a table without objects; the methods get the documentation of those that they replace"
LAYOUT = "how this CPython lays out its objects, which is found out when the module is loaded"

ALLOWED = {
    "_decoder": {
        "decoder": {
            "module_definition": TABLE,
            "module_functions": TABLE,
            "module_slots": TABLE,
            "records_members": TABLE,
            "records_slots": TABLE,
            "records_spec": TABLE,
        },
    },
    "_engine": {
        "ask": {
            "fork_count": "the process is forked, with all its interpreters",
            "is_main_thread": FUNCTION,
            "is_prepared": "pthread_atfork has no way back",
        },
        "attributes": {"get_dict": FUNCTION, "get_member": FUNCTION},
        "buffers": {"functions": TABLE},
        "bytecode": {
            "reader_slots": TABLE,
            "reader_spec": TABLE,
            "reading_getters": TABLE,
            "reading_methods": TABLE,
            "reading_slots": TABLE,
            "reading_spec": TABLE,
        },
        "capture": {"capture_methods": TABLE, "capture_slots": TABLE, "capture_spec": TABLE},
        "checksum": {"sums": "numbers, computed when the module is loaded"},
        "children": {
            "enter_tracing": FUNCTION,
            "home": "the interpreter whose audit events are told",
            "leave_tracing": FUNCTION,
            "listener": "the audit hook receives no module, and outlives it",
        },
        "codes": {
            "all": "a watcher of code objects receives no module",
            "methods": TABLE,
            "slots": TABLE,
            "spec": TABLE,
        },
        "constants": {"home": "the interpreter that has the engine in C"},
        "effects": {
            "get_code": FUNCTION,
            "get_dict": FUNCTION,
            "get_function": FUNCTION,
            "get_mro": FUNCTION,
        },
        "engine": {
            "engine_methods": TABLE,
            "engine_slots": TABLE,
            "engine_spec": TABLE,
            "module_definition": TABLE,
            "module_functions": TABLE,
            "module_slots": TABLE,
        },
        "events": {"get_offset": FUNCTION},
        "frameobjects": {
            "first_thread": FUNCTION,
            "get_back": FUNCTION,
            "layout": LAYOUT,
            "next_thread": FUNCTION,
        },
        "hooks": {"hooks": DESCRIBED},
        "input": {
            "buffer_methods": DESCRIBED,
            "buffer_slots": TABLE,
            "buffer_spec": TABLE,
            "text_attributes": TABLE,
            "text_methods": DESCRIBED,
            "text_slots": TABLE,
            "text_spec": TABLE,
        },
        "internals": {
            "cached_keys": LAYOUT,
            "functions": TABLE,
            "get_dict_pointer": FUNCTION,
            "get_line": FUNCTION,
            "internals_known": LAYOUT,
            "minor": LAYOUT,
            "tuple_place": LAYOUT,
        },
        "log": {
            "log_getters": TABLE,
            "log_members": TABLE,
            "log_methods": TABLE,
            "log_slots": TABLE,
            "log_spec": TABLE,
        },
        "pipes": {
            "active": "the fork handlers receive no module, and outlive it",
            "fork_hooks": TABLE,
            "is_watching": "fork handlers cannot be removed",
            "pipes_methods": TABLE,
            "pipes_slots": TABLE,
            "pipes_spec": TABLE,
            "waits_after_fork": "the version of CPython",
        },
        "plans": {
            "engines": "a watcher of code objects receives no module",
            "is_watching": "the watcher of code objects stays until the process ends",
        },
        "scopes": {"get_offset": FUNCTION, "get_var": FUNCTION},
        "targets": {"layers": "a hook looks like the method that it replaces, and has its self"},
        "tasks": {"hash_by_address": FUNCTION},
        "telling": {
            "calls": "hooks of different streams find each other in it; they receive no module",
            "python_buffer": FUNCTION,
        },
        "values": {"shift_right": FUNCTION},
    },
    "_indexer": {
        "checksum": {"sums": "numbers, computed when the module is loaded"},
        "indexer": {
            "builder_getters": TABLE,
            "builder_methods": TABLE,
            "builder_slots": TABLE,
            "builder_spec": TABLE,
            "indexer_module": TABLE,
            "indexer_slots": TABLE,
        },
    },
    "_native": {
        "_native": {"methods": TABLE},
        "guard": {
            "guard_members": TABLE,
            "guard_slots": TABLE,
            "guard_spec": TABLE,
            "module_definition": TABLE,
            "module_slots": TABLE,
        },
    },
}
"""The variables, by module and unit, and why each is one of the process."""

SOURCES = {
    path.stem: path
    for folder in (*(ROOT / "native").iterdir(), ROOT / "generated/codetracer_bindings")
    for path in folder.glob("*.c")
}

OF_THE_COMPILER = {"__TMC_END__", "__dso_handle", "completed"}


def writable(module: str) -> list[str]:
    """Return the variables that a module can write to; a name comes as often as it is there."""
    spec = find_spec(f"codetracer_bindings.{module}")
    assert spec is not None
    assert spec.origin is not None
    listed = subprocess.run(
        ["nm", "--format=sysv", spec.origin], capture_output=True, text=True, check=True
    ).stdout
    found = []
    for line in listed.splitlines():
        fields = [field.strip() for field in line.split("|")]
        # Name, value, class, type, size, line, section. What only the loader writes to is in
        # .data.rel.ro.
        if len(fields) == 7 and re.match(r"\.(data|t?bss|tdata)(?!\.rel\.ro)|\*COM\*", fields[6]):
            # The compiler numbers the variables of functions.
            name = fields[0].partition(".")[0]
            found += [name] if name not in OF_THE_COMPILER else []
    return found


# Other systems have other binaries.
@pytest.mark.only_where(NATIVE and sys.platform == "linux" and which("nm") is not None)
@pytest.mark.parametrize("module", ALLOWED)
def test_a_module_shares_only_what_cannot_be_in_its_state(module: str) -> None:
    allowed = [name for names in ALLOWED[module].values() for name in names]

    assert Counter(writable(module)) == Counter(allowed)


def test_each_variable_is_in_the_source_that_is_said_to_have_it() -> None:
    for units in ALLOWED.values():
        for unit, names in units.items():
            text = SOURCES[unit].read_text(encoding="utf-8")
            for name in names:
                declared = rf"^(?: *\w.*[ *]|\}} ){name}(?:\[.*\])*(?: =|;)"

                assert re.search(declared, text, re.MULTILINE), (unit, name)
