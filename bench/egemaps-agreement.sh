#!/usr/bin/env bash
# Holds our eGeMAPS functionals against openSMILE's: correlation over clips and median relative difference of each.
#
#   bench/egemaps-agreement.sh OPENSMILE_CSV FOLDER [EMOTRAIN [RATE]]
#
# OPENSMILE_CSV has a row per clip: its name (without ending) and eGeMAPSv02's 88 functionals under openSMILE's names,
# separated by commas or semicolons; FOLDER holds the recordings; RATE is 16000, another one or native.
# Exits 1 unless every functional correlates by at least 0.99, at least 70 by
# 0.999, and every median difference is below 1 %.
set -euo pipefail
csv=${1:?usage: bench/egemaps-agreement.sh OPENSMILE_CSV FOLDER [EMOTRAIN]}
folder=${2:?usage: bench/egemaps-agreement.sh OPENSMILE_CSV FOLDER [EMOTRAIN]}
emotrain=${3:-$(dirname "$0")/../build/emotrain}
ours=$(mktemp)
trap 'rm -f "$ours"' EXIT
"$emotrain" features egemaps "$folder" --set audio.sample_rate="${4:-16000}" >"$ours" 2>/dev/null
awk -F'[,;]' '
  function bare(name) { gsub(/^.*\//, "", name); gsub(/\047|"/, "", name); sub(/\.(wav|flac|ogg)$/, "", name); return name }
  FNR == 1 && NR == 1 { for (i = 2; i <= NF; i++) theirs_at[$i] = i; next }
  NR == FNR { name = bare($1); for (n in theirs_at) theirs[name, n] = $(theirs_at[n]); clips[name] = 1; next }
  FNR == 1 { for (i = 2; i <= NF; i++) names[i] = $i; columns = NF; next }
  { name = bare($1); if (!(name in clips)) next; used++; for (i = 2; i <= columns; i++) { x[used, i] = theirs[name, names[i]]; y[used, i] = $i } }
  END {
    if (used < 3) { print "only " used + 0 " clips are in both" > "/dev/stderr"; exit 2 }
    for (i = 2; i <= columns; i++) {
      if (!(names[i] in theirs_at)) { print "no column " names[i] > "/dev/stderr"; exit 2 }
      sx = sy = sxx = syy = sxy = 0
      for (c = 1; c <= used; c++) { sx += x[c, i]; sy += y[c, i] }
      for (c = 1; c <= used; c++) {
        a = x[c, i] - sx / used; b = y[c, i] - sy / used; sxx += a * a; syy += b * b; sxy += a * b
        d = y[c, i] - x[c, i]; m = x[c, i] < 0 ? -x[c, i] : x[c, i]; e[c] = (d < 0 ? -d : d) / (m > 1e-9 ? m : 1e-9)
      }
      for (c = 2; c <= used; c++) { v = e[c]; for (k = c - 1; k > 0 && e[k] > v; k--) e[k + 1] = e[k]; e[k + 1] = v }
      median = used % 2 ? e[(used + 1) / 2] : (e[used / 2] + e[used / 2 + 1]) / 2
      r = sxx > 0 && syy > 0 ? sxy / sqrt(sxx * syy) : 1
      printf "%.6f %.2e %s\n", r, median, names[i]
    }
  }' "$csv" "$ours" | sort -n | awk -v FS=' ' '
  { print; high += $1 >= 0.99; higher += $1 >= 0.999; close_by += $2 < 0.01 }
  END {
    printf "correlation at least 0.99: %d of %d, at least 0.999: %d; median difference below 1 %%: %d\n", high, NR, higher, close_by
    exit !(NR == 88 && high == NR && higher >= 70 && close_by == NR)
  }'
