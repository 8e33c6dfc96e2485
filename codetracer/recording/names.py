"""The names of files in a recording's folder; a log ends in `LOG_SUFFIX` of the log's format."""

from __future__ import annotations

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["DEFAULT_FOLDER", "METADATA_FILE", "SOURCES_FOLDER", "source_name"]

DEFAULT_FOLDER: Final = "trace-out"
"""The folder of a recording if none is named."""

METADATA_FILE: Final = "trace_metadata.json"
SOURCES_FOLDER: Final = "sources"

seal(globals())


def source_name(filename: str) -> str:
    """Return the path of a source file's copy, relative to the folder of sources."""
    return "/".join([part for part in filename.split("/") if part not in ("", ".", "..")]) or "_"
