"""Reads the policy from the environment: CODETRACER_<SETTING> for each setting."""

from __future__ import annotations

import os

from codetracer.policy.model import SETTINGS, adopt_settings, parse_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["configure_policy_from_env", "variable_name"]


def variable_name(setting: str) -> str:
    """Return the name of a setting's environment variable, such as ``CODETRACER_LOG_LEVEL``."""
    return f"CODETRACER_{setting.upper()}"


def configure_policy_from_env(environ: Mapping[str, str] = os.environ) -> None:
    """Change the settings that have an environment variable; the others stay unchanged.

    A boolean is 1, true, t, yes or y, or 0, false, f, no or n, in upper or lower case.

    Parameters:
        environ: the environment variables; by default those of this process.

    Raises:
        UsageError: ERR_INVALID_POLICY_VALUE; the message names the variable, its value and the
            allowed values. No setting has changed.
        HostError: ERR_IO, the log file cannot be opened. No setting has changed.
    """
    adopt_settings(
        {
            setting: parse_setting(setting, environ[variable], variable)
            for setting in SETTINGS
            if (variable := variable_name(setting)) in environ
        }
    )
