/* Log-mel spectrograms of pretrained encoders: see mel_frontend.h. */
#include "model/encoder/mel_frontend.h"

#include "model/layers/frames.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846, RATE = 16000;
static const double QUIETEST = -10; /* of Whisper's logarithms */

/* ---- scales ---- */

/* Slaney's: linear below 1 kHz, logarithmic above. */
static double slaney_of(double hertz)
{
    return hertz < 1000 ? 3 * hertz / 200 : 15 + 27 * log(hertz / 1000) / log(6.4);
}

static double hertz_of_slaney(double mel)
{
    return mel < 15 ? 200 * mel / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

static double kaldi_of(double hertz)
{
    return 1127 * log(1 + hertz / 700);
}

/* Row `band` of the filters: Whisper's are triangles over Hz of area 1, Kaldi's triangles over mel of height
 * 1. */
static void fill_filter(const struct mel_frontend *mel, float *row, int64_t band)
{
    bool kaldi = mel->recipe == MEL_KALDI;
    double low = kaldi ? kaldi_of(20) : slaney_of(0), high = kaldi ? kaldi_of(8000) : slaney_of(8000);
    double points[3];

    for (int i = 0; i < 3; i++) {
        double at = low + (high - low) * (double)(band + i) / (double)(mel->bands + 1);
        points[i] = kaldi ? at : hertz_of_slaney(at);
    }
    for (int64_t k = 0; k <= mel->size / 2; k++) {
        double hertz = RATE * (double)k / (double)mel->size, x = kaldi ? kaldi_of(hertz) : hertz;
        double rise = (x - points[0]) / (points[1] - points[0]),
               fall = (points[2] - x) / (points[2] - points[1]);
        row[k] = (float)(fmax(0, fmin(rise, fall)) * (kaldi ? 1 : 2 / (points[2] - points[0])));
    }
}

/* Kaldi's frame: the mean is taken away, 0.97 of the sample before, Povey's window, as one matrix
 * (400 out, 400 in). */
static void fill_kaldi_frame(float *matrix)
{
    const double emphasis = 0.97, share = 1.0 / MEL_WINDOW, scale = 32768;

    for (int t = 0; t < MEL_WINDOW; t++) {
        double window = pow(0.5 - 0.5 * cos(2 * PI * t / (MEL_WINDOW - 1)), 0.85);
        for (int i = 0; i < MEL_WINDOW; i++) {
            double own = (i == t) - share, before = (i == (t ? t - 1 : 0)) - share;
            matrix[t * MEL_WINDOW + i] = (float)(scale * window * (own - emphasis * before));
        }
    }
}

void mel_frontend_start(struct mel_frontend *mel, enum mel_recipe recipe, int64_t bands,
                        struct et_scope *scope, int device)
{
    bool kaldi = recipe == MEL_KALDI;
    const int64_t frame[2] = {MEL_WINDOW, MEL_WINDOW};

    *mel = (struct mel_frontend){.recipe = recipe, .bands = bands, .size = kaldi ? 512 : MEL_WINDOW};
    const int64_t bins = mel->size / 2 + 1, shape[2] = {bands, bins};
    float *window = mem_zero((size_t)MEL_WINDOW * (kaldi ? MEL_WINDOW : 1), sizeof *window);
    float *filters = mem_zero((size_t)(bands * bins), sizeof *filters);

    if (kaldi)
        fill_kaldi_frame(window);
    for (int t = 0; !kaldi && t < MEL_WINDOW; t++) /* Hann's, periodic */
        window[t] = (float)(0.5 - 0.5 * cos(2 * PI * t / MEL_WINDOW));
    for (int64_t band = 0; band < bands; band++)
        fill_filter(mel, filters + band * bins, band);
    mel->window = et_from_data(scope, window, ET_FLOAT32, frame, kaldi ? 2 : 1, device);
    mel->filters = et_from_data(scope, filters, ET_FLOAT32, shape, 2, device);
    free(window);
    free(filters);
}

int64_t mel_frontend_frames(const struct mel_frontend *mel, int64_t samples)
{
    if (mel->recipe == MEL_WHISPER) /* centred, the last one left out */
        return samples / MEL_HOP;
    return samples < MEL_WINDOW ? 0 : (samples - MEL_WINDOW) / MEL_HOP + 1;
}

/* ---- computing ---- */

/* A clip of `length` samples, zero-padded to `context`, mirrored by half a window at both ends, as
 * centred frames are taken. */
static void mirror(float *out, const float *samples, int64_t length, int64_t context)
{
    const int64_t half = MEL_WINDOW / 2;

    memcpy(out + half, samples, (size_t)length * sizeof *out);
    for (int64_t i = 1; i <= half; i++) {
        int64_t end = context - 1 - i;
        out[half - i] = i < length ? samples[i] : 0;
        out[half + context - 1 + i] = end >= 0 && end < length ? samples[end] : 0;
    }
}

/* (B, W): what frames are taken from */
static struct et_tensor *take_samples(const struct mel_frontend *mel, const struct pass *pass,
                                      struct et_scope *scope, const struct batch *batch)
{
    const struct encoder *encoder = pass->encoder;
    int64_t context = encoder_context(encoder, batch->width);
    const int64_t shape[2] = {batch->count, mel->recipe == MEL_WHISPER ? context + MEL_WINDOW : batch->width};
    int device = pass->model->parameters.device;

    if (mel->recipe != MEL_WHISPER)
        return et_from_data(scope, batch->samples, ET_FLOAT32, shape, 2, device);
    float *samples = mem_zero((size_t)(shape[0] * shape[1]), sizeof *samples);
    for (int64_t b = 0; b < batch->count; b++)
        mirror(samples + b * shape[1], batch->samples + b * batch->width, batch->lengths[b],
               encoder_context(encoder, batch->lengths[b]));
    struct et_tensor *result = et_from_data(scope, samples, ET_FLOAT32, shape, 2, device);
    free(samples);
    return result;
}

/* (B, T, 1): true behind each clip's so many frames; NULL where none is */
static struct et_tensor *frames_after(const struct pass *pass, struct et_scope *scope, const int64_t *lengths,
                                      int64_t frames)
{
    const int64_t shape[3] = {pass->clips, frames, 1};
    struct et_tensor *mask =
        frames_padding(scope, lengths, pass->clips, frames, pass->model->parameters.device);

    return mask ? et_reshape(scope, mask, shape, 3) : NULL;
}

struct et_tensor *mel_frontend_fill(const struct mel_frontend *mel, const struct pass *pass,
                                    struct et_scope *scope, struct et_tensor *x, const struct batch *batch,
                                    double value)
{
    int64_t *lengths = et_scope_memory(scope, (size_t)pass->clips * sizeof *lengths);

    for (int64_t b = 0; b < pass->clips; b++)
        lengths[b] = mel_frontend_frames(mel, encoder_context(pass->encoder, batch->lengths[b]));
    struct et_tensor *mask = frames_after(pass, scope, lengths, et_size(x, 1));
    return mask ? et_masked_fill(scope, x, mask, value) : x;
}

/* Whisper's scale: decibels down to 80 below each clip's loudest, around zero.  x (B, T, bands) */
static struct et_tensor *scale_whisper(struct et_scope *scope, struct et_tensor *x)
{
    struct et_tensor *loudest = et_amax(scope, et_amax(scope, x, 2, true), 1, true); /* (B, 1, 1) */
    struct et_tensor *above = et_relu(scope, et_sub(scope, x, et_add_scalar(scope, loudest, -8)));

    x = et_add(scope, above, et_add_scalar(scope, loudest, -8));
    return et_mul_scalar(scope, et_add_scalar(scope, x, 4), 0.25);
}

/* Each band of each clip to zero mean and unit variance over the clip's own frames.  x (B, T, bands) */
static struct et_tensor *scale_kaldi(const struct mel_frontend *mel, const struct pass *pass,
                                     struct et_scope *scope, struct et_tensor *x, const struct batch *batch)
{
    const int64_t single[3] = {batch->count, 1, 1};
    int device = pass->model->parameters.device;
    float *counts = mem_zero((size_t)batch->count, sizeof *counts),
          *fewer = mem_zero((size_t)batch->count, sizeof *fewer);

    for (int64_t b = 0; b < batch->count; b++) {
        int64_t own = mel_frontend_frames(mel, batch->lengths[b]);
        counts[b] = (float)own;
        fewer[b] = (float)(own > 1 ? own - 1 : 1);
    }
    struct et_tensor *count = et_from_data(scope, counts, ET_FLOAT32, single, 3, device),
                     *less = et_from_data(scope, fewer, ET_FLOAT32, single, 3, device);
    free(counts);
    free(fewer);
    x = mel_frontend_fill(mel, pass, scope, x, batch, 0);
    x = et_sub(scope, x, et_div(scope, et_sum_dim(scope, x, 1, true), count));
    x = mel_frontend_fill(mel, pass, scope, x, batch, 0);
    struct et_tensor *variance = et_div(scope, et_sum_dim(scope, et_mul(scope, x, x), 1, true), less);
    return et_mul(scope, x, et_rsqrt(scope, et_add_scalar(scope, variance, 1e-7)));
}

static struct et_tensor *spectrogram(const struct mel_frontend *mel, const struct pass *pass,
                                     struct et_scope *scope, const struct batch *batch)
{
    bool whisper = mel->recipe == MEL_WHISPER;
    struct et_tensor *x =
        et_unfold(scope, take_samples(mel, pass, scope, batch), MEL_WINDOW, MEL_HOP); /* (B, T, 400) */

    if (whisper) /* the last frame, centred on the end, is left out */
        x = et_mul(scope, et_narrow(scope, x, 1, 0, et_size(x, 1) - 1), mel->window);
    else
        x = et_linear(scope, x, mel->window, NULL);
    x = et_linear(scope, et_power_spectrum(scope, x, mel->size), mel->filters, NULL);
    x = et_log(scope,
               et_clamp(scope, et_to_dtype(scope, x, ET_FLOAT32), whisper ? 1e-10 : 0x1p-23, INFINITY));
    if (!whisper)
        return scale_kaldi(mel, pass, scope, x, batch);
    x = et_mul_scalar(scope, x, 1 / log(10));
    return scale_whisper(scope, mel_frontend_fill(mel, pass, scope, x, batch, QUIETEST));
}

struct et_tensor *mel_frontend_spectrogram(const struct mel_frontend *mel, const struct pass *pass,
                                           struct et_scope *scope, const struct batch *batch)
{
    et_autocast_pause();
    struct et_tensor *x = spectrogram(mel, pass, scope, batch);
    et_autocast_resume();
    return x;
}

/* ---- in ONNX ---- */

/* Convolution kernels that give the real and imaginary parts of the windowed frames' Fourier transform:
 * (2 * bins, 1, window). */
static struct et_tensor *transform_kernel(const struct mel_frontend *mel, const struct graph_builder *d)
{
    const int64_t bins = mel->size / 2 + 1, shape[3] = {2 * bins, 1, MEL_WINDOW};
    bool kaldi = mel->recipe == MEL_KALDI;
    struct et_scope *s = d->graph->scope;
    int64_t values = kaldi ? MEL_WINDOW * MEL_WINDOW : MEL_WINDOW;
    float *window = mem_zero((size_t)values, sizeof *window),
          *kernel = mem_zero((size_t)(2 * bins * MEL_WINDOW), sizeof *kernel);

    et_read(s, mel->window, window, values);
    for (int64_t k = 0; k < 2 * bins; k++) {
        double *wave = mem_zero(MEL_WINDOW, sizeof *wave);
        for (int t = 0; t < MEL_WINDOW; t++) {
            double angle = 2 * PI * (double)(k % bins) * t / (double)mel->size;
            wave[t] = k < bins ? cos(angle) : -sin(angle);
        }
        for (int i = 0; i < MEL_WINDOW; i++) {
            double sum = kaldi ? 0 : wave[i] * (double)window[i];
            for (int t = 0; kaldi && t < MEL_WINDOW; t++)
                sum += wave[t] * (double)window[t * MEL_WINDOW + i];
            kernel[k * MEL_WINDOW + i] = (float)sum;
        }
        free(wave);
    }
    struct et_tensor *result = et_from_data(s, kernel, ET_FLOAT32, shape, 3, ET_CPU);
    free(window);
    free(kernel);
    return result;
}

/* Samples zero-padded to `context` and mirrored at both ends. */
static const char *onnx_lengthen(const struct graph_builder *d, const char *samples, int64_t context)
{
    struct onnx *g = d->graph;

    if (context > 0)
        samples = onnx_pad_to(g, samples, context);
    return onnx_mirror(g, samples, MEL_WINDOW / 2);
}

const char *mel_frontend_onnx(const struct mel_frontend *mel, const struct graph_builder *d,
                              const char *samples, int64_t context)
{
    static const int64_t none[2] = {0, 0}, row[3] = {0, 1, -1};
    struct onnx *g = d->graph;
    bool whisper = mel->recipe == MEL_WHISPER;
    int64_t bins = mel->size / 2 + 1;
    const char *x = onnx_reshape(g, whisper ? onnx_lengthen(d, samples, context) : samples, row, 3);

    x = graph_conv(d, x, transform_kernel(mel, d), NULL, MEL_HOP, none, 1); /* (B, 2 * bins, T) */
    x = onnx_binary(g, "Mul", x, x);
    x = onnx_binary(g, "Add", onnx_slice(g, x, 1, 0, bins), onnx_slice(g, x, 1, bins, 2 * bins));
    if (whisper)
        x = onnx_slice(g, x, 2, 0, -1);
    x = onnx_linear(g, onnx_transpose(g, x, ONNX_SWAP, 3), mel->filters, NULL);
    x = onnx_unary(g, "Log", onnx_binary(g, "Max", x, onnx_number(g, whisper ? 1e-10 : 0x1p-23)));
    if (whisper) {
        x = onnx_binary(g, "Mul", x, onnx_number(g, 1 / log(10)));
        const char *loudest = onnx_over(g, "ReduceMax", onnx_over(g, "ReduceMax", x, 2, true), 1, true);
        x = onnx_binary(g, "Max", x, onnx_binary(g, "Sub", loudest, onnx_number(g, 8)));
        return onnx_binary(g, "Mul", onnx_binary(g, "Add", x, onnx_number(g, 4)), onnx_number(g, 0.25));
    }
    x = onnx_binary(g, "Sub", x, onnx_over(g, "ReduceMean", x, 1, true));
    const char *squares = onnx_over(g, "ReduceSum", onnx_binary(g, "Mul", x, x), 1, true);
    const char *fewer = onnx_binary(g, "Sub", onnx_frames_number(g, x), onnx_number(g, 1));
    const char *variance = onnx_binary(g, "Add", onnx_binary(g, "Div", squares, fewer), onnx_number(g, 1e-7));
    return onnx_binary(g, "Div", x, onnx_unary(g, "Sqrt", variance));
}
