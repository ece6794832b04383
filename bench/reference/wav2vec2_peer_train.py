#!/usr/bin/env python3
"""The main job as a Python user would run it, to time the project against.

Fine-tunes torchaudio's wav2vec 2.0 (the same architecture as XLSR, random weights) with a
dense-tanh-out classifier on RAVDESS clips: decode, resample to 16 kHz, normalise, pad each random
batch to its longest clip, forward, backward, clip to norm 1, AdamW, linear decay; feature encoder
frozen; float32.  Same libtorch as the project when both come from Debian's packages.

    bench/reference/wav2vec2_peer_train.py RAVDESS_DIR [--size tiny|base|xlsr] [--batch 2]
        [--accumulate 2] [--steps 4] [--threads N] [--lengths-file F]

Prints one JSON line: seconds for import, data, model; per optimizer step the seconds and clips; and
the median clips per second and padded-audio seconds per second over all steps but the first.
--lengths-file takes one number of 16 kHz samples per line and trains on noise of those lengths in
that order, so that both sides do the very same work.
"""
import time
T0 = time.perf_counter()
import argparse, glob, json, os, random, statistics
import torch, torchaudio
import torch.nn.functional as F
from wav2vec2_reference import SIZES, LABELS, build, pooled
IMPORT = time.perf_counter() - T0
CODE = ["", "neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]


def load(path):
    import soundfile
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    x = torchaudio.functional.resample(torch.from_numpy(x.mean(1)), rate, 16000)
    return (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + 1e-7)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("ravdess")
    ap.add_argument("--size", choices=SIZES, default="xlsr")
    ap.add_argument("--batch", type=int, default=2)
    ap.add_argument("--accumulate", type=int, default=2)
    ap.add_argument("--steps", type=int, default=4)
    ap.add_argument("--threads", type=int)
    ap.add_argument("--lengths-file")
    a = ap.parse_args()
    a.norm = "layer"
    if a.threads: torch.set_num_threads(a.threads)
    random.seed(101), torch.manual_seed(101)

    need, t = a.steps * a.accumulate * a.batch, time.perf_counter()
    if a.lengths_file:
        lengths = [int(l) for l in open(a.lengths_file)][:need]
        clips = [(torch.randn(n), i % len(LABELS)) for i, n in enumerate(lengths)]
    else:
        paths = sorted(glob.glob(os.path.join(a.ravdess, "**", "03-01-*.*"), recursive=True))
        random.shuffle(paths)
        clips = [(load(p), LABELS.index(CODE[int(os.path.basename(p).split("-")[2])])) for p in paths[:need]]
    data, t = time.perf_counter() - t, time.perf_counter()
    net, head = build(a, SIZES[a.size])
    net.train(), head.train()
    for p in net.feature_extractor.parameters(): p.requires_grad = False
    params = [p for p in list(net.parameters()) + list(head.parameters()) if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=1e-4, weight_decay=0.0)
    model = time.perf_counter() - t

    seconds, audio, losses = [], [], []
    for step in range(a.steps):
        t, total = time.perf_counter(), 0
        opt.zero_grad(set_to_none=True)
        for micro in range(a.accumulate):
            rows = clips[(step * a.accumulate + micro) * a.batch:][:a.batch]
            lengths = torch.tensor([len(x) for x, _ in rows])
            x = torch.zeros(len(rows), int(lengths.max()))
            for i, (clip, _) in enumerate(rows): x[i, :len(clip)] = clip
            h, _ = net(x, lengths)
            logits = head["out_proj"](torch.tanh(head["dense"](pooled(h, lengths, "mean"))))
            loss = F.cross_entropy(logits, torch.tensor([l for _, l in rows])) / a.accumulate
            loss.backward()
            total += x.numel() / 16000
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.param_groups[0]["lr"] = 1e-4 * (a.steps - step) / a.steps
        opt.step()
        seconds.append(time.perf_counter() - t), audio.append(total), losses.append(loss.item() * a.accumulate)
    rest = list(zip(seconds, audio))[1:] or list(zip(seconds, audio))
    print(json.dumps({"size": a.size, "threads": torch.get_num_threads(), "batch": a.batch, "accumulate": a.accumulate,
                      "import_s": round(IMPORT, 3), "data_s": round(data, 3), "model_s": round(model, 3),
                      "step_s": [round(s, 3) for s in seconds],
                      "clips_per_s": round(statistics.median(a.batch * a.accumulate / s for s, _ in rest), 4),
                      "audio_s_per_s": round(statistics.median(v / s for s, v in rest), 4), "losses": losses}))


if __name__ == "__main__":
    main()
