#!/bin/sh
# Run the tests of the monitoring layer and of the recorder over native code that is compiled with the
# address and undefined-behaviour sanitizers; any report ends a test with a failure.
#
#   sanitize.sh PYTHON    an interpreter with the test group installed, and its headers
#
# The checkout is copied, so that its own binary stays. CPython itself leaks at exit by design, so
# leaks are not looked for here: tests/test_monitoring_leaks.py counts memory instead.
set -eu
cd "$(dirname "$0")/.."
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R codegen codetracer generated native spec tests hatch_build.py pyproject.toml "$copy"
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
# Without the stress tests: greenlets change the stack under the sanitizer, and the rest takes hours.
# The sanitizer itself needs more address space than a program that fills its memory is given, and more
# memory for each object than is counted.
"$python" -m pytest -p no:cacheprovider -p no:xdist -k "native and not fills_its_memory and not its_own_memory_error and not hundred_bytes" \
    $(ls tests/test_monitoring_*.py | grep -v stress) \
    tests/test_record_activation.py tests/test_record_balance.py tests/test_record_delta.py \
    tests/test_record_engines.py tests/test_record_harmless.py tests/test_record_oracle.py \
    tests/test_record_values.py tests/test_record_unseen.py tests/test_record_limits.py tests/test_record_suspended.py \
    tests/test_record_files.py tests/test_record_signals.py tests/test_runtime_io_descriptors.py \
    tests/test_runtime_unseen.py tests/test_known_types.py tests/test_record_secrets.py
