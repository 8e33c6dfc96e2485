"""The folder a recording is written to: its logs, its metadata, the sources as they were."""

from __future__ import annotations

import json
import os
import stat
import time

from codetracer.errors import HostError, UsageError
from codetracer_bindings.trace_format import LOG_SUFFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["DEFAULT", "METADATA", "SOURCES", "TraceDirectory"]

METADATA: Final = "trace_metadata.json"
SOURCES: Final = "sources"
DEFAULT: Final = "trace-out"
"""Where a recording goes unless it is said."""


class TraceDirectory:
    """One recording's folder; it is made when this is.

    Parameters:
        path: the folder; None takes ``trace-out``, or with ``-2`` and so on the first that is free.
            A folder that is named must be empty if it is there: who names it will look there, and
            what is in it may be all that is left of another run.
        numbered: a folder that is named is taken with ``-2`` and so on, too.

    Raises:
        UsageError: ERR_TRACE_DIR_CONFLICT, the folder is not empty, or is a file.
        HostError: ERR_TRACE_DIR_CREATE_FAILED, it cannot be made.
    """

    def __init__(self, path: str | None = None, *, numbered: bool = False) -> None:
        first = self.path = os.path.abspath(path or DEFAULT)
        number = 1
        while not self._make():
            if path is not None and not numbered:
                raise UsageError(
                    "ERR_TRACE_DIR_CONFLICT",
                    f"{path}: not an empty folder; name another one, or remove it",
                    {"path": self.path},
                )
            number += 1
            self.path = f"{first}-{number}"
        self.recording = _uuid7()

    def _make(self) -> bool:
        """Make the folder; tell whether it is this recording's, and nobody else's."""
        try:
            os.makedirs(self.path, exist_ok=True)
            if os.listdir(self.path):
                return False
            # Of several processes that find it empty one can do this.
            os.mkdir(os.path.join(self.path, SOURCES))
        except FileExistsError:
            # It is a file, or somebody was faster.
            return False
        except OSError as error:
            raise HostError(
                "ERR_TRACE_DIR_CREATE_FAILED",
                f"{self.path}: {error.strerror or error}; name a folder that can be made",
                {"path": self.path},
            ) from error
        return True

    @property
    def recording_id(self) -> str:
        """The recording's UUID (version 7) as text."""
        text = self.recording.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def log_path(self, pid: int) -> str:
        """Return the path of a process' log."""
        return os.path.join(self.path, f"process-{pid}{LOG_SUFFIX}")

    def logs(self) -> list[str]:
        """Return the names of all logs that are there."""
        return sorted(name for name in os.listdir(self.path) if name.endswith(LOG_SUFFIX))

    def size(self) -> int:
        """Return how many bytes the logs have."""
        return sum(os.path.getsize(os.path.join(self.path, name)) for name in self.logs())

    def write_metadata(self, metadata: dict[str, object]) -> None:
        """Write the metadata, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        path = os.path.join(self.path, METADATA)
        try:
            with open(f"{path}.new", "w", encoding="utf-8", errors="surrogateescape") as file:
                json.dump(metadata, file, indent=1)
                file.write("\n")
            os.replace(f"{path}.new", path)
        except OSError:
            _unlink(f"{path}.new")
            raise

    def keep_source(self, filename: str) -> None:
        """Copy a source file to where `source_name` says; what cannot be read is left out."""
        if not os.path.isabs(filename):
            return
        try:
            # What is read from a pipe or a terminal is the program's.
            if not stat.S_ISREG(os.stat(filename).st_mode):
                return
            file = os.open(filename, os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, ValueError):
            return
        try:
            self.write_source(filename, _read(file))
        except OSError:
            return
        finally:
            os.close(file)

    def write_source(self, filename: str, content: bytes) -> None:
        """Write what stands for a source file.

        Raises:
            OSError: it cannot be written.
        """
        path = os.path.join(self.path, SOURCES, source_name(filename))
        # If the program has moved the folder away, another one is not made in its place.
        os.stat(self.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with open(path, "wb") as file:
                file.write(content)
        except OSError:
            # Half a copy says what the program was not.
            _unlink(path)
            raise

    def copies(self) -> list[str]:
        """Return the names below the folder of sources of all copies, other processes' too."""
        top = os.path.join(self.path, SOURCES)
        return sorted(
            os.path.relpath(os.path.join(folder, name), top)
            for folder, _, names in os.walk(top)
            for name in names
        )

    def remove(self) -> None:
        """Remove the recording, and the folder if nothing else is in it.

        Raises:
            OSError: what is there cannot be looked at.
        """
        for name in (*self.logs(), METADATA):
            _unlink(os.path.join(self.path, name))
        for folder, _, names in os.walk(os.path.join(self.path, SOURCES), topdown=False):
            for name in names:
                _unlink(os.path.join(folder, name))
            _rmdir(folder)
        _rmdir(self.path)


def source_name(filename: str) -> str:
    """Return where a source file is below the folder of sources: as its path, without the root."""
    return "/".join(part for part in filename.split("/") if part not in ("", ".", "..")) or "_"


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _rmdir(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        # Something is in it that is not ours.
        return


def _read(file: int) -> bytes:
    parts = []
    while part := os.read(file, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _uuid7() -> bytes:
    """Return a UUID of version 7 (RFC 9562, section 5.7): ms since 1970, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = bytearray(os.urandom(10))
    random[0] = random[0] & 0x0F | 0x70
    random[2] = random[2] & 0x3F | 0x80
    return milliseconds.to_bytes(6, "big") + bytes(random)
