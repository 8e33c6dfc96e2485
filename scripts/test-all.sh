#!/bin/sh
# Run the tests on every CPython that find-python.sh finds, and on those given as arguments; then
# once more, on the first of them without a C compiler, those of what is in C otherwise. On the first,
# every process starts an interpreter (--fresh). The tests of codegen, a tool for developers, take
# long: they are run on the first alone, and on the last whether it generates the same. Those of damaged
# recordings and of type checkers take long, too, and are run on the first and the last; those of large
# applications on the first. Each interpreter has an environment of its own in .venvs/; exit 1 when any of
# them fails.
set -u
cd "$(dirname "$0")/.."

found=$(scripts/find-python.sh --all "$@") || exit 1
read -r first first_python <<EOF
$found
EOF
last=$(echo "$found" | tail -n 1 | cut -d ' ' -f 1)
# One more than there are processors: some tests wait.
workers=$("$first_python" -c "import os; print(len(os.sched_getaffinity(0)) + 1)")
APPLICATIONS=--ignore=tests/company/test_applications.py
failed=
passed=

# run_tests LABEL PYTHON VENV [ARGUMENT...]
run_tests() {
    label=$1 interpreter=$2 venv=$3
    shift 3
    echo "== CPython $label ($interpreter)"
    if make --no-print-directory environment PYTHON="$interpreter" VENV="$venv" GROUP=test &&
        "$venv/bin/python" -m pytest -n "$workers" --dist worksteal "$@"; then
        passed="$passed, $label"
    else
        failed="$failed, $label"
    fi
}

while read -r release python; do
    case $release in
    "$first") run_tests "$release" "$python" ".venvs/$release" --fresh ;;
    "$last")
        run_tests "$release" "$python" ".venvs/$release" "$APPLICATIONS" \
            "--ignore-glob=tests/codegen/test_[!g]*"
        ;;
    *)
        run_tests "$release" "$python" ".venvs/$release" "$APPLICATIONS" --ignore=tests/codegen \
            --ignore=tests/fuzz/test_recordings.py --ignore=tests/type_checkers
        ;;
    esac
done <<EOF
$found
EOF

# A copy, because the native callbacks of this checkout belong to the environments above.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -cf - --exclude=./.git --exclude=./.venv --exclude=./.venvs --exclude='*.abi3.so' --exclude=build . | tar -xf - -C "$copy"
cd "$copy"
CC=/nonexistent/cc
export CC
# Long recordings are read in Python here: a test that never ends is noticed later.
set -- --timeout=300 "$APPLICATIONS" --ignore=tests/fuzz/test_recordings.py --ignore=tests/project/test_docs.py
for folder in codegen commands export filters type_checkers; do
    set -- "$@" "--ignore=tests/$folder"
done
run_tests "$first without a compiler" "$first_python" .venv "$@"

echo "== passed on: ${passed#, }${failed:+; FAILED on: ${failed#, }}"
[ -z "$failed" ]
