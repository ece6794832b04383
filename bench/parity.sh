#!/usr/bin/env bash
# Holds our wav2vec 2.0 against an independent one (torchaudio's, from Debian's python3-torchaudio) at real
# shapes: features, every hidden state, logits, gradient norms.
#
#   bench/parity.sh [SIZE NORM]...     default: tiny, base and xlsr, layer and group
#
# The independent one is bench/reference/wav2vec2_reference.py.  Needs 12 GiB for xlsr.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- tiny layer tiny group base layer base group xlsr layer xlsr group
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
status=0
while [ $# -gt 1 ]; do
  echo "== $1, $2 norm"
  steps=2 quick=--quick
  [ "$1" = tiny ] && steps=10 quick=
  /usr/bin/python3 bench/reference/wav2vec2_reference.py "$work/model" --size "$1" --norm "$2" --steps $steps --batch 2 >/dev/null
  build/tests/parity "$work/model" $quick || status=1
  rm -rf "$work/model"
  shift 2
done
exit $status
