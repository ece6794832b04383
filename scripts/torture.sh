#!/usr/bin/env bash
# Kills the main job, a sweep and an index KILLS times each (default 200) at random moments, and lets the main job lose
# power as often; what is there in the end must equal what an undisturbed one makes, bit for bit.  The tests do the same a
# few times.
#
#   scripts/torture.sh [KILLS]     (SEED=N repeats the moments as far as a machine can)
set -euo pipefail
cd "$(dirname "$0")/.."
export KILLS=${1:-200}
scripts/install.sh $(scripts/packages.sh test)
scripts/set-up.sh build
for name in torture resume; do
  "tests/cli/$name.sh" "$PWD/build/emotrain" "$PWD/build/tests/make_corpus" "$PWD/tests"
done
