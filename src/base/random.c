/* NumPy's stream and counter-based streams: see random.h. */
#include "base/random.h"

enum { MT_N = 624, MT_M = 397 };

void numpy_random_seed(struct numpy_random *random, uint32_t seed)
{
    for (uint32_t i = 0; i < MT_N; i++) {
        random->key[i] = seed;
        seed = 1812433253u * (seed ^ (seed >> 30)) + i + 1;
    }
    random->position = MT_N;
}

static uint32_t twist(uint32_t high, uint32_t low)
{
    uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);

    return (mixed >> 1) ^ ((low & 1u) ? 0x9908b0dfu : 0u);
}

static void regenerate(uint32_t key[MT_N])
{
    for (int i = 0; i < MT_N; i++)
        key[i] = key[(i + MT_M) % MT_N] ^ twist(key[i], key[(i + 1) % MT_N]);
}

uint32_t numpy_random_next(struct numpy_random *random)
{
    if (random->position == MT_N) {
        regenerate(random->key);
        random->position = 0;
    }
    uint32_t value = random->key[random->position++];
    value ^= value >> 11;
    value ^= (value << 7) & 0x9d2c5680u;
    value ^= (value << 15) & 0xefc60000u;
    return value ^ (value >> 18);
}

/* NumPy's random_interval: 0..maximum inclusive, by masking and rejecting. */
static size_t interval(struct numpy_random *random, size_t maximum)
{
    size_t mask = maximum, value;

    if (maximum == 0)
        return 0;
    for (unsigned shift = 1; shift < 64; shift *= 2)
        mask |= mask >> shift;
    do {
        value = numpy_random_next(random);
        if (maximum > UINT32_MAX)
            value = (value << 32) | numpy_random_next(random);
        value &= mask;
    } while (value > maximum);
    return value;
}

void numpy_random_shuffle(struct numpy_random *random, size_t *items, size_t count)
{
    for (size_t i = count; i-- > 1;) {
        size_t j = interval(random, i), swapped = items[i];
        items[i] = items[j];
        items[j] = swapped;
    }
}

void numpy_random_permutation(struct numpy_random *random, size_t *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        items[i] = i;
    numpy_random_shuffle(random, items, count);
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static const uint64_t GOLDEN_GAMMA = 0x9e3779b97f4a7c15u;

struct random_stream random_stream(uint64_t seed, enum random_purpose purpose, uint64_t index)
{
    uint64_t state = mix(seed + GOLDEN_GAMMA);

    state = mix(state ^ (mix((uint64_t)purpose + GOLDEN_GAMMA)));
    return (struct random_stream){mix(state + mix(index + GOLDEN_GAMMA))};
}

uint64_t random_next(struct random_stream *stream)
{
    stream->state += GOLDEN_GAMMA;
    return mix(stream->state);
}

double random_uniform(struct random_stream *stream)
{
    return (double)(random_next(stream) >> 11) * 0x1p-53;
}

size_t random_below(struct random_stream *stream, size_t bound)
{
    uint64_t excess = (UINT64_MAX % bound + 1) % bound, value;

    do
        value = random_next(stream);
    while (value > UINT64_MAX - excess);
    return value % bound;
}

void random_shuffle(struct random_stream *stream, size_t *items, size_t count)
{
    for (size_t i = count; i-- > 1;) {
        size_t j = random_below(stream, i + 1), swapped = items[i];
        items[i] = items[j];
        items[j] = swapped;
    }
}
