#!/bin/sh
# Runs every fuzz_* binary of the clang build: tests/fuzz/run.sh SECONDS [JOBS]
# Seeds are made from the published vectors and taken from tests/fuzz/corpus/<name> where that exists; what is found on the way
# stays in build/clang/corpus. Exit 1 when one crashes; the input is then kept as build/clang/fuzz-<name>-*.
set -u
seconds=${1:?"usage: run.sh SECONDS [JOBS]"}
jobs=${2:-1}
root=$(cd "$(dirname "$0")/../.." && pwd)
bin="$root/build/clang/bin"

# One fuzzer; called through xargs below.
if [ "${3:-}" = "--one" ]; then
    name=$(basename "$4")
    grown="$root/build/clang/corpus/$name"
    mkdir -p "$grown"
    set -- "$1" "$2" "$3" "$4" "$grown"
    for seeds in "$root/build/clang/seeds/$name" "$root/tests/fuzz/corpus/$name"; do
        if [ -d "$seeds" ]; then set -- "$@" "$seeds"; fi
    done
    log="$root/build/clang/$name.log"
    binary=$4
    shift 4
    if "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
            -artifact_prefix="$root/build/clang/fuzz-$name-" "$@" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "ok    $name  $runs inputs"
        exit 0
    fi
    echo "CRASH $name, see $log"
    tail -n 30 "$log"
    exit 1
fi

found=$(find "$bin" -maxdepth 1 -name 'fuzz_*' -type f 2>/dev/null | sort)
if [ -z "$found" ]; then
    echo "no fuzzer in $bin: cmake --preset clang && cmake --build build/clang --target fuzzers" >&2
    exit 2
fi
/usr/bin/python3 "$root/tests/fuzz/seeds.py" "$root/build/clang/seeds" || exit 2
echo "$found" | xargs -P "$jobs" -n 1 "$0" "$seconds" "$jobs" --one || exit 1
