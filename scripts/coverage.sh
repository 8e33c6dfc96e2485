#!/bin/sh
# Measure which lines and branches of the spec compiler, and of the code that reads files and shows
# recordings, its tests run; print them, and fail when they are fewer than was reached so far.
#
#   coverage.sh PYTHON    an interpreter with the test group installed
#
# coverage.py measures by sys.settrace the processes of pytest, and those commands that run no program
# (tests/support/warm_server.py). What records is left out: a tracer beside it would change what its tests
# test.
set -eu
cd "$(dirname "$0")/.."
python=$1
READERS='codetracer/filters/*,codetracer/policy/*,codetracer/recording/reader.py,codetracer/recording/files.py,codetracer/replay/*'
VIEWS='codetracer/commands/*,codetracer/export/*,codetracer/debug/*'
COMPILER='codegen/*'
# codegen/inside runs in other interpreters, codegen/static in generated/, and `record` records.
OMITTED='codegen/inside/*,codegen/static/*,codetracer/commands/record.py'
# Without those that take half of the time and run hardly anything that the others do not.
FEW="not (by_the_index or both_directions or every_way_leads or made_up_index or state_at_a_step)"

folder=$(mktemp -d)
COVERAGE_FILE=$folder/data
COVERAGE_CORE=ctrace
export COVERAGE_FILE COVERAGE_CORE

# run_tests ARGUMENT...
run_tests() {
    "$python" -m coverage run --parallel-mode --branch --source=codetracer,codegen -m pytest -p no:xdist "$@"
}

# In the background are tests that need no SIGINT, which a shell has its background processes ignore.
run_tests tests/filters tests/policy tests/recording/test_reader.py tests/replay tests/commands/test_why.py \
    --ignore=tests/replay/test_terminal.py --ignore=tests/replay/test_linear.py -k "$FEW" >"$folder/output" 2>&1 &
background=$!
trap 'test -z "$background" || { kill "$background" || true; cat "$folder/output"; }; rm -rf "$folder"' EXIT
run_tests tests/codegen tests/commands tests/export -m "not slow and not network"
run_tests tests/debug -m "not network"
status=0
wait $background || status=$?
background=
cat "$folder/output"
[ $status = 0 ] || exit $status
"$python" -m coverage combine --quiet
status=0
# report FLOOR FILES
report() {
    "$python" -m coverage report --show-missing --fail-under="$1" --include="$2" --omit="$OMITTED" || status=$?
}
report 92 "$READERS"
report 88 "$VIEWS"
report 88 "$COMPILER"
exit $status
