"""Compatibility shim: the install functions, for imports older than `monitoring.install`."""

from codetracer.monitoring.install import (
    flush_installed_tracer,
    install_tracer,
    uninstall_tracer,
    update_exit_status,
)

__all__ = ["flush_installed_tracer", "install_tracer", "uninstall_tracer", "update_exit_status"]
