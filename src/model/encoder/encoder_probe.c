/*
 * model.kind=linear with linear.features=encoder: a linear classifier on layers of an encoder that stays as
 * it is (a linear probe; Alain and Bengio, 2017).  It is fitted at once, and saved as an encoder with a
 * linear head whose scale is that of the training part.
 */
#include "model/encoder/encoder.h"
#include "model/linear/choice.h"

#include <stdlib.h>
#include <string.h>

bool probe_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    struct model_settings own = *settings;

    own.head = HEAD_LINEAR;
    own.head_scale = SCALE_STANDARD;
    own.layer = "last";
    own.lora_rank = 0;
    if (strcmp(model->pooling->name, "mean") != 0)
        return error_usage(error,
                           "model.pooling=%s: linear.pooling is the setting of linear.features=encoder",
                           model->pooling->name);
    if (!MODEL_ENCODER.open(model, &own, error))
        return false;
    const struct encoder *e = model->state;
    if (!e->hides_padding)
        return error_usage(error,
                           "linear.features=encoder needs model.attention_mask=yes: without it, what is made "
                           "of a clip depends on its batch");
    return !model->pooling_includes_padding ||
           error_usage(error,
                       "linear.features=encoder needs model.pooling_padding=exclude: with padding, what is "
                       "made of a clip depends on its batch");
}

bool probe_freeze(struct model *model, const char *what, struct error *error)
{
    (void)what;
    (void)error;
    for (size_t i = 0; i < model->parameters.count; i++)
        model->parameters.items[i].trainable = false;
    return true;
}

/* Puts numbers into a parameter, which takes their shape. */
static void put_values(struct model *model, struct et_scope *scope, size_t index, const double *values,
                       int64_t rows, int64_t columns)
{
    struct parameter *p = &model->parameters.items[index];

    p->dims = columns > 0 ? 2 : 1;
    p->shape[0] = rows;
    p->shape[1] = columns;
    et_drop(p->tensor);
    p->tensor = et_keep(et_zeros(scope, ET_FLOAT32, p->shape, p->dims, model->parameters.device),
                        model->parameters.scope);
    et_copy_data_(scope, p->tensor, values, ET_FLOAT64);
    p->loaded = true;
}

/* The scale of a choice, member by member, in the order of the pooled vector: the means over time of all
 * members, then their deviations. */
static void put_scale(struct model *model, struct et_scope *scope, size_t index,
                      const struct linear_choice *choice, const double *values)
{
    size_t outputs = (size_t)model->pooling->outputs, width = choice->width / (choice->members * outputs);
    double *ordered = mem_zero(choice->width, sizeof *ordered);

    for (size_t m = 0; m < choice->members; m++)
        for (size_t part = 0; part < outputs; part++)
            memcpy(ordered + (part * choice->members + m) * width, values + (m * outputs + part) * width,
                   width * sizeof *values);
    put_values(model, scope, index, choice->members > 1 ? ordered : values, (int64_t)choice->width, 0);
    free(ordered);
}

/* Layers above those that the model reads are not saved; one more is where a norm would follow the last. */
static void cut_encoder(struct model *model)
{
    struct encoder *e = model->state;
    const struct encoder_sizes *names = e->family->sizes;
    const char *const keys[] = {"num_hidden_layers", names ? names->layers : "num_hidden_layers"};
    int64_t kept = e->mix.index + (encoder_norms_last(e) ? 1 : 0);

    if (kept >= e->config.num_hidden_layers || cJSON_HasObjectItem(model->json, "prenet_depth"))
        return; /* emotion2vec's first layers have names of their own */
    e->kept_layers = kept > 0 ? kept : 1;
    for (int i = 0; i < 2; i++)
        if (i == 1 || cJSON_HasObjectItem(model->json, keys[i]))
            json_put(model->json, keys[i], cJSON_CreateNumber((double)e->kept_layers));
}

/* The fitted classifier as the model's head. */
static bool take_classifier(struct model *model, const struct linear_choice *choice, const char *layers,
                            struct error *error)
{
    struct encoder *e = model->state;
    struct et_scope *scope = et_scope_open(NULL);
    int64_t width = (int64_t)choice->width, rows = (int64_t)(choice->members * choice->columns),
            part = width / (int64_t)choice->members;

    if (!layer_mix_start(&e->mix, layers, e->mix.layers, &model->parameters, error)) {
        et_scope_close(scope, NULL);
        return false;
    }
    put_scale(model, scope, e->head.mean, choice, choice->means);
    put_scale(model, scope, e->head.deviation, choice, choice->deviations);
    put_values(model, scope, e->head.out_weight, choice->weights, rows, part);
    put_values(model, scope, e->head.out_bias, choice->biases, rows, 0);
    e->head.members = (int64_t)choice->members;
    e->head.outputs = model->pooling->outputs;
    json_put(model->json, "emotrain_layers", cJSON_CreateString(layers));
    if (choice->members > 1)
        json_put(model->json, "emotrain_combine", cJSON_CreateString("mean"));
    cut_encoder(model);
    return et_scope_close(scope, error);
}

bool probe_fit(struct model *model, const struct examples *examples, char **table, struct error *error)
{
    struct linear_choice choice;
    bool done = linear_choose(&choice, examples, model->task, model->labels.count, error);

    if (done) {
        const struct linear_candidate *best = &choice.candidates[choice.best];
        char *layers = linear_candidate_layers(best);
        linear_choice_log(&choice, "layer ", layers);
        json_put(model->json, "emotrain_linear_C", cJSON_CreateNumber(best->C));
        if (best->parts > 1) {
            model->pooling = &POOLING_STATISTICS;
            json_put(model->json, "pooling_mode", cJSON_CreateString(model->pooling->name));
        }
        done = take_classifier(model, &choice, layers, error);
        *table = linear_choice_table(&choice);
        free(layers);
    }
    linear_choice_free(&choice);
    return done;
}
