#!/usr/bin/env bash
# Our functionals of 24 RAVDESS clips against openSMILE's (tests/golden/egemaps_ravdess.csv), where the corpus is at hand.
. "$(dirname "$0")/lib.sh" "$@"
[ -n "${EMOTRAIN_RAVDESS:-}" ] || skip "RAVDESS is not here (set EMOTRAIN_RAVDESS to its folder, as an absolute path)"
golden=$tests/golden/egemaps_ravdess.csv
mkdir clips
for name in $(tail -n +2 "$golden" | cut -d, -f1); do
  clip=$(find -L "$EMOTRAIN_RAVDESS" -name "$name.*" | sort | head -1)
  [ -n "$clip" ] || fail "EMOTRAIN_RAVDESS=$EMOTRAIN_RAVDESS: no clip $name"
  ln -s "$clip" clips/
done
for rate in 16000 native; do
  [ $rate = native ] && golden=${golden%.csv}_native.csv
  "$tests/../bench/egemaps-agreement.sh" "$golden" clips "$emotrain" $rate >out || { cat out; fail "too far from openSMILE"; }
  grep -q "^correlation" out || fail "nothing was compared: $(cat out)"
  tail -1 out
done
