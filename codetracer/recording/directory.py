"""The folder of a recording while it is written: logs, metadata, and copies of sources.

This code runs beside the program or after it, so it looks up nothing that the program may have
replaced.
"""

from __future__ import annotations

import os
from errno import ENOENT, ENOTDIR
from os import O_CLOEXEC, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY
from os import chmod as _chmod
from os import close as _close
from os import fstat as _fstat
from os import getcwd as _getcwd
from os import listdir as _listdir
from os import lstat as _lstat
from os import mkdir as _mkdir
from os import open as _open
from os import read as _read
from os import replace as _replace
from os import rmdir as _remove_folder
from os import stat as _stat
from os import unlink as _remove_file
from os import urandom as _urandom
from os import write as _write
from stat import S_ISDIR as _S_ISDIR
from stat import S_ISREG as _S_ISREG
from time import time_ns as _time_ns

from codetracer.errors import HostError, UsageError
from codetracer.own import seal
from codetracer.recording.json_text import json_text
from codetracer.recording.names import DEFAULT_FOLDER, METADATA_FILE, SOURCES_FOLDER, source_name
from codetracer.recording.private import OWNER_FILE, make_private
from codetracer.whose import began_here
from codetracer_bindings.trace_encoder import encode_joined
from codetracer_bindings.trace_format import FIRST_PAYLOAD, LOG_SUFFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["TraceDirectory"]

SOURCE_LIMIT: Final = 4 << 20
"""The size of the largest source file that is copied, in bytes."""

OWNER_FOLDER: Final = 0o700
"""The mode of a recording's folders; the modes of its files are those of `make_private`."""

JOINED: Final = encode_joined(0)[:1]
"""The first byte of the first record of a process that joined the recording."""

seal(globals())


