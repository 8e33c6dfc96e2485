"""The error tree: stable codes, kinds, texts, and what survives pickling."""

import ast
import copy
import inspect
import pickle

import pytest

import codetracer
from codetracer import HostError, InternalError, RecorderError, TargetError, UsageError, errors
from codetracer.errors import ERROR_CODES, ErrorCode

KINDS: dict[type[RecorderError], str] = {
    RecorderError: "internal",
    UsageError: "usage",
    HostError: "host",
    TargetError: "target",
    InternalError: "internal",
}


def test_the_codes_are_those_that_scripts_rely_on() -> None:
    assert ERROR_CODES == (
        "ERR_UNKNOWN",
        "ERR_ALREADY_TRACING",
        "ERR_TRACE_DIR_CONFLICT",
        "ERR_TRACE_DIR_CREATE_FAILED",
        "ERR_UNSUPPORTED_FORMAT",
        "ERR_MISSING_POSITIONAL_ARG",
        "ERR_MISSING_KEYWORD_ARG",
        "ERR_FRAME_INTROSPECTION_FAILED",
        "ERR_GLOBALS_INTROSPECTION_FAILED",
        "ERR_TRACER_INSTALL_CONFLICT",
        "ERR_TRACER_FAILED",
        "ERR_SLOT_LOST",
        "ERR_IO",
        "ERR_INVALID_POLICY_VALUE",
        "ERR_INVALID_FILTER",
        "ERR_INVALID_FORMATTER",
        "ERR_TRACE_MISSING",
        "ERR_TRACE_INCOMPLETE",
        "ERR_TRACE_DAMAGED",
        "ERR_NOT_IN_TRACE",
        "ERR_EXPORT_TOO_LARGE",
        "ERR_BAD_EXPRESSION",
    )


def test_type_checkers_know_the_same_codes() -> None:
    tree = ast.parse(inspect.getsource(errors))

    (alias,) = (node for node in tree.body if isinstance(node, ast.TypeAlias))

    assert alias.name.id == "ErrorCode" == ErrorCode.__name__
    assert isinstance(alias.value, ast.Subscript)
    assert tuple(ast.literal_eval(alias.value.slice)) == ERROR_CODES


def test_the_tree_is_one_base_with_four_branches() -> None:
    assert set(RecorderError.__subclasses__()) == KINDS.keys() - {RecorderError}
    assert RecorderError.__bases__ == (Exception,)
    for kind in KINDS:
        assert getattr(codetracer, kind.__name__) is kind


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_has_its_branchs_kind_and_what_it_was_given(kind: type[RecorderError]) -> None:
    error = kind("ERR_IO", "the disk is full; free some space", {"file": "a.log"})

    assert (error.kind, error.code) == (KINDS[kind], "ERR_IO")
    assert (error.message, error.context) == (
        "the disk is full; free some space",
        {"file": "a.log"},
    )
    assert str(error) == "[ERR_IO] the disk is full; free some space"


def test_an_error_without_context_has_an_empty_one_of_its_own() -> None:
    first, second = UsageError("ERR_UNKNOWN", "one"), UsageError("ERR_UNKNOWN", "two")

    first.context["only"] = "here"

    assert second.context == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy]
)
def test_an_error_comes_out_of_pickling_and_copying_as_it_went_in(
    kind: type[RecorderError], again: object
) -> None:
    error = kind("ERR_TRACE_MISSING", "no trace; run it again", {"directory": "out", "tries": 2})
    assert callable(again)

    copied = again(error)

    assert type(copied) is kind
    assert (copied.code, copied.message, copied.context) == (
        error.code,
        error.message,
        error.context,
    )
    assert str(copied) == str(error)
