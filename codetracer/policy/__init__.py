"""The policy of this process: what happens when recording fails, and where it is reported."""

from codetracer.policy.env import configure_policy_from_env
from codetracer.policy.model import (
    RecorderPolicy,
    configure_policy,
    policy_snapshot,
    recording_policy,
)

__all__ = [
    "RecorderPolicy",
    "configure_policy",
    "configure_policy_from_env",
    "policy_snapshot",
    "recording_policy",
]
