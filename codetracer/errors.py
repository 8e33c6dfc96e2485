"""The errors of codetracer: one tree, with a stable code for each error.

RecorderError
├── UsageError       the caller asked for something impossible
├── HostError        a failure outside codetracer: the system, a file, a setting or another tool
├── TargetError      the recorded program, or the recording of it, is wrong or missing
└── InternalError    codetracer or a tracer on it failed
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
]
"""The stable codes. ERR_UNKNOWN stands for an error that nobody gave a code."""

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
)


class RecorderError(Exception):
    """Anything that codetracer raises on purpose.

    Parameters:
        code: one of `ERROR_CODES`; scripts may rely on it.
        message: what is wrong and what would mend it, for people.
        context: names and values that say where, JSON-able.

    Attributes:
        kind: which branch of the tree: ``usage``, ``host``, ``target`` or ``internal``.
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
    """The caller asked for something that cannot be."""

    kind = "usage"


class HostError(RecorderError):
    """A failure outside codetracer: the system, a file, a setting or another tool."""

    kind = "host"


class TargetError(RecorderError):
    """The traced program, or the trace of it, is not what it should be."""

    kind = "target"


class InternalError(RecorderError):
    """codetracer failed, or a tracer that was installed on it."""

    kind = "internal"
