/*
 * model.kind=linear with linear.classifier=logistic_regression on acoustic functionals or other features: one
 * or several labels by logistic regression, numbers by ridge regression (logistic.h), C by cross-validation
 * (choice.h).
 *
 * config.json: "emotrain_linear_C"; parameters features.mean, features.deviation (features),
 * classifier.weight (labels, features), classifier.bias (labels).
 */
#include "base/text.h"
#include "model/linear/choice.h"

#include <stdlib.h>
#include <string.h>

enum { MEAN, DEVIATION, WEIGHT, BIAS, PARTS };

struct logistic_model {
    size_t parameters[PARTS];
    double *values[PARTS]; /* the same, to compute with */
    size_t counts[PARTS];
};

static bool logistic_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    static const char *const names[PARTS] = {"features.mean", "features.deviation", "classifier.weight",
                                             "classifier.bias"};
    int64_t width = (int64_t)model->features.count, labels = (int64_t)model->labels.count;
    const int64_t shapes[PARTS][4] = {{width}, {width}, {labels, width}, {labels}};
    struct logistic_model *own = mem_zero(1, sizeof *own);

    (void)settings;
    model->state = own;
    if (width == 0)
        return error_set(error, "%s: its config.json names no features", model->path);
    for (int p = 0; p < PARTS; p++) {
        own->parameters[p] = parameters_add(
            &model->parameters, false, p == DEVIATION ? INIT_ONES : INIT_ZEROS, 0, shapes[p], "%s", names[p]);
        own->counts[p] = (size_t)(shapes[p][0] * (shapes[p][1] ? shapes[p][1] : 1));
        own->values[p] = mem_zero(own->counts[p], sizeof(double));
        model->parameters.items[own->parameters[p]].trainable = false;
        model->parameters.items[own->parameters[p]].of_labels = p == WEIGHT || p == BIAS;
    }
    return true;
}

static void logistic_close(struct model *model)
{
    struct logistic_model *own = model->state;

    for (int p = 0; own && p < PARTS; p++)
        free(own->values[p]);
    free(own);
}

static bool logistic_freeze(struct model *model, const char *what, struct error *error)
{
    (void)model;
    return strcmp(what, "none") == 0 || strcmp(what, "feature_encoder") == 0 ||
           error_usage(error, "model.freeze=%s: a linear model has nothing pretrained to freeze: none", what);
}

static bool logistic_load(struct model *model, const char *directory, struct error *error)
{
    struct logistic_model *own = model->state;
    struct et_scope *scope = et_scope_open(NULL);

    (void)directory;
    for (int p = 0; p < PARTS; p++) {
        float *values = mem_zero(own->counts[p], sizeof *values);
        et_read(scope, parameters_tensor(&model->parameters, own->parameters[p]), values,
                (int64_t)own->counts[p]);
        for (size_t i = 0; i < own->counts[p]; i++)
            own->values[p][i] = (double)values[i];
        free(values);
    }
    return et_scope_close(scope, error);
}

static bool logistic_fit(struct model *model, const struct examples *examples, char **table,
                         struct error *error)
{
    struct logistic_model *own = model->state;
    struct linear_choice choice;

    if (!linear_choose(&choice, examples, model->task, model->labels.count, error))
        return false;
    const double *const found[PARTS] = {choice.means, choice.deviations, choice.weights, choice.biases};
    struct et_scope *scope = et_scope_open(NULL);
    for (int p = 0; p < PARTS; p++)
        et_copy_data_(scope, parameters_tensor(&model->parameters, own->parameters[p]), found[p], ET_FLOAT64);
    linear_choice_log(&choice, "features", "");
    json_put(model->json, "emotrain_linear_C", cJSON_CreateNumber(choice.candidates[choice.best].C));
    *table = linear_choice_table(&choice);
    linear_choice_free(&choice);
    return et_scope_close(scope, error) && logistic_load(model, NULL, error); /* as they will be read back */
}

static bool logistic_predict(const struct model *model, const struct batch *batch, float *outputs,
                             struct error *error)
{
    const struct logistic_model *own = model->state;
    size_t width = model->features.count, labels = model->labels.count;

    (void)error;
    for (size_t i = 0; i < (size_t)batch->count; i++)
        for (size_t k = 0; k < labels; k++) {
            double score = own->values[BIAS][k];
            for (size_t j = 0; j < width; j++)
                score += own->values[WEIGHT][k * width + j] *
                         ((double)batch->features[i * width + j] - own->values[MEAN][j]) /
                         own->values[DEVIATION][j];
            outputs[i * labels + k] = (float)score;
        }
    model_probabilities(model, outputs, batch->count);
    return true;
}

const struct model_kind MODEL_LOGISTIC = {
    .name = "linear",
    .summary = "logistic or ridge regression on acoustic functionals",
    .model_type = "logistic_regression",
    .architecture = "EmotrainLogisticRegression",
    .extractor = "EmotrainFunctionals",
    .input = INPUT_FEATURES,
    .needs_no_files = true,
    .open = logistic_open,
    .freeze = logistic_freeze,
    .close = logistic_close,
    .fit = logistic_fit,
    .predict = logistic_predict,
    .load = logistic_load,
};
