"""lark: a grammar of a small language, and programs in it, parsed by Earley and LALR."""

import sys

from lark import Lark, Transformer, v_args

GRAMMAR = r"""
start: statement*
?statement: NAME "=" sum ";"            -> assign
          | "print" "(" [sum ("," sum)*] ")" ";" -> output
          | "if" "(" sum ")" "{" statement* "}" ["else" "{" statement* "}"] -> branch
?sum: product | sum "+" product -> add | sum "-" product -> sub
?product: atom | product "*" atom -> mul | product "/" atom -> div
?atom: NUMBER -> number | "-" atom -> neg | NAME -> var | "(" sum ")" | ESCAPED_STRING -> text
%import common.CNAME -> NAME
%import common.NUMBER
%import common.ESCAPED_STRING
%import common.WS
%ignore WS
"""

PROGRAM = """
total{n} = 3 * (4 + {n}) - -2 / 1;
if (total{n} - 2) {{ print("total", total{n}, {n} * 2 + 1); rest = total{n} * (1 + 2 * (3 - x)); }}
else {{ print(); }}
"""


@v_args(inline=True)
class Counter(Transformer):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, int] = {}

    def assign(self, name, value):
        self.names[str(name)] = self.names.get(str(name), 0) + 1
        return ("assign", value)

    def number(self, token):
        return float(token)

    def neg(self, value):
        return ("neg", value)


def main(programs: int) -> None:
    found = 0
    if programs:
        lalr = Lark(GRAMMAR, parser="lalr")
        earley = Lark(GRAMMAR, parser="earley")
    for number in range(programs):
        text = "".join(PROGRAM.format(n=10 * number + n) for n in range(10))
        counter = Counter()
        found += len(list(counter.transform(lalr.parse(text)).iter_subtrees()))
        found += len(counter.names)
        found += len(list(earley.parse(PROGRAM.format(n=number)).iter_subtrees()))
    print("lark", programs, found)


if __name__ == "__main__":
    main(int(sys.argv[1]))
