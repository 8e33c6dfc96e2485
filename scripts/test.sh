#!/bin/sh
# Run the tests on one interpreter. Those that install packages from PyPI are left out where no package
# index answers, which the last line then says; scripts/test-all.sh, and so CI, runs them always.
#
#   test.sh PYTHON    an interpreter with the test group installed
set -u
cd "$(dirname "$0")/.."
python=$1

if "$python" -m pip index versions --quiet --retries 0 --timeout 10 pip >/dev/null 2>&1; then
    exec "$python" -m pytest -n auto
fi
"$python" -m pytest -n auto -m "not network"
status=$?
echo "no package index answers: the tests marked \"network\" were left out (pytest -m network runs them)"
exit $status
