"""The process that runs one of the standard library's test modules in one way.

    python -m fuzz.module_worker WAY MODULE REPORT [STREAM]

Writes to the file REPORT what was seen, as JSON, and to STREAM, when it is given, every event as a
line. Only events in the test module and in the module it tests are compared: what unittest does
depends on the time a test takes.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import resource
import sys
import sysconfig
import time
import unittest
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from codetracer_bindings.events import DISABLE
from fuzz.attached import SLOT, attached
from fuzz.forms import event_specs, kind_of

if TYPE_CHECKING:
    from types import CodeType

    from codetracer_bindings.registration import CallbackSpec

__all__ = ["main"]

LIMIT: Final = 50_000
"""Events after which handlers disable each location: what still comes is compared as well."""

BATCH: Final = 5_000

PATIENCE: Final = 3
"""Seconds of processor time that an untraced run is given at all."""


class _Stream:
    """A running digest of the events of a module."""

    def __init__(self, module: str, specs: list[CallbackSpec], out: Path | None) -> None:
        library = sysconfig.get_path("stdlib")
        tested = os.path.join(library, module.removeprefix("test.test_"))
        self._files = (
            os.path.join(library, *module.split(".")) + ".py",
            tested + ".py",
            tested + os.sep,
        )
        self._may = {spec.event for spec in specs if spec.disable_since == (3, 12)}
        self._ours: dict[str, bool] = {}
        self._batch: list[tuple[object, ...]] = []
        self._digest = hashlib.blake2b(digest_size=16)
        self._out = out
        self.counts = {spec.event: 0 for spec in specs}
        self._left = LIMIT

    def record(self, event: str, code: CodeType, place: int, *rest: object) -> object:
        name = code.co_filename
        ours = self._ours.get(name)
        if ours is None:
            ours = self._ours[name] = name.startswith(self._files)
        if not ours:
            return DISABLE if event in self._may else None
        self.counts[event] += 1
        self._left -= 1
        # The destinations of jumps are numbers; another number may be an address or a time.
        shown = rest if event in ("JUMP", "BRANCH", "BRANCH_LEFT", "BRANCH_RIGHT") else ()
        self._batch.append(
            (event, code.co_qualname, code.co_firstlineno, place, *(shown or map(kind_of, rest)))
        )
        if len(self._batch) == BATCH:
            self._flush()
        return DISABLE if self._left < 0 and event in self._may else None

    def digest(self) -> str:
        self._flush()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        text = "\n".join(map(repr, batch))
        self._digest.update(text.encode("utf-8", "surrogatepass"))
        if self._out is not None:
            with self._out.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{text}\n")


def main(way: str, module: str, report: str, stream_file: str = "") -> None:
    """Run `module` and write the report; exits as unittest does."""
    if way == "untraced":
        # No need to wait for what takes too long: the system ends it, and there is no report.
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    specs = event_specs()
    stream = _Stream(module, specs, Path(stream_file) if stream_file else None)
    # Most test modules import it; under tracing that takes longer than their tests.
    import_module("test.support")
    # Collections at other moments are other events: those of what they close.
    gc.disable()
    gc.freeze()
    random.seed(0)
    status: object = None
    start = time.process_time()
    try:
        with attached(way, specs, stream.record):
            try:
                unittest.main(module=None, argv=["unittest", "-v", module])
            except SystemExit as error:
                status = error.code
    finally:
        found = {
            "status": repr(status),
            "seconds": time.process_time() - start,
            "left": [sys.monitoring.get_events(SLOT), sys.monitoring.get_tool(SLOT)],
            "digest": stream.digest(),
            "counts": stream.counts,
        }
        Path(report).write_text(json.dumps(found), encoding="utf-8")
    sys.exit(status if isinstance(status, int) else bool(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
