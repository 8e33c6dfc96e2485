"""Pygments: Python and JSON as coloured HTML and terminal text."""

import json
import sys

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.formatters.terminal import TerminalFormatter
from pygments.lexers.data import JsonLexer
from pygments.lexers.python import PythonLexer

SOURCE = '''
@decorator(name="part {n}")
class Part{n}(Base, metaclass=Meta):
    """A part's text, with `code` and a "quotation"."""

    number: int = 0x{n:x} + 1_000.5e3  # a comment

    async def total(self, *args: str, **rest) -> dict[str, int]:
        try:
            return {{f"{{key!r:>10}}": n ** 2 for key, n in rest.items() if key not in args}}
        except (ValueError, TypeError) as error:
            raise RuntimeError(b"bytes\\n" + r"raw\\d") from error
'''


def main(texts: int) -> None:
    length = 0
    for number in range(texts):
        source = "".join(SOURCE.format(n=10 * number + n) for n in range(4))
        data = json.dumps([{"name": "x", "pieces": n, "parts": [1.5, None]} for n in range(30)])
        length += len(highlight(source, PythonLexer(), HtmlFormatter(linenos="table")))
        length += len(highlight(source, PythonLexer(), TerminalFormatter()))
        length += len(highlight(data, JsonLexer(), HtmlFormatter()))
    print("pygments", texts, length)


if __name__ == "__main__":
    main(int(sys.argv[1]))
