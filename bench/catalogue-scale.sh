#!/usr/bin/env bash
# How long the catalogue takes over lists of many clips: index, index again, split, and a part's list.  No audio is
# needed: --no-decode takes the clips as the list gives them.
#
#   bench/catalogue-scale.sh [ROWS]...     (default: 10000 100000 1000000; EMOTRAIN=build/emotrain)
set -euo pipefail
cd "$(dirname "$0")/.."
emotrain=$(realpath "${EMOTRAIN:-build/emotrain}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir audio

seconds() {
  local start=$EPOCHREALTIME
  "$emotrain" "$@" --no-decode --quiet >result
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%10.2f", b - a }'
}

printf '%10s %10s %10s %10s %10s   seconds\n' rows index again split list
for rows in "${@:-10000 100000 1000000}"; do
  for n in $rows; do
    awk -v n="$n" 'BEGIN {
      split("neutral calm happy sad angry fearful disgust surprised", label, " ")
      print "path,label,speaker"
      for (i = 0; i < n; i++) printf "session%03d/clip%07d.wav,%s,s%04d\n", i % 500, i, label[i % 8 + 1], i % 1000
    }' >"$n.csv"
    printf '[corpus]\nkind = list\nroot = audio\nfile = %s.csv\n[run]\ndatabase = %s.db\n' "$n" "$n" >"$n.ini"
    printf '%10d %s %s %s %s\n' "$n" "$(seconds index --config "$n.ini")" "$(seconds index --config "$n.ini")" \
      "$(seconds split --config "$n.ini")" "$(seconds split --config "$n.ini" --list test)"
    [ "$(wc -l <result)" -eq $((n / 5)) ] || { echo "catalogue-scale: $(wc -l <result) of $n clips in the test part" >&2; exit 1; }
  done
done
