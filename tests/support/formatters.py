"""Programs with formatters, and what is recorded of them."""

from __future__ import annotations

import re
from pathlib import Path

import codetracer
from codetracer.replay import (
    CallEvent,
    Value,
    render,
)
from tests.support.recordings import ENVIRON, last
from tests.support.running import Outcome, execute, write

ORDER = """
class Order:
    def __init__(self, number, items):
        self.number = number
        self.items = items
    def text(self):
        return helper(self)
    def total(self):
        return len(self.items)
class Late(Order):
    pass
def helper(order):
    return f'Order {order.number}: {order.total()} items'
"""

STARTS = """
import codetracer
codetracer.start('out', io_capture=CAPTURE, formatters={'__main__.Order': SAYS})
"""

FILTER = """
[meta]
name = "words"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
[[formatters]]
type = "__main__.Order"
function = "{function}"
reason = "why"
"""


def run(
    folder: Path,
    program: str,
    says: str,
    backend: str,
    *,
    before: str = ORDER,
    capture: str = "off",
) -> Outcome:
    """Record a program that starts its recording itself, with a formatter for `Order`."""
    starts = STARTS.replace("SAYS", says).replace("CAPTURE", repr(capture))
    write(folder, {"app.py": f"{before}{starts}{program}\ncodetracer.stop()\n"})
    environ = ENVIRON | {"CODETRACER_BACKEND": backend}
    return execute("app.py", cwd=folder, environ=environ, forked=True)


def words(folder: Path, program: str, says: str, backend: str, **options: str) -> dict[str, str]:
    """Return what a program's global variables are shown as at its end."""
    outcome = run(folder, program, says, backend, **options)
    assert (outcome.code, outcome.stderr) == (0, ""), outcome
    trace = codetracer.read(folder / "out")
    assert trace.complete, trace.problem
    return {name: shown(value) for name, value in last(folder / "out").items()}


def shown(value: Value) -> str:
    return re.sub(r"#\d+", "#n", render(value, 1000))


def calls(trace: Path) -> list[str]:
    return [event.frame.code.name for event in codetracer.read(trace) if type(event) is CallEvent]
