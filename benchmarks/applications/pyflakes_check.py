"""pyflakes: modules of the standard library, checked for mistakes."""

import ast
import sys
import textwrap

from pyflakes import checker

MODULE = textwrap.dedent('''
    """Module {n}."""
    import os, sys as system
    from collections import *
    from typing import TYPE_CHECKING, overload

    if TYPE_CHECKING:
        from re import Pattern

    __all__ = ["Part", "missing"]

    class Part(dict):
        kind: "Pattern[str]" = None

        def __init__(self, name, *args, pieces=0, **rest):
            super().__init__(*args, **rest)
            self.name, (self.pieces, other) = name, (pieces, len(name))
            unused = [each for each in args if each for inner in each]

        @property
        def total(self):
            try:
                result = self.pieces * {n}
            except (ValueError, TypeError) as error:
                return None
            finally:
                print("%s %d" % (self.name,), "{{}} {{}}".format(1, 2))
            return result

    async def read(stream, *, limit: int = {n}) -> list[str]:
        global counter
        counter = 0
        async with stream as lines:
            async for line in lines:
                match line:
                    case [first, *others] if first is "a":
                        yield f"nothing"
                    case {{"key": value, **more}}:
                        counter += value
        def inner():
            nonlocal limit
            limit = lambda x, y=undefined: x + y + limit
            return inner

    def total(): return sum(x * y for x, y in zip(range(3), range({n})))
    def total(): return {{name: value for name, value in vars().items()}}
    ''')


def main(modules: int) -> None:
    messages = 0
    for number in range(modules):
        tree = ast.parse(MODULE.format(n=number) * 3)
        messages += len(checker.Checker(tree, filename=f"module{number}.py").messages)
    print("pyflakes", modules, messages)


if __name__ == "__main__":
    main(int(sys.argv[1]))
