/*
 * Holds our encoders against the numbers of transformers and FunASR.
 *
 *     parity_encoders FOLDER
 *
 * FOLDER has model/ (a published model's directory), data.safetensors and expected.json, as
 * tests/golden/make_encoders.py writes them.  The model is opened as a trained one: its head must be found
 * and all its weights used.  Prints a table of differences and exits 1 if one is too large.  Hidden states
 * are compared at each clip's own frames: what stands behind them is nobody's.
 */
#include "golden.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/encoder/encoder.h"
#include "model/weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Relative to the largest value; gradients to each norm, above a floor: some are zero but for rounding. Where
 * we make the log-mel spectrogram ourselves, in float32, the logarithm of quiet bands is five times as far
 * from the expected one, which was made in float64. */
static const double TOLERANCE = 1e-5, MEL_FACTOR = 5, GRADIENT_TOLERANCE = 2e-4, GRADIENT_FLOOR = 1e-3;

struct parity {
    const char *folder;
    struct weights *expected;
    const struct model *model;
    struct batch batch;
    double tolerance;
    bool failed;
};

/* An entry of the expected numbers; NULL: there is none. */
static const struct weight *entry_of(const struct parity *parity, const char *name)
{
    size_t i = weights_index(parity->expected, name);

    return i < parity->expected->count ? &parity->expected->entries[i] : NULL;
}

static void report(struct parity *parity, const char *name, int64_t count, double worst, double tolerance)
{
    bool good = worst <= tolerance;

    printf("%-20s %8lld values  largest relative difference %.2e  %s\n", name, (long long)count, worst,
           good ? "ok" : "TOO LARGE");
    parity->failed = parity->failed || !good;
}

/* The largest difference as a share of the largest value. */
static void compare(struct parity *parity, const char *name, const float *found, const float *expected,
                    int64_t count, double tolerance)
{
    double worst = 0, largest = 0;

    for (int64_t i = 0; i < count; i++) {
        double difference = fabs((double)found[i] - (double)expected[i]);
        worst = difference > worst || isnan(difference) ? difference : worst;
        largest = fabs((double)expected[i]) > largest ? fabs((double)expected[i]) : largest;
    }
    report(parity, name, count, worst / largest, tolerance);
}

/* A hidden state, clip by clip: expected as NAME (clips, frames, width), or as STEM_CLIP_INDEX. */
static void observe(void *context, const char *name, const struct et_tensor *tensor)
{
    struct parity *parity = context;
    const struct encoder *encoder = parity->model->state;
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    int64_t count = et_numel(tensor), frames = et_size(tensor, 1), width = et_size(tensor, 2), size;
    float *values = mem_zero((size_t)count, sizeof *values);

    et_read(scope, tensor, values, count);
    if (!et_scope_close(scope, &error))
        die(&error);
    for (int64_t b = 0; b < parity->batch.count && text_starts(name, "hidden_"); b++) {
        char *alone = mem_format("hidden_%lld_%s", (long long)b, name + strlen("hidden_"));
        bool own = entry_of(parity, alone) != NULL;
        int64_t seen = encoder->family->frames(encoder, encoder_context(encoder, parity->batch.lengths[b]));
        if (own || entry_of(parity, name)) {
            const float *expected = data_of(parity->expected, own ? alone : name, &size);
            int64_t stride = own ? 0 : size / parity->batch.count;
            compare(parity, own ? alone : name, values + b * frames * width, expected + b * stride,
                    (seen + encoder->extra) * width, parity->tolerance);
        }
        free(alone);
    }
    free(values);
}

/* The last hidden state is after a norm in some of the expected files: then it is what goes to the head. */
static void observe_last(void *context, const char *name, const struct et_tensor *tensor)
{
    struct parity *parity = context;
    const struct encoder *encoder = parity->model->state;
    bool normed = encoder_norms_last(encoder) && !entry_of(parity, "last_hidden_state");
    char *last = mem_format("hidden_%lld", (long long)encoder->config.num_hidden_layers);

    if (!normed || strcmp(name, last) != 0)
        observe(context, name, tensor);
    free(last);
}

static struct et_tensor *loss_of(const struct parity *parity, struct et_scope *scope,
                                 struct et_tensor **logits, const struct forward_mode *mode)
{
    const int64_t shape[1] = {parity->batch.count};
    struct et_tensor *targets = et_from_data(scope, parity->batch.labels, ET_INT64, shape, 1, device());

    *logits = model_forward(parity->model, scope, &parity->batch, mode);
    return et_mul_scalar(scope, et_cross_entropy_sum(scope, *logits, targets, NULL, 0),
                         1 / (double)parity->batch.count);
}

