"""The spec compiler's command line: ``python -m codegen generate | check | observe | diff``.

Everything is computed before anything is written. The exit status is 0 for success; 1 if a file is
stale or missing, the spec is wrong or does not cover CPython; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.core.errors import CodegenError
from codegen.core.load import load_spec
from codegen.core.output import Difference, compare, write
from codegen.core.rows import version_key
from codegen.events.changes import describe_changes
from codegen.events.completeness import check_completeness, check_outcomes, compare_live
from codegen.events.model import EventsSpec
from codegen.events.probes import load_probes, programs_of
from codegen.generate import Specs, generate, load_specs
from codegen.observe.interpreter import observe
from codegen.observe.observation import OBSERVED_DIR, Observation, load_observations

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the compiler, and return the exit status.

    Parameters:
        arguments: the command and its options; by default those of this process.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except CodegenError as error:
        print(f"codegen: {error}", file=sys.stderr)
    except OSError as error:
        print(f"codegen: {error.filename}: {error.strerror or error}", file=sys.stderr)
    return 1


def _generate(options: argparse.Namespace) -> int:
    files = generate(load_specs(options.root))
    changes = write(options.root, files)
    for change in changes:
        print(f"{'removed' if change.kind == 'orphan' else 'wrote'} {change.path}")
    print(f"{len(files)} generated files, {len(changes)} changed")
    return 0


def _check(options: argparse.Namespace) -> int:
    specs = load_specs(options.root)
    differences = compare(options.root, generate(specs))
    live = observe(specs.events.programs)
    gaps = check_completeness(specs.events, [*specs.observations, live])
    gaps += check_outcomes(specs.probes, specs.observations)
    if specs.observations and (options.probes or _is_newer(live, specs.observations)):
        gaps += _behaviour_gaps(specs)
    _report(differences, gaps)
    if differences or gaps:
        return 1
    releases = [*(observation.release for observation in specs.observations), _running_release()]
    print(
        f"{len(specs.events.event)} events: generated files are up to date;"
        f" the spec covers CPython {', '.join(dict.fromkeys(releases))}"
    )
    return 0


def _is_newer(live: Observation, observations: Sequence[Observation]) -> bool:
    return version_key(live.version) > version_key(observations[-1].version)


def _behaviour_gaps(specs: Specs) -> list[str]:
    """Run the probes here; print expected differences, and return unexpected ones."""
    live = observe(specs.events.programs, probes=programs_of(specs.probes))
    found = compare_live(specs.events, specs.probes, live, specs.observations)
    if not found.text:
        print(f"{len(specs.probes)} probes: this CPython behaves as observed")
        return []
    if found.expected:
        print(found.text)
        return []
    return [
        f"{found.text}\nif this is right, run `make observe` with that CPython, and correct the"
        " spec's notes"
    ]


def _report(differences: Sequence[Difference], gaps: Sequence[str]) -> None:
    for difference in differences:
        print(difference, file=sys.stderr)
    if differences:
        print("codegen: run `make generate`, and commit the files that it writes", file=sys.stderr)
    for gap in gaps:
        print(f"codegen: {gap}", file=sys.stderr)


def _observe(options: argparse.Namespace) -> int:
    root: Path = options.root
    events = load_spec(EventsSpec, root)
    probes = programs_of(load_probes(root, events))
    for python in options.python or [sys.executable]:
        observation = observe(events.programs, python, probes)
        path = root / observation.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(observation.to_toml(), encoding="utf-8", newline="\n")
        print(f"wrote {observation.file}: CPython {observation.release}, {len(probes)} probes")
    return 0


def _diff(options: argparse.Namespace) -> int:
    root: Path = options.root
    observed = {observation.version: observation for observation in load_observations(root)}
    old, new = (_known(observed, version) for version in (options.old, options.new))
    events = load_spec(EventsSpec, root)
    print(describe_changes(events, load_probes(root, events), old, new), end="")
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
        help="the folder that contains spec/ and generated/ (default: this project)",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = commands.add_parser("generate", help="write generated/ from the spec")
    command.set_defaults(command=_generate)

    command = commands.add_parser(
        "check", help="list stale files, and check that the spec covers every observed CPython"
    )
    command.add_argument(
        "--probes",
        action="store_true",
        help="also run the probes here, and compare their outcomes with the stored ones"
        " (always done on a CPython that is newer than all observed ones)",
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
        "diff", help="list the changes from one observed CPython to another"
    )
    command.add_argument("old", help="a minor version, such as 3.13")
    command.add_argument("new", help="a minor version, such as 3.14")
    command.set_defaults(command=_diff)
    return parser


if __name__ == "__main__":
    # The process ends soon; looking for garbage takes a tenth of the time that black takes.
    gc.disable()
    sys.exit(main())
