"""Random programs, as source text: every one ends, and says what it does.

A program is a handful of definitions (functions, generators, coroutines, asynchronous generators,
classes) and of statements that use them. It ends because a definition calls only earlier ones and,
to a bounded depth, itself, loops run three times at most, and each entry into a definition takes
one from `FUEL`: when that is used up, they return at once. Values cannot grow without bound, for
no expression mentions a variable twice in one container.

What every program finds in its namespace is `fuzz.helpers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from fuzz.expressions import VARIABLES, Definition, Expressions, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

FUEL = 40
"""The number of times that definitions are entered in one run of a program."""

ERRORS = ("KeyError", "ValueError", "ZeroDivisionError", "LookupError", "Exception", "TypeError")
RAISED = ("KeyError", "ValueError(1)", "IndexError('i')", "StopIteration(2)", "OSError(3, 'o')")


class _Writer(Expressions):
    """Writes one program, by the choices that `draw` makes; the first choice is the simplest."""

    # ------------------------------------------------------------ programs

    def program(self) -> None:
        self.line(f"FUEL = [{FUEL}]")
        self.line("v0, v1, v2, v3 = 0, 1, [1, 2], {'k': 3}")
        for _ in range(self._draw(st.integers(0, 4))):
            self.choose(
                (
                    self.function,
                    self.generator,
                    self.klass,
                    self.coroutine,
                    self.async_generator,
                )
            )()
        for one in self.definitions:
            with self.block("try:"):
                self.line(f"say({self.use_of(one, Scope())})")
            with self.block("except BaseException as error:"):
                self.line("say('got', error)")
        if self.definitions and self.chance(60):
            self.line(f"FUEL[0] = {FUEL}")
            with self.block("try:"):
                self.line(f"say({self.together()})")
            with self.block("except BaseException as error:"):
                self.line("say('got', error)")
        for _ in range(self._draw(st.integers(1, 6))):
            self._size = 0
            if self.chance(8):
                self.statement(Scope(), 3)  # what it raises ends the program
                continue
            with self.block("try:"):
                self.statement(Scope(), 3)
            with self.block("except BaseException as error:"):
                self.line("say('got', error)")
        self.line("say(v0, v1, v2, v3)")

    def together(self) -> str:
        """Return a call in which definitions run by turns, in threads or as tasks."""
        coroutines = self.of("coroutine")
        if coroutines and self.chance(70):
            tasks = ", ".join(f"{self.choose(coroutines)}({number})" for number in range(3))
            return f"run_tasks(in_tasks({tasks}))"
        uses = (self.use_of(self.choose(self.definitions), Scope()) for _ in range(3))
        return f"in_turns({', '.join(f'lambda: {use}' for use in uses)})"

    def body(self, scope: Scope, most: int = 3) -> None:
        for _ in range(self._draw(st.integers(1, most))):
            self.statement(scope, 2)

    def _entered(self, scope: Scope) -> None:
        self._size = 0
        self.line("FUEL[0] -= 1")
        with self.block("if FUEL[0] < 0:"):
            self.line("return")
        self.line("v0, v1, v2, v3 = n, 2, [n, 1], ('t', n)")
        if self.chance(50):
            self.line("turn()")
        self.body(scope)

    def function(self) -> None:
        name = self.name("function")
        for _ in range(self._draw(st.integers(0, 1))):
            self.line("@passing")
        parameters = self.choose(("n=0", "n=0, *rest", "n=0, /, **named", "n=0, *, key=None"))
        generic = "[T]" if self.chance(10) else ""
        with self.block(f"def {name}{generic}({parameters}):"):
            self._entered(Scope("function"))
            if self.chance(25):
                with self.block("if n > 0:"):
                    self.line(f"v1 = {name}(n - 1)")
            self.line(f"return {self.expression(Scope('function'), 2)}")
        self.definitions.append(Definition(name, "function"))

    def generator(self) -> None:
        name = self.name("generator")
        scope = Scope("generator")
        with self.block(f"def {name}(n=0):"):
            self._entered(scope)
            self.line(f"v1 = yield {self.expression(scope, 1)}")
            self.body(scope, 2)
            if self.chance(25):
                with self.block("if n > 0:"):
                    self.line(f"v2 = yield from {name}(n - 1)")
            if self.chance(50):
                self.line(f"return {self.expression(scope, 1)}")
        self.definitions.append(Definition(name, "generator"))

    def coroutine(self) -> None:
        name = self.name("coroutine")
        scope = Scope("coroutine")
        with self.block(f"async def {name}(n=0):"):
            self._entered(scope)
            self.line("await Pause()")
            self.body(scope, 2)
            self.line(f"return {self.expression(scope, 1)}")
        self.definitions.append(Definition(name, "coroutine"))

    def async_generator(self) -> None:
        name = self.name("async_generator")
        scope = Scope("async generator")
        with self.block(f"async def {name}(n=0):"):
            self._entered(scope)
            self.line(f"v1 = yield {self.expression(scope, 1)}")
            self.body(scope, 2)
            self.line("yield n")
        self.definitions.append(Definition(name, "async generator"))

    def klass(self) -> None:
        name = self.name("Class")
        bases = self.of("class")
        base = self.choose(("", *(f"({one})" for one in bases)))
        plain, method = Scope(), Scope("function")
        with self.block(f"class {name}{base}:"):
            if self.chance(30):
                self._size = 0
                self.statement(plain, 1)
            with self.block("def __init__(self, n=0):"):
                if base:
                    self.line("super().__init__(n)")
                self.line("self.n = n")
            with self.block("def method(self, n=0):"):
                self._entered(method)
                self.line("return self.n")
            if self.chance(40):
                with self.block("@property\n" + "    " * self._indent + "def value(self):"):
                    self.line(f"return {self.expression(Scope(), 1, ('self.n',))}")
            if self.chance(40):
                with self.block("def __enter__(self):"):
                    self.line("say('enter')")
                    self.line("return self")
                with self.block("def __exit__(self, kind, error, traceback):"):
                    self.line("say('exit', error)")
                    self.line(
                        f"return {self.choose(('False', 'kind is KeyError', 'True', '1 // 0'))}"
                    )
            else:
                with self.block("def __enter__(self):"):
                    self.line("return self.n")
                with self.block("def __exit__(self, *error):"):
                    self.line("return None")
            if self.chance(30):
                with self.block("def __iter__(self):"):
                    self.line(self.choose(("return iter(range(2))", "yield 1", "yield from 'ab'")))
            if self.chance(20):
                with self.block("def __del__(self):"):
                    self.line(self.choose(("say('del', self.n)", "raise KeyError(self.n)")))
            if self.chance(25):
                with self.block("def __getattr__(self, name):"):
                    self.line(self.choose(("return name", "raise AttributeError(name)")))
            if self.chance(25):
                with self.block("def __add__(self, other):"):
                    self.line(
                        self.choose(("return 1", "return NotImplemented", "raise ValueError"))
                    )
            if self.chance(20):
                with self.block("def __bool__(self):"):
                    self.line(self.choose(("return False", "return self.n > 0", "raise KeyError")))
            if self.chance(20):
                with self.block("def __call__(self, n=0):"):
                    self.line("return n")
            if self.chance(20):
                with self.block("def __eq__(self, other):"):
                    self.line("return say('eq') is None")
        self.definitions.append(Definition(name, "class"))

    # ------------------------------------------------------------ statements

    def statement(self, scope: Scope, depth: int) -> None:
        self._size += 1
        if depth == 0 or self._size > 12:
            self.simple(scope, depth)
            return
        choices: list[Callable[[Scope, int], None]] = [
            self.simple,
            self.simple,
            self.simple,
            self.if_statement,
            self.for_loop,
            self.while_loop,
            self.try_statement,
            self.try_statement,
            self.with_statement,
            self.match_statement,
            self.closure,
            self.try_group,
        ]
        if self.of("generator"):
            choices += [self.use_generator] * 2
        if scope.waits:
            choices += [self.async_for, self.async_with]
        self.choose(choices)(scope, depth)

    def nested(self, scope: Scope, depth: int) -> None:
        for _ in range(self._draw(st.integers(1, 2))):
            self.statement(scope, depth - 1)

    def simple(self, scope: Scope, depth: int) -> None:
        choices: list[Callable[[Scope], str]] = [
            self.assignment,
            self.saying,
            self.unpacking,
            self.raising,
            self.multi_line_call,
            lambda scope: f"assert {self.expression(scope, 1)}, 'assertion'",
            lambda scope: f"del {self.choose(VARIABLES)}",
            lambda scope: f"{self.choose(VARIABLES)} += 1",
            lambda scope: "from math import floor as v1",
            lambda scope: "v2 = __import__('math').floor(1.5)",
            lambda scope: "type Alias = v0",
            lambda scope: f"annotated: int = {self.expression(scope, 1)}",
            lambda scope: f"v0 = v1 = {self.expression(scope, 1)}",
            lambda scope: "pass",
        ]
        if scope.loop:
            choices += [lambda _: "continue", lambda _: "break"] * 2
        if scope.handler:
            choices += [lambda _: "raise", lambda _: "raise ValueError('again') from None"]
        if scope.yields:
            choices += [self.yielding] * 4
        if scope.waits:
            choices += [lambda scope: f"v1 = {self.awaited(scope)}"] * 4
        if scope.function:
            choices.append(lambda _: "turn()")
        if scope.function and not scope.group:
            valued = scope.function != "async generator"
            choices.append(
                lambda scope: f"return {self.expression(scope, 1)}" if valued else "return"
            )
        self.line(self.choose(choices)(scope))

    def assignment(self, scope: Scope) -> str:
        return f"{self.choose(VARIABLES)} = {self.expression(scope, 2)}"

    def saying(self, scope: Scope) -> str:
        return f"say({self.expression(scope, 2)})"

    def unpacking(self, scope: Scope) -> str:
        targets = self.choose(("v0, v1", "v0, *v2", "(v0, v1), v3", "[v1]"))
        return f"{targets} = {self.expression(scope, 2)}"

    def raising(self, scope: Scope) -> str:
        cause = self.choose(("", "", f" from {self.choose(RAISED)}"))
        return f"raise {self.choose(RAISED)}{cause}"

    def multi_line_call(self, scope: Scope) -> str:
        inner = "    " * (self._indent + 1)
        first, second = self.expression(scope, 1), self.expression(scope, 1)
        return f"say(\n{inner}{first},\n{inner}{second},\n{'    ' * self._indent})"

    def yielding(self, scope: Scope) -> str:
        value = self.expression(scope, 1)
        forms = [f"yield {value}", f"v0 = yield {value}", f"say((yield {value}))"]
        if scope.function == "generator":
            forms += [f"v2 = yield from {self.iterable(scope)}"] * 2
        return self.choose(forms)

    def if_statement(self, scope: Scope, depth: int) -> None:
        with self.block(f"if {self.expression(scope, 2)}:"):
            self.nested(scope, depth)
        if self.chance(30):
            with self.block(f"elif {self.expression(scope, 1)}:"):
                self.nested(scope, depth)
        if self.chance(50):
            with self.block("else:"):
                self.nested(scope, depth)

    def for_loop(self, scope: Scope, depth: int) -> None:
        target = self.choose(("v0", "v1", "v0, v1"))
        with self.block(f"for {target} in {self.iterable(scope)}:"):
            self.nested(scope._replace(loop=True), depth)
        self._else(scope, depth)

    def while_loop(self, scope: Scope, depth: int) -> None:
        counter = self.name("count")
        self.line(f"{counter} = {self.choose((1, 2, 3))}")
        condition = self.choose((f"{counter}", f"{counter} > 0", f"{counter} and not v0"))
        with self.block(f"while {condition}:"):
            self.line(f"{counter} -= 1")
            self.nested(scope._replace(loop=True), depth)
        self._else(scope, depth)

    def _else(self, scope: Scope, depth: int) -> None:
        if self.chance(25):
            with self.block("else:"):
                self.nested(scope, depth)

    def try_statement(self, scope: Scope, depth: int) -> None:
        inside = scope._replace(handler=True)
        with self.block("try:"):
            self.nested(scope, depth)
        handlers = self._draw(st.integers(0, 2))
        for _ in range(handlers):
            caught = self.choose(
                (f"{self.choose(ERRORS)} as error", self.choose(ERRORS), "(KeyError, TypeError)")
            )
            with self.block(f"except {caught}:"):
                self.nested(inside, depth)
        if handlers and self.chance(25):
            with self.block("else:"):
                self.nested(scope, depth)
        if not handlers or self.chance(40):
            with self.block("finally:"):
                self.nested(scope, depth)

    def try_group(self, scope: Scope, depth: int) -> None:
        with self.block("try:"):
            if self.chance(60):
                self.line("raise ExceptionGroup('g', [KeyError(1), ValueError(2)])")
            else:
                self.nested(scope, depth)
        inside = scope._replace(group=True, loop=False, handler=True)
        with self.block(f"except* {self.choose(ERRORS)}:"):
            self.nested(inside, depth)
        if self.chance(30):
            with self.block("except* ValueError as error:"):
                self.nested(inside, depth)

    def with_statement(self, scope: Scope, depth: int) -> None:
        managers = ["Plain()", "managed(1) as v0", "managed([2]) as (v1,)"]
        managers += [f"{name}(1) as v3" for name in self.of("class")] * 2
        chosen = [self.choose(managers) for _ in range(self._draw(st.integers(1, 2)))]
        with self.block(f"with {', '.join(chosen)}:"):
            self.nested(scope, depth)

    def async_for(self, scope: Scope, depth: int) -> None:
        names = self.of("async generator")
        if not names:
            self.simple(scope, depth)
            return
        with self.block(f"async for v1 in {self.choose(names)}(1):"):
            self.nested(scope._replace(loop=True), depth)
        self._else(scope, depth)

    def async_with(self, scope: Scope, depth: int) -> None:
        with self.block(f"async with {self.choose(('Plain()', 'async_managed(4) as v0'))}:"):
            self.nested(scope, depth)

    def match_statement(self, scope: Scope, depth: int) -> None:
        with self.block(f"match {self.expression(scope, 1)}:"):
            for _ in range(self._draw(st.integers(1, 3))):
                pattern = self.choose(
                    (
                        "0 | 1",
                        "[v0, *_]",
                        "{'k': v1}",
                        "str() as v1",
                        "int(real=v0)",
                        "(v0, v1)",
                        "[1, [v1]]",
                        "None",
                        "True",
                        *(f"{name}(n=v0)" for name in self.of("class")),
                    )
                )
                guard = f" if {self.expression(scope, 1)}" if self.chance(25) else ""
                with self.block(f"case {pattern}{guard}:"):
                    self.nested(scope, depth)
            if self.chance(60):
                with self.block("case _:"):
                    self.nested(scope, depth)

    def closure(self, scope: Scope, depth: int) -> None:
        name = self.name("closure")
        kind = self.choose(("function", "generator"))
        with self.block(f"def {name}(n=1):"):
            if scope.function and self.chance(50):
                self.line("nonlocal v1")
            elif not scope.function and self.chance(50):
                self.line("global v3")
            self._entered(Scope(kind))
            if kind == "generator":
                self.line("yield n")
        self.line(f"say({name}())" if kind == "function" else f"say([*{name}()])")

    def use_generator(self, scope: Scope, depth: int) -> None:
        name = self.name("started")
        self.line(f"{name} = {self.choose(self.of('generator'))}({self.choose((0, 1, 2))})")
        for _ in range(self._draw(st.integers(1, 3))):
            self.line(
                self.choose(
                    (
                        f"say(next({name}))",
                        f"say(next({name}, 'end'))",
                        f"say({name}.send(1))",
                        f"say({name}.throw({self.choose(RAISED)}))",
                        f"{name}.close()",
                        f"v0, *v2 = {name}",
                    )
                )
            )
        if self.chance(20):
            self.line(f"del {name}")


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Programs as source text, which every CPython from 3.12 on compiles."""
    writer = _Writer(draw)
    writer.program()
    return writer.source()
