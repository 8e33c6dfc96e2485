"""The folder of a recording while it is written: logs, metadata, and copies of sources.

All of it runs beside the program, or after it: nothing here looks up what it may have replaced.
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
from codetracer.recording.writer import OWNER_FILE, make_private
from codetracer.whose import began_here
from codetracer_bindings.trace_encoder import encode_joined
from codetracer_bindings.trace_format import BLOCK_HEADER, FILE_HEADER, LOG_SUFFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["TraceDirectory"]

SOURCE_LIMIT: Final = 4 << 20
"""The size in bytes above which a source file is not copied."""

OWNER_FOLDER: Final = 0o700
"""The mode of a recording's folders; the modes of its files are those of `make_private`."""

FIRST_RECORD: Final = FILE_HEADER.size + BLOCK_HEADER.size
JOINED: Final = encode_joined(0)[:1]
"""What the log of a process that joined the recording begins with, and where."""

seal(globals())


class TraceDirectory:
    """One recording's folder; it is made when this is, unless it is joined.

    Parameters:
        path: the folder; None takes ``trace-out``, or with ``-2`` and so on the first that is free.
            A folder that is named must be empty if it is there: who names it will look there, and
            what is in it may be all that is left of another run.
        numbered: a folder that is named is taken with ``-2`` and so on, too.
        joins: folder and id of a recording that another process has begun; what is in the folder
            but this process' logs is that one's.
        made: this is put into it once the folder is there, in case the caller does not get it.

    Attributes:
        path: the folder.
        recording: the recording's UUID.
        joined: whether another process has begun the recording.
        left_out: source files that were not copied, and why.

    Raises:
        UsageError: ERR_TRACE_DIR_CONFLICT, the folder is not empty, or is a file.
        HostError: ERR_TRACE_DIR_CREATE_FAILED, it cannot be made.
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
                # A signal handler of the program has raised, perhaps.
                if self._claimed:
                    _rmdir(f"{self.path}/{SOURCES_FOLDER}")
                if self._is_new:
                    _rmdir(self.path)
                raise
        if made is not None:
            made.append(self)

    def _take(self, path: str | None, *, numbered: bool) -> None:
        """Make the folder, under the first name that is free if it may have several."""
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
        """Make the folder; return whether it belongs to this recording alone."""
        self._is_new = not _exists(self.path)
        try:
            _make_folders(self.path, is_ours=True)
            if _listdir(self.path):
                return False
            # Of several processes that find it empty one can do this.
            # In one call into C it is done and taken note of.
            self._claimed.extend(map(_mkdir, (f"{self.path}/{SOURCES_FOLDER}",), (OWNER_FOLDER,)))
            _keep_private(f"{self.path}/{SOURCES_FOLDER}")
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

    def check(self) -> None:
        """See whether the folder is where it was made, and that nothing else is there.

        Raises:
            OSError: the program has moved or removed it, may not go there any more, or sees
                another root.
        """
        if _identity(self.path) != self._identity:
            raise FileNotFoundError(ENOENT, "the recording's folder is not there any more")

    def is_there(self) -> bool:
        """Tell whether the folder can be found where it was made."""
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
        # Processes come after each other with one number, or go on as another program.
        while _exists(path):
            number += 1
            path = self.log_path(pid, f"-{number}")
        self._logs.append(path)
        return path

    def log_path(self, pid: int, suffix: str = "") -> str:
        """Return the path of a process' log."""
        return f"{self.path}/process-{pid}{suffix}{LOG_SUFFIX}"

    def logs(self) -> list[str]:
        """Return the names of all logs that are there."""
        return sorted([name for name in _listdir(self.path) if name.endswith(LOG_SUFFIX)])

    def joined_logs(self) -> int:
        """Return the number of processes that have joined the recording."""
        return sum([_has_joined(f"{self.path}/{name}") for name in self.logs()])

    def size(self) -> int:
        """Return the size of the logs in bytes."""
        return sum([_stat(f"{self.path}/{name}").st_size for name in self.logs()])

    def write_metadata(self, metadata: dict[str, object]) -> None:
        """Write the metadata, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        self.check()
        path = f"{self.path}/{METADATA_FILE}"
        new = f"{path}.new"
        if _exists(new):
            # What is left of one that failed.
            _remove_file(new)
        _write_file(new, f"{json_text(metadata)}\n".encode())
        try:
            _replace(new, path)
        except BaseException:
            _unlink(new)
            raise

    def keep_source(self, filename: str) -> None:
        """Copy a source file under its `source_name`; leave it out if it cannot be read."""
        if filename[:1] != "/":
            return
        try:
            # What is read from a pipe or a terminal is the program's.
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
        """Write a substitute for a source file, unless there is a copy already.

        Raises:
            OSError: it cannot be written.
        """
        # If the program has moved the folder away, another one is not made in its place.
        self.check()
        path = f"{self.path}/{SOURCES_FOLDER}/{source_name(filename)}"
        _make_folders(path.rpartition("/")[0], is_ours=True)
        try:
            _write_file(path, content)
        except FileExistsError as error:
            if not began_here(error):
                raise
            # Another process of the recording, or the one that this was forked from.
            return

    def copies(self) -> list[str]:
        """Return the names below the folder of sources of all copies, other processes' too."""
        return sorted(_files(f"{self.path}/{SOURCES_FOLDER}"))

    def remove(self) -> None:
        """Remove what of the recording is this process', and the folder if nothing else is in it.

        Raises:
            OSError: what is there cannot be looked at.
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
            begin = _read(file, FIRST_RECORD + 1)
        finally:
            _close(file)
    except OSError as error:
        if not began_here(error):
            raise
        return False
    return begin[FIRST_RECORD:] == JOINED


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
    """Make a folder, and those above it; nothing if it is there.

    Parameters:
        is_ours: whether it belongs to the recording, and only its owner may look into it.
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
            # Another process of the recording needs it, too.
            if not _S_ISDIR(_stat(path).st_mode):
                raise


def _make_folder(path: str, is_ours: bool) -> None:
    if is_ours:
        _mkdir(path, OWNER_FOLDER)
        _keep_private(path)
    else:
        _mkdir(path)


def _keep_private(folder: str) -> None:
    """Give a new folder of ours its mode: the program's umask may have taken bits of it away."""
    if _lstat(folder).st_mode & 0o777 == OWNER_FOLDER:
        return
    try:
        _chmod(folder, OWNER_FOLDER)
    except OSError as error:
        # Some file systems have no modes.
        if not began_here(error):
            raise


def _write_file(path: str, content: bytes) -> None:
    """Write a file that is not there, all of it or nothing."""
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
    # A file may grow, or say that it is empty and be none.
    while size < limit and (part := _read(file, 1 << 20)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _files(folder: str, prefix: str = "") -> list[str]:
    """Return the names of all files below a folder."""
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
        # Something is in it that is not ours.
        return


def _uuid7() -> bytes:
    """Return a UUID of version 7 (RFC 9562, section 5.7): ms since 1970, then random bits."""
    milliseconds = _time_ns() // 1_000_000
    random = bytearray(_urandom(10))
    random[0] = random[0] & 0x0F | 0x70
    random[2] = random[2] & 0x3F | 0x80
    return milliseconds.to_bytes(6, "big") + bytes(random)
