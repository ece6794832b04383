#!/usr/bin/env python3
"""Writes sklearn_scores.txt: what scikit-learn (1.9.1) makes of made-up predictions.

One case in three lines: the true labels, one letter each; the predicted ones; macro precision, recall and F1, weighted
precision, recall and F1, and balanced accuracy, each the shortest text that reads back as that double.
"""
import random
import warnings

from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

warnings.simplefilter("ignore")
random.seed(9)
with open("sklearn_scores.txt", "w") as out:
    for case in range(60):
        labels = random.randint(2, 16)
        true = [random.randrange(labels) for _ in range(random.randint(labels, 8 * labels))]
        predicted = [k if random.random() < 0.6 else random.randrange(labels) for k in true]
        scores = []
        for average in "macro", "weighted":
            scores += precision_recall_fscore_support(true, predicted, average=average, zero_division=0)[:3]
        scores.append(balanced_accuracy_score(true, predicted))
        for row in true, predicted:
            print("".join(chr(97 + k) for k in row), file=out)
        print(*map(repr, map(float, scores)), file=out)
