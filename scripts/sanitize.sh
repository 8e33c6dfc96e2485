#!/bin/sh
# Run the tests of the monitoring layer and of the recorder over native code that is compiled with the
# address and undefined-behaviour sanitizers; any report ends a test with a failure.
#
#   sanitize.sh PYTHON    an interpreter with the test group installed, and its headers
#
# The checkout is copied, so that its own binary stays. CPython itself leaks at exit by design, so the tests
# look for no leaks. At the end, 1,000 recordings in one process must leak no more than 10.
set -eu
cd "$(dirname "$0")/.."
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R codegen codetracer fuzz generated native spec tests hatch_build.py pyproject.toml "$copy"
cd "$copy"
rm -f generated/codetracer_bindings/*.so

headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
folders=$("$python" -c "import hatch_build; print(*(f'-Inative/{name}' for name in hatch_build.FOLDERS))")
compile() {
    sources=$("$python" -c "import hatch_build as h; print(*h.sources_of(h.Path(), h.MODULES['codetracer_bindings.$1']))")
    ${CC:-cc} -g -O1 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-cast-function-type \
        -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
        -shared -fPIC -DPy_LIMITED_API=0x030c0000 $folders -Igenerated/codetracer_bindings \
        -I"$headers" $sources -o "generated/codetracer_bindings/$1.abi3.so"
}
compile _native
compile _engine
compile _decoder
compile _indexer

LD_PRELOAD=$(${CC:-cc} -print-file-name=libasan.so)
ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
PYTHONMALLOC=malloc
CODETRACER_BACKEND=native
export LD_PRELOAD ASAN_OPTIONS PYTHONMALLOC CODETRACER_BACKEND
# Every test of these folders runs, but for those of the engine in Python alone ("python" and "without C"
# are the names of parameters) and those that the sanitizer itself changes:
# - It needs more address space than a program that fills its memory is given, and more memory for each
#   object than is counted.
# - It catches a segmentation fault of the program's, and greenlets change the stack under it.
# - Signals that interrupt every few calls of a start take it longer than a process is given.
# - Installing compiles the code again, without it. Tracers that fail (tests/monitoring/test_stress.py) take hours.
"$python" -m pytest -p no:cacheprovider -n auto -k "not [python and not -python and not [without" \
    --deselect=tests/monitoring/test_whose.py::test_a_program_that_catches_its_own_memory_error_goes_on_traced \
    --deselect=tests/record/test_deprived.py::test_a_program_that_fills_its_memory_and_recovers_goes_on \
    --deselect=tests/record/test_signals.py::test_a_program_that_fills_its_memory_and_recovers_goes_on_recorded \
    --deselect=tests/record/test_shortage.py::test_made_up_code_whose_lines_are_far_apart_takes_no_memory_for_those_between \
    --deselect=tests/record/test_suspended.py::test_recording_keeps_less_than_a_hundred_bytes_of_each \
    --deselect=tests/runtime/test_lifecycle.py::test_300_000_events_take_no_more_memory_than_a_thousand_and_are_all_there \
    --deselect="tests/record/test_killed.py::test_the_last_line_before_a_sudden_end_is_recorded_with_all_before_it[native-a segmentation fault]" \
    --deselect="tests/record/test_stress.py::test_a_harsh_program_does_recorded_what_it_does_unrecorded[native-memory]" \
    --deselect="tests/record/test_stress.py::test_a_harsh_program_does_recorded_what_it_does_unrecorded[native-greenlets]" \
    --deselect="tests/session/test_interrupted.py::test_what_a_signal_handler_interrupts_is_done_whole_or_not_at_all[native-start-13]" \
    --ignore=tests/monitoring/test_stress.py --ignore=tests/record/test_installed.py \
    tests/monitoring tests/inspecting tests/capture tests/recording tests/runtime tests/record tests/session \
    tests/fuzz/test_engines.py tests/bindings/test_trace_codec.py

# leaked N: print what the sanitizer says at the end of N recordings; fails unless all were made in C.
leaked() {
    ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=8 PYTHONPATH="$copy:$copy/generated" \
        "$python" -m tests.support.many_recordings "$1" "$copy/recording" >"$copy/made" 2>"$copy/leaks" || true
    if [ "$(cat "$copy/made")" != "$1 recordings by $copy/generated/codetracer_bindings/_engine.abi3.so" ]; then
        cat "$copy/made" "$copy/leaks" >&2
        return 1
    fi
    grep '^SUMMARY: ' "$copy/leaks" || echo "no leak"
}
few=$(leaked 10)
many=$(leaked 1000)
echo "10 recordings: $few"
echo "1,000 recordings: $many"
[ "$few" = "$many" ]
