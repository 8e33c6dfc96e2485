"""The policy: its settings, their allowed values, and the policy in force."""

from __future__ import annotations

from codetracer import log
from codetracer.errors import UsageError
from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

__all__ = [
    "SETTINGS",
    "RecorderPolicy",
    "adopt_settings",
    "configure_policy",
    "parse_setting",
    "policy_snapshot",
    "recording_policy",
]

seal(globals())

TRUE_WORDS: Final = ("1", "true", "t", "yes", "y")
FALSE_WORDS: Final = ("0", "false", "f", "no", "n")

type OnRecorderError = Literal["abort", "disable"]
type LogLevel = Literal["debug", "info", "warning", "error", "off"]

SETTINGS: Final[dict[str, tuple[str, ...] | type]] = {
    "on_recorder_error": ("abort", "disable"),
    "require_trace": bool,
    "keep_partial_trace": bool,
    "log_level": ("debug", "info", "warning", "error", "off"),
    "log_file": str,
    "json_errors": bool,
    "propagate_script_exit": bool,
}
"""Each setting and its allowed values: one of several words, a bool, or any text but ``""``."""

DEFAULTS: Final[dict[str, object]] = {
    **{name: False if kind is bool else None for name, kind in SETTINGS.items()},
    "on_recorder_error": "abort",
}

RECORDING: Final[dict[str, object]] = {
    "on_recorder_error": "disable",
    "keep_partial_trace": True,
    "propagate_script_exit": True,
}
"""Other defaults, for recordings. With them a failing recording does not end the program, does not
change its exit status, and deletes nothing of the recording."""


class RecorderPolicy:
    """The values of all settings at one time; an instance never changes.

    Attributes:
        given: the settings that were set, by name; the others have their defaults.
        on_recorder_error: with ``abort``, the program gets a RecorderError when a tracer fails.
            With ``disable``, the tracer is removed, the error is logged, and the program continues.
            The default is ``abort`` for tracers and ``disable`` for recordings.
        require_trace: an incomplete recording is an error; the default is False.
        keep_partial_trace: a failed recording keeps what it has written; the default is False for
            tracers, where it has no effect, and True for recordings.
        log_level: the lowest level that the logger ``codetracer`` lets through; None (the default)
            leaves the logger unchanged.
        log_file: the path of the file that the logger writes to; None (the default) leaves the
            logger unchanged.
        json_errors: each error is also printed as one line of JSON on standard error; the default
            is False.
        propagate_script_exit: ``codetracer record`` exits with the recorded program's status; the
            default is True for recordings.
    """

    __slots__ = ("given", *SETTINGS)

    given: dict[str, object]
    on_recorder_error: OnRecorderError
    require_trace: bool
    keep_partial_trace: bool
    log_level: LogLevel | None
    log_file: str | None
    json_errors: bool
    propagate_script_exit: bool

    def __init__(self, settings: dict[str, object]) -> None:
        for name, value in (DEFAULTS | settings | {"given": settings}).items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a policy does not change; use configure_policy({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a policy does not change; use configure_policy({name}=…)")

    def __repr__(self) -> str:
        return f"RecorderPolicy({self.as_dict()})"

    def as_dict(self) -> dict[str, object]:
        """Return the settings by name."""
        return {name: getattr(self, name) for name in SETTINGS}


_in_force = RecorderPolicy({})


def policy_snapshot() -> RecorderPolicy:
    """Return the policy that is in force now; later changes do not affect the returned object."""
    return _in_force


def recording_policy() -> RecorderPolicy:
    """Return the policy of recordings now: the settings that were set, and else `RECORDING`."""
    return RecorderPolicy(RECORDING | _in_force.given)


def configure_policy(
    *,
    on_recorder_error: OnRecorderError | None = None,
    require_trace: bool | None = None,
    keep_partial_trace: bool | None = None,
    log_level: LogLevel | None = None,
    log_file: str | None = None,
    json_errors: bool | None = None,
    propagate_script_exit: bool | None = None,
) -> None:
    """Change settings of this process; None leaves a setting unchanged.

    `RecorderPolicy` describes the settings. A change also affects tracers that are installed
    already, and a running recording.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, a value is not allowed. No setting has changed.
        HostError: ERR_IO, the log file cannot be opened. No setting has changed.
    """
    # A copy, because on 3.12 a debugger that looks at this frame adds to the dict of locals().
    given = dict(locals())
    adopt_settings({name: value for name, value in given.items() if value is not None})


def adopt_settings(given: dict[str, object]) -> None:
    """Check and change settings; raises as `configure_policy` does.

    Parameters:
        given: the new values by the settings' names.
    """
    global _in_force
    for name, value in given.items():
        _check_setting(name, value)
    policy = RecorderPolicy(_in_force.given | given)
    if given.keys() & {"log_level", "log_file"}:
        log.configure(
            policy.log_level if "log_level" in given else None,
            policy.log_file if "log_file" in given else None,
        )
    _in_force = policy


def _check_setting(name: str, value: object) -> None:
    allowed = SETTINGS[name]
    right = value in allowed if isinstance(allowed, tuple) else isinstance(value, allowed)
    if not right or value == "":
        raise _invalid(name, repr(value), _describe(allowed))


def parse_setting(name: str, text: str, source: str) -> object:
    """Convert a text to the value of a setting.

    Parameters:
        name: the setting's name.
        text: the text; words are compared without regard to case and surrounding spaces.
        source: where the text comes from, such as the name of an environment variable.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE; the message names the source, the text and the
            allowed values.
    """
    allowed = SETTINGS[name]
    word = text.strip().lower()
    if isinstance(allowed, tuple) and word in allowed:
        return word
    if allowed is bool and word in TRUE_WORDS:
        return True
    if allowed is bool and word in FALSE_WORDS:
        return False
    if allowed is str and text:
        return text
    raise _invalid(source, repr(text), _describe(allowed, text=True))


def _describe(allowed: tuple[str, ...] | type, *, text: bool = False) -> str:
    if isinstance(allowed, tuple):
        return ", ".join(allowed)
    if allowed is bool:
        return f"{'/'.join(TRUE_WORDS)} or {'/'.join(FALSE_WORDS)}" if text else "True or False"
    return "a text that is not empty"


def _invalid(source: str, value: str, allowed: str) -> UsageError:
    return UsageError(
        "ERR_INVALID_POLICY_VALUE",
        f"{source} is {value}; allowed: {allowed}",
        {"setting": source, "value": value, "allowed": allowed},
    )
