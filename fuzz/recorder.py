"""The process in which programs are recorded, one after the other, each in a folder of its own.

    python -m fuzz.recorder

A line of JSON is a list of requests, ``{"program": "program.py", "folder": "…"}``. Each answer is a
line: what the program did. CODETRACER_BACKEND says which engine records.
"""

from __future__ import annotations

import asyncio  # noqa: F401 - or the first program that uses it has its import recorded
import faulthandler
import gc
import io
import json
import sys
import tempfile
import warnings
from pathlib import Path

import codetracer
from fuzz.worker import LIMIT, run

__all__ = ["main"]

FILTER = """
[meta]
name = "engines"
version = 1

[scope]
default_exec = "trace"
default_value_action = "allow"

[[scope.rules]]
selector = 'file:regex:(^|/)fuzz/[a-z_]+\\.py$'
exec = "skip"
reason = "where threads wait for each other, in an order of their own"
"""


def main() -> None:
    """Answer every request until there are no more."""
    # As in fuzz.worker: collections happen where the allocations of an engine would put them.
    gc.disable()
    warnings.simplefilter("ignore")
    lines, answers = sys.stdin, sys.stdout
    sys.stdin = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        rules = Path(folder, "filter.toml")
        rules.write_text(FILTER, encoding="utf-8")
        for line in lines:
            for request in json.loads(line):
                path = request["program"]
                code = compile(Path(path).read_text("utf-8"), path, "exec")
                faulthandler.dump_traceback_later(LIMIT, exit=True)
                codetracer.start(request["folder"], trace_filter=[str(rules)], io_capture="off")
                outcome = run(code)
                codetracer.stop()
                faulthandler.cancel_dump_traceback_later()
                print(json.dumps(outcome), file=answers, flush=True)


if __name__ == "__main__":
    main()