class TraceDirectory:
    """The folder of a recording. Creating an instance creates the folder, unless it is joined.

    Parameters:
        path: the folder. None means ``trace-out``, or ``trace-out-2`` and so on, whichever is free
            first. A folder that is named must be empty or not exist, because its content may be
            all that is left of another run.
        numbered: whether ``-2`` and so on may also be appended to a folder that is named.
        joins: the folder and the id of a recording that another process has begun. This process
            then owns only its logs in the folder.
        made: the instance is appended to this list when the folder exists, so that the caller has
            it even if an exception follows.

    Attributes:
        path: the absolute path of the folder.
        recording: the recording's UUID (16 bytes).
        joined: whether another process has begun the recording.
        left_out: the source files that were not copied, with the reasons.

    Raises:
        UsageError: ERR_TRACE_DIR_CONFLICT, the folder is not empty, or is a file.
        HostError: ERR_TRACE_DIR_CREATE_FAILED, the folder cannot be created.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        numbered: bool = False,
        joins: tuple[str, bytes] | None = None,
        made: list[TraceDirectory] | None = None,
    ) -> None:
        self.joined = joins is not None
        self.left_out: dict[str, str] = {}
        self._logs: list[str] = []
        if joins is not None:
            self.path, self.recording = joins
            self._identity = _identity(self.path)
        else:
            self._is_new = False
            self._claimed: list[None] = []
            try:
                self._take(path, numbered=numbered)
                self.recording = _uuid7()
                self._identity = _identity(self.path)
            except BaseException:
                # For example, a signal handler of the program has raised an exception.
                if self._claimed:
                    _rmdir(f"{self.path}/{SOURCES_FOLDER}")
                if self._is_new:
                    _rmdir(self.path)
                raise
        if made is not None:
            made.append(self)

    def _take(self, path: str | None, *, numbered: bool) -> None:
        """Create the folder; if numbers may be appended, under the first name that is free."""
        first = self.path = _absolute(path or DEFAULT_FOLDER)
        number = 1
        while not self._make():
            if path is not None and not numbered:
                raise UsageError(
                    "ERR_TRACE_DIR_CONFLICT",
                    f"{path} is not an empty folder; name another one, or remove it",
                    {"path": self.path},
                )
            number += 1
            self.path = f"{first}-{number}"

    def _make(self) -> bool:
        """Create the folder; return whether it belongs to this recording alone."""
        self._is_new = not _exists(self.path)
        try:
            _make_folders(self.path, is_ours=True)
            if _listdir(self.path):
                return False
            # Only one of several processes that find the folder empty can create this folder in
            # it. One call into C creates and records it, so that no signal handler comes between.
            self._claimed.extend(map(_mkdir, (f"{self.path}/{SOURCES_FOLDER}",), (OWNER_FOLDER,)))
            _keep_private(f"{self.path}/{SOURCES_FOLDER}")
        except FileExistsError:
            # It is a file, or another process was faster.
            return False
        except OSError as error:
            raise HostError(
                "ERR_TRACE_DIR_CREATE_FAILED",
                f"{self.path}: {error.strerror or error}; name a folder that can be created",
                {"path": self.path},
            ) from error
        return True

    @property
    def recording_id(self) -> str:
        """The recording's UUID (version 7) as text."""
        text = self.recording.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def check(self) -> None:
        """Check that the same folder is still at its path.

        Raises:
            OSError: the program has moved, removed or replaced the folder, has lost the right to
                enter it, or has changed its root directory.
        """
        if _identity(self.path) != self._identity:
            raise FileNotFoundError(ENOENT, "the recording's folder is not there any more")

    def is_there(self) -> bool:
        """Return whether the same folder is still at its path."""
        try:
            self.check()
        except OSError as error:
            if not began_here(error):
                raise
            return False
        return True

    def new_log(self, pid: int) -> str:
        """Return the path for another log of a process.

        Raises:
            OSError: as for `check`.
        """
        self.check()
        path = self.log_path(pid)
        number = 1
        # Several logs can have one PID: a number is used again, or a process calls exec.
        while _exists(path):
            number += 1
            path = self.log_path(pid, f"-{number}")
        self._logs.append(path)
        return path

    def log_path(self, pid: int, suffix: str = "") -> str:
        """Return the path of a process' log."""
        return f"{self.path}/process-{pid}{suffix}{LOG_SUFFIX}"

    def logs(self) -> list[str]:
        """Return the names of all logs in the folder, also those of other processes."""
        return sorted([name for name in _listdir(self.path) if name.endswith(LOG_SUFFIX)])

    def joined_logs(self) -> int:
        """Return the number of logs of processes that have joined the recording."""
        return sum([_has_joined(f"{self.path}/{name}") for name in self.logs()])

    def size(self) -> int:
        """Return the size of the logs in bytes."""
        return sum([_stat(f"{self.path}/{name}").st_size for name in self.logs()])

    def write_metadata(self, metadata: dict[str, object]) -> None:
        """Write the metadata, completely or not at all.

        Parameters:
            metadata: a value for `json_text`.

        Raises:
            OSError: the file cannot be written.
        """
        self.check()
        path = f"{self.path}/{METADATA_FILE}"
        new = f"{path}.new"
        if _exists(new):
            # An earlier attempt failed and left it.
            _remove_file(new)
        _write_file(new, f"{json_text(metadata)}\n".encode())
        try:
            _replace(new, path)
        except BaseException:
            _unlink(new)
            raise

    def keep_source(self, filename: str) -> None:
        """Copy a source file to its `source_name`; skip it if it cannot be read or written.

        Parameters:
            filename: its path; a relative one is skipped.
        """
        if filename[:1] != "/":
            return
        try:
            # Reading a pipe or a terminal would take bytes away from the program.
            if not _S_ISREG(_stat(filename).st_mode):
                return
            file = _open(filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        except (OSError, ValueError) as error:
            if not began_here(error):
                raise
            return
        try:
            found = _fstat(file)
            if not _S_ISREG(found.st_mode):
                return
            if found.st_size > SOURCE_LIMIT:
                self.left_out[filename] = (
                    f"it has {found.st_size} bytes; up to {SOURCE_LIMIT} are copied"
                )
                return
            content = _read_all(file, SOURCE_LIMIT)
        except OSError as error:
            if not began_here(error):
                raise
            return
        finally:
            _close(file)
        try:
            self.write_source(filename, content)
        except OSError as error:
            if not began_here(error):
                raise
            return

    def write_source(self, filename: str, content: bytes) -> None:
        """Write the content of a source file as its copy, unless there is a copy already.

        Parameters:
            filename: the path of the source file, or a name such as ``<string>``.
            content: the bytes of the copy.

        Raises:
            OSError: the copy cannot be written.
        """
        # Without this check a new folder would be created if the program has moved the old one.
        self.check()
        path = f"{self.path}/{SOURCES_FOLDER}/{source_name(filename)}"
        _make_folders(path.rpartition("/")[0], is_ours=True)
        try:
            _write_file(path, content)
        except FileExistsError as error:
            if not began_here(error):
                raise
            # Another process of the recording has copied it, or the parent before the fork.
            return

    def copies(self) -> list[str]:
        """Return the paths of all copies, relative to the folder of sources."""
        return sorted(_files(f"{self.path}/{SOURCES_FOLDER}"))

    def remove(self) -> None:
        """Remove this process' part of the recording, and the folder if it is then empty.

        The part is its logs if it has joined the recording, otherwise all files of the recording.

        Raises:
            OSError: the folder cannot be listed, or is no longer at its path.
        """
        self.check()
        if self.joined:
            for path in self._logs:
                _unlink(path)
            return
        for name in (*self.logs(), METADATA_FILE, f"{METADATA_FILE}.new"):
            _unlink(f"{self.path}/{name}")
        _remove_tree(f"{self.path}/{SOURCES_FOLDER}")
        _rmdir(self.path)


def _has_joined(log: str) -> bool:
    try:
        file = _open(log, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        try:
            begin = _read(file, FIRST_PAYLOAD + 1)
        finally:
            _close(file)
    except OSError as error:
        if not began_here(error):
            raise
        return False
    return begin[FIRST_PAYLOAD:] == JOINED


def _absolute(path: str) -> str:
    return os.path.normpath(path if path[:1] == "/" else f"{_getcwd()}/{path}")


def _identity(path: str) -> tuple[int, int]:
    found = _stat(path)
    return found.st_dev, found.st_ino


def _exists(path: str) -> bool:
    try:
        _lstat(path)
    except OSError as error:
        if not began_here(error):
            raise
        return False
    return True


def _make_folders(path: str, *, is_ours: bool = False) -> None:
    """Create a folder and the folders above it; do nothing if it exists.

    Parameters:
        is_ours: whether it belongs to the recording, so that only its owner may enter it.
    """
    try:
        _make_folder(path, is_ours)
    except FileExistsError as error:
        if not began_here(error):
            raise
        if not _S_ISDIR(_stat(path).st_mode):
            raise
    except FileNotFoundError:
        above = path.rpartition("/")[0]
        if not above:
            raise
        _make_folders(above, is_ours=is_ours and f"/{SOURCES_FOLDER}/" in path)
        try:
            _make_folder(path, is_ours)
        except FileExistsError as error:
            if not began_here(error):
                raise
            # Another process of the recording has created it.
            if not _S_ISDIR(_stat(path).st_mode):
                raise


def _make_folder(path: str, is_ours: bool) -> None:
    if is_ours:
        _mkdir(path, OWNER_FOLDER)
        _keep_private(path)
    else:
        _mkdir(path)


def _keep_private(folder: str) -> None:
    """Set the mode of a new folder, because the program's umask may have removed bits of it."""
    if _lstat(folder).st_mode & 0o777 == OWNER_FOLDER:
        return
    try:
        _chmod(folder, OWNER_FOLDER)
    except OSError as error:
        # Some file systems have no modes.
        if not began_here(error):
            raise


def _write_file(path: str, content: bytes) -> None:
    """Write a new file, completely or not at all."""
    file = _open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, OWNER_FILE)
    try:
        try:
            make_private(file)
            rest = memoryview(content)
            while rest:
                rest = rest[_write(file, rest) :]
        finally:
            _close(file)
    except BaseException:
        # Half a copy would show a program that never existed.
        _unlink(path)
        raise


def _read_all(file: int, limit: int) -> bytes:
    parts = []
    size = 0
    # A file may grow, and one in /proc has a size of 0 but content.
    while size < limit and (part := _read(file, 1 << 20)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _files(folder: str, prefix: str = "") -> list[str]:
    """Return the paths of all files below a folder, relative to it."""
    try:
        names = _listdir(folder)
    except OSError as error:
        if not began_here(error):
            raise
        if error.errno in (ENOENT, ENOTDIR):
            return []
        raise
    found = []
    for name in names:
        if _S_ISDIR(_lstat(f"{folder}/{name}").st_mode):
            found += _files(f"{folder}/{name}", f"{prefix}{name}/")
        else:
            found.append(f"{prefix}{name}")
    return found


def _remove_tree(folder: str) -> None:
    try:
        names = _listdir(folder)
    except OSError as error:
        if not began_here(error):
            raise
        return
    for name in names:
        path = f"{folder}/{name}"
        if _S_ISDIR(_lstat(path).st_mode):
            _remove_tree(path)
        else:
            _unlink(path)
    _rmdir(folder)


def _unlink(path: str) -> None:
    try:
        _remove_file(path)
    except OSError as error:
        if not began_here(error):
            raise
        return


def _rmdir(path: str) -> None:
    try:
        _remove_folder(path)
    except OSError as error:
        if not began_here(error):
            raise
        # It contains files that are not of the recording.
        return


def _uuid7() -> bytes:
    """Return a UUID of version 7 (RFC 9562, section 5.7): ms since 1970, then random bits."""
    milliseconds = _time_ns() // 1_000_000
    random = bytearray(_urandom(10))
    random[0] = random[0] & 0x0F | 0x70
    random[2] = random[2] & 0x3F | 0x80
    return milliseconds.to_bytes(6, "big") + bytes(random)
