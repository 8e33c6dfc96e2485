#!/bin/sh
# Run the tests on every CPython that find-python.sh finds, and on those given as arguments; then
# once more on the first of them without a C compiler. Those of codegen, a tool for developers which
# takes long, are run on the first and the last alone. Each has an environment of its own in .venvs/;
# exit 1 when any of them fails.
set -u
cd "$(dirname "$0")/.."

found=$(scripts/find-python.sh --all "$@") || exit 1
read -r first python <<EOF
$found
EOF
last=$(echo "$found" | tail -n 1 | cut -d ' ' -f 1)
without_codegen="--ignore-glob=tests/test_codegen_*"
failed=
passed=

# run_tests LABEL PYTHON VENV [OPTION]
run_tests() {
    echo "== CPython $1 ($2)"
    if make --no-print-directory environment PYTHON="$2" VENV="$3" GROUP=test &&
        "$3/bin/python" -m pytest -n auto ${4:+"$4"}; then
        passed="$passed, $1"
    else
        failed="$failed, $1"
    fi
}

while read -r release python; do
    case $release in
    "$first" | "$last") run_tests "$release" "$python" ".venvs/$release" ;;
    *) run_tests "$release" "$python" ".venvs/$release" "$without_codegen" ;;
    esac
done <<EOF
$found
EOF

# A copy, for the native callbacks of this checkout belong to the environments above.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -cf - --exclude=./.git --exclude=./.venv --exclude=./.venvs --exclude='*.abi3.so' --exclude=build . | tar -xf - -C "$copy"
read -r first python <<EOF
$found
EOF
cd "$copy"
CC=/nonexistent/cc
export CC
run_tests "$first without a compiler" "$python" .venv "$without_codegen"

echo "== passed on: ${passed#, }${failed:+; FAILED on: ${failed#, }}"
[ -z "$failed" ]
