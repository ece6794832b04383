#!/usr/bin/env python3
"""How often the report's intervals and p values are right where speakers are few: by simulation.

    bench/few_speakers.py [REPEATS]          (default 1000; NumPy)

Two models are equally good: each has an accuracy of its own on every speaker (60 clips), around the same mean.  What
is counted is how often their accuracies differ at p < 0.05, by the bootstrap's p value (emotrain up to 29 November
2026) and by the permutation test over speakers (src/eval/statistics.c), and how often the 95 % interval of the
difference, by bootstrap over speakers, holds 0.
"""
import itertools
import sys

import numpy as np

RESAMPLES, CLIPS = 2000, 60


def bootstrap(differences, random):
    draws = random.integers(0, len(differences), (RESAMPLES, len(differences)))
    means = differences[draws].mean(1)
    p = min(1, 2 * (min((means <= 0).sum(), (means >= 0).sum()) + 1) / (RESAMPLES + 1))
    return p, np.percentile(means, [2.5, 97.5])


def permutation(differences, random):
    count = len(differences)
    every = 2 ** (count - 1) <= RESAMPLES
    if every:
        signs = np.array([(1, *rest) for rest in itertools.product((1, -1), repeat=count - 1)])
    else:
        signs = random.choice((-1, 1), (RESAMPLES, count))
    far = (np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9).sum()
    return far / len(signs) if every else (far + 1) / (len(signs) + 1)


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    random = np.random.default_rng(0)
    print("| speakers | p < 0.05 by bootstrap | by permutation | the interval holds 0 |\n|---|---|---|---|")
    for speakers in (2, 4, 6, 8, 12, 24):
        counts = np.zeros(3)
        for _ in range(repeats):
            skill = np.clip(random.normal(0.6, 0.1, speakers), 0.2, 0.95)
            first, second = (
                random.binomial(CLIPS, np.clip(skill + random.normal(0, 0.05, speakers), 0, 1)) / CLIPS for _ in range(2)
            )
            p, (low, high) = bootstrap(second - first, random)
            counts += p < 0.05, permutation(second - first, random) < 0.05, low <= 0 <= high
        print("| %d | %.1f %% | %.1f %% | %.1f %% |" % (speakers, *(100 * counts / repeats)))


if __name__ == "__main__":
    main()
