"""The monitoring layer: subclass `Tracer`, install it, and the program stays safe from it."""

from codetracer.monitoring.api import (
    DISABLE,
    NO_EVENTS,
    CallbackOutcome,
    EventId,
    EventSet,
    MonitoringEvents,
    ToolId,
    Tracer,
    acquire_tool_id,
    events_union,
    free_tool_id,
    monitoring_events,
    register_callback,
    set_events,
)
from codetracer.monitoring.install import (
    flush_installed_tracer,
    install_tracer,
    installed,
    uninstall_tracer,
    update_exit_status,
)

__all__ = [
    "DISABLE",
    "NO_EVENTS",
    "CallbackOutcome",
    "EventId",
    "EventSet",
    "MonitoringEvents",
    "ToolId",
    "Tracer",
    "acquire_tool_id",
    "events_union",
    "flush_installed_tracer",
    "free_tool_id",
    "install_tracer",
    "installed",
    "monitoring_events",
    "register_callback",
    "set_events",
    "uninstall_tracer",
    "update_exit_status",
]
