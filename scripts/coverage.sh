#!/bin/sh
# Measure which lines and branches of the code that reads files are run by its tests, print them, and
# fail when they are fewer than FLOOR per cent.
#
#   coverage.sh PYTHON    an interpreter with the test group installed
#
# coverage.py runs in the process of pytest alone, by sys.settrace: it holds no slot of sys.monitoring,
# and no process that a test starts is measured. So what records is left out, because a tracer beside it
# would change what its tests test, and so is what tests only run as a command.
set -eu
cd "$(dirname "$0")/.."
python=$1
FLOOR=92
# Without those that take half of the time and run hardly anything that the others do not.
FEW="not (by_the_index or both_directions or every_way_leads or made_up_index or state_at_a_step)"

COVERAGE_FILE=$(mktemp)
trap 'rm -f "$COVERAGE_FILE"' EXIT
COVERAGE_CORE=ctrace
export COVERAGE_FILE COVERAGE_CORE
"$python" -m coverage run --branch --source=codetracer -m pytest -p no:xdist \
    tests/filters tests/policy tests/recording/test_reader.py tests/replay tests/debug/test_prompt.py \
    tests/debug/test_requests.py tests/debug/test_breakpoints.py tests/commands/test_show_places.py \
    tests/commands/test_why.py tests/commands/test_info_index.py \
    --ignore=tests/replay/test_terminal.py --ignore=tests/replay/test_linear.py -k "$FEW"
"$python" -m coverage report --show-missing --fail-under="$FLOOR" --include='codetracer/filters/*,codetracer/policy/*,codetracer/recording/reader.py,codetracer/recording/files.py,codetracer/replay/*'
