/*
 * Random numbers, two kinds.
 *
 * `numpy_random` reproduces numpy.random.RandomState (Mersenne Twister MT19937, Matsumoto and Nishimura,
 * 1998, with NumPy's masked rejection for bounded integers), because scikit-learn draws its splits from it.
 *
 * `random_stream` is for training: a stream is a function of (seed, what for, index), so nothing has to be
 * saved to continue a run, and draws do not depend on what other parts of the program drew.  The generator
 * is SplitMix64 (Steele, Lea and Flood, 2014).
 */
#ifndef EMOTRAIN_BASE_RANDOM_H
#define EMOTRAIN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct numpy_random {
    uint32_t key[624];
    int position;
};

void numpy_random_seed(struct numpy_random *random, uint32_t seed);
uint32_t numpy_random_next(struct numpy_random *random);
void numpy_random_shuffle(struct numpy_random *random, size_t *items, size_t count);

/* RandomState.permutation(count): 0..count-1 shuffled into `items`. */
void numpy_random_permutation(struct numpy_random *random, size_t *items, size_t count);

enum random_purpose {
    RANDOM_INITIALISATION = 1,
    RANDOM_ORDER,
    RANDOM_DROPOUT,
    RANDOM_LAYERDROP,
    RANDOM_MASK,
    RANDOM_SPEAKERS,
    RANDOM_BOOTSTRAP,
    RANDOM_AUGMENT,
    RANDOM_MIXUP,
    RANDOM_CROP,
    RANDOM_DISTORTION,
    RANDOM_SEARCH,
};

struct random_stream {
    uint64_t state;
};

struct random_stream random_stream(uint64_t seed, enum random_purpose purpose, uint64_t index);
uint64_t random_next(struct random_stream *stream);              /* 64 uniform bits */
double random_uniform(struct random_stream *stream);             /* [0, 1) */
size_t random_below(struct random_stream *stream, size_t bound); /* 0..bound-1, unbiased; bound > 0 */
void random_shuffle(struct random_stream *stream, size_t *items, size_t count);

#endif
