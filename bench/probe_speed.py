#!/usr/bin/env python3
"""A linear classifier on one layer (configs/probe.ini without its other settings: all layers of all clips, EmoBox's six folds, layer
and C chosen inside each training part) by emotrain and by transformers with scikit-learn, one after the other on this machine; their
seconds, their UAR and the ratio.

    bench/probe_speed.py MODEL RAVDESS [--pad] [--emotrain build/emotrain]

MODEL is a Whisper model directory, RAVDESS the recordings.  Both read and resample the recordings anew.  Without --pad clips stay as
long as they are on both sides, which transformers' WhisperEncoder refuses: its layers are called one by one.  With --pad both lengthen
clips to 30 s, as WhisperFeatureExtractor does by default.  Needs torch, transformers, scikit-learn, scipy, soundfile."""
import argparse, os, re, subprocess, sys, tempfile, time

import numpy, soundfile, torch, transformers
from scipy.signal import resample_poly
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = ["01 11 20 21", "04 10 12 14", "08 09 19 23", "03 05 07 24", "02 15 16 18", "06 13 17 22"]
COSTS = [1e-4, 1e-3, 1e-2, 1e-1, 1]

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("model")
ap.add_argument("ravdess")
ap.add_argument("--pad", action="store_true")
ap.add_argument("--emotrain", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "emotrain"))
ap.add_argument("--clips", type=int, help="of the peer's features, the first so many alone, and no fits: to see its rate")
a = ap.parse_args()


def emotrain():
    with tempfile.TemporaryDirectory() as scratch:
        started = time.time()
        sets = {"corpus.root": a.ravdess, "model.pretrained": a.model, "run.directory": scratch,
                "run.database": scratch + "/catalogue.db", "run.precision": "float32",
                "linear.pooling": "mean", "linear.combine": "none", "linear.wccn": "no",
                "model.context_seconds": "30" if a.pad else "0"}
        command = [a.emotrain, "--config", os.path.join(os.path.dirname(__file__), "..", "configs", "probe.ini"), "--folds", "all"]
        for name, value in sets.items():
            command += ["--set", f"{name}={value}"]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return time.time() - started, float(re.search(r"^UAR +(\S+)", out, re.M)[1])


def states_of(encoder, features, frames):
    """Means over a clip's own frames of all hidden states, as WhisperEncoder computes them."""
    x = torch.nn.functional.gelu(encoder.conv1(features))
    x = torch.nn.functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
    x = x + encoder.embed_positions.weight[: x.shape[1]]
    means = [x[0, :frames].mean(0)]
    for i, layer in enumerate(encoder.layers):
        x = layer(x, None)
        x = x[0] if isinstance(x, tuple) else x
        y = encoder.layer_norm(x) if i + 1 == len(encoder.layers) else x
        means.append(y[0, :frames].mean(0))
    return torch.stack(means).numpy()


def peer_features(paths):
    extractor = transformers.AutoFeatureExtractor.from_pretrained(a.model)
    encoder = transformers.WhisperModel.from_pretrained(a.model, attn_implementation="sdpa").encoder.float().eval()
    rows = []
    with torch.inference_mode():
        for path in paths:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            samples = resample_poly(samples.mean(1), 16000, rate)
            frames = (len(samples) // 160 + 1) // 2
            inputs = extractor(samples, sampling_rate=16000, return_tensors="pt", padding="max_length" if a.pad else True)
            rows.append(states_of(encoder, inputs.input_features, max(1, frames)))
    return numpy.stack(rows).astype(float)


def peer():
    started = time.time()
    paths = sorted(os.path.join(folder, n) for folder, _, names in os.walk(a.ravdess) for n in names if n.startswith("03-01-"))
    x = peer_features(paths[: a.clips])
    features = time.time() - started
    if a.clips:
        sys.exit(f"{a.clips / features:.2f} clips/s")
    y = numpy.array([os.path.basename(p).split("-")[2] for p in paths])
    speakers = numpy.array([os.path.basename(p).split("-")[6][:2] for p in paths])
    predicted = numpy.empty_like(y)
    for fold in FOLDS:
        test = numpy.isin(speakers, fold.split())
        best = None
        for layer in range(x.shape[1]):
            search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
                                  {"logisticregression__C": COSTS}, scoring="recall_macro", cv=GroupKFold(5), n_jobs=-1)
            search.fit(x[~test, layer], y[~test], groups=speakers[~test])
            if best is None or search.best_score_ > best[0]:
                best = search.best_score_, layer, search
        predicted[test] = best[2].predict(x[test, best[1]])
    return time.time() - started, features, recall_score(y, predicted, average="macro")


seconds, uar = emotrain()
print(f"emotrain: {seconds:.0f} s, UAR {uar:.3f}", flush=True)
theirs, features, their_uar = peer()
print(f"transformers {transformers.__version__} on torch {torch.__version__}, scikit-learn: {theirs:.0f} s (features {features:.0f} s), "
      f"UAR {their_uar:.3f}; {theirs / seconds:.2f} times emotrain's")
