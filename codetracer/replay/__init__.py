"""Reading a recording: events in order, the state at each of them, values as text and JSON."""

from codetracer.replay.events import (
    CallEvent,
    EndEvent,
    Event,
    ExitEvent,
    FrameEvent,
    HandledEvent,
    LostEvent,
    OutputEvent,
    RaiseEvent,
    ResumeEvent,
    ReturnEvent,
    StepEvent,
    ThreadEvent,
    ThrowEvent,
    UnfinishedEvent,
    UnwindEvent,
    YieldEvent,
)
from codetracer.replay.model import Code, Frame, Thread
from codetracer.replay.render import render, to_json
from codetracer.replay.replay import Replay
from codetracer.replay.trace import Process, Trace
from codetracer.replay.values import (
    CutBytes,
    CutText,
    CutTuple,
    Hidden,
    ObjectValue,
    RangeValue,
    Value,
)

__all__ = [
    "CallEvent",
    "Code",
    "CutBytes",
    "CutText",
    "CutTuple",
    "EndEvent",
    "Event",
    "ExitEvent",
    "Frame",
    "FrameEvent",
    "HandledEvent",
    "Hidden",
    "LostEvent",
    "ObjectValue",
    "OutputEvent",
    "Process",
    "RaiseEvent",
    "RangeValue",
    "Replay",
    "ResumeEvent",
    "ReturnEvent",
    "StepEvent",
    "Thread",
    "ThreadEvent",
    "ThrowEvent",
    "Trace",
    "UnfinishedEvent",
    "UnwindEvent",
    "Value",
    "YieldEvent",
    "render",
    "to_json",
]
