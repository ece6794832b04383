/*
 * Holds our wav2vec 2.0 against the numbers of an independent one.
 *
 *     parity FOLDER [--quick]
 *
 * FOLDER has model/ (a Hugging Face model directory), batch.safetensors, expected.safetensors and
 * expected.json, as tests/golden/README.md describes.  Prints a table of differences and exits 1 if one is
 * too large: 1e-4 for features, hidden states, logits and losses, 1e-3 relative for gradient norms.  --quick
 * leaves out the AdamW run.
 */
#include "golden.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/model.h"
#include "model/weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-4, GRADIENT_TOLERANCE = 1e-3;
enum { LABELS = 8 };

struct parity {
    const char *folder;
    struct weights *expected;
    struct batch batch;
    bool failed;
};

/* |a - b| within tolerance + tolerance * |b|, for every element: the worst as a multiple of the tolerance. */
static void compare(struct parity *parity, const char *name, const float *found, const float *expected,
                    int64_t count, double tolerance)
{
    double worst = 0, worst_absolute = 0;

    for (int64_t i = 0; i < count; i++) {
        double difference = fabs((double)found[i] - (double)expected[i]);
        double share = difference / (tolerance + tolerance * fabs((double)expected[i]));
        worst = share > worst || isnan(share) ? share : worst;
        worst_absolute = difference > worst_absolute ? difference : worst_absolute;
    }
    bool good = worst <= 1;
    printf("%-20s %10lld values  largest difference %.2e  %s\n", name, (long long)count, worst_absolute,
           good ? "ok" : "TOO LARGE");
    parity->failed = parity->failed || !good;
}

/* Where padding is merged over, the frames that it makes are compared too: both sides compute them alike.
 * Where it is left out, they need not be computed. */
static void observe(void *context, const char *name, const struct et_tensor *tensor)
{
    struct parity *parity = context;
    struct error error = {0};
    int64_t expected_count, count = et_numel(tensor);

    if (strcmp(name, "pooled") == 0) /* logits show it */
        return;
    struct et_scope *scope = et_scope_open(NULL);
    const float *expected = data_of(parity->expected, name, &expected_count);
    float *values = mem_zero((size_t)count, sizeof *values);

    et_read(scope, tensor, values, count);
    if (!et_scope_close(scope, &error))
        die(&error);
    if (count != expected_count) {
        error_set(&error, "%s has %lld values, not %lld", name, (long long)count, (long long)expected_count);
        die(&error);
    }
    compare(parity, name, values, expected, count, TOLERANCE);
    free(values);
}

static struct model *open_model(const struct parity *parity, const char *pooling, bool masked)
{
    struct error error = {0};
    struct settings settings = *settings_default();
    char *path = path_join(parity->folder, "model"), *json_path = path_join(path, "config.json");
    cJSON *json = json_read(json_path, &error);
    const char *norm = "group";

    if (!json || !json_string(json, "feat_extract_norm", &norm, &error))
        die(&error);
    settings.model.pooling = pooling;
    settings.model.pooling_padding = masked ? PADDING_EXCLUDED : PADDING_INCLUDED;
    settings.model.attention_mask = strcmp(norm, "layer") == 0 ? CHOOSE_YES : CHOOSE_NO;
    struct model_source source = {.path = path, .settings = &settings, .device = device()};
    struct model *model = model_open(&source, &error);
    if (!model)
        die(&error);
    cJSON_Delete(json);
    free(path);
    free(json_path);
    return model;
}

static struct et_tensor *loss_of(const struct parity *parity, const struct model *model,
                                 struct et_scope *scope, struct et_tensor **logits,
                                 const struct forward_mode *mode)
{
    const int64_t shape[1] = {parity->batch.count};
    struct et_tensor *targets = et_from_data(scope, parity->batch.labels, ET_INT64, shape, 1, device());

    *logits = model_forward(model, scope, &parity->batch, mode);
    return et_mul_scalar(scope, et_cross_entropy_sum(scope, *logits, targets, NULL, 0),
                         1 / (double)parity->batch.count);
}

