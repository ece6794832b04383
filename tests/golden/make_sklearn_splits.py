#!/usr/bin/env python3
"""Writes sklearn_splits.txt: what scikit-learn (Debian 12: 1.2.1) makes of made-up labels.

One case in four lines: `split TEST SEED` (TEST with a point is a fraction) or `fold FOLDS FOLD SEED`; the class
of each clip, one letter each; the indices of the train part in order; those of the test part, or `error`.
"""
import random
from sklearn.model_selection import StratifiedKFold, train_test_split

random.seed(7)
with open("sklearn_splits.txt", "w") as out:
    for case in range(60):
        classes = random.randint(2, 9)
        labels = [random.randrange(classes) for _ in range(random.randint(2 * classes, 160))]
        if case % 3 == 0:                        # even classes: ties to break
            labels = [k for k in range(classes) for _ in range(random.randint(2, 4) * 5)]
            random.shuffle(labels)
        names, seed = list(range(len(labels))), random.choice([0, 1, 42, 101, 4294967295, random.randrange(10**6)])
        letters = "".join(chr(97 + k) for k in labels)
        if case % 4 == 3:
            folds = random.randint(2, 6)
            fold = random.randrange(folds)
            head = f"fold {folds} {fold} {seed}"
            try:
                train, test = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(names, labels))[fold]
            except ValueError:
                train, test = [], "error"
        else:
            size = random.choice([0.1, 0.2, 0.25, 0.333, 0.5, 0.7, random.randint(classes, len(labels) // 2)])
            head = f"split {size} {seed}"
            try:
                train, test = train_test_split(names, test_size=size, random_state=seed, stratify=labels)
            except ValueError:
                train, test = [], "error"
        print(head, letters, " ".join(map(str, train)), test if test == "error" else " ".join(map(str, test)),
              sep="\n", file=out)
