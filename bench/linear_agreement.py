#!/usr/bin/env python3
"""A run of configs/probe.ini against scikit-learn on the same features and folds: chosen layer and C, coefficients, predictions.

    bench/linear_agreement.py RUN --parts PARTS.csv --corpus FOLDER --cache FOLDER

RUN is a run folder with linear.combine=none, linear.C=auto, split.protocol=predefined and split.file=PARTS.csv (columns path and part);
FOLDER its corpus.root, a RAVDESS, and its audio.cache, with the layers of one encoder.  scikit-learn standardises and fits each fold's
training clips by itself; a choice is the highest recall over all clips held out.  Needs numpy, scikit-learn and safetensors."""
import argparse, csv, glob, hashlib, os, struct

import numpy
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EMOTIONS = "neutral calm happy sad angry fearful disgust surprised".split()
FOLDS, COSTS = 5, (1e-4, 1e-3, 1e-2, 1e-1, 1)

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("run")
ap.add_argument("--parts", required=True)
ap.add_argument("--corpus", required=True)
ap.add_argument("--cache", required=True)
a = ap.parse_args()


def layers_of(path):
    """(states, width) of a clip, from its entry in the cache."""
    digest = hashlib.sha256(open(os.path.join(a.corpus, path), "rb").read()).hexdigest()
    data = open(glob.glob(os.path.join(a.cache, digest[:2], digest + "*.layers"))[0], "rb").read()
    states, width = struct.unpack("<II", data[12:20])
    return numpy.frombuffer(data[20:], "<f4").reshape(states, width).astype(float)


def folds_of(speakers):
    """The largest speaker first, each to the fold with the fewest clips."""
    names, sizes = numpy.unique(speakers, return_counts=True)
    loads, fold = [0] * FOLDS, {}
    for i in sorted(range(len(names)), key=lambda i: -sizes[i]):
        fold[names[i]] = int(numpy.argmin(loads))
        loads[fold[names[i]]] += sizes[i]
    return numpy.array([fold[s] for s in speakers])


def classifier(C, tolerance):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=100000, tol=tolerance))


rows = list(csv.DictReader(open(a.parts)))
x = numpy.array([layers_of(r["path"]) for r in rows])
y = numpy.array([EMOTIONS[int(os.path.basename(r["path"]).split("-")[2]) - 1] for r in rows])
speakers = numpy.array([r["path"].rsplit("-", 1)[1].split(".")[0] for r in rows])
train = numpy.array([r["part"] == "train" for r in rows])
folds, best = folds_of(speakers[train]), None
for layer in range(x.shape[1]):
    for C in COSTS:
        held = numpy.empty(train.sum(), dtype=y.dtype)
        for f in range(FOLDS):
            fitted = classifier(C, 1e-7).fit(x[train][folds != f, layer], y[train][folds != f])
            held[folds == f] = fitted.predict(x[train][folds == f, layer])
        score = recall_score(y[train], held, average="macro")
        if best is None or score > best[0] + 1e-12:
            best = score, layer, C
ours = max(csv.DictReader(open(os.path.join(a.run, "candidates.csv"))), key=lambda r: float(r["score"]))
print(f"scikit-learn: layer {best[1]}, C {best[2]:g}, {best[0]:.6f}; emotrain: layer {ours['layer']}, C {ours['C']}, {ours['score']}")
fitted = classifier(best[2], 1e-10).fit(x[train][:, best[1]], y[train])
probabilities = fitted.predict_proba(x[~train][:, best[1]])
predictions = {r["path"]: r for r in csv.DictReader(open(os.path.join(a.run, "predictions.csv")))}
tested = [r["path"] for r, t in zip(rows, train) if not t]
found = numpy.array([[float(predictions[p][label]) for label in fitted.classes_] for p in tested])
weights = load_file(os.path.join(a.run, "best", "model.safetensors"))["classifier.out_proj.weight"]
print(f"largest difference of a coefficient {numpy.abs(weights - fitted[-1].coef_).max():.1e} "
      f"(the largest is {numpy.abs(weights).max():.2f}), of a test clip's probability {numpy.abs(found - probabilities).max():.1e}")
