#!/bin/sh
# Run the tests on one interpreter, without those marked `slow`, whose number the last lines give. If no
# package index answers, the tests that install packages from PyPI are left out too, and another line says so. scripts/test-all.sh, and so CI, runs all of them always.
#
#   test.sh PYTHON    an interpreter with the test group installed
set -u
cd "$(dirname "$0")/.."
python=$1
# pytest keeps the tests as it has rewritten them, so that not every worker rewrites them.
unset PYTHONDONTWRITEBYTECODE
if "$python" -m pip index versions --quiet --retries 0 --timeout 10 pip >/dev/null 2>&1; then
    exec "$python" -m pytest -n auto --dist worksteal -m "not slow"
fi
"$python" -m pytest -n auto --dist worksteal -m "not slow and not network"
status=$?
echo "no package index answers: the tests marked \"network\" were left out (pytest -m network runs them)"
exit $status
