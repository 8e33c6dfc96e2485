"""Random programs that change their values in every way, to be compared with full snapshots.

A program imports classes (`fuzz.mutation_classes`) and functions (`fuzz.mutation_functions`), and
has functions of its own, and statements at the top that call them. What a line does stands in
`fuzz.mutation_lines`, `fuzz.mutation_changes` and `fuzz.mutation_code`. Variables are named by the
kind of their value, so that most lines do not fail; those that may are in a ``try``.

Programs keep to what a recording shows at once: a line names what it changes, what it changes can
still be reached from these names when it has run, and what it changes before a call is not among
the global variables or cells that the called function sees.

The same seed gives the same program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from fuzz.mutation_changes import MUTATIONS
from fuzz.mutation_classes import CLASSES, LOCAL, NAMES
from fuzz.mutation_functions import IMPORTS
from fuzz.mutation_holes import Filling, Function, Scope, UnfitError
from fuzz.mutation_lines import BINDINGS, CALLS, HOT, NAMED
from fuzz.writing import Lines

__all__ = ["program"]

LOOPS = (
    "for <any=> in [<v>, [<n>]]:",
    "for <list=> in (<list.>, [<n>]):",
    "for <int=> in range(3):",
    "for <any=> in list(<list.>)[:2]:",
    "for <any=> in [*<dict.>.values()][:2]:",
    "for <list=> in [[j] for j in range(2)]:",
    "for <box=> in [Box([j]) for j in range(2)]:",
)
WITHS = (
    "with Keeping(<list.>) as <any=>:",
    "with Keeping([<n>]) as <list=>:",
    "with <operating.> as <any=>:",
    "with <operating.>, Keeping(<list.>):",
    "with Operating([<n>]) as <operating=>:",
)
CASES = (
    "case [<any=>, *<list=>]:",
    "case {'k': <any=>, **<dict=>}:",
    "case [[<any=>, *_], *_] if not <list.>.append(<n>):",
    "case dict() as <dict=>:",
    "case Paired(1, <any=>):",
    "case Box(held=<list=>, other=<any=>):",
    "case Watched(last=<any=>):",
)
RESUMED = (
    "<any=> = next(made)",
    "<any=> = made.send(<v>)",
    "<list=> = list(made)",
    "<list.>.append(made.send(<v>))",
    "made.throw(KeyError([<n>]))",
    "made.close()",
    "<any=>, *<list=> = made",
    "del made",
)


class _Writer(Filling, Lines):
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        Filling.__init__(self, seed)
        Lines.__init__(self)
        self._generators: list[Function] = []
        self._shared: list[tuple[str, str]] = []

    @contextmanager
    def guard(self, scope: Scope) -> Iterator[None]:
        """Write what may raise so that it goes no further."""
        if scope.guarded:
            yield
            return
        scope.guarded += 1
        with self.block("try:"):
            yield
        scope.guarded -= 1
        if self.chance(15):
            with self.block("except (LookupError, ArithmeticError) as error:"):
                self.line(self.rendered(NAMED, scope))
        self.line("except Exception: pass")

    # ------------------------------------------------------------ statements

    def statement(self, scope: Scope, depth: int = 2) -> None:
        kinds: list[tuple[int, Callable[[Scope, int], None]]]
        kinds = [(70, self.simple), (5, self.renewed)]
        if depth:
            kinds += [(4, self.branch), (5, self.trying), (3, self.using), (3, self.matching)]
        if depth and not scope.loops:
            kinds += [(8, self.hot), (5, self.loop)]
            if self._generators and scope.calls:
                kinds += [(5, self.generating)]
        (write,) = self.random.choices(
            [write for _, write in kinds], [weight for weight, _ in kinds]
        )
        write(scope, depth - 1)

    def body(self, scope: Scope, depth: int, most: int = 3) -> None:
        for _ in self.some(1, most):
            self.statement(scope, max(depth, 0))

    def simple(self, scope: Scope, _depth: int) -> None:
        with self.guard(scope):
            for _ in self.some(1, 3):
                kinds = (MUTATIONS, BINDINGS, CALLS, ())
                (lines,) = self.random.choices(kinds, (50, 28, 12, 10))
                if lines:
                    self.line(self.rendered(lines, scope))
                else:
                    self.line("; ".join(self.rendered(NAMED, scope) for _ in self.some(2, 3)))

    def renewed(self, scope: Scope, _depth: int) -> None:
        """Delete a variable, and bind it at once: the address of what died is used again."""
        kind = self.choose([*scope.names])
        name = self.choose(scope.names[kind])
        new = self.new(kind, scope)
        if re.search(rf"\b{name}\b", new):
            return self.simple(scope, 0)
        # A cell, a global variable: what is called in between would see it unbound.
        apart = "\n" + "    " * self._indent if self.chance(70) else "; "
        self.line(f"del {name}{apart}{name} = {new}")
        return None

    def loop(self, scope: Scope, depth: int) -> None:
        head = self.head(LOOPS, scope, "for _ in '12':")
        calls, scope.calls = scope.calls, scope.calls and not scope.prefix
        scope.loops += 1
        with self.guard(scope):
            with self.block(head):
                self.body(scope, depth)
                if self.chance(15):
                    self.line(self.choose(("continue", "break")))
            if self.chance(30):
                with self.block("else:"):
                    self.body(scope, 0, 1)
        scope.loops -= 1
        scope.calls = calls

    def head(self, heads: Sequence[str], scope: Scope, other: str) -> str:
        for _ in range(20):
            with suppress(UnfitError):
                return self.fill(self.choose(heads), scope)
        return other

    def hot(self, scope: Scope, _depth: int) -> None:
        """Write a loop that does the same often enough to be specialized."""
        texts = [self.rendered(HOT, scope) for _ in self.some(1, 2)]
        head = f"for i in range({self.choose((3, 5, 14))}):"
        with self.guard(scope):
            if not texts[0].startswith("for") and self.chance(25):
                self.line(f"{head} {texts[0]}")
                return
            with self.block(head):
                for text in texts:
                    self.line(text)

    def branch(self, scope: Scope, depth: int) -> None:
        with self.block(self.head(("if <c>:", "if not <c>:", "if <list.>:"), scope, "if 1:")):
            self.body(scope, depth, 2)
        if self.chance(50):
            with self.block("else:"):
                self.body(scope, depth, 2)

    def trying(self, scope: Scope, depth: int) -> None:
        scope.guarded += 1
        with self.block("try:"):
            self.body(scope, depth)
            self.line(self.choose(("1 / 0", "raise KeyError(1)", "pass")))
        with self.block("except Exception:"):
            scope.guarded -= 1
            self.body(scope, 0, 2)
        if self.chance(30):
            with self.block("finally:"):
                self.body(scope, 0, 1)

    def using(self, scope: Scope, depth: int) -> None:
        head = self.head(WITHS, scope, "if 1:")
        with self.guard(scope), self.block(head):
            self.body(scope, depth, 2)

    def matching(self, scope: Scope, depth: int) -> None:
        known = [
            case
            for case in CASES
            if all(one.lower() in self.classes for one in re.findall(r"([A-Z]\w+)\(", case))
        ]
        subject = self.value(scope) if self.chance(40) else self.name(scope)
        with self.guard(scope), self.block(f"match {subject}:"):
            for _ in self.some(1, 2):
                with self.block(self.head(known, scope, "case None:")):
                    self.body(scope, depth, 2)
            with self.block(self.head(("case <any=>:", "case _:"), scope, "case _:")):
                self.line(self.rendered(NAMED, scope))

    def generating(self, scope: Scope, depth: int) -> None:
        one = self.choose(self._generators)
        call = f"{one.name}({self.given(one, scope)})"
        calls, scope.calls = scope.calls, scope.calls and not scope.prefix
        scope.loops += 1
        with self.guard(scope):
            if self.chance(50):
                with self.block(f"for {self.choose(scope.names['any'])} in {call}:"):
                    self.body(scope, depth, 2)
            else:
                self.line(f"made = {call}")
                self.line("next(made)")
                self.body(scope, 0, 2)
                self.line(self.rendered(RESUMED, scope))
        scope.loops -= 1
        scope.calls = calls

    # ------------------------------------------------------------ functions

    def bind(self, scope: Scope, kinds: Sequence[str], each: int = 1) -> None:
        """Bind new variables of some kinds."""
        for kind in kinds:
            for _ in range(each):
                name = f"{kind}{scope.prefix}{len(scope.names.get(kind, ()))}"
                # The name of a function of Python's that does nothing of the kind.
                name = "repr" if kind == "bound" else name
                with suppress(UnfitError):
                    self.line(f"{name} = {self.new(kind, scope)}")
                    scope.add(kind, name)

    def enter(self, scope: Scope) -> None:
        """Bind what a function's lines need; one that is not pure has global variables, too."""
        if not scope.pure:
            some = self.random.sample(self._shared, 3)
            self.line(f"global {', '.join(name for _, name in some)}")
            for kind, name in some:
                scope.add(kind, name)
        kinds = self.random.sample(("dict", "str", "set", "float", "deque", "tuple", "bound"), 2)
        self.bind(scope, ("list", "int", "any", *kinds))

    def function(self, number: int) -> None:
        """Write a function of some sort."""
        write, pure = self.choose(
            (
                (self.plain, True),
                (self.plain, True),
                (self.plain, False),
                (self.coroutine, False),
                (self.generator, True),
                (self.closure, True),
            )
        )
        scope = Scope(f"_{number}_", pure=pure)
        takes = [self.choose(("list", "any", "dict", *self.classes, "int"))]
        takes = [*takes, *self.random.sample(self.classes, 1)] if self.chance(60) else ["any"]
        for kind in takes:
            scope.add(kind, f"{kind}_{number}_{len(scope.names.get(kind, ()))}")
        name = f"{'p' if pure else 'g'}{number}"
        head = f"{name}({', '.join(name for names in scope.names.values() for name in names)})"
        write(Function(name, tuple(sorted(takes, key=[*scope.names].index)), "", pure), head, scope)

    def plain(self, one: Function, head: str, scope: Scope) -> None:
        with self.block(f"def {head}:"):
            self.enter(scope)
            for _ in self.some(2, 4):
                self.statement(scope, 1)
            self.line(f"return {self.name(scope)}")
        threaded = not one.pure and self.chance(20)
        call = f"in_thread(lambda: {one.name}())" if threaded else f"{one.name}()"
        self.functions.append(one._replace(call=call))

    def coroutine(self, one: Function, head: str, scope: Scope) -> None:
        with self.block(f"async def {head}:"):
            self.enter(scope)
            self.statement(scope, 1)
            self.line(self.rendered(("await Pause()", "<list.>.append(await Pause())"), scope))
            self.statement(scope, 1)
            self.line(f"return {self.name(scope)}")
        self.functions.append(one._replace(call=f"drive({one.name}())"))

    def generator(self, one: Function, head: str, scope: Scope) -> None:
        with self.block(f"def {head}:"):
            self.enter(scope)
            self.statement(scope, 1)
            self.line(self.rendered(("yield <any.>", "<any=> = yield <list.>"), scope))
            self.statement(scope, 1)
            with self.block("for i in range(2):"):
                yields = ("yield <list.>", "<list.>.append((yield [i]))", "yield from [[i]]")
                self.line(self.rendered(yields, scope))
                scope.loops += 1
                self.statement(scope, 0)
                scope.loops -= 1
            self.line(self.rendered(("return", "yield <any.>"), scope))
        self._generators.append(one)

    def closure(self, one: Function, head: str, scope: Scope) -> None:
        """Write a function that makes a function; both change the same variables."""
        with self.block(f"def {head}:"):
            self.enter(scope)
            inner = Scope(f"{scope.prefix}i", pure=True)
            shared = sorted({name for names in scope.names.values() for name in names})
            inner.names = {kind: [*names] for kind, names in scope.names.items()}
            inner.add("any", "given")
            with self.block("def inner(given):"):
                self.line(f"nonlocal {', '.join(shared)}")
                for _ in self.some(1, 3):
                    self.statement(inner, 1)
                self.line(f"return {self.name(inner)}")
            self.statement(scope, 0)
            with self.guard(scope):
                self.line(f"inner({self.value(scope)})")
            self.statement(scope, 0)
            self.line("return inner")
        made = f"c{one.name}"
        with self.block("try:"):
            self.line(f"{made} = {one.name}({self.given(one, self._top)})")
        self.line(f"except Exception: {made} = same")
        self.functions.append(Function(made, ("any",), f"{made}()", pure=False))

    # ------------------------------------------------------------ programs

    def program(self) -> None:
        everything = sorted(CLASSES | LOCAL)
        self.classes = sorted(self.random.sample(everything, self.random.randint(5, 8)))
        self._lines += IMPORTS.splitlines()
        names = ", ".join(NAMES[one] for one in ("", *self.classes) if one not in LOCAL)
        self.line(f"from mutation_classes import {names}")
        for one in self.classes:
            self._lines += LOCAL.get(one, "").split("\n")[1:-1]
        self._top = top = Scope("", pure=False)
        self.bind(top, ("list", "int", "any", "dict"), 2)
        more = ("set", "deque", "bytes", "default", "tuple", "float", "str")
        self.bind(top, (*self.random.sample(more, 2), "bound", *self.classes))
        self._shared = [(kind, name) for kind, names in top.names.items() for name in names]
        for number in self.some(1, 3):
            self.function(number)
        for _ in self.some(5, 9):
            self.statement(top)
        self.line("pass")


def program(seed: int) -> str:
    """Return the program of a seed."""
    writer = _Writer(seed)
    writer.program()
    return writer.source()
