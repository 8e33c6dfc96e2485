"""The spec compiler's command line: ``python -m codegen generate | check | observe | diff``.

Everything is computed before anything is written. Exit 0: done. 1: something is stale, missing,
not covered, or wrong. 2: wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.completeness import check_completeness
from codegen.errors import CodegenError
from codegen.generate import generate
from codegen.load import load_spec, load_trace_spec
from codegen.observation import OBSERVED_DIR, Observation, load_observations
from codegen.observe import describe_changes, observe
from codegen.output import Difference, compare, write

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the compiler; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except CodegenError as error:
        print(f"codegen: {error}", file=sys.stderr)
    except OSError as error:
        print(f"codegen: {error.filename}: {error.strerror or error}", file=sys.stderr)
    return 1


def _generate(options: argparse.Namespace) -> int:
    root: Path = options.root
    files = generate(load_spec(root), load_observations(root), load_trace_spec(root))
    changes = write(root, files)
    for change in changes:
        print(f"{'removed' if change.kind == 'orphan' else 'wrote'} {change.path}")
    print(f"{len(files)} generated files, {len(changes)} changed")
    return 0


def _check(options: argparse.Namespace) -> int:
    root: Path = options.root
    spec = load_spec(root)
    observations = load_observations(root)
    differences = compare(root, generate(spec, observations, load_trace_spec(root)))
    gaps = check_completeness(spec, [*observations, observe(spec)])
    _report(differences, gaps)
    if differences or gaps:
        return 1
    print(
        f"{len(spec.event)} events: generated files are up to date; the spec covers CPython "
        + ", ".join(dict.fromkeys([*(o.release for o in observations), _running_release()]))
    )
    return 0


def _report(differences: Sequence[Difference], gaps: Sequence[str]) -> None:
    for difference in differences:
        print(difference, file=sys.stderr)
    if differences:
        print("codegen: run `make generate`, and commit what it writes", file=sys.stderr)
    for gap in gaps:
        print(f"codegen: {gap}", file=sys.stderr)


def _observe(options: argparse.Namespace) -> int:
    root: Path = options.root
    spec = load_spec(root)
    for python in options.python or [sys.executable]:
        observation = observe(spec, python)
        path = root / observation.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(observation.to_toml(), encoding="utf-8", newline="\n")
        print(f"wrote {observation.file}: CPython {observation.release}")
    return 0


def _diff(options: argparse.Namespace) -> int:
    root: Path = options.root
    observed = {observation.version: observation for observation in load_observations(root)}
    old, new = (_known(observed, version) for version in (options.old, options.new))
    print(describe_changes(load_spec(root), old, new), end="")
    return 0


def _known(observed: dict[str, Observation], version: str) -> Observation:
    if version not in observed:
        raise CodegenError(
            f"{OBSERVED_DIR / version}.toml: not observed; run `make observe` with CPython"
            f" {version} (observed: {', '.join(observed) or 'none'})"
        )
    return observed[version]


def _running_release() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m codegen", description="Compile spec/ into generated/."
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=PROJECT_ROOT,
        help="the folder that holds spec/ and generated/ (default: this project)",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = commands.add_parser("generate", help="write generated/ from the spec")
    command.set_defaults(command=_generate)

    command = commands.add_parser(
        "check", help="say what is stale, and whether the spec covers every CPython observed"
    )
    command.set_defaults(command=_check)

    command = commands.add_parser(
        "observe", help="write spec/observed/<minor>.toml from a live interpreter"
    )
    command.add_argument(
        "python", nargs="*", help="interpreters to observe (default: the one that runs this)"
    )
    command.set_defaults(command=_observe)

    command = commands.add_parser(
        "diff", help="say what changed from one observed CPython to another"
    )
    command.add_argument("old", help="a minor version, such as 3.13")
    command.add_argument("new", help="a minor version, such as 3.14")
    command.set_defaults(command=_diff)
    return parser


if __name__ == "__main__":
    sys.exit(main())
