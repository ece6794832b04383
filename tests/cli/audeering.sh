#!/usr/bin/env bash
# audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim gives the numbers that its authors published: for a second of zeros
# (its model card), and for 16000 standard normal samples of NumPy's seed 0.
. "$(dirname "$0")/lib.sh" "$@"
[ "${EMOTRAIN_AUDEERING:-}" ] || skip "EMOTRAIN_AUDEERING names no folder of that model"
command -v python3 >/dev/null && python3 -c 'import numpy' 2>/dev/null || skip "no NumPy for its samples"
python3 - <<'PYTHON'
import struct, numpy
numpy.random.seed(0)
for name, samples in (("zeros", numpy.zeros(16000)), ("normal", numpy.random.normal(size=16000))):
    data = samples.astype("<f4").tobytes()
    with open(name + ".wav", "wb") as file:  # float samples, which need not lie within 1
        file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, 16000, 64000, 4, 32) +
                   b"data" + struct.pack("<I", len(data)) + data)
PYTHON
"$emotrain" predict "$EMOTRAIN_AUDEERING" zeros.wav normal.wav --format csv --set run.precision=float32 >out 2>err || fail "$(cat err)"
check() { # FILE AROUSAL DOMINANCE VALENCE
  awk -F, -v name="$1" -v a="$2" -v d="$3" -v v="$4" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    function far(x, y) { return (x - y) ^ 2 > 1e-6 }
    index($1, name) { seen = 1; bad = far($column["arousal"], a) || far($column["dominance"], d) || far($column["valence"], v) }
    END { exit !seen || bad }' out || fail "$1: $(cat out)"
}
check zeros.wav 0.5460754 0.6062266 0.40431657
check normal.wav 0.6563 0.6308 0.4762