static void check_logits(struct parity *parity)
{
    struct forward_mode mode = {.observe = observe_last, .context = parity};
    struct et_scope *scope = et_scope_open(NULL);
    struct et_tensor *logits;
    struct error error = {0};
    bool recording = et_grad_mode(false);
    int64_t count;
    const float *expected = data_of(parity->expected, "logits", &count);
    float loss = (float)et_item(scope, loss_of(parity, scope, &logits, &mode));
    float *values = mem_zero((size_t)count, sizeof *values);

    et_read(scope, logits, values, count);
    et_grad_mode(recording);
    if (!et_scope_close(scope, &error))
        die(&error);
    compare(parity, "logits", values, expected, count, parity->tolerance);
    compare(parity, "loss", &loss, data_of(parity->expected, "loss", NULL), 1, parity->tolerance);
    free(values);
}

static float backward(const struct parity *parity)
{
    struct forward_mode mode = {.training = true};
    struct et_scope *scope = et_scope_open(NULL);
    struct et_tensor *logits;
    struct error error = {0};
    struct et_tensor *loss = loss_of(parity, scope, &logits, &mode);

    et_backward(scope, loss);
    float value = (float)et_item(scope, loss);
    if (!et_scope_close(scope, &error))
        die(&error);
    return value;
}

/* Gradient norms, in the order of expected.json. */
static void check_gradients(struct parity *parity, const cJSON *json)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "grad_norm_order"), *item = NULL;
    const struct model *model = parity->model;
    const float *expected = data_of(parity->expected, "grad_norm", NULL);
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    double worst = 0;
    int n = 0;

    cJSON_ArrayForEach(item, names)
    {
        char name[256];
        bool known = model->kind->translate(model, item->valuestring, name);
        size_t i = known ? parameters_index(&model->parameters, name) : model->parameters.count;
        if (i == model->parameters.count) {
            error_set(&error, "no parameter \"%s\"", item->valuestring);
            die(&error);
        }
        double norm = et_grad_norm(scope, &model->parameters.items[i].tensor, 1);
        double difference = fabs(norm - (double)expected[n]) / ((double)expected[n] + GRADIENT_FLOOR);
        if (difference > GRADIENT_TOLERANCE || isnan(difference))
            printf("  %s: %.6e, not %.6e\n", item->valuestring, norm, (double)expected[n]);
        worst = difference > worst || isnan(difference) ? difference : worst;
        n++;
    }
    if (!et_scope_close(scope, &error))
        die(&error);
    report(parity, "grad_norm", n, worst, GRADIENT_TOLERANCE);
}

static float step_backward(void *context)
{
    return backward(context);
}

static void check_adamw(struct parity *parity)
{
    int64_t steps;
    const float *expected = data_of(parity->expected, "losses", &steps);
    float *found = mem_zero((size_t)steps, sizeof *found);

    adamw_losses(parity->model, step_backward, parity, steps, found);
    compare(parity, "losses", found, expected, steps, parity->tolerance);
    free(found);
}

static bool makes_mel(const struct model *model)
{
    const struct encoder *encoder = model->state;

    return strcmp(encoder->family->extractor, "Wav2Vec2FeatureExtractor") != 0;
}

int main(int argc, char **argv)
{
    struct parity parity = {.folder = argc > 1 ? argv[1] : "."};
    struct error error = {0};

    log_quiet(true);
    parity.expected = open_file(parity.folder, "data.safetensors");
    char *path = path_join(parity.folder, "model"), *json_path = path_join(parity.folder, "expected.json");
    struct model_source source = {.path = path, .device = device()};
    struct model *model = model_open(&source, &error);
    cJSON *json = model ? json_read(json_path, &error) : NULL;
    for (size_t i = 0; model && i < model->parameters.count;
         i++) /* what the checkpoint leaves out is not trained */
        if (model->parameters.items[i].may_lack && !model->parameters.items[i].loaded)
            model->parameters.items[i].trainable = false;
    if (!json || !parameters_apply_trainable(&model->parameters, -1, &error))
        die(&error);
    parity.model = model;
    parity.tolerance = makes_mel(model) ? MEL_FACTOR * TOLERANCE : TOLERANCE;
    /* waveforms as the model takes them in: normalised ones are in the file */
    parity.batch = load_golden_batch(parity.expected, model->sound.normalize ? "inputs" : "waveform");
    check_logits(&parity);
    backward(&parity);
    check_gradients(&parity, json);
    check_adamw(&parity);
    model_close(model);
    cJSON_Delete(json);
    free(path);
    free(json_path);
    free_golden_batch(&parity.batch);
    weights_close(parity.expected);
    return parity.failed;
}
