#!/bin/bash
# The long campaigns on one set of programs. usage: soak.sh --bin DIR [--minutes N]
set -uo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
bin="" minutes=30
while [ $# -gt 0 ]; do
    case $1 in
    --bin) bin=$(readlink -f "${2:?--bin wants a folder}") && shift 2 ;;
    --minutes) minutes=${2:?--minutes wants a number} && shift 2 ;;
    *) echo "soak.sh: unknown option '$1' (--bin DIR --minutes N)" >&2; exit 2 ;;
    esac
done
[ -x "$bin/streetlightd" ] || { echo "soak.sh: no streetlightd in '$bin'" >&2; exit 2; }
export SL_BIN_DIR=$bin PYTHONPATH=$here/../support PYTHONDONTWRITEBYTECODE=1

failed=0
campaign() { # name, command...
    local name=$1 started=$SECONDS log status
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1
    status=$?
    if [ "$status" -eq 0 ]; then
        echo "soak: $name: ok after $((SECONDS - started)) s"
        grep -h ' missing$' "$log" | tail -1
    else
        echo "soak: $name: FAILED after $((SECONDS - started)) s"
        tail -n 200 "$log"
        failed=1
    fi
    rm -f "$log"
}

repeat() { # seconds, command...: again and again until they have passed or it fails
    local end=$((SECONDS + $1)) rounds=0
    shift
    while [ "$SECONDS" -lt "$end" ]; do
        "$@" || return 1
        rounds=$((rounds + 1))
    done
    echo "$rounds rounds, 0 missing"
}

campaign "kill -9 under load" env SL_KILLS=100 SL_KILL_SECONDS=$((minutes * 60)) /usr/bin/python3 "$here/kill_test.py"
campaign "broker away" repeat $((minutes * 60)) /usr/bin/python3 "$here/outage_test.py"
campaign "noise on the bus" repeat $((minutes * 60)) /usr/bin/python3 "$here/bus_test.py"
exit "$failed"
