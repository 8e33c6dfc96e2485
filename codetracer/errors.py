"""The errors of codetracer: one tree, with a stable code for each error.

RecorderError
├── UsageError       the caller gave a wrong value, or asked for something impossible
├── HostError        a failure outside codetracer: the system, a file, a setting or another tool
├── TargetError      a program or a recording is missing or damaged, or lacks what was asked for
└── InternalError    codetracer failed, or a tracer that uses it
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

__all__ = [
    "ERROR_CODES",
    "ErrorCode",
    "HostError",
    "InternalError",
    "RecorderError",
    "TargetError",
    "UsageError",
]

type ErrorCode = Literal[
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
]
"""The stable codes of errors. ERR_UNKNOWN is the code of an error that has no other."""

ERROR_CODES: Final[tuple[ErrorCode, ...]] = (
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


class RecorderError(Exception):
    """The base class of all errors that codetracer raises on purpose.

    Parameters:
        code: one of `ERROR_CODES`; scripts may rely on it.
        message: a sentence for people: what is wrong, and how to correct it.
        context: names and values that locate the error; they can be written as JSON.

    Attributes:
        kind: the branch of the tree: ``usage``, ``host``, ``target`` or ``internal``.
    """

    kind = "internal"

    def __init__(
        self, code: ErrorCode, message: str, context: dict[str, object] | None = None
    ) -> None:
        super().__init__(code, message)
        self.code: ErrorCode = code
        self.message = message
        self.context = context or {}

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"


class UsageError(RecorderError):
    """The caller gave a wrong value, or asked for something impossible."""

    kind = "usage"


class HostError(RecorderError):
    """A failure outside codetracer: the system, a file, a setting or another tool."""

    kind = "host"


class TargetError(RecorderError):
    """A program or a recording is missing or damaged, or lacks what was asked for."""

    kind = "target"


class InternalError(RecorderError):
    """codetracer failed, or a tracer that uses it."""

    kind = "internal"
