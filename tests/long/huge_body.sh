#!/bin/bash
# A 10 GB body up and one down through a node whose workers stay below 50 MB. HUGE_BODY_GB replaces the 10.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

export SELVAGE=${SELVAGE:-$PWD/build/selvage}
export SELVAGE_BODY_GB=${HUGE_BODY_GB:-10}
exec /usr/bin/python3 -m pytest -qq -p no:cacheprovider --tb=short tests/e2e/test_80_bodies.py -k huge
