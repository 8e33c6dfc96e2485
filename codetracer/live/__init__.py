"""``codetracer trace``: every event of a running program as a line of text or JSON."""

from codetracer.live.tracer import LiveTracer

__all__ = ["LiveTracer"]
