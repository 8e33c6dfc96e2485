"""Times `make generate`: with nothing changed, after a change of one row, and without a cache.

    python benchmarks/generate.py [CHECKOUT ...]

It runs the spec compilers of this checkout and of the others in turn, three times each, on copies
of this spec.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
CHANGES = {
    "nothing": ("", "", ""),
    "an event": ("spec/events.toml", "An unconditional jump is taken.", "A jump, {} is taken."),
    "a record": ("spec/trace.toml", '[[record]]\nname = "', '[[record]]\nname = "new_{}'),
    "a type": ("spec/types.toml", '[[type]]\nname = "', '[[type]]\nalso = ["New{}"]\nname = "'),
    "cold": ("", "", ""),
}


def main() -> None:
    """Print the medians of CPU time (user and system) and of wall-clock time in seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", nargs="*", type=Path, help="other checkouts, to compare with")
    checkouts = [ROOT, *(checkout.resolve() for checkout in parser.parse_args().checkout)]
    taken: dict[tuple[str, Path], list[tuple[float, float]]] = {}
    for number in range(ROUNDS):
        for checkout in checkouts:
            for change in CHANGES:
                times = after(change, checkout, "abcdefghij"[number])
                taken.setdefault((change, checkout), []).append(times)
    for change in CHANGES:
        for checkout in checkouts:
            cpu, wall = map(statistics.median, zip(*taken[change, checkout], strict=True))
            print(f"{change:10} {cpu:5.2f} s CPU {wall:5.2f} s wall  {checkout}")


def after(change: str, checkout: Path, letter: str) -> tuple[float, float]:
    """Return the times of one run after `change` was made to a copy of the spec."""
    file, old, new = CHANGES[change]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("spec", "generated"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("*.so"))
        if file:
            text = (copy / file).read_text(encoding="utf-8")
            assert old in text, f"{file} has no {old!r}"
            (copy / file).write_text(text.replace(old, new.format(letter), 1), encoding="utf-8")
        # What another round has made is not known in this one.
        shutil.rmtree(checkout / ".codegen_cache", ignore_errors=True)
        if change != "cold":
            unchanged = copy / "unchanged"
            shutil.copytree(ROOT / "spec", unchanged / "spec")
            generate(checkout, unchanged)
        return generate(checkout, copy)


def generate(checkout: Path, root: Path) -> tuple[float, float]:
    """Run `checkout`'s compiler on `root`; return CPU time and wall-clock time in seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "codegen", "--root", str(root), "generate"],
        cwd=checkout,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - start
    done = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = done.ru_utime + done.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


if __name__ == "__main__":
    main()
