/* Resampling by libsamplerate. */
#include "audio/audio.h"

#include "audio/decimate.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <samplerate.h>
#include <stdlib.h>

static int converter(const char *resampler)
{
    static const struct {
        const char *name;
        int converter;
    } converters[] = {{"sinc_best", SRC_SINC_BEST_QUALITY},
                      {"sinc_medium", SRC_SINC_MEDIUM_QUALITY},
                      {"sinc_fastest", SRC_SINC_FASTEST},
                      {"linear", SRC_LINEAR}};

    for (size_t i = 0; i < sizeof converters / sizeof converters[0]; i++)
        if (text_equal(converters[i].name, resampler))
            return converters[i].converter;
    return -1;
}

bool audio_resampler_is_known(const char *resampler)
{
    return converter(resampler) >= 0;
}

/* Any ratio, by libsamplerate itself.  Returns the samples made, or 0. */
static size_t convert(const struct signal *signal, double ratio, int type, float *out, size_t room,
                      const char **reason)
{
    SRC_DATA data = {.data_in = signal->samples,
                     .data_out = out,
                     .input_frames = (long)signal->count,
                     .output_frames = (long)room,
                     .src_ratio = ratio};
    int code = src_simple(&data, type, 1);

    *reason = code ? src_strerror(code) : "too short";
    return code ? 0 : (size_t)data.output_frames_gen;
}

bool audio_resample(struct signal *signal, int rate, const char *resampler, struct error *error)
{
    int type = converter(resampler);
    const char *reason = "too short";

    if (type < 0)
        return error_usage(error, "audio.resampler: unknown converter \"%s\"", resampler);
    if (rate == 0 || signal->rate == rate)
        return true;
    int factor = signal->rate / rate;
    double ratio = (double)rate / signal->rate;
    if (!src_is_valid_ratio(ratio))
        return error_set(error, "cannot resample from %d to %d Hz: the ratio is too extreme", signal->rate,
                         rate);
    size_t room = (size_t)ceil((double)signal->count * ratio) + 16, made = 0;
    float *samples = mem_zero(room, sizeof *samples);
    if (factor * rate == signal->rate && decimate_can(type, factor) &&
        decimate(type, factor, signal->samples, signal->count, samples))
        made = signal->count / (size_t)factor;
    else
        made = convert(signal, ratio, type, samples, room, &reason);
    if (made == 0) {
        free(samples);
        return error_set(error, "cannot resample from %d to %d Hz: %s", signal->rate, rate, reason);
    }
    free(signal->samples);
    *signal = (struct signal){samples, made, rate};
    return true;
}
