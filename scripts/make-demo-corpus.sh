#!/usr/bin/env bash
# Makes the demo corpus: 480 clips spoken by espeak-ng, named as RAVDESS names its clips.
#
#   scripts/make-demo-corpus.sh [FOLDER]        default: datasets/demo
#
# 8 voices ("actors"), 8 emotions as pitch, pitch range, speed and loudness, two statements, two repetitions,
# two intensities (neutral has one).  The voices are synthetic: the corpus shows that the program works, and
# nothing about people.
set -euo pipefail
folder=$(realpath -m "${1:-$(dirname "$0")/../datasets/demo}") # as the caller sees it
[ -z "$(ls -A "$folder" 2>/dev/null)" ] || { echo "make-demo-corpus: $folder is there already, and not empty" >&2; exit 2; }
cd "$(dirname "$0")/.."
command -v espeak-ng >/dev/null || { echo "make-demo-corpus: espeak-ng is missing: apt-get install espeak-ng" >&2; exit 1; }

voices=(en-us+m1 en-us+f1 en-us+m3 en-us+f3 en-gb-scotland+m2 en-gb-scotland+f2 en-gb-x-rp+m7 en-gb-x-rp+f4)
# A voice that this espeak-ng does not know is spoken by another in its place: then there would be fewer than eight.
distinct=$(for voice in "${voices[@]}"; do espeak-ng -v "$voice" --stdout "Kids" | md5sum; done | sort -u | wc -l)
[ "$distinct" = ${#voices[@]} ] || { echo "make-demo-corpus: this espeak-ng has only $distinct of the ${#voices[@]} voices wanted" >&2; exit 1; }

statements=("Kids are talking by the door" "Dogs are sitting by the door")
# per emotion: pitch (0-99), pitch range (percent), words per minute, amplitude (0-200)
prosody=("" "50 60 165 90" "42 45 135 70" "68 160 190 120" "28 40 115 60"
         "40 170 205 180" "85 130 225 105" "22 110 140 125" "92 200 175 135")

# Made beside its place and moved there when it is whole, so that an interrupted run leaves no half corpus.
made=$folder.making
rm -rf "$made"
mkdir -p "$made"
jobs=$(mktemp)
trap 'rm -f "$jobs"' EXIT

for actor in 1 2 3 4 5 6 7 8; do
  dir=$(printf '%s/Actor_%02d' "$made" "$actor")
  mkdir -p "$dir"
  for emotion in 1 2 3 4 5 6 7 8; do
    read -r pitch range speed amplitude <<<"${prosody[emotion]}"
    for intensity in 1 2; do
      [ "$emotion$intensity" = 12 ] && continue
      for statement in 1 2; do
        for repetition in 1 2; do
          # Intensity carries the prosody further from neutral; repetitions and actors vary a little.
          p=$((50 + (pitch - 50) * (4 + intensity) / 5 + 3 * repetition - actor % 3))
          s=$((165 + (speed - 165) * (4 + intensity) / 5 + 5 * repetition - 2 * (actor % 4)))
          r=$((range + 10 * repetition - 5 * (actor % 3)))
          p=$((p < 0 ? 0 : p > 99 ? 99 : p))
          name=$(printf '03-01-%02d-%02d-%02d-%02d-%02d.wav' "$emotion" "$intensity" "$statement" "$repetition" "$actor")
          printf '%s\0%s\0%s\0%s\0%s\0%s\0' "${voices[actor - 1]}" "$p" "$s" "$amplitude" "$dir/$name" \
            "<speak><prosody range=\"$r%\">${statements[statement - 1]}</prosody></speak>" >>"$jobs"
        done
      done
    done
  done
done
xargs -0 -n 6 -P "$(nproc)" sh -c 'espeak-ng -m -v "$1" -p "$2" -s "$3" -a "$4" -w "$5" "$6"' speak <"$jobs"
mkdir -p "$folder"
mv -T "$made" "$folder"
echo "$folder: $(find "$folder" -name '*.wav' | wc -l) clips" >&2
