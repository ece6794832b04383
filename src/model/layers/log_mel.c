/* Log-mel spectrograms: see log_mel.h. */
#include "model/layers/log_mel.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

static double mel_of(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

static double hertz_of(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

/* Row `band` of the filters: a triangle between three neighbours of bands + 2 points, equally far apart in
 * mel; over mel or over Hz. */
static void fill_filter(const struct log_mel *mel, float *row, int64_t bins, int64_t band, double rate,
                        double low, double high)
{
    double points[3], step = (mel_of(high) - mel_of(low)) / (double)(mel->bands + 1);

    for (int i = 0; i < 3; i++) {
        points[i] = mel_of(low) + step * (double)(band + i);
        points[i] = mel->of_magnitudes ? points[i] : hertz_of(points[i]);
    }
    for (int64_t k = 0; k < bins; k++) {
        double f = rate / 2 * (double)k / (double)(bins - 1);
        double x = mel->of_magnitudes ? mel_of(f) : f;
        double rise = (x - points[0]) / (points[1] - points[0]),
               fall = (points[2] - x) / (points[2] - points[1]);
        row[k] = (float)fmax(0, fmin(rise, fall));
    }
}

void log_mel_start(struct log_mel *mel, int rate, double low, double high, struct et_scope *scope, int device)
{
    mel->size = 1;
    while (mel->size < mel->window)
        mel->size *= 2;
    const int64_t bins = mel->size / 2 + 1, shape[2] = {mel->bands, bins};
    float *taper = mem_zero((size_t)mel->window, sizeof *taper);
    float *filters = mem_zero((size_t)(mel->bands * bins), sizeof *filters);

    for (int64_t t = 0; t < mel->window; t++) /* periodic, as spectra are taken */
        taper[t] = (float)(0.5 - 0.5 * cos(2 * PI * (double)t / (double)mel->window));
    for (int64_t band = 0; band < mel->bands; band++)
        fill_filter(mel, filters + band * bins, bins, band, rate, low, high);
    mel->taper = et_from_data(scope, taper, ET_FLOAT32, &mel->window, 1, device);
    mel->filters = et_from_data(scope, filters, ET_FLOAT32, shape, 2, device);
    free(taper);
    free(filters);
}

int64_t log_mel_frames(const struct log_mel *mel, int64_t samples)
{
    return samples < mel->window ? 0 : (samples - mel->window) / mel->hop + 1;
}

struct et_tensor *log_mel(const struct log_mel *mel, struct et_scope *scope, const struct et_tensor *samples)
{
    et_autocast_pause();
    struct et_tensor *frames = et_mul(scope, et_unfold(scope, samples, mel->window, mel->hop), mel->taper);
    struct et_tensor *x = et_power_spectrum(scope, frames, mel->size);

    x = mel->of_magnitudes ? et_sqrt(scope, x) : x;
    x = et_log(scope, et_add_scalar(scope, et_linear(scope, x, mel->filters, NULL), mel->floor));
    et_autocast_resume();
    return x;
}
