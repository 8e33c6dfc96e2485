"""codetracer: records Python programs, and runs tracers on sys.monitoring that cannot hurt them.

    from codetracer import Tracer, installed

    class Lines(Tracer):
        def on_line(self, code, line):
            print(code.co_qualname, line)

    with installed(Lines()):
        main()

    with codetracer.trace("out"):
        main()

records what it does instead, as does ``CODETRACER_TRACE=out`` in the environment of a program that
imports codetracer; `read` reads what was recorded.

Imports the standard library only, and little of it.
"""

from codetracer.errors import (
    ErrorCode,
    HostError,
    InternalError,
    RecorderError,
    TargetError,
    UsageError,
)
from codetracer.inspect import (
    PathFilter,
    frame,
    handler_at,
    instruction_at,
    line_at,
    position_at,
    task_name,
    thread_name,
)
from codetracer.limits import Limits
from codetracer.monitoring import (
    DISABLE,
    MISSING,
    NO_EVENTS,
    CallbackOutcome,
    EventId,
    EventSet,
    Monitor,
    MonitoringEvents,
    ToolId,
    Tracer,
    events_union,
    flush_installed_tracer,
    install_tracer,
    installed,
    monitoring_events,
    slots,
    uninstall_tracer,
    update_exit_status,
)
from codetracer.monitoring.backend import backend
from codetracer.policy import (
    RecorderPolicy,
    configure_policy,
    configure_policy_from_env,
    policy_snapshot,
)
from codetracer.reading import read
from codetracer.session import TraceSession, flush, is_tracing, start, stop, trace
from codetracer.session import start_from_env as _start_from_env
from codetracer.version import __version__ as __version__

__all__ = [
    "DISABLE",
    "MISSING",
    "NO_EVENTS",
    "CallbackOutcome",
    "ErrorCode",
    "EventId",
    "EventSet",
    "HostError",
    "InternalError",
    "Limits",
    "Monitor",
    "MonitoringEvents",
    "PathFilter",
    "RecorderError",
    "RecorderPolicy",
    "TargetError",
    "ToolId",
    "TraceSession",
    "Tracer",
    "UsageError",
    "backend",
    "configure_policy",
    "configure_policy_from_env",
    "events_union",
    "flush",
    "flush_installed_tracer",
    "frame",
    "handler_at",
    "install_tracer",
    "installed",
    "instruction_at",
    "is_tracing",
    "line_at",
    "monitoring_events",
    "policy_snapshot",
    "position_at",
    "read",
    "slots",
    "start",
    "stop",
    "task_name",
    "thread_name",
    "trace",
    "uninstall_tracer",
    "update_exit_status",
]

_start_from_env()
