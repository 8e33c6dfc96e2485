"""Answers a handler's questions about the moment of its event: frame, place, file, thread, task.

Nothing here keeps an object of the program or runs its code.
"""

from codetracer.inspect.frames import frame
from codetracer.inspect.offsets import handler_at, instruction_at, line_at, position_at
from codetracer.inspect.paths import PathFilter
from codetracer.inspect.threads import task_name, thread_name

__all__ = [
    "PathFilter",
    "frame",
    "handler_at",
    "instruction_at",
    "line_at",
    "position_at",
    "task_name",
    "thread_name",
]
