"""The largest size that an export may have, and sizes in words."""

from __future__ import annotations

from typing import Final

from codetracer.errors import UsageError

__all__ = ["LIMIT", "said", "too_large"]

LIMIT: Final = 2_000_000_000
"""The largest size of an export without --force, in bytes."""

_SIZE_UNITS: Final = (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000))


def said(size: int) -> str:
    """Return a size in words.

    Parameters:
        size: a number of bytes.

    Returns:
        The number in its largest unit, with three digits, such as ``1.3 GB``.
    """
    for unit, count in _SIZE_UNITS:
        if size >= count:
            return (
                f"{size / count:.3g} {unit}" if size < 999.5 * count else f"{size // count} {unit}"
            )
    return f"{size} bytes"


def too_large(found: str) -> UsageError:
    """Return the error that refuses an export.

    Parameters:
        found: the beginning of its message, which says how large the export is.
    """
    return UsageError(
        "ERR_EXPORT_TOO_LARGE",
        f"{found}, and more than {said(LIMIT)} is written only with --force; export a part of it"
        " (--from-step N --to-step N, --function NAME) or less of each value"
        " (--depth N, --items N), or add --force to write it all",
        {"limit": LIMIT},
    )
