#!/bin/sh
# Run the tests of the monitoring layer and of the recorder over native code that is compiled with the
# address and undefined-behaviour sanitizers; any report ends a test with a failure.
#
#   sanitize.sh PYTHON    an interpreter with the test group installed, and its headers
#
# The checkout is copied, so that its own binary stays. CPython itself leaks at exit by design, so
# leaks are not looked for here: tests/monitoring/test_leaks.py counts memory instead.
set -eu
cd "$(dirname "$0")/.."
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R codegen codetracer fuzz generated native spec tests hatch_build.py pyproject.toml "$copy"
cd "$copy"
rm -f generated/codetracer_bindings/*.so

headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
compile() {
    sources=$("$python" -c "import hatch_build; print(*hatch_build.MODULES['codetracer_bindings.$1'])")
    ${CC:-cc} -g -O1 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-cast-function-type \
        -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
        -shared -fPIC -DPy_LIMITED_API=0x030c0000 -Inative -Igenerated/codetracer_bindings \
        -I"$headers" $sources -o "generated/codetracer_bindings/$1.abi3.so"
}
compile _native
compile _engine

LD_PRELOAD=$(${CC:-cc} -print-file-name=libasan.so)
ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
PYTHONMALLOC=malloc
CODETRACER_BACKEND=native
export LD_PRELOAD ASAN_OPTIONS PYTHONMALLOC CODETRACER_BACKEND
# The comparison of both engines runs each of them, so it has the name of none.
# Without the stress tests: greenlets change the stack under the sanitizer, and the rest takes hours.
# The sanitizer itself needs more address space than a program that fills its memory is given, and more
# memory for each object than is counted.
"$python" -m pytest -p no:cacheprovider -p no:xdist -k "(native or test_engines) and not fills_its_memory and not its_own_memory_error and not hundred_bytes" \
    --ignore=tests/monitoring/test_stress.py tests/monitoring tests/inspect \
    tests/capture/test_descriptors.py tests/runtime/test_activation.py tests/runtime/test_known_types.py \
    tests/runtime/test_unseen.py tests/record/test_balance*.py tests/record/test_delta.py \
    tests/record/test_engines.py tests/record/test_files.py tests/record/test_formatters*.py \
    tests/record/test_harmless.py \
    tests/record/test_limits.py tests/record/test_oracle.py tests/record/test_secrets.py \
    tests/record/test_signals.py tests/record/test_suspended.py tests/record/test_unseen.py \
    tests/record/test_values.py tests/fuzz/test_engines.py
