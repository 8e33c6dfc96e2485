"""A recording that requests look at, and what tests ask of a client of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.dap import Client

__all__ = ["APP", "SHOP", "at", "line_of", "set_lines", "source"]

APP = """\
import threading
from shop import Order, total_of

def price(order, factor=2):
    total = 0
    for line in order.lines:
        # what each costs
        total += line * factor
    order.total = total
    return total

def in_thread():
    mine = 1
    mine += 1

orders = [Order(n) for n in range(4)]
for order in orders:
    price(order)
thread = threading.Thread(target=in_thread, name="helper")
thread.start(); thread.join()
many = list(range(300))
table = {"a": 1, ("b", 2): [orders[0]]}
text = "é" * 20_000
password = "secret"
try:
    total_of({})
except KeyError as error:
    caught = error
total_of({"lines": None})
"""

SHOP = """\
class Order:
    def __init__(self, size):
        self.lines = [*range(size)]

def total_of(data):
    lines = data["lines"]
    return sum(lines)
"""


def line_of(text: str, source: str = APP) -> int:
    return next(n for n, line in enumerate(source.splitlines(), 1) if text in line)


def source(recording: Path, name: str = "app.py") -> dict[str, str]:
    return {"path": str(recording.parent / name)}


def set_lines(client: Client, recording: Path, *wanted: Any) -> list[dict[str, Any]]:
    breakpoints = [each if isinstance(each, dict) else {"line": line_of(each)} for each in wanted]
    body = client.ask("setBreakpoints", source=source(recording), breakpoints=breakpoints)
    found: list[dict[str, Any]] = body["breakpoints"]
    return found


def at(client: Client, stop: dict[str, Any]) -> tuple[str, str, int]:
    frame = client.top(stop["threadId"])
    return stop["reason"], frame["name"], frame["line"]
