#!/usr/bin/env bash
# Holds our VGGish and DeepMoji against independent ones at the published sizes (python3-torch and python3-numpy).
#
#   bench/parity-models.sh [vggish|deepmoji]...     default: both
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- vggish deepmoji
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
for kind; do
  echo "== $kind"
  /usr/bin/python3 tests/golden/make_models.py "$kind" "$work/$kind" --full
  build/tests/parity_models "$kind" "$work/$kind" || status=1
  rm -rf "${work:?}/$kind"
done
exit $status
