"""Decides once for each code object what to record of it; events only look it up."""

from __future__ import annotations

from time import thread_time_ns

from codetracer.codeflags import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    CO_VARKEYWORDS,
)
from codetracer.inspect.code import is_function, parameters
from codetracer.inspect.lookups import find
from codetracer.own import seal
from codetracer.runtime.children import started, unheard
from codetracer.runtime.effects import Effects, makes
from codetracer.runtime.values import ALLOW, DROP, REDACT, SECRET, AttributeActions
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
    from codetracer.filters.selectors import ValueKind
    from codetracer.runtime.contract import Reading
    from codetracer.runtime.definitions import Definitions
    from codetracer.runtime.filtering import Gate
    from codetracer.runtime.lines import Line

__all__ = ["Plan", "Plans", "Variable"]

seal(globals())

_ACTIONS: Final = {"allow": ALLOW, "redact": REDACT, "drop": DROP}

_DETAILS: Final = {name: number for number, name in DETAIL_NAMES.items()}

_MOST: Final = 20_000
"""The number of code objects that are remembered. If there are more, all are forgotten."""

_KINDS: Final = (
    (CO_GENERATOR, KIND_GENERATOR),
    (CO_COROUTINE, KIND_COROUTINE),
    (CO_ASYNC_GENERATOR, KIND_ASYNCHRONOUS_GENERATOR),
)
"""The kinds of code in the log, by the flag of the code object."""


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
    attributes: AttributeActions


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
        self._attributes: dict[tuple[object, ...], AttributeActions] = {}
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
            module: ``__name__`` of its globals.
        """
        if self._has_imported:
            self._has_imported = not self.effects.learn()
        self._has_imported |= code.co_name == "<module>"
        name = module if type(module) is str else None
        scope = self._gate.decide(code, name)
        command = unheard(name or "", str.__str__(code.co_qualname))
        if command is None:
            self._starting.pop(id(code), None)
        else:
            self._starting[id(code)] = command
        if not scope.traced:
            return None
        plan, record = self._plan(code, name or "", scope)
        if self._watch is not None and plan.detail != DETAIL_CALLS:
            self._watch(code)
        self._codes += 1
        self._definitions.out.append(record)
        return plan

    def _plan(self, code: CodeType, module: str, scope: Scope) -> tuple[Plan, bytes]:
        plan = Plan()
        plan.detail = _DETAILS[scope.detail]
        table, lowered = self._lowered.get(id(code), (None, 0))
        if table is code.co_linetable:
            plan.detail = max(plan.detail, lowered)
        # Following the bytecode takes most of the time that a plan takes.
        reading = self._read(code) if plan.detail == DETAIL_VALUES else None
        arguments = parameters(code)
        names = arguments if reading is None else reading.locals
        global_names = [] if reading is None else reading.globals
        plan.code = id(code)
        plan.number = self._codes
        plan.kind = _kind(code)
        plan.first_line = code.co_firstlineno
        plan.beginning = _beginning(code)
        plan.in_slots = is_function(code)
        local_variables = {
            name: Variable(
                number,
                name,
                self._action(scope, "arg" if name in arguments else "local", name),
                is_global=False,
                is_around=not plan.in_slots and name in code.co_freevars,
            )
            for number, name in enumerate(names)
        }
        global_variables = {
            name: Variable(number, name, self._action(scope, "global", name), is_global=True)
            for number, name in enumerate(global_names, len(names))
        }
        plan.parameters = [local_variables[name] for name in arguments]
        plan.gathers = bool(code.co_flags & CO_VARKEYWORDS)
        plan.name = str.__str__(code.co_name)
        plan.makes = makes(plan.name)
        plan.lines = {} if reading is None else reading.lines(local_variables, global_variables)
        plan.variables = [*local_variables.values(), *global_variables.values()]
        plan.locals = len(names)
        plan.everything = [
            (variable, 0)
            for variable in plan.variables
            if variable.action != DROP and plan.detail == DETAIL_VALUES
        ]
        plan.has_secrets = any(variable.action == SECRET for variable in plan.variables)
        plan.return_action = self._action(scope, "ret", f"{module}.{code.co_qualname}")
        plan.attributes = self._attribute_actions(scope)
        record = encode_code(
            self._definitions.source(code),
            plan.first_line,
            plan.kind,
            code.co_qualname,
            module,
            len(arguments),
            names,
            global_names,
        )
        if plan.detail != DETAIL_VALUES:
            record += encode_detail(plan.number, plan.detail)
        return plan, record

    def _action(self, scope: Scope, kind: ValueKind, name: str) -> int:
        return _action_in(self._gate, scope, kind, name)

    def _attribute_actions(self, scope: Scope) -> AttributeActions:
        rules = scope.attribute_rules
        known = self._attributes.get(rules)
        if known is None:
            gate = self._gate
            known = AttributeActions(lambda name: _action_in(gate, scope, "attr", name))
            self._attributes[rules] = known
        return known

    def forget(self) -> None:
        """Begin all numbers again at 0, for another log."""
        self._known.clear()
        self._codes = 0


def _action_in(gate: Gate, scope: Scope, kind: ValueKind, name: str) -> int:
    action = scope.action(kind, name)
    if action != "allow":
        gate.count_value(action, kind)
    if action == "redact" and scope.names_secret(kind, name):
        return SECRET
    return _ACTIONS[action]


def _beginning(code: CodeType) -> int:
    """Return the offset of the instruction at which the event of a frame's beginning fires."""
    content = code.co_code
    for offset in range(0, len(content), 2):
        if content[offset] == RESUME:
            return offset
    return -1


def _kind(code: CodeType) -> int:
    for flag, kind in _KINDS:
        if code.co_flags & flag:
            return kind
    if is_function(code):
        return KIND_FUNCTION
    return KIND_MODULE if code.co_name == "<module>" else KIND_CLASS
