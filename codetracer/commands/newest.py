"""Finds the newest recording in the current folder, for commands that name none."""

from __future__ import annotations

import argparse
import os
from stat import S_ISREG

from codetracer.errors import HostError, TargetError
from codetracer.recording.names import METADATA_FILE
from codetracer.standard_error import complain
from codetracer_bindings.trace_format import LOG_SUFFIX

__all__ = ["add_folder", "named_or_newest"]


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the argument DIR, for `named_or_newest`."""
    parser.add_argument(
        "trace",
        metavar="DIR",
        nargs="?",
        help="the folder of a recording, or a log in it (default: the newest recording in the"
        " current folder)",
    )


def named_or_newest(given: str | None) -> str:
    """Return the folder that was given, or that of the newest recording in the current folder.

    A recording is a folder that contains metadata and a log. The newest one is that whose metadata
    was written last; metadata is written when recording begins and when it ends. Only the current
    folder itself and the folders in it are searched. No file is opened and no link is followed.
    The result of the search is printed on standard error.

    Parameters:
        given: DIR, or None if it was left out.

    Raises:
        HostError: ERR_IO, the current folder cannot be listed.
        TargetError: ERR_TRACE_MISSING, there is no recording.
    """
    if given is not None:
        return given
    try:
        found = [(written, name) for name in _folders() if (written := _written(name)) is not None]
    except OSError as error:
        raise HostError(
            "ERR_IO",
            f"the current folder cannot be searched for a recording: {error.strerror or error};"
            " name the folder of one",
        ) from error
    if not found:
        raise TargetError(
            "ERR_TRACE_MISSING",
            "there is no recording in the current folder; name the folder of one, or make one:"
            " codetracer record SCRIPT",
        )
    _, newest = max(found)
    complain(f"codetracer: reading {newest}, the newest recording here")
    return newest


def _folders() -> list[str]:
    """Return the current folder, and the folders that are in it."""
    with os.scandir(os.curdir) as entries:
        return [
            os.curdir,
            *(entry.name for entry in entries if entry.is_dir(follow_symlinks=False)),
        ]


def _written(folder: str) -> int | None:
    """Return when a recording's metadata was written (ns since 1970); None if it is no recording.

    The metadata is checked first, because most folders have none and then need not be listed.
    """
    try:
        metadata = os.lstat(os.path.join(folder, METADATA_FILE))
        if not S_ISREG(metadata.st_mode):
            return None
        # An export has metadata of the same name, and no log.
        has_log = any(name.endswith(LOG_SUFFIX) for name in os.listdir(folder))
    except OSError:
        return None
    return metadata.st_mtime_ns if has_log else None
