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
"""Every setting, and what it may be: one of some words, a boolean, or any text."""

DEFAULTS: Final[dict[str, object]] = {
    **{name: False if kind is bool else None for name, kind in SETTINGS.items()},
    "on_recorder_error": "abort",
}

RECORDING: Final[dict[str, object]] = {
    "on_recorder_error": "disable",
    "keep_partial_trace": True,
    "propagate_script_exit": True,
}
"""What differs for recordings: none of them ends the program, changes its status, or deletes what
it has."""


class RecorderPolicy:
    """One state of all settings; it never changes.

    Attributes:
        given: the settings that were set, by name; the others have their defaults.
        on_recorder_error: ``abort``: the program sees a RecorderError when a tracer fails;
            ``disable``: the tracer is removed, the error is logged, and the program goes on.
            Unless it is set, tracers abort and recordings are disabled.
        require_trace: a recording that leaves no whole trace is an error.
        keep_partial_trace: keep what a failed recording has written; None means yes.
        log_level: what the logger ``codetracer`` lets through; None leaves the logger alone.
        log_file: where that logger writes; None leaves the logger alone.
        json_errors: each error is also one JSON line on stderr.
        propagate_script_exit: a command that records exits as the recorded program did; it does
            unless False is set.
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
    """Return the policy that is in force now; later changes do not touch what was returned."""
    return _in_force


def recording_policy() -> RecorderPolicy:
    """Return the policy of recordings now: what is set, and `RECORDING` where nothing is."""
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
    """Change the settings that are given, for this process; None leaves one as it is.

    The settings are those of `RecorderPolicy`. They also hold for a tracer that is installed
    already, and for a recording.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, a value is not allowed; nothing has changed.
        HostError: ERR_IO, the log file cannot be opened; nothing has changed.
    """
    # A copy: on 3.12 a debugger that looks at this frame adds to what locals() returned.
    given = dict(locals())
    adopt_settings({name: value for name, value in given.items() if value is not None})


def adopt_settings(given: dict[str, object]) -> None:
    """Check and change the settings in `given`, as `configure_policy` does."""
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
    """Return the value that `text` means for the setting `name`.

    Parameters:
        source: where the text comes from, such as an environment variable's name.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, naming the source, the text and what is allowed.
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
