/* Resampling to a whole fraction of the rate: see decimate.h. */
#include "audio/decimate.h"

#include "base/memory.h"
#include "base/simd.h"

#include <pthread.h>
#include <samplerate.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_FACTOR = 12 /* 192 kHz to 16 kHz */,
    REACH = 200 /* outputs that a tap can be away */,
    LANES = 8
};

struct filter {
    size_t before, count; /* taps before the output's own sample; all of them, a multiple of LANES */
    double *taps;
    bool known, works;
};

static struct filter filters[SRC_SINC_FASTEST + 1][MOST_FACTOR + 1]; /* filled as they are asked for */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

bool decimate_can(int converter, int factor)
{
    return converter >= SRC_SINC_BEST_QUALITY && converter <= SRC_SINC_FASTEST && factor >= 2 &&
           factor <= MOST_FACTOR;
}

/* An impulse for each place that a sample can have between outputs, far enough apart; libsamplerate's
 * predictions are the taps, `taps[reach + d]` for the sample d after the output's. */
static bool ask_taps(int converter, int factor, double *taps, long reach)
{
    long apart = 2 * reach, length = (factor + 1) * apart;
    float *in = mem_zero((size_t)length, sizeof *in), *out = mem_zero((size_t)length, sizeof *out);
    SRC_DATA data = {.data_in = in,
                     .data_out = out,
                     .input_frames = length,
                     .output_frames = length,
                     .src_ratio = 1.0 / factor};

    for (long r = 0; r < factor; r++)
        in[apart * (r + 1) - reach + r] = 1;
    bool done = src_simple(&data, converter, 1) == 0;
    for (long r = 0; done && r < factor; r++) {
        long place = apart * (r + 1) - reach + r;
        for (long n = (place - reach) / factor + 1; n * factor <= place + reach; n++)
            if (place - n * factor >= -reach && n < data.output_frames_gen)
                taps[reach + place - n * factor] = (double)out[n];
    }
    free(in);
    free(out);
    return done;
}

static void learn(struct filter *filter, int converter, int factor)
{
    long reach = (long)REACH * factor, first = 0, last = 2 * reach;
    double *taps = mem_zero((size_t)(2 * reach + 1 + LANES), sizeof *taps);

    filter->known = true;
    if (ask_taps(converter, factor, taps, reach)) {
        while (first < reach && taps[first] == 0)
            first++;
        while (last > reach && taps[last] == 0)
            last--;
        filter->before = (size_t)(reach - first);
        filter->count = (size_t)(last - first + LANES) / LANES * LANES;
        filter->taps = mem_zero(filter->count, sizeof *filter->taps);
        memcpy(filter->taps, taps + first, (size_t)(last - first + 1) * sizeof *taps);
        filter->works = true;
    }
    free(taps);
}

static const struct filter *find_filter(int converter, int factor)
{
    struct filter *filter = &filters[converter][factor];

    jmp_buf *escape = mem_escape(NULL); /* nobody leaves with the lock */
    pthread_mutex_lock(&mutex);
    if (!filter->known)
        learn(filter, converter, factor);
    pthread_mutex_unlock(&mutex);
    mem_escape(escape);
    return filter;
}

/* Sums in workers, whose order is the same on every machine. */
SIMD_CLONES static void convolve(const double *samples, size_t step, const double *taps, size_t count,
                                 float *out, size_t outputs)
{
    for (size_t n = 0; n < outputs; n++) {
        const double *x = samples + n * step;
        double sums[LANES] = {0}, sum = 0;
        for (size_t i = 0; i < count; i += LANES)
            for (int k = 0; k < LANES; k++)
                sums[k] += x[i + (size_t)k] * taps[i + (size_t)k];
        for (int k = 0; k < LANES; k++)
            sum += sums[k];
        out[n] = (float)sum;
    }
}

bool decimate(int converter, int factor, const float *samples, size_t count, float *out)
{
    const struct filter *filter = find_filter(converter, factor);

    if (!filter->works)
        return false;
    double *padded = mem_zero(filter->before + count + filter->count, sizeof *padded); /* zeros around */
    for (size_t i = 0; i < count; i++)
        padded[filter->before + i] = (double)samples[i];
    convolve(padded, (size_t)factor, filter->taps, filter->count, out, count / (size_t)factor);
    free(padded);
    return true;
}
