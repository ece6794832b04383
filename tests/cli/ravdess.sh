#!/usr/bin/env bash
# The real corpus, where it is at hand: EMOTRAIN_RAVDESS, datasets/ravdess or ../shared/ravdess.
. "$(dirname "$0")/lib.sh" "$@"
for folder in "${EMOTRAIN_RAVDESS:-}" "$tests/../datasets/ravdess" "$tests/../../shared/ravdess"; do
  [ -n "$folder" ] && [ -d "$folder/Actor_01" ] && break
  folder=
done
[ -n "$folder" ] || skip "RAVDESS is not here (set EMOTRAIN_RAVDESS to its folder)"
folder=$(realpath "$folder")
common=(--set audio.resampler=linear --config "$tests/../configs/ravdess.ini")

expect 0 "1440 clips, 5328.96 s of audio, 5 of several channels downmixed" \
  "$emotrain" index "${common[@]}" --set corpus.root="$folder"
expect 0 "1440 files, 0 opened this time" "$emotrain" index "${common[@]}" --set corpus.root="$folder"
for part in train test; do
  "$emotrain" split "${common[@]}" --set corpus.root="$folder" --list $part >$part.txt 2>err || fail "$(cat err)"
  cmp $part.txt "$tests/golden/ravdess_split_101_$part.txt" || fail "another $part part than scikit-learn's"
done

# The widely used re-upload holds every clip twice.
mkdir twice
ln -s "$folder" twice/audio_speech_actors_01-24
ln -s "$folder"/Actor_* twice/
expect 0 "1440 clips, 5328.96 s" "$emotrain" index "${common[@]}" --set corpus.root=twice
grep -q "2880 files, .*1440 copies of other clips left out" out || fail "$(cat out)"
