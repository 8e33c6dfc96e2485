"""``codetracer dap``: its options, and the server for editors."""

from __future__ import annotations

import argparse
import sys

from codetracer.commands.option_values import whole_number

__all__ = ["EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "let an editor debug a recording, forwards and backwards (Debug Adapter Protocol)"

EXAMPLES = """\
examples:
  codetracer dap
  codetracer dap --listen 4711

An editor starts it, and says in its launch configuration what to look at: "recording", a folder; or
"program", "module", "code" or "pytest" with "args", "cwd" and "env", which are recorded first.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of ``dap``."""
    parser.add_argument(
        "--listen",
        metavar="PORT",
        type=whole_number(0, 65_535),
        help="serve clients of this machine at a port, 0 for a free one (default: one client, on"
        " standard input and output)",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until the client is gone, or, at a port, until interrupted.

    Raises:
        HostError: ERR_IO, the port cannot be used.
    """
    # Not imported at the top, because recorded programs load the command line, too.
    from codetracer.debug.dap.server import serve_port, serve_standard_streams

    if options.listen is None:
        serve_standard_streams()
        return 0

    def say(host: str, port: int) -> None:
        print(f"codetracer: listening at {host}:{port}", file=sys.stderr, flush=True)

    serve_port(options.listen, say)
    return 0
