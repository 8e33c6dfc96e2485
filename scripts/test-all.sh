#!/bin/sh
# Run the tests on every CPython that find-python.sh finds, and on those given as arguments.
# Each has an environment of its own in .venvs/; exit 1 when any of them fails.
set -u
cd "$(dirname "$0")/.."

found=$(scripts/find-python.sh --all "$@") || exit 1
failed=
passed=
while read -r release python; do
    echo "== CPython $release ($python)"
    if make --no-print-directory environment PYTHON="$python" VENV=".venvs/$release" GROUP=test &&
        ".venvs/$release/bin/python" -m pytest -n auto; then
        passed="$passed $release"
    else
        failed="$failed $release"
    fi
done <<EOF
$found
EOF
echo "== passed on:${passed:- none}${failed:+; FAILED on:$failed}"
[ -z "$failed" ]
