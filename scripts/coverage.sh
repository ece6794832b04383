#!/usr/bin/env bash
# Which lines and branches the tests run, by folder; the page build-coverage/coverage.html shows each file.  Arguments go to
# ctest.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh gcovr
scripts/set-up.sh build-coverage -DEMOTRAIN_COVERAGE=ON -DCMAKE_BUILD_TYPE=Debug
find build-coverage -name '*.gcda' -delete
ctest --test-dir build-coverage -j"$(nproc)" "$@" >&2 || echo "coverage: some tests failed: the figures are of what ran" >&2
gcovr --root . --object-directory build-coverage --json build-coverage/coverage.json --exclude-unreachable-branches
printf '%-10s %8s %9s\n' folder lines branches
for folder in base store audio corpus report model train torch cli; do
  gcovr --root . -a build-coverage/coverage.json --filter "src/$folder/" --json-summary - |
    awk -F'[:,]' -v f=$folder '/"branch_percent"/ { b = $2 } /"line_percent"/ { l = $2 } END { printf "%-10s %7.1f%% %8.1f%%\n", f, l, b }'
done
gcovr --root . -a build-coverage/coverage.json --filter src/ --html-details build-coverage/coverage.html >/dev/null
