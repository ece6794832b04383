#!/usr/bin/env bash
# Our functionals against openSMILE's, where its numbers are at hand.
. "$(dirname "$0")/lib.sh" "$@"
golden=$tests/../../shared/golden/egemaps
[ -d "$golden" ] || skip "no openSMILE numbers beside the project (shared/golden/egemaps)"
"$tests/../scripts/egemaps-agreement.sh" "$golden/egemaps_v02_subset.csv" "$golden/flac16" "$emotrain" >out || { cat out; fail "too far from openSMILE"; }
tail -3 out
