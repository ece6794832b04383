#!/usr/bin/env bash
# Makes tests/golden/sounds/: a tone of 440 Hz, 0.6 s, as files that libsndfile does not read, or not rightly (ffmpeg).
set -euo pipefail
cd "$(dirname "$0")/sounds"
tone=(-f lavfi -i "sine=frequency=440:sample_rate=16000:duration=0.6" -bitexact)
make() { ffmpeg -v error -y "${tone[@]}" "$@"; }
make -c:a aac -b:a 24k tone.m4a
make -c:a aac -b:a 24k tone.aac
make -c:a libopus -b:a 16k tone.webm
make -c:a wmav2 -b:a 24k tone.wma
make -c:a libmp3lame -b:a 32k -write_xing 0 tone.mp3
make -f lavfi -i "color=size=16x16:rate=5:duration=0.6" -map 1:v -map 0:a -c:v mpeg4 -c:a aac -b:a 24k tone.mp4
# 2 s of which the first half takes far fewer bits: without a Xing header its length can only be counted.
ffmpeg -v error -y -f lavfi -i "aevalsrc=if(lt(t\,1)\,0.01*sin(2*PI*440*t)\,0.3*sin(2*PI*440*t)+0.2*(random(0)-0.5)):d=2:s=16000" \
  -bitexact -c:a libmp3lame -q:a 5 -write_xing 0 vbr.mp3
