#!/usr/bin/env bash
# Which lines and branches the tests run, by folder; the page build-coverage/coverage.html shows each file.  Arguments go to
# ctest.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh $(scripts/packages.sh coverage)
scripts/set-up.sh build-coverage -DEMOTRAIN_COVERAGE=ON -DCMAKE_BUILD_TYPE=Debug
export STRIDE=${STRIDE:-3} # of tests/cli/faults.sh: what is done about failing calls is much of what else does not run
find build-coverage -name '*.gcda' -delete
ctest --test-dir build-coverage -j"$(nproc)" "$@" >&2 || echo "coverage: some tests failed: the figures are of what ran" >&2
gcovr --root . --object-directory build-coverage --json build-coverage/coverage.json --exclude-unreachable-branches
printf '%-10s %8s %9s\n' folder lines branches
gcovr --root . -a build-coverage/coverage.json --filter src/ --csv - | awk -F, '
  NR > 1 { split($1, path, "/"); f = path[2]; lines[f] += $2; ran[f] += $3; branches[f] += $5; taken[f] += $6 }
  END { for (f in lines) printf "%-10s %7.1f%% %8.1f%%\n", f, 100 * ran[f] / lines[f], branches[f] ? 100 * taken[f] / branches[f] : 100 }' | sort
gcovr --root . -a build-coverage/coverage.json --filter src/ --html-details build-coverage/coverage.html >/dev/null
