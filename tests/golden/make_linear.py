#!/usr/bin/env python3
"""Makes linear_golden.h: random features, and what scikit-learn's LogisticRegression and Ridge fit to them.

    venv/bin/pip install scikit-learn && venv/bin/python tests/golden/make_linear.py"""
import os

import numpy, sklearn
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import recall_score

random = numpy.random.default_rng(21)
COUNT, WIDTH, CLASSES, C = 37, 5, 3, 0.5
x = random.standard_normal((COUNT, WIDTH)).round(3)
labels = random.integers(0, CLASSES, COUNT)
x[numpy.arange(COUNT), labels] += 0.8
x = x.round(3)
numbers = (x[:, 0] - 0.5 * x[:, 3] + 0.3 * random.standard_normal(COUNT) + 1).round(3)
tight = dict(C=C, tol=1e-12, max_iter=100000)
several = LogisticRegression(**tight).fit(x, labels)
balanced = LogisticRegression(**tight, class_weight="balanced").fit(x, labels)
binary = LogisticRegression(**tight).fit(x, labels == 2)


def fit_wccn(x, labels):
    """Weights are of features scaled to zero mean and unit variance."""
    scaled = (x - x.mean(0)) / x.std(0)
    within = scaled - numpy.array([scaled[labels == label].mean(0) for label in labels])
    covariance = within.T @ within / len(x)
    shrunk = 0.5 * covariance + 0.5 * numpy.trace(covariance) / WIDTH * numpy.eye(WIDTH)
    root = numpy.linalg.cholesky(shrunk)
    model = LogisticRegression(**tight).fit(numpy.linalg.solve(root, scaled.T).T, labels)
    model.coef_ = numpy.linalg.solve(root.T, model.coef_.T).T
    return model


wccn, wccn_binary = fit_wccn(x, labels), fit_wccn(x, labels == 2)
fold_of = numpy.array([(labels[:i] == labels[i]).sum() % 3 for i in range(COUNT)])  # clips of a label in turn
held = numpy.empty(COUNT, int)
for fold in range(3):
    train = x[fold_of != fold]
    model = fit_wccn(train, labels[fold_of != fold])
    held[fold_of == fold] = model.predict((x[fold_of == fold] - train.mean(0)) / train.std(0))
held_recall = recall_score(labels, held, average="macro")
ridge = Ridge(alpha=1 / C, solver="cholesky").fit(x, numbers)


def array(name, values, kind="double"):
    values = numpy.asarray(values).ravel()
    text = ", ".join(f"{v:.10g}" if kind == "double" else str(int(v)) for v in values)
    return f"static const {kind} {name}[] = {{{text}}};\n"


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "linear_golden.h"), "w") as out:
    out.write(f"/* By make_linear.py, scikit-learn {sklearn.__version__}. */\n/* clang-format off */\n")
    out.write(f"enum {{ COUNT = {COUNT}, WIDTH = {WIDTH}, CLASSES = {CLASSES} }};\nstatic const double COST = {C};\n")
    out.write(array("FEATURES", x) + array("LABELS", labels, "int64_t") + array("NUMBERS", numbers))
    for name, model in (("SEVERAL", several), ("BALANCED", balanced), ("BINARY", binary), ("WCCN", wccn), ("WCCN_BINARY", wccn_binary), ("RIDGE", ridge)):
        out.write(array(name + "_WEIGHTS", model.coef_) + array(name + "_BIASES", model.intercept_))
    out.write(f"static const double WCCN_HELD_RECALL = {held_recall:.10g};\n")
    out.write("/* clang-format on */\n")
