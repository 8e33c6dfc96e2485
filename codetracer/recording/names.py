"""The names of files in a recording's folder; a log ends in `LOG_SUFFIX` of the log's format."""

from __future__ import annotations

from codetracer.own import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["DEFAULT_FOLDER", "METADATA_FILE", "SOURCES_FOLDER", "source_name"]

DEFAULT_FOLDER: Final = "trace-out"
"""Where a recording goes unless it is said."""

METADATA_FILE: Final = "trace_metadata.json"
SOURCES_FOLDER: Final = "sources"

seal(globals())


def source_name(filename: str) -> str:
    """Return where a source file is below the folder of sources: as its path, without the root."""
    return "/".join([part for part in filename.split("/") if part not in ("", ".", "..")]) or "_"
