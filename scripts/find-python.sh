#!/bin/sh
# Find CPythons that codetracer runs on (3.12 or newer) by running candidates, not by their names:
# a shim of that name may exist and fail, and `python3` may be older.
#
#   find-python.sh              print the path of the first one found
#   find-python.sh --all PATH…  print "<release> <path>" for every one found, and for each PATH given
#
# Looks at $PYTHON, python3.15 … python3.12 and python3 in every folder on PATH, pyenv's versions,
# and what uv knows. Exit 1, with one message, when there is none or when $PYTHON is unusable.
set -u

probe='import sys, platform
assert sys.implementation.name == "cpython" and sys.version_info >= (3, 12) and sys.monitoring
print(platform.python_version() + getattr(sys, "abiflags", ""))'

release_of() { "$1" -I -c "$probe" 2>/dev/null </dev/null; }

candidates() {
    for name in python3.15 python3.14 python3.13 python3.12 python3; do
        printf '%s\n' "$PATH" | tr : '\n' | while IFS= read -r folder; do
            [ -x "$folder/$name" ] && printf '%s\n' "$folder/$name"
        done
    done
    for python in "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python; do
        [ -x "$python" ] && printf '%s\n' "$python"
    done | sort -rV
    if command -v uv >/dev/null 2>&1; then
        for version in 3.15 3.14 3.13 3.12; do
            # --system: not the environment in the folder it runs in, which is the project's own.
            uv python find --system --no-python-downloads "$version" 2>/dev/null
        done
    fi
    return 0
}

found() {
    while IFS= read -r python; do
        release=$(release_of "$python") && printf '%s %s\n' "$release" "$python"
    done
    return 0
}

fail() {
    printf '%s\n' "find-python: $1" >&2
    exit 1
}

if [ -n "${PYTHON:-}" ]; then
    given=$(command -v "$PYTHON") && release=$(release_of "$given") ||
        fail "PYTHON=$PYTHON is not a CPython 3.12 or newer that runs"
fi

if [ "${1:-}" = --all ]; then
    shift
    for python in "$@"; do
        release_of "$python" >/dev/null || fail "$python is not a CPython 3.12 or newer that runs"
    done
    # One of each release is enough.
    all=$({ printf '%s\n' ${given:+"$given"} "$@"; candidates; } | found | sort -V -s -u -k1,1)
    [ -n "$all" ] && printf '%s\n' "$all" && exit 0
else
    first=${given:-$(candidates | found | head -n 1 | cut -d' ' -f2-)}
    [ -n "$first" ] && printf '%s\n' "$first" && exit 0
fi
fail "no CPython 3.12 or newer found (on PATH, in pyenv, by uv); install one, or say PYTHON=/path/to/python3"
