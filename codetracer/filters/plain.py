"""Tests for globs that need no regex, because their only stars are at their ends.

Most globs are such: ``shop.*``, ``tests/**``. So a recording with no other pattern does not load
`re`, whose import takes milliseconds.
"""

from __future__ import annotations

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codetracer.filters.selectors import Test

__all__ = ["escaped", "plain_test"]

seal(globals())


def plain_test(glob: str) -> Test | None:
    """Return a function that matches names as the regex of `patterns.compile_glob` does.

    Returns:
        The function; None if the glob needs a regex, or is wrong.
    """
    text = glob.rstrip("*")
    stars = len(glob) - len(text)
    if any(character in text for character in "*?[{}") or text.endswith("\\"):
        return None
    start = _unescaped(text)
    if not stars:
        return start.__eq__
    if stars == 2 and text.endswith("/") and not text.endswith("\\/"):
        return lambda name: name != start and name.startswith(start)
    if stars == 2 and text[-1:] in ("", ","):
        return lambda name: name.startswith(start)
    if stars == 2 and text.endswith("/"):
        return None
    size = len(start)
    return lambda name: name.startswith(start) and "/" not in name[size:]


def escaped(text: str) -> str:
    """Return a glob that matches only this text."""
    return "".join(["\\" * (character in "\\*?[]{}!,") + character for character in text])


def _unescaped(text: str) -> str:
    parts = text.split("\\\\")
    return "\\".join([part.replace("\\", "") for part in parts])
