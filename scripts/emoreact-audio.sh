#!/usr/bin/env bash
# Takes the sound out of EmoReact's videos: ROOT/Data/Train/NAME.mp4 to ROOT/Audio/Train/NAME.wav, and likewise Validation
# and Test.  What is there already stays.  Needs ffmpeg.
#
#   scripts/emoreact-audio.sh ROOT
set -euo pipefail
root=${1:?usage: scripts/emoreact-audio.sh ROOT}
command -v ffmpeg >/dev/null || { echo "emoreact-audio: ffmpeg is missing: apt-get install ffmpeg" >&2; exit 1; }
count=0 failed=0
for part in Train Validation Test; do
  [ -d "$root/Data/$part" ] || { echo "emoreact-audio: no folder $root/Data/$part" >&2; exit 1; }
  mkdir -p "$root/Audio/$part"
  for video in "$root/Data/$part"/*.mp4; do
    [ -e "$video" ] || continue
    sound="$root/Audio/$part/$(basename "$video" .mp4).wav"
    [ -e "$sound" ] && continue
    # under another name first: an interrupted run leaves no half file
    if ffmpeg -nostdin -v error -y -i "$video" -vn -ac 1 -ar 16000 -c:a pcm_s16le -f wav "$sound.part"; then
      mv "$sound.part" "$sound"
      count=$((count + 1))
    else
      rm -f "$sound.part"
      echo "emoreact-audio: no sound in $video" >&2
      failed=$((failed + 1))
    fi
  done
done
echo "emoreact-audio: $count sounds written, $failed failed" >&2
[ "$failed" = 0 ]
