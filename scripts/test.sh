#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.  With --sanitize: built with the address and
# undefined-behaviour sanitizers.  Other arguments go to ctest.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --sanitize ]; then
  shift
  scripts/set-up.sh build-sanitize -DEMOTRAIN_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
  export UBSAN_OPTIONS=print_stacktrace=1
  exec ctest --test-dir build-sanitize --output-on-failure "$@"
fi
scripts/set-up.sh build
exec ctest --test-dir build --output-on-failure "$@"
