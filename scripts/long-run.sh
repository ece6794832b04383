#!/usr/bin/env bash
# Whether memory and file handles stay flat over a run of many steps (default 10000) of a tiny model.
#
#   scripts/long-run.sh [STEPS]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh $(scripts/packages.sh test)
scripts/set-up.sh build
STEPS=${1:-10000} exec tests/cli/long_run.sh "$PWD/build/emotrain" "$PWD/build/tests/make_corpus" "$PWD/tests"
