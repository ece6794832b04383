#!/usr/bin/env python3
"""Makes linear_golden.h: random features, and what scikit-learn's LogisticRegression and Ridge fit to them.

    venv/bin/pip install scikit-learn && venv/bin/python tests/golden/make_linear.py"""
import os

import numpy, sklearn
from sklearn.linear_model import LogisticRegression, Ridge

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
ridge = Ridge(alpha=1 / C, solver="cholesky").fit(x, numbers)


def array(name, values, kind="double"):
    values = numpy.asarray(values).ravel()
    text = ", ".join(f"{v:.10g}" if kind == "double" else str(int(v)) for v in values)
    return f"static const {kind} {name}[] = {{{text}}};\n"


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "linear_golden.h"), "w") as out:
    out.write(f"/* By make_linear.py, scikit-learn {sklearn.__version__}. */\n/* clang-format off */\n")
    out.write(f"enum {{ COUNT = {COUNT}, WIDTH = {WIDTH}, CLASSES = {CLASSES} }};\nstatic const double COST = {C};\n")
    out.write(array("FEATURES", x) + array("LABELS", labels, "int64_t") + array("NUMBERS", numbers))
    for name, model in (("SEVERAL", several), ("BALANCED", balanced), ("BINARY", binary), ("RIDGE", ridge)):
        out.write(array(name + "_WEIGHTS", model.coef_) + array(name + "_BIASES", model.intercept_))
    out.write("/* clang-format on */\n")
