#!/usr/bin/env bash
# What a step takes where several processes of this machine train together: seconds, and bytes that each rank sends over
# loopback, for 1, 2 and 4 ranks, by the difference between a short and a longer run.
#
#   scripts/ranks.sh --config FILE [EMOTRAIN_OPTION]...        STEPS=6 RANKS="1 2 4"
set -euo pipefail
emotrain=${EMOTRAIN:-$(realpath "$(dirname "$0")/../build/emotrain")}
steps=${STEPS:-6} ranks=${RANKS:-1 2 4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sent() { awk '/lo:/ { sub(/.*:/, ""); print $9 }' /proc/net/dev; }

# once RANKS STEPS OPTION...: prints "seconds bytes" of a whole run without tests
once() {
  local n=$1 most=$2 started before
  shift 2
  started=$(date +%s.%N) before=$(sent)
  "$emotrain" launch --processes "$n" "$@" --run "r$n-$most" --set run.directory="$work" --set train.max_steps="$most" \
    --set eval.batch_size=16 --set checkpoint.keep=1 >/dev/null 2>"$work/err" || { cat "$work/err" >&2; exit 1; }
  echo "$(date +%s.%N) $started $(sent) $before" | awk '{ print $1 - $2, $3 - $4 }'
  rm -rf "$work/r$n-$most"
}

once 1 1 "$@" >/dev/null # the cache and the index are there from now on
printf '%6s %10s %14s %14s\n' ranks 's/step' 'MB/step, rank' 'against 1'
first=
for n in $ranks; do
  short=$(once "$n" 2 "$@") long=$(once "$n" $((steps + 2)) "$@")
  first=$(echo "$short $long $steps $n ${first:-0}" | awk '{ s = ($3 - $1) / $5; if (!$7) $7 = s
    printf "%6d %10.2f %14.1f %14.2f\n", $6, s, 1e-6 * ($4 - $2) / $5 / $6, $7 / s > "/dev/stderr"; print $7 }')
done
