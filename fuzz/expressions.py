"""The expressions of random programs, and the choices that writing a program makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from fuzz.writing import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLES = ("v0", "v1", "v2", "v3")


class Definition(NamedTuple):
    """Something defined at the top of a program: its name, its kind, and how it may be used."""

    name: str
    kind: str


class Scope(NamedTuple):
    """The surroundings of a statement, which decide what it may contain."""

    function: str = ""
    loop: bool = False
    handler: bool = False
    group: bool = False
    """In an except* clause, which may not be left by break, continue or return."""

    @property
    def waits(self) -> bool:
        """True if `await` may stand there."""
        return self.function in ("coroutine", "async generator")

    @property
    def yields(self) -> bool:
        """True if `yield` may stand there."""
        return self.function in ("generator", "async generator")


class Expressions(Lines):
    """Makes expressions, by the choices that `draw` makes; the first choice is the simplest."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        super().__init__()
        self._draw = draw
        self._names = 0
        self._size = 0
        self.definitions: list[Definition] = []

    def choose[T](self, choices: Sequence[T]) -> T:
        """Return one of several things."""
        place: int = self._draw(st.integers(0, len(choices) - 1))
        return choices[place]

    def chance(self, percent: int) -> bool:
        """Return True in so many of a hundred cases."""
        return bool(self._draw(st.integers(0, 99)) >= 100 - percent)

    def name(self, prefix: str) -> str:
        """Return a new name."""
        self._names += 1
        return f"{prefix}{self._names}"

    def of(self, *kinds: str) -> list[str]:
        """Return the names of the definitions of some kinds."""
        return [one.name for one in self.definitions if one.kind in kinds]

    def iterable(self, scope: Scope) -> str:
        """Return an iterable with a few items."""
        choices = [
            "range(2)",
            "range(3)",
            "(1, 2)",
            "[3, 'x', None]",
            "'ab'",
            "{'k': 1}.items()",
            "enumerate('xy')",
            "zip((1, 2), 'ab')",
            "(one for one in (1, 2))",
            "map(str, (1, 2))",
            "v2",
            "iter([1].pop, 1)",
        ]
        choices += [f"{name}({self.choose((0, 1))})" for name in self.of("generator")] * 2
        choices += [f"{name}()" for name in self.of("class")]
        return self.choose(choices)

    def atom(self, names: tuple[str, ...] = ()) -> str:
        """Return a constant or a variable; `names` are more variables."""
        return self.choose(("0", "1", "2", "'s'", "None", "True", *VARIABLES, *names))

    def awaited(self, scope: Scope) -> str:
        """Return an expression that waits."""
        choices = ["await Pause()"]
        choices += [f"await {name}(1)" for name in self.of("coroutine")] * 2
        choices += [f"await gathered({name}(), {name}(1))" for name in self.of("coroutine")]
        choices += [f"await in_tasks({name}(), {name}(1))" for name in self.of("coroutine")]
        choices += [f"[one async for one in {name}()]" for name in self.of("async generator")] * 2
        choices += [f"await anext({name}())" for name in self.of("async generator")]
        return self.choose(choices)

    def expression(self, scope: Scope, depth: int, names: tuple[str, ...] = ()) -> str:
        """Return an expression of at most `depth` levels; `names` are more variables."""
        if depth == 0:
            return self.atom(names)
        choices: list[Callable[[], str]] = [lambda: self.atom(names)] * 2
        choices += [
            lambda: self.operation(scope, depth, names),
            lambda: self.container(scope, depth, names),
            lambda: self.builtin_call(scope, depth, names),
            lambda: self.comprehension(scope),
        ]
        if self.definitions:
            choices += [lambda: self.use(scope)] * 3
        return self.choose(choices)()

    def operation(self, scope: Scope, depth: int, names: tuple[str, ...]) -> str:
        """Return an operator with its operands."""
        one = self.expression(scope, depth - 1, names)
        other = self.atom(names)
        return self.choose(
            (
                f"({one} + 1)",
                f"(1 // {one})",
                f"({one} % 2)",
                f"(-{one})",
                f"({one} < {other})",
                f"(0 < {one} < 2)",
                f"({one} and {other})",
                f"({one} or {other})",
                f"(not {one})",
                f"({one} if {other} else 1)",
                f"({one} is {other})",
                f"({one} in (1, 's'))",
                f"({one} == 1)",
                f"(v0 := {one})" if not names else f"({one} != 1)",
            )
        )

    def container(self, scope: Scope, depth: int, names: tuple[str, ...]) -> str:
        """Return a container, or a part of one."""
        one = self.expression(scope, depth - 1, names)
        return self.choose(
            (
                f"[{one}, 1]",
                f"({one}, 's')",
                f"{{'k': {one}}}",
                f"{{{self.choose((1, 2))}, 3}}",
                f"[{one}][{self.choose((0, 1))}]",
                f"{{'k': {one}}}[{self.choose(('k', 'missing'))!r}]",
                f"[0, *{self.iterable(scope)}]",
                f"f'{{show({one})}}!'",
                f"[1, 2, 3][{self.choose(('1:', ':v0', '::2'))}]",
            )
        )

    def builtin_call(self, scope: Scope, depth: int, names: tuple[str, ...]) -> str:
        """Return a call of a function or method that is not the program's."""
        one = self.expression(scope, depth - 1, names)
        return self.choose(
            (
                f"len({one})",
                f"int({one})",
                f"isinstance({one}, int)",
                f"max({one}, 1)",
                "sorted([2, 1], key=lambda one: -one)",
                f"(lambda one=1: (one, 1))({one})",
                # Not where it waits: that would be `await` in no coroutine.
                f"(lambda: {one})()" if not scope.waits else f"({one})",
                "list(map(lambda one: 1 // one, (1, v0)))",
                f"dict(k={one})",
                f"show(*({one},))",
                f"getattr({one}, 'real', 0)",
                f"next(iter({self.iterable(scope)}))",
                "'a'.upper()",
                f"[].append({one})",
                "in_thread(lambda: 1 // v0)" if not scope.function else "tuple(range(2))",
                f"str.join('-', {self.choose((['a', 'b'], [1]))})",
            )
        )

    def comprehension(self, scope: Scope) -> str:
        """Return a comprehension."""
        source = self.iterable(scope)
        return self.choose(
            (
                f"[one for one in {source}]",
                f"[one for one in {source} if one]",
                f"{{one: 1 for one in {source}}}",
                f"len({{show(one) for one in {source}}})",
                f"sum(one for one in {source})",
                "[[one, other] for one in (1, 2) for other in range(one)]",
                f"list((one, 1) for one in {source})",
                f"any(one for one in {source})",
                "[(lambda: one)() for one in (1, 2)]",
            )
        )

    def use(self, scope: Scope) -> str:
        """Return a use of one of the definitions."""
        return self.use_of(self.choose(self.definitions), scope)

    def use_of(self, one: Definition, scope: Scope) -> str:
        """Return a use of a definition."""
        number = self.choose((0, 1, 2))
        forms: tuple[str, ...]
        match one.kind:
            case "function":
                forms = (
                    f"{one.name}({number})",
                    f"{one.name}()",
                    f"{one.name}(*(1,))",
                    f"{one.name}(n={number})",
                    f"{one.name}(**{{'n': 1}})",
                    f"{one.name}(1, 2)",
                    f"in_thread({one.name}, 1)",
                    f"in_turns({one.name}, lambda: {one.name}({number}), {one.name})",
                )
            case "generator":
                forms = (
                    f"list({one.name}({number}))",
                    f"next({one.name}({number}))",
                    f"[*{one.name}()]",
                    f"sum({one.name}())",
                    f"dict.fromkeys({one.name}())",
                    f"in_turns(*[{one.name}({number}).__next__] * 2)",
                    f"in_turns(*[lambda: list({one.name}())] * 2)",
                )
            case "coroutine":
                forms = (f"drive({one.name}({number}))", f"{one.name}().close()")
                if scope.waits:
                    forms = (f"(await {one.name}({number}))",) * 3
                elif self.chance(30):
                    forms = (
                        f"run_tasks({one.name}({number}))",
                        f"run_tasks(in_tasks({one.name}(), {one.name}({number})))",
                        f"in_turns(*[lambda: run_tasks({one.name}())] * 2)",
                    )
            case "async generator":
                forms = (f"drive(anext({one.name}({number})))", f"drive({one.name}().aclose())")
                if scope.waits:
                    forms = (f"[one async for one in {one.name}()]",) * 2
            case _:
                forms = (
                    f"{one.name}({number})",
                    f"{one.name}(1).method()",
                    f"{one.name}(n=1).method(2)",
                    f"{one.name}().value",
                    f"({one.name}() + 1)",
                    f"(not {one.name}())",
                    f"{one.name}().missing",
                    f"({one.name}() == 1)",
                    f"{one.name}()(1)",
                    f"list({one.name}())",
                    f"{one.name}.method({one.name}(2))",
                )
        return self.choose(forms)
