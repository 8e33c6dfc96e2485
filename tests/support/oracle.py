"""Writes all variables of a program at every line, in full, every time.

Run as ``python oracle.py PROGRAM OUTPUT in-c lines``, it runs a program and writes a line of JSON
at each line of it and of the modules beside it; with ``calls`` at each call and at each end of one,
with its arguments or its result, one object deep (what ``--detail calls`` records). It is slow and
simple, knows nothing of codetracer, and looks at values as any program may: the programs that it is
for have nothing against that. What is recorded of them is made to look the same by
`tests.support.recordings`.

A value is a list that begins with its kind. Objects that can change are numbered as they are met,
the variables in the order of their names, and stand in full where they are met first. With
``without-c`` it leaves out what only codetracer's engine in C can look into.
"""

import collections
import dis
import enum
import functools
import gc
import inspect
import json
import os
import sys
import threading
import types
import typing

HEAP_TYPE = 1 << 9
IMPLIED = (  # noqa: SIM905
    "__annotate__ __annotate_func__ __annotations__ __builtins__ __cached__ __class__"
    " __classdict__ __classdictcell__ __conditional_annotations__ __doc__ __file__"
    " __firstlineno__ __loader__ __module__ __name__ __package__ __path__ __qualname__ __spec__"
    " __static_attributes__ __type_params__"
).split()
"""The names that the interpreter puts beside a program's own variables."""


STATES = ("generator", "coroutine", "async_generator", "list_iterator", "_thread.lock")
"""Types whose state changes without any line that names the instance: it is left out."""


BEGINS, RETURNS, YIELDS, UNWINDS = range(4)
"""The numbers of events, which stand in the place of a line."""


class Snapshot:
    """Everything that can be reached from some variables, in one form."""

    def __init__(self, *, in_c: bool, full: frozenset[int] | None = None) -> None:
        self.in_c = in_c
        # The ids of the objects that are shown with what they hold; None for all.
        self.full = full
        self.numbers: dict[int, int] = {}
        self.kept: list[object] = []

    def variables(self, variables: dict[str, typing.Any]) -> dict[str, typing.Any]:
        return {name: self.value(variables[name]) for name in sorted(variables)}

    def value(self, value: typing.Any) -> list[typing.Any]:
        kind = type(value)
        if value is None or value is ... or value is NotImplemented:
            return [repr(value)]
        if kind in (bool, int, float, complex, bytes):
            return [kind.__name__, repr(value)]
        if kind is str:
            return ["str", value]
        if kind is tuple:
            return ["tuple", [self.value(item) for item in value]]
        if kind is range:
            return ["range", [value.start, value.stop, value.step]]
        return self.object(value)

    def object(self, value: typing.Any) -> list[typing.Any]:
        number = self.numbers.get(id(value))
        if number is not None:
            return ["object", number]
        number = self.numbers[id(value)] = len(self.numbers)
        self.kept.append(value)
        kind = type(value)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        if self.full is not None and id(value) not in self.full:
            return ["object", number, "unseen", name, [], {}]
        form, items, attributes = self.content(value)
        named = {key: self.value(attributes[key]) for key in sorted(attributes)}
        return ["object", number, form, name, items, named]

    def content(self, value: typing.Any) -> tuple[str, typing.Any, dict[str, typing.Any]]:
        match value:
            case type():
                return "class", [["str", value.__qualname__]], {}
            case types.FunctionType():
                return "function", [["str", value.__qualname__]], {}
            case types.BuiltinMethodType() | types.MethodType():
                owner = value.__self__
                known = owner is not None and not isinstance(owner, types.ModuleType)
                return (
                    "method",
                    [["str", value.__qualname__]],
                    {"__self__": owner} if known else {},
                )
            case types.ModuleType():
                return "module", [["str", value.__name__]], {}
            case enum.Enum():
                return "enum", [], {"name": value.name, "value": value.value}
            case int() | float() | str():
                plain = {int: int, float: float, str: str}
                base = next(base for base in plain if isinstance(value, base))
                return "wrapped", [self.value(base(value))], held(value)
            case bytearray():
                return "wrapped", [self.value(bytes(value))], held(value)
            case BaseException():
                cause = {"__cause__": value.__cause__} if value.__cause__ else {}
                return "exception", [self.value(item) for item in value.args], held(value) | cause
            case list():
                return "list", [self.value(item) for item in value], held(value)
            case collections.deque() if type(value) is collections.deque:
                most = {} if value.maxlen is None else {"maxlen": value.maxlen}
                return "list", [self.value(item) for item in value], most
            case dict():
                pairs = [[self.value(key), self.value(item)] for key, item in dict.items(value)]
                return "dict", pairs, held(value)
            case set() | frozenset():
                form = "set" if isinstance(value, set) else "frozenset"
                return form, sorted((self.value(item) for item in value), key=str), held(value)
            case tuple():
                if (fields := getattr(value, "_fields", None)) is not None:
                    return "named_tuple", [], dict(zip(fields, value, strict=True))
                return "tuple", [self.value(item) for item in value], held(value)
        if (content := self.plain(value) or self.state(value)) is not None:
            return content
        attributes = held(value)
        is_instance = attributes or hasattr(value, "__dict__") or slots(type(value))
        return "instance" if is_instance else "opaque", [], attributes

    def plain(self, value: typing.Any) -> tuple[str, typing.Any, dict[str, typing.Any]] | None:
        """Return what some types hold that keep it to themselves."""
        items: list[typing.Any]
        attributes: dict[str, typing.Any] = {}
        form = "value"
        match value:
            case functools.partial():
                items = [value.func]
                attributes = {"args": value.args} if value.args else {}
                attributes["keywords"] = value.keywords
            case property():
                items = [value.fget, value.fset, value.fdel]
                while items[-1:] == [None]:
                    items.pop()
            case slice():
                items = [value.start, value.stop]
                items += [] if value.step is None else [value.step]
            case staticmethod() | classmethod():
                items = [value.__func__]
            case types.MappingProxyType():
                items = gc.get_referents(value) if self.in_c else []
            case types.CellType():
                # It may be empty.
                items = gc.get_referents(value)
            case collections.ChainMap():
                items = value.maps
            case map():
                items = list(value.__reduce__()[1])
            case _ if type(value).__name__ in ("dict_keys", "dict_values", "dict_items"):
                form, items = "list", list(value)
            case _:
                return None
        return form, [self.value(item) for item in items], attributes

    def state(self, value: typing.Any) -> tuple[str, typing.Any, dict[str, typing.Any]] | None:
        """Return what stays as it is of a value of `STATES`, and of a method of a type in C."""
        match value:
            case (
                types.GeneratorType()
                | types.CoroutineType()
                | types.AsyncGeneratorType()
                | types.MethodDescriptorType()
            ):
                return "instance", [], {"name": value.__qualname__}
            case _ if type(value).__name__ == "list_iterator":
                return "instance", [], {"of": gc.get_referents(value)[0]} if self.in_c else {}
            case _ if type(value) is type(threading.Lock()):
                return "instance", [], {}
        return None


