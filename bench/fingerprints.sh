#!/usr/bin/env bash
# How many copies of recordings are known again: every 24th clip of a corpus in other formats, at other rates and levels, with
# silence before and after it; each kind is indexed beside the whole corpus.  Needs ffmpeg.
#
#   bench/fingerprints.sh [FOLDER]     (default: datasets/ravdess; EMOTRAIN=build/emotrain)
set -euo pipefail
cd "$(dirname "$0")/.."
emotrain=$(realpath "${EMOTRAIN:-build/emotrain}") corpus=$(realpath "${1:-datasets/ravdess}")
config=$(realpath configs/svm.ini) folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
find -L "$corpus" -name '*.flac' -o -name '*.wav' | sort >clips
mkdir -p all/whole
while read -r clip; do ln -s "$clip" all/whole/; done <clips

# The number of clips that sound like another one.
count() {
  "$emotrain" index --config "$config" --set corpus.kind=folders --set corpus.root=all --set run.database=e.db --format json 2>/dev/null |
    awk '/"same_sound"/ { found = 1 } found && /"clips"/ { gsub(/[^0-9]/, ""); print; exit }'
}
own=$(count)
printf '%-34s %8s %8s\n' "copies ($own of the corpus' own)" made found
try() { # NAME ENDING FFMPEG_OPTION...
  local name=$1 ending=$2
  shift 2
  mkdir -p all/copies
  awk 'NR % 24 == 1' clips | while read -r clip; do
    ffmpeg -nostdin -v error -y -i "$clip" "$@" "all/copies/$(basename "${clip%.*}")$ending"
  done
  printf '%-34s %8d %8d\n' "$name" "$(ls all/copies | wc -l)" $(($(count) - own))
  rm -r all/copies
}
try "16 kHz" .flac -ar 16000
try "22.05 kHz" .wav -ar 22050
try "8 kHz" .wav -ar 8000
try "8 kHz, mu-law" .wav -ar 8000 -c:a pcm_mulaw
try "MP3, 64 kbit/s" .mp3 -b:a 64k
try "16 kHz, MP3, 32 kbit/s" .mp3 -ar 16000 -b:a 32k
try "AAC, 48 kbit/s" .m4a -b:a 48k
try "Opus, 24 kbit/s" .ogg -c:a libopus -b:a 24k
try "14 dB softer" .wav -af volume=-14dB
try "0.5 s and 0.7 s of silence" .wav -af "adelay=500,apad=pad_dur=0.7"
try "silence below -45 dB cut off" .wav -af "silenceremove=start_periods=1:start_threshold=-45dB"
