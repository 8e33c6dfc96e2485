"""Programs whose values have known causes."""

from __future__ import annotations

from tests.support.why_branches import BRANCHES, EXCEPTIONS, KNOWN_BRANCHES, LOOPS, NEVER, UNPACKING
from tests.support.why_functions import ASYNC, CLOSURES, GENERATORS, KNOWN_FUNCTIONS
from tests.support.why_objects import CLASSES, HANDED_OVER, KNOWN_OBJECTS, OBJECTS

PROGRAMS = {
    "loops.py": LOOPS,
    "branches.py": BRANCHES,
    "unpacking.py": UNPACKING,
    "generators.py": GENERATORS,
    "exceptions.py": EXCEPTIONS,
    "objects.py": OBJECTS,
    "classes.py": CLASSES,
    "closures.py": CLOSURES,
    "handed_over.py": HANDED_OVER,
    "never.py": NEVER,
    "asynchronous.py": ASYNC,
}

MAIN = "import " + ", ".join(name.removesuffix(".py") for name in PROGRAMS) + "\n"
"""A program that runs all of them."""

KNOWN = KNOWN_BRANCHES | KNOWN_OBJECTS | KNOWN_FUNCTIONS