def slots(kind: type) -> list[str]:
    """Return the names of a class's slots; some classes of CPython's, written in C, have them too.

    Whether a class of CPython's is made when the interpreter starts (heap type) is its own affair,
    and another one's in each version.
    """
    return [
        name
        for base in kind.__mro__
        if base.__flags__ & HEAP_TYPE
        for name, member in vars(base).items()
        if isinstance(member, types.MemberDescriptorType) and not name.endswith("offset__")
    ]


def held(value: typing.Any) -> dict[str, typing.Any]:
    """Return an object's own attributes."""
    found = dict(getattr(value, "__dict__", {}))
    for name in slots(type(value)):
        if hasattr(value, name):
            found[name] = getattr(value, name)
    return found


@functools.cache
def global_names(code: types.CodeType) -> list[str]:
    """Return the global variables that code names."""
    found = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname.endswith(("_GLOBAL", "_NAME", "_OR_GLOBALS")):
            found.add(str(instruction.argval))
    return sorted(found)


def snapshot(frame: types.FrameType, *, in_c: bool) -> dict[str, typing.Any]:
    """Return what the code of a frame can see."""
    code = frame.f_code
    variables = frame.f_globals
    found: dict[str, typing.Any] = {}
    snapshot = Snapshot(in_c=in_c)
    if code.co_name == "<module>":
        found["locals"] = {}
        names = list(variables)
    else:
        seen = dict(frame.f_locals)
        if not code.co_flags & inspect.CO_OPTIMIZED:
            # What a metaclass put into the class's namespace is no variable of the program's.
            seen = {name: value for name, value in seen.items() if name in code.co_names}
            # A function's variables that the class's body sees, and f_locals has not.
            around = frame.f_back
            while around and not around.f_code.co_flags & inspect.CO_OPTIMIZED:
                around = around.f_back
            outer = around.f_locals if around else {}
            seen = {name: outer[name] for name in code.co_freevars if name in outer} | seen
        found["locals"] = snapshot.variables(own(seen))
        names = global_names(code)
    found["globals"] = snapshot.variables(
        own({name: variables[name] for name in names if name in variables})
    )
    return found


