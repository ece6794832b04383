#!/usr/bin/env python3
"""A linear classifier on one layer (configs/probe.ini with other settings) against scikit-learn on the same features and folds: chosen
layer and C, coefficients, predictions.

    build/emotrain features MODEL FOLDER --layer all -o layers.npz --set model.context_seconds=0
    build/emotrain --config configs/probe.ini --run RUN --set linear.pooling=mean --set linear.combine=none
    bench/linear_agreement.py RUN layers.npz

RUN is a run folder with linear.combine=none, linear.pooling=mean and linear.C=auto on one fold of RAVDESS, which is FOLDER; with
linear.wccn=yes numpy normalises likewise.  scikit-learn standardises and fits each fold's training clips by itself; a choice is the
highest recall over all clips held out.
Needs numpy, scikit-learn and safetensors."""
import argparse, configparser, csv, os

import numpy
from safetensors.numpy import load_file
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EMOTIONS = "neutral calm happy sad angry fearful disgust surprised".split()
FOLDS, COSTS = 5, (1e-4, 1e-3, 1e-2, 1e-1, 1)

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("run")
ap.add_argument("features")
a = ap.parse_args()


config = configparser.ConfigParser(interpolation=None, strict=False)
config.read(os.path.join(a.run, "config.ini"))
normalised = config.getboolean("linear", "wccn")
if [config["linear"][key] for key in ("combine", "pooling", "C", "scale")] != ["none", "mean", "auto", "standard"]:
    ap.error(f"{a.run} is no run with linear.combine=none, linear.pooling=mean, linear.C=auto and linear.scale=standard")


def folds_of(speakers):
    """The largest speaker first, each to the fold with the fewest clips."""
    names, sizes = numpy.unique(speakers, return_counts=True)
    loads, fold = [0] * FOLDS, {}
    for i in sorted(range(len(names)), key=lambda i: -sizes[i]):
        fold[names[i]] = int(numpy.argmin(loads))
        loads[fold[names[i]]] += sizes[i]
    return numpy.array([fold[s] for s in speakers])


class Wccn(TransformerMixin, BaseEstimator):
    """Within-class covariance normalisation, half of the covariance and half of the identity times its mean variance."""

    def fit(self, x, y):
        within = x - numpy.array([x[y == label].mean(0) for label in numpy.unique(y)])[numpy.unique(y, return_inverse=True)[1]]
        covariance = within.T @ within / len(x)
        shrunk = 0.5 * covariance + 0.5 * numpy.trace(covariance) / len(covariance) * numpy.eye(len(covariance))
        self.root_ = numpy.linalg.cholesky(shrunk)
        return self

    def transform(self, x):
        return numpy.linalg.solve(self.root_, x.T).T


def classifier(C, tolerance):
    steps = [StandardScaler()] + [Wccn()] * normalised
    return make_pipeline(*steps, LogisticRegression(C=C, max_iter=100000, tol=tolerance))


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


data = numpy.load(a.features)
x = data["features"].reshape(len(data["paths"]), len(data["layers"]), -1).astype(float)
y = numpy.array([EMOTIONS[int(stem(p).split("-")[2]) - 1] for p in data["paths"]])
speakers = numpy.array([stem(p).split("-")[6] for p in data["paths"]])
predictions = {stem(r["path"]): r for r in csv.DictReader(open(os.path.join(a.run, "predictions.csv")))}
train = numpy.array([stem(p) not in predictions for p in data["paths"]])
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
found = numpy.array([[float(predictions[stem(p)][label]) for label in fitted.classes_] for p in data["paths"][~train]])
weights = load_file(os.path.join(a.run, "best", "model.safetensors"))["classifier.out_proj.weight"]
coefficients = numpy.linalg.solve(fitted[1].root_.T, fitted[-1].coef_.T).T if normalised else fitted[-1].coef_
print(f"largest difference of a coefficient {numpy.abs(weights - coefficients).max():.1e} "
      f"(the largest is {numpy.abs(weights).max():.2f}), of a test clip's probability {numpy.abs(found - probabilities).max():.1e}")
