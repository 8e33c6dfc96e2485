"""Finds the filter files for a program, and makes a chain of them."""

from __future__ import annotations

import os

from codetracer.errors import UsageError
from codetracer.filters.builtin import BUILTINS, builtin_filter
from codetracer.filters.chain import FOLDER, FilterChain, FilterSource
from codetracer.filters.names import SecretNames, words_of
from codetracer.inspect.paths import working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from codetracer.filters.chain import Origin
    from codetracer.filters.model import Detail, FilterFile
    from codetracer.inspect.paths import FileGlobs

__all__ = ["FILTER_VARIABLE", "NO_REDACTION", "PROJECT_FILTER", "REDACT_VARIABLE", "load_chain"]

FILTER_VARIABLE: Final = "CODETRACER_TRACE_FILTER"
"""The environment variable that names filter files."""

REDACT_VARIABLE: Final = "CODETRACER_REDACT"
"""The environment variable for more secret names, separated by commas."""

NO_REDACTION: Final = "CODETRACER_NO_REDACTION"
"""The environment variable that turns hiding by name off: 1, true or yes."""

PROJECT_FILTER: Final = os.path.join(FOLDER, "trace-filter.toml")
"""The relative path of a project's filter, searched from the program's folder upward."""

SEPARATOR: Final = "::"


def load_chain(
    start: str,
    *,
    environ: Mapping[str, str],
    command_line: Sequence[str] = (),
    builtin: Sequence[str] = ("default",),
    files: FileGlobs | None = None,
    redact: Sequence[str] = (),
    redaction: bool | None = None,
    detail: Detail | None = None,
) -> FilterChain:
    """Return the chain of filters for a program.

    The chain has, in this order: built-in filters, the project's filter, those that the environment
    names, and those of the command line.

    Parameters:
        start: the folder of the program; the project's filter is searched there and in the folders
            above.
        environ: environment variables; CODETRACER_TRACE_FILTER names files separated by ``::``.
        command_line: texts that each name one file, or several separated by ``::``.
        builtin: names from `BUILTINS`.
        files: the choice of --include and --exclude, for `FilterChain`.
        redact: more secret names, in addition to those of the environment.
        redaction: whether values with secret names are hidden. None means that
            CODETRACER_NO_REDACTION decides; without it they are.
        detail: the detail of code for which no rule names one, for `FilterChain`.

    Raises:
        UsageError: ERR_INVALID_FILTER, a file cannot be read or is wrong, or a secret name has
            neither letter nor digit.
        ValueError: a name is not in `BUILTINS`.
    """
    found = _project_filter(start)
    project = os.path.dirname(os.path.dirname(found)) if found else working_directory()
    filters = [_load_builtin(name) for name in builtin]

    def load(path: str, origin: Origin) -> None:
        filters.append(_load_file(path, origin, inherits=bool(filters)))

    if found:
        load(found, "project")
    for path in _paths(environ.get(FILTER_VARIABLE, ""), FILTER_VARIABLE):
        load(path, "environment")
    for text in command_line:
        if not text:
            raise _unreadable(repr(text), "command line", "it names no file")
        for path in _paths(text, "command line"):
            load(path, "command line")
    return FilterChain(filters, project, files, _names(environ, redact, redaction), detail)


def _names(
    environ: Mapping[str, str], redact: Sequence[str], redaction: bool | None
) -> SecretNames:
    if redaction is None:
        redaction = environ.get(NO_REDACTION, "").lower() not in ("1", "true", "yes")
    added = [name for name in environ.get(REDACT_VARIABLE, "").split(",") if name.strip()]
    for name in (*added, *redact):
        if not words_of(name):
            raise UsageError(
                "ERR_INVALID_FILTER",
                f"{name!r} cannot be redacted: it has no letter and no digit",
                {"name": name},
            )
    return SecretNames((*added, *redact), readers_only=not redaction)


def _project_filter(start: str) -> str | None:
    folder = os.path.abspath(start)
    while True:
        path = os.path.join(folder, PROJECT_FILTER)
        # A broken link counts, so that loading reports it.
        if os.path.lexists(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _paths(text: str, where: str) -> list[str]:
    """Return the absolute paths in a list of files separated by ``::``; none if it is empty."""
    if not text:
        return []
    names = text.split(SEPARATOR)
    if "" in names:
        raise _unreadable(repr(text), where, f"it names no file on one side of a {SEPARATOR}")
    return [os.path.abspath(os.path.expanduser(name)) for name in names]


def _unreadable(path: str, origin: str, problem: str) -> UsageError:
    return UsageError(
        "ERR_INVALID_FILTER",
        f"trace filter {path} ({origin}): {problem}",
        {"file": path, "origin": origin},
    )


def _load_file(path: str, origin: Origin, *, inherits: bool) -> tuple[FilterSource, FilterFile]:
    # Imported here, because `tomllib` and `re` take milliseconds, and few recordings need them.
    from codetracer.filters.schema import parse_filter

    try:
        with open(path, "rb") as file:
            content = file.read()
        # Some editors write a byte order mark.
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, origin, error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _unreadable(path, origin, f"line {line} is not UTF-8") from None
    except ValueError as error:
        # A null byte in the name.
        raise _unreadable(repr(path), origin, str(error)) from None
    parsed = parse_filter(text, path, inherits=inherits)
    return FilterSource(parsed.name, path, origin, path, _sha256(content)), parsed


def _load_builtin(name: str) -> tuple[FilterSource, FilterFile]:
    if name not in BUILTINS:
        raise ValueError(f"there is no built-in filter {name!r}; there are {', '.join(BUILTINS)}")
    content, sha256 = builtin_filter(name)
    return FilterSource(content.name, None, "builtin", f"<builtin {name}>", sha256), content


def _sha256(content: bytes) -> str:
    # Not hashlib, which loads OpenSSL into the program's process.
    try:
        from _sha2 import sha256  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha256
    digest: str = sha256(content).hexdigest()
    return digest
