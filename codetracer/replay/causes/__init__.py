"""Explains values by chains of causes through lines, calls, arguments and results.

docs/adr/0014 has the rules.
"""

from codetracer.replay.causes.questions import Questions
from codetracer.replay.causes.rows import Row, rows_of
from codetracer.replay.causes.tree import Cause, Unknown

__all__ = ["Cause", "Questions", "Row", "Unknown", "rows_of"]
