#!/bin/bash
# The soak under ASan and UBSan, whose words end it: SOAK_MINUTES (30), or the minutes named as argument.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

export SELVAGE=$PWD/build-asan/selvage SELVAGE_SANITIZED=1
export ASAN_OPTIONS=${ASAN_OPTIONS:-halt_on_error=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}
exec tests/long/soak.py "${1:-${SOAK_MINUTES:-30}}"