static void check_pooling(struct parity *parity, const char *pooling, bool masked, bool show_hidden)
{
    struct model *model = open_model(parity, pooling, masked);
    struct forward_mode mode = {.observe = show_hidden ? observe : NULL, .context = parity};
    struct et_scope *scope = et_scope_open(NULL);
    struct et_tensor *logits;
    struct error error = {0};
    char *suffix = mem_format("%s%s", pooling, masked ? "_masked" : ""),
         *name = mem_format("logits_%s", suffix);
    char *loss_name = mem_format("loss_%s", suffix);
    float values[64 * LABELS], loss;
    bool recording = et_grad_mode(false);

    loss = (float)et_item(scope, loss_of(parity, model, scope, &logits, &mode));
    et_read(scope, logits, values, parity->batch.count * LABELS);
    et_grad_mode(recording);
    if (!et_scope_close(scope, &error))
        die(&error);
    compare(parity, name, values, data_of(parity->expected, name, NULL), parity->batch.count * LABELS,
            TOLERANCE);
    compare(parity, loss_name, &loss, data_of(parity->expected, loss_name, NULL), 1, TOLERANCE);
    free(suffix);
    free(name);
    free(loss_name);
    model_close(model);
}

static float backward(const struct parity *parity, const struct model *model)
{
    struct forward_mode mode = {.training = true};
    struct et_scope *scope = et_scope_open(NULL);
    struct et_tensor *logits;
    struct error error = {0};
    struct et_tensor *loss = loss_of(parity, model, scope, &logits, &mode);

    et_backward(scope, loss);
    float value = (float)et_item(scope, loss);
    if (!et_scope_close(scope, &error))
        die(&error);
    return value;
}

/* Gradient norms of the masked-mean loss, in the order of expected.json. */
static void check_gradients(struct parity *parity, const struct model *model, const cJSON *json)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "grad_norm_order"), *item = NULL;
    int count = cJSON_GetArraySize(names), n = 0;
    float *found = mem_zero((size_t)count, sizeof *found);
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};

    cJSON_ArrayForEach(item, names)
    {
        char name[256];
        bool known = model->kind->translate(model, item->valuestring, name);
        size_t i = known ? parameters_index(&model->parameters, name) : model->parameters.count;
        if (i == model->parameters.count) {
            error_set(&error, "no parameter \"%s\"", item->valuestring);
            die(&error);
        }
        found[n++] = (float)et_grad_norm(scope, &model->parameters.items[i].tensor, 1);
    }
    if (!et_scope_close(scope, &error))
        die(&error);
    compare(parity, "grad_norm", found, data_of(parity->expected, "grad_norm", NULL), count,
            GRADIENT_TOLERANCE);
    free(found);
}

/* What a step of AdamW learns. */
struct learned {
    const struct parity *parity;
    const struct model *model;
};

static float step_backward(void *context)
{
    const struct learned *learned = context;

    return backward(learned->parity, learned->model);
}

static void check_adamw(struct parity *parity, const struct model *model)
{
    int64_t steps;
    const float *expected = data_of(parity->expected, "losses", &steps);
    float *found = mem_zero((size_t)steps, sizeof *found);
    struct learned learned = {parity, model};

    adamw_losses(model, step_backward, &learned, steps, found);
    compare(parity, "losses", found, expected, steps, TOLERANCE);
    free(found);
}

int main(int argc, char **argv)
{
    struct parity parity = {.folder = argc > 1 ? argv[1] : "."};
    struct error error = {0};
    bool quick = argc > 2 && strcmp(argv[2], "--quick") == 0;

    log_quiet(true);
    parity.expected = open_file(parity.folder, "expected.safetensors");
    struct weights *input = open_file(parity.folder, "batch.safetensors");
    parity.batch = load_golden_batch(input, "input_values");
    check_pooling(&parity, "mean", true, false);
    check_pooling(&parity, "max", true, false);
    check_pooling(&parity, "mean", false, true);
    check_pooling(&parity, "sum", false, false);
    check_pooling(&parity, "max", false, false);

    char *path = path_join(parity.folder, "expected.json");
    cJSON *json = json_read(path, &error);
    if (!json)
        die(&error);
    struct model *model = open_model(&parity, "mean", true);
    backward(&parity, model);
    check_gradients(&parity, model, json);
    if (!quick)
        check_adamw(&parity, model);
    model_close(model);
    cJSON_Delete(json);
    free(path);
    free_golden_batch(&parity.batch);
    weights_close(input);
    weights_close(parity.expected);
    return parity.failed;
}
