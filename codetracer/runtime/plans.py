"""Decides once for each code object what to record of it; events only look it up."""

from __future__ import annotations

from time import thread_time_ns

from codetracer.codeflags import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    CO_OPTIMIZED,
    CO_VARKEYWORDS,
)
from codetracer.inspect.code import parameters
from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.actions import DROP, SECRET, ScopeActions
from codetracer.runtime.children import started, unheard
from codetracer.runtime.effects import Effects, makes
from codetracer.whose import RESUME
from codetracer_bindings.trace_encoder import encode_code, encode_detail
from codetracer_bindings.trace_format import (
    DETAIL_CALLS,
    DETAIL_NAMES,
    DETAIL_VALUES,
    KIND_ASYNCHRONOUS_GENERATOR,
    KIND_CLASS,
    KIND_COROUTINE,
    KIND_FUNCTION,
    KIND_GENERATOR,
    KIND_MODULE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Final

    from codetracer.filters.chain import Scope
    from codetracer.runtime.actions import NameActions
    from codetracer.runtime.contract import Outline, Reading
    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.lines import Line

__all__ = ["Plan", "Plans", "Variable"]

seal(globals())

_DETAILS: Final = {name: number for number, name in DETAIL_NAMES.items()}

_MOST: Final = 20_000
"""The number of code objects that are remembered. If there are more, all are forgotten."""

_KINDS: Final = (
    (CO_GENERATOR, KIND_GENERATOR),
    (CO_COROUTINE, KIND_COROUTINE),
    (CO_ASYNC_GENERATOR, KIND_ASYNCHRONOUS_GENERATOR),
)
"""The kinds of code in the log, by the flag of the code object."""

_SUSPENDED: Final = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR

_text: Final = str.__str__


class Variable:
    """A variable of a code object.

    Attributes:
        number: its number in the log.
        name: its name.
        is_global: whether it is in the globals, not in the frame.
        is_around: whether it is in a class body, and may be a variable of an enclosing function.
        action: a filter's action for its values.
    """

    __slots__ = ("action", "is_around", "is_global", "name", "number")

    def __init__(
        self, number: int, name: str, action: int, *, is_global: bool, is_around: bool = False
    ) -> None:
        self.number = number
        self.name = name
        self.is_global = is_global
        self.is_around = is_around
        self.action = action


class Plan:
    """The recorder's plan for a code object.

    Attributes:
        code: the id of the code object, which is not kept alive.
        number: its number in the log.
        kind: its kind in the log: module, class, function and so on.
        detail: the number of the detail in which it is recorded now; see `DETAIL_NAMES`.
        first_line: co_firstlineno.
        beginning: the offset in its bytecode at which the event of a frame's beginning fires.
        parameters: its parameters, in order.
        gathers: whether the last one gets a dict that the call makes, of keyword arguments.
        name: co_name.
        makes: whether it gets an object that has just been made.
        lines: what each line can change, by number; empty without values.
        variables: all its variables, by number.
        locals: the number of local variables, which come first.
        has_secrets: whether one of its variables is secret.
        in_slots: whether its variables are in slots, and not in a namespace.
        everything: the variables to look at in a frame that began before recording.
        return_action: a filter's action for its results.
        attributes: a filter's actions for attributes.
    """

    __slots__ = (
        "attributes",
        "beginning",
        "code",
        "detail",
        "everything",
        "first_line",
        "gathers",
        "has_secrets",
        "in_slots",
        "kind",
        "lines",
        "locals",
        "makes",
        "name",
        "number",
        "parameters",
        "return_action",
        "variables",
    )

    code: int
    number: int
    kind: int
    detail: int
    first_line: int
    beginning: int
    parameters: list[Variable]
    gathers: bool
    variables: list[Variable]
    locals: int
    has_secrets: bool
    in_slots: bool
    name: str
    makes: bool
    lines: dict[int, Line]
    everything: list[tuple[Variable, int]]
    return_action: int
    attributes: NameActions


class Plans:
    """The plans of all code that has run; None for code that is not recorded.

    Code objects are compared by identity, because different ones may be equal, and are not kept
    alive. Only the line table of each is kept. The compiler makes it for that code object alone, so
    another code object at the same address has a different one.

    Parameters:
        gate: decides what is recorded, and in which detail.
        definitions: number sources, and hold the group of records.
        read: reads from the bytecode of a code object what each line can change; comes from
            `codetracer.runtime.engine.code_reader`.
        watch: called with each code object of which lines are recorded; None if events for lines
            are set for all code, or for none.

    Attributes:
        effects: says what callables change that are not recorded.
        spent: the CPU time that reading new code has taken for the engine in Python, in ns.
    """

    def __init__(
        self,
        gate: Gate,
        definitions: Definitions,
        read: Callable[[CodeType], Reading],
        watch: Callable[[CodeType], object] | None = None,
    ) -> None:
        self._gate = gate
        self._definitions = definitions
        self._read = read
        self._watch = watch
        self._has_imported = True
        self._known: dict[int, tuple[bytes, Plan | None]] = {}
        # The details to which code was lowered, as `_known`.
        self._lowered: dict[int, tuple[bytes, int]] = {}
        self.effects = Effects(self._known)
        self.spent = 0
        self._codes = 0
        self._actions: dict[tuple[object, ...], ScopeActions] = {}
        # The function that starts processes; each call of it is reported.
        self._starting: dict[int, str] = {}

    def starts(self, code: CodeType) -> bool:
        """Return whether known code starts a process without an audit event."""
        return id(code) in self._starting

    def tell_start(self, code: CodeType) -> None:
        """Write the record for a process that this code starts."""
        self._definitions.out.append(started(self._starting[id(code)]))

    def of(self, code: CodeType, frame: FrameType) -> Plan | None:
        """Return the plan of a frame's code."""
        known = self._known.get(id(code))
        if known is not None and known[0] is code.co_linetable:
            return known[1]
        began = thread_time_ns()
        plan = self.make(code, find(frame.f_globals, "__name__", None))
        self.spent += thread_time_ns() - began
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[id(code)] = code.co_linetable, plan
        return plan

    def lower(self, code: CodeType, detail: int) -> None:
        """Note the detail to which code is lowered, for later plans of it: it has no more again.

        Events for its lines may be disabled by then, in forked children too.
        """
        self._lowered[id(code)] = code.co_linetable, detail

    def lower_numbered(self, wanted: list[tuple[int, int]]) -> list[tuple[Plan, int]]:
        """Note the details to which the code with some numbers is lowered.

        Parameters:
            wanted: the numbers, each with a detail.

        Returns:
            The plans of the code that is still known, each with its detail.
        """
        details = dict(wanted)
        found = []
        for number, (table, plan) in [*self._known.items()]:
            if plan is not None and plan.number in details:
                self._lowered[number] = table, details[plan.number]
                found.append((plan, details[plan.number]))
        return found

    def reads_secrets(self, code: CodeType) -> bool:
        """Return whether the results of code are secret, and so also the input that it reads."""
        known = self._known.get(id(code))
        plan = known[1] if known is not None and known[0] is code.co_linetable else None
        return plan is not None and plan.return_action == SECRET

    def make(self, code: CodeType, module: object) -> Plan | None:
        """Make the plan of a new code object, and define it in the log.

        Parameters:
            code: the code object.
            module: ``__name__`` of its globals.

        Returns:
            The plan; None if the code is not recorded.
        """
        _, outline = self.outline(code, module)
        if outline is None:
            return None
        plan, record = self._plan(code, outline)
        self._codes += 1
        self._definitions.out.append(record)
        return plan

    def outline(self, code: CodeType, module: object) -> tuple[bool, Outline | None]:
        """Decide what is recorded of a new code object, and define its source in the log.

        Each engine makes its own plan of the outline, and defines the code object in the log.

        Parameters:
            code: the code object.
            module: ``__name__`` of its globals.

        Returns:
            Whether the code starts a process without an audit event; and its outline, or None if it
            is not recorded.
        """
        if self._has_imported:
            self._has_imported = not self.effects.learn()
        name = _text(code.co_name)
        self._has_imported |= name == "<module>"
        module = module if type(module) is str else ""
        qualified = _text(code.co_qualname)
        scope = self._gate.decide(code, module)
        command = unheard(module, qualified)
        if command is None:
            self._starting.pop(id(code), None)
        else:
            self._starting[id(code)] = command
        if not scope.traced:
            return command is not None, None
        detail = _DETAILS[scope.detail]
        table, lowered = self._lowered.get(id(code), (None, 0))
        if table is code.co_linetable:
            detail = max(detail, lowered)
        if detail == DETAIL_VALUES:
            # Following the bytecode takes most of the time that a plan takes.
            reading = self._read(code)
            names, count, global_names = reading.locals, reading.parameters, reading.globals
        else:
            reading = None
            names = [*dict.fromkeys(parameters(code))]
            count, global_names = len(names), []
        actions = self._actions_of(scope)
        flags = code.co_flags
        outline: Outline = {
            "source": self._definitions.source(code),
            "detail": detail,
            "kind": _kind(flags, name),
            "first_line": code.co_firstlineno,
            "beginning": _beginning(code),
            "in_slots": flags & CO_OPTIMIZED != 0,
            "gathers": flags & CO_VARKEYWORDS != 0,
            "makes": makes(name),
            "name": name,
            "qualified": qualified,
            "module": module,
            "parameters": count,
            "names": names,
            "global_names": global_names,
            "actions": actions.variables(names, count, global_names),
            "return_action": actions.result(module, qualified),
            "attributes": actions.attributes,
            "reading": reading,
        }
        if self._watch is not None and detail != DETAIL_CALLS:
            self._watch(code)
        return command is not None, outline

    def _actions_of(self, scope: Scope) -> ScopeActions:
        rules = scope.rules
        known = self._actions.get(rules)
        if known is None:
            known = self._actions[rules] = ScopeActions(self._gate, scope)
        return known

    def _plan(self, code: CodeType, outline: Outline) -> tuple[Plan, bytes]:
        plan = Plan()
        plan.detail = outline["detail"]
        plan.kind = outline["kind"]
        plan.first_line = outline["first_line"]
        plan.beginning = outline["beginning"]
        plan.in_slots = outline["in_slots"]
        plan.gathers = outline["gathers"]
        plan.makes = outline["makes"]
        plan.name = outline["name"]
        plan.return_action = outline["return_action"]
        plan.attributes = outline["attributes"]
        names, count, reading = outline["names"], outline["parameters"], outline["reading"]
        global_names, actions = outline["global_names"], outline["actions"]
        plan.code = id(code)
        plan.number = self._codes
        around = () if plan.in_slots else code.co_freevars
        plan.variables = [
            Variable(
                number,
                name,
                action,
                is_global=number >= len(names),
                is_around=number < len(names) and name in around,
            )
            for number, (name, action) in enumerate(
                zip((*names, *global_names), actions, strict=True)
            )
        ]
        plan.locals = len(names)
        plan.parameters = plan.variables[:count]
        plan.lines = (
            {}
            if reading is None
            else reading.lines(
                dict(zip(names, plan.variables, strict=False)),
                dict(zip(global_names, plan.variables[len(names) :], strict=True)),
            )
        )
        plan.everything = [
            (variable, 0)
            for variable in plan.variables
            if variable.action != DROP and plan.detail == DETAIL_VALUES
        ]
        plan.has_secrets = SECRET in actions
        record = encode_code(
            outline["source"],
            plan.first_line,
            plan.kind,
            outline["qualified"],
            outline["module"],
            count,
            names,
            global_names,
        )
        if plan.detail != DETAIL_VALUES:
            record += encode_detail(plan.number, plan.detail)
        return plan, record

    def forget(self) -> None:
        """Begin all numbers again at 0, for another log."""
        self._known.clear()
        self._codes = 0


def _beginning(code: CodeType) -> int:
    """Return the offset of the instruction at which the event of a frame's beginning fires."""
    content = code.co_code
    for offset in range(0, len(content), 2):
        if content[offset] == RESUME:
            return offset
    return -1


def _kind(flags: int, name: str) -> int:
    if flags & _SUSPENDED:
        return next(kind for flag, kind in _KINDS if flags & flag)
    if flags & CO_OPTIMIZED:
        return KIND_FUNCTION
    return KIND_MODULE if name == "<module>" else KIND_CLASS
