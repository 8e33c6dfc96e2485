"""Proposes names for one on the command line that is not in the recording."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["close_names"]

LONGEST_PROPOSED: Final = 200
"""The largest number of characters of a name that is proposed."""


def close_names(name: str, known: Iterable[str]) -> str:
    """Return the end of an error's message: similar names, or else the first ten known names.

    Parameters:
        name: the name that was not found.
        known: the names that exist.
    """
    known = sorted({full for full in known if len(full) <= LONGEST_PROPOSED})
    parts = {part: full for full in known for part in (full.rpartition(".")[2], full)}
    close = difflib.get_close_matches(name, parts, n=5, cutoff=0.5)
    found = list(dict.fromkeys(parts[part] for part in close))
    if found:
        return f"; did you mean {', '.join(found)}?"
    if not known:
        return "; there are none at all"
    more = f", and {len(known) - 10} more" if len(known) > 10 else ""
    return f"; there are {', '.join(known[:10])}{more}"
