"""Reads a recording: its events in order, the state at each, and values as text and JSON."""

from codetracer.replay.calls import Call
from codetracer.replay.evaluator import Expression, evaluate
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
from codetracer.replay.finding import Finding
from codetracer.replay.goals import Arrival, Change, Function, Goal, Line, Raise
from codetracer.replay.history import Write
from codetracer.replay.model import Code, Frame, Thread
from codetracer.replay.moment import Moment
from codetracer.replay.parts import EvaluationError
from codetracer.replay.place import Place
from codetracer.replay.render import render, to_json
from codetracer.replay.replay import Replay
from codetracer.replay.timeline import Timeline
from codetracer.replay.trace import Process, Trace
from codetracer.replay.values import (
    CutBytes,
    CutInteger,
    CutText,
    CutTuple,
    Hidden,
    ObjectValue,
    RangeValue,
    Value,
    Words,
)

__all__ = [
    "Arrival",
    "Call",
    "CallEvent",
    "Change",
    "Code",
    "CutBytes",
    "CutInteger",
    "CutText",
    "CutTuple",
    "EndEvent",
    "EvaluationError",
    "Event",
    "ExitEvent",
    "Expression",
    "Finding",
    "Frame",
    "FrameEvent",
    "Function",
    "Goal",
    "HandledEvent",
    "Hidden",
    "Line",
    "LostEvent",
    "Moment",
    "ObjectValue",
    "OutputEvent",
    "Place",
    "Process",
    "Raise",
    "RaiseEvent",
    "RangeValue",
    "Replay",
    "ResumeEvent",
    "ReturnEvent",
    "StepEvent",
    "Thread",
    "ThreadEvent",
    "ThrowEvent",
    "Timeline",
    "Trace",
    "UnfinishedEvent",
    "UnwindEvent",
    "Value",
    "Words",
    "Write",
    "YieldEvent",
    "evaluate",
    "render",
    "to_json",
]