def passed(values: dict[str, typing.Any], *, in_c: bool) -> dict[str, typing.Any]:
    """Return what a call gets or gives, with the items of containers and what exceptions hold."""
    shown = (list, dict, set, frozenset)
    full = {
        id(value)
        for value in values.values()
        if type(value) in shown or isinstance(value, BaseException)
    }
    return Snapshot(in_c=in_c, full=frozenset(full)).variables(values)


def arguments(frame: types.FrameType) -> dict[str, typing.Any]:
    """Return the arguments of a frame that begins."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    found = frame.f_locals
    names = code.co_varnames[:count] if code.co_flags & inspect.CO_OPTIMIZED else ()
    return {name: found[name] for name in names if not name.startswith(".")}


def own(variables: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """Return what the program itself put among some variables."""
    return {
        name: value
        for name, value in variables.items()
        if name not in IMPLIED and not name.startswith(".")
    }


def main(program: str, output: str, in_c: str, what: str = "lines") -> None:
    """Run a program and write what its variables are."""
    monitoring = sys.monitoring
    tool = monitoring.PROFILER_ID
    lock = threading.RLock()
    folder = os.getcwd()
    out = open(output, "w", encoding="utf-8")  # noqa: SIM115

    def is_its(code: types.CodeType) -> bool:
        file = os.path.abspath(code.co_filename)
        return not code.co_filename.startswith("<") and os.path.dirname(file) == folder

    def write(code: types.CodeType, number: int, seen: dict[str, typing.Any]) -> None:
        row = {
            "file": os.path.basename(code.co_filename),
            "thread": threading.current_thread().name,
            "code": code.co_qualname,
            "line": number,
        }
        out.write(json.dumps(row | seen) + "\n")

    def line(code: types.CodeType, number: int) -> object:
        if not is_its(code):
            return monitoring.DISABLE
        with lock:
            write(code, number, snapshot(sys._getframe(1), in_c=in_c == "in-c"))
        return None

    def passes(event: int, values: dict[str, typing.Any], code: types.CodeType) -> None:
        with lock:
            shown = passed(values, in_c=in_c == "in-c")
            write(code, event, {"locals": shown, "globals": {}})

    def start(code: types.CodeType, _: int) -> object:
        if not is_its(code):
            return monitoring.DISABLE
        passes(BEGINS, arguments(sys._getframe(1)), code)
        return None

    def leave(event: int) -> typing.Callable[[types.CodeType, int, object], object]:
        def handler(code: types.CodeType, _: int, value: object) -> object:
            if is_its(code):
                passes(event, {"": value}, code)
            return None

        return handler

    main_module = types.ModuleType("__main__")
    main_module.__dict__["__file__"] = program
    ours, sys.modules["__main__"] = sys.modules["__main__"], main_module
    sys.argv[:] = [program]
    sys.path[0] = ""
    with open(program, encoding="utf-8") as file:
        code = compile(file.read(), program, "exec")
    monitoring.use_tool_id(tool, "oracle")
    events = monitoring.events
    wanted = events.LINE | events.PY_START | events.PY_RESUME
    if what == "calls":
        wanted = events.PY_START | events.PY_RETURN | events.PY_YIELD | events.PY_UNWIND
        monitoring.register_callback(tool, events.PY_START, start)
        monitoring.register_callback(tool, events.PY_RETURN, leave(RETURNS))
        monitoring.register_callback(tool, events.PY_YIELD, leave(YIELDS))
        monitoring.register_callback(tool, events.PY_UNWIND, leave(UNWINDS))
    else:
        monitoring.register_callback(tool, events.LINE, line)
    # Where nobody asks for PY_START, CPython 3.13 leaves out a first line that is the `def` itself,
    # and without PY_RESUME it closes a generator that catches nothing without running it.
    monitoring.set_events(tool, wanted)
    try:
        exec(code, main_module.__dict__)
    finally:
        monitoring.set_events(tool, 0)
        sys.modules["__main__"] = ours
        out.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
