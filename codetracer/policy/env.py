"""Reads the policy from the environment: CODETRACER_<SETTING> for each setting."""

from __future__ import annotations

import os

from codetracer.policy.model import SETTINGS, adopt_settings, parse_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["configure_policy_from_env", "variable_name"]


def variable_name(setting: str) -> str:
    """Return the environment variable of a setting, such as ``CODETRACER_LOG_LEVEL``."""
    return f"CODETRACER_{setting.upper()}"


def configure_policy_from_env(environ: Mapping[str, str] = os.environ) -> None:
    """Change the settings that the environment names; the others stay as they are.

    Booleans are 1/true/t/yes/y or 0/false/f/no/n, in any case.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE, naming the variable, its value and what is allowed;
            nothing has changed.
        HostError: ERR_IO, the log file cannot be opened; nothing has changed.
    """
    adopt_settings(
        {
            setting: parse_setting(setting, environ[variable], variable)
            for setting in SETTINGS
            if (variable := variable_name(setting)) in environ
        }
    )
