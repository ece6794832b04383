/*
 * Support vector machines (Cortes and Vapnik, 1995) on acoustic functionals or other features, by libsvm
 * (Chang and Lin, 2011): the classical baseline.
 *
 * Features are standardised by the training part's mean and deviation.  Kernel, cost and gamma are chosen by
 * cross-validation within the training part, whose folds keep a speaker's clips together where the split
 * does. One machine predictions a single_label task; of several labels each has its own, and so has each
 * number.
 *
 * A label's score is the logarithm of how likely it is to win against each of the others, by a logistic
 * function of the margin; probabilities are a softmax of the scores at a temperature (Guo et al., 2017) that
 * fits the predictions of the cross-validation.  libsvm's own probabilities are not used: they come from
 * folds of their own, which know no speakers, and turn upside down where a label has few clips.
 *
 * config.json: "svm_kernel", "svm_c", "svm_gamma", "svm_temperature" of each machine, "emotrain_features";
 * beside it svm-N.txt, libsvm's model files.
 */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/text.h"
#include "model/linear/logistic.h"
#include "model/linear/svm_file.h"
#include "model/model.h"

#include <float.h>
#include <libsvm/svm.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 1024 };

/* A point of the search. */
struct candidate {
    int kernel; /* libsvm's LINEAR or RBF */
    double c, gamma;
};

struct svm {
    struct svm_model **machines; /* one, or one per label */
    double *temperatures;        /* of each: what scores are multiplied by */
    size_t count;
    size_t mean, deviation; /* indices of parameters */
    double *means, *deviations;
    struct svm_node **rows; /* of the training part, which machines point into; NULL for a model from files */
    size_t row_count;
};

static void be_quiet(const char *text)
{
    (void)text;
}

/* ---- opening ---- */

static bool svm_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    struct svm *svm = mem_zero(1, sizeof *svm);
    const int64_t shape[4] = {(int64_t)model->features.count};
    size_t width = model->features.count;

    (void)settings;
    model->state = svm;
    svm_set_print_string_function(be_quiet);
    if (width == 0)
        return error_set(error, "%s: its config.json names no features", model->path);
    if (model->labels.count > MOST_CLASSES)
        return error_usage(error, "model.kind=linear: %zu labels, more than %d", model->labels.count,
                           MOST_CLASSES);
    svm->count = model->task == SINGLE_LABEL ? 1 : model->labels.count;
    svm->machines = mem_zero(svm->count, sizeof *svm->machines);
    svm->temperatures = mem_zero(svm->count, sizeof *svm->temperatures);
    svm->means = mem_zero(width, sizeof *svm->means);
    svm->deviations = mem_zero(width, sizeof *svm->deviations);
    svm->mean = parameters_add(&model->parameters, true, INIT_ZEROS, 0, shape, "features.mean");
    svm->deviation = parameters_add(&model->parameters, true, INIT_ONES, 0, shape, "features.deviation");
    model->parameters.items[svm->mean].trainable = model->parameters.items[svm->deviation].trainable = false;
    return true;
}

static void forget_rows(struct svm *svm)
{
    for (size_t i = 0; i < svm->row_count; i++)
        free(svm->rows[i]);
    free(svm->rows);
    svm->rows = NULL;
    svm->row_count = 0;
}

static void svm_close(struct model *model)
{
    struct svm *svm = model->state;

    if (!svm)
        return;
    for (size_t m = 0; svm->machines && m < svm->count; m++)
        if (svm->machines[m])
            svm_free_and_destroy_model(&svm->machines[m]);
    forget_rows(svm);
    free(svm->machines);
    free(svm->temperatures);
    free(svm->means);
    free(svm->deviations);
    free(svm);
}

static bool svm_freeze(struct model *model, const char *what, struct error *error)
{
    (void)model;
    return strcmp(what, "none") == 0 || strcmp(what, "feature_encoder") == 0 ||
           error_usage(error, "model.freeze=%s: an svm has nothing pretrained to freeze: none", what);
}

/* ---- features ---- */

static void learn_features(struct model *model, const struct examples *examples)
{
    struct svm *svm = model->state;
    size_t width = model->features.count;

    for (size_t k = 0; k < width; k++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < examples->count; i++)
            mean += (double)examples->features[i * width + k] / (double)examples->count;
        for (size_t i = 0; i < examples->count; i++) {
            double off = (double)examples->features[i * width + k] - mean;
            squares += off * off / (double)examples->count;
        }
        svm->means[k] = (double)(float)mean; /* as they will be read back */
        double deviation = sqrt(squares);
        svm->deviations[k] =
            deviation > 1e-6 * fabs(mean) ? (double)(float)deviation : 1; /* else it is constant */
    }
}

/* A standardised row in libsvm's form; caller frees. */
static struct svm_node *make_row(const struct svm *svm, const float *features, size_t width)
{
    struct svm_node *row = mem_zero(width + 1, sizeof *row);

    for (size_t k = 0; k < width; k++)
        row[k] = (struct svm_node){(int)k + 1, ((double)features[k] - svm->means[k]) / svm->deviations[k]};
    row[width].index = -1;
    return row;
}

static void cache_features(struct model *model, struct et_scope *scope)
{
    struct svm *svm = model->state;
    const struct {
        size_t index;
        const double *values;
    } parts[] = {{svm->mean, svm->means}, {svm->deviation, svm->deviations}};

    for (int p = 0; p < 2; p++)
        et_copy_data_(scope, parameters_tensor(&model->parameters, parts[p].index), parts[p].values,
                      ET_FLOAT64);
}

/* ---- scores ---- */

static const double ABSENT = -1e6, /* the score of a label that no training clip had */
    STEEPNESS = 3;                 /* of the logistic function: a margin of 1 wins by 20 to 1 */

/* The score of each of `classes` labels against the others that the machine knows. */
static void score_labels(const struct svm_model *machine, const struct svm_node *row, size_t classes,
                         double *scores)
{
    int known[MOST_CLASSES], count = svm_get_nr_class(machine), pair = 0;
    double *margins = mem_zero((size_t)count * (size_t)count, sizeof *margins);

    svm_get_labels(machine, known);
    svm_predict_values(machine, row, margins);
    for (size_t k = 0; k < classes; k++)
        scores[k] = ABSENT;
    for (int i = 0; i < count; i++)
        scores[known[i]] = 0;
    for (int i = 0; i < count; i++) {
        for (int j = i + 1; j < count; j++, pair++) {
            scores[known[i]] -= softplus(-STEEPNESS * margins[pair]);
            scores[known[j]] -= softplus(STEEPNESS * margins[pair]);
        }
    }
    free(margins);
}

static size_t best_label(const double *scores, size_t classes)
{
    size_t best = 0;

    for (size_t k = 1; k < classes; k++)
        best = scores[k] > scores[best] ? k : best;
    return best;
}

/* The logarithm of a label's probability. */
static double log_probability(const double *scores, size_t classes, size_t label, double temperature)
{
    double largest = scores[best_label(scores, classes)], sum = 0;

    for (size_t k = 0; k < classes; k++)
        sum += exp(temperature * (scores[k] - largest));
    /* cppcheck-suppress invalidFunctionArg ; the largest score alone makes the sum 1 */
    return temperature * (scores[label] - largest) - log(sum);
}

/* ---- cross-validation ---- */

/* The search of one machine's candidate. */
struct search {
    const struct examples *examples;
    struct svm *svm;
    const double *targets; /* (count) class or number */
    int type;              /* C_SVC or EPSILON_SVR */
    bool balanced;         /* score by the mean recall over classes, instead of accuracy */
    size_t width, folds, threads;
    double cost;     /* NAN: it is chosen */
    size_t *fold_of; /* (count) */
    struct svm_parameter
        class_weights; /* nr_weight, weight and weight_label of it; none without train.class_weights */
    struct candidate *candidates;
    size_t candidate_count;
    size_t classes;  /* of C_SVC */
    double *outputs; /* (candidates, count) */
    double *scores;  /* (candidates, count, classes) of C_SVC */
    struct progress progress;
    pthread_mutex_t mutex; /* of what follows */
    size_t tried;          /* candidates times folds */
};

static struct svm_parameter settings_of(const struct search *s, const struct candidate *c)
{
    return (struct svm_parameter){.svm_type = s->type,
                                  .kernel_type = c->kernel,
                                  .gamma = c->gamma,
                                  .C = c->c,
                                  .p = 0.1,
                                  .eps = 1e-3,
                                  .cache_size = 400.0 / (double)s->threads,
                                  .nr_weight = s->class_weights.nr_weight,
                                  .weight_label = s->class_weights.weight_label,
                                  .weight = s->class_weights.weight,
                                  .shrinking = 1};
}

/* Trains one candidate without one fold and predicts that fold. */
static bool try_fold(void *context, size_t item)
{
    struct search *s = context;
    size_t candidate = item / s->folds, fold = item % s->folds, count = s->examples->count, train = 0;
    struct svm_parameter settings = settings_of(s, &s->candidates[candidate]);
    struct svm_node **x = mem_zero(count, sizeof *x);
    double *y = mem_zero(count, sizeof *y);

    for (size_t i = 0; i < count; i++) {
        if (s->fold_of[i] != fold) {
            x[train] = s->svm->rows[i];
            y[train++] = s->targets[i];
        }
    }
    const struct svm_problem data = {(int)train, y, x};
    struct svm_model *machine = svm_train(&data, &settings);
    bool go_on = !interrupt_requested();
    for (size_t i = 0; i < count; i++) {
        size_t at = candidate * count + i;
        if (s->fold_of[i] != fold)
            continue;
        if (s->type == EPSILON_SVR) {
            s->outputs[at] = svm_predict(machine, s->svm->rows[i]);
            continue;
        }
        score_labels(machine, s->svm->rows[i], s->classes, s->scores + at * s->classes);
        s->outputs[at] = (double)best_label(s->scores + at * s->classes, s->classes);
    }
    svm_free_and_destroy_model(&machine);
    free(x);
    free(y);
    pthread_mutex_lock(&s->mutex);
    progress_update(&s->progress, ++s->tried, NULL);
    pthread_mutex_unlock(&s->mutex);
    return go_on;
}

/* Accuracy, mean recall, or less the squared error: larger is better. */
static double score(const struct search *s, const double *outputs)
{
    size_t count = s->examples->count;
    double right = 0, squares = 0, recall = 0, classes = 0;

    for (size_t i = 0; i < count; i++) {
        right += outputs[i] == s->targets[i];
        squares += (outputs[i] - s->targets[i]) * (outputs[i] - s->targets[i]);
    }
    if (s->type == EPSILON_SVR)
        return -squares / (double)count;
    if (!s->balanced)
        return right / (double)count;
    for (size_t k = 0; k < s->classes; k++) {
        double hits = 0, all = 0;
        for (size_t i = 0; i < count; i++) {
            all += s->targets[i] == (double)k;
            hits += s->targets[i] == (double)k && outputs[i] == (double)k;
        }
        recall += all > 0 ? hits / all : 0;
        classes += all > 0;
    }
    return recall / classes;
}

/* linear.C: NAN where cross-validation chooses it. */
static bool read_cost(const struct linear_settings *settings, double *cost, struct error *error)
{
    *cost = (double)NAN;
    return strcmp(settings->C, "auto") == 0 ||
           (text_to_number(settings->C, cost) && *cost >= 1e-9 && *cost <= 1e9) ||
           error_usage(error, "linear.C of an svm must be auto or a number from 1e-9 to 1e9, not \"%s\"",
                       settings->C);
}

static void add_candidates(struct search *s, const struct linear_settings *settings, int kernel)
{
    static const double linear_costs[] = {0x1p-10, 0x1p-8, 0x1p-6, 0x1p-4, 0x1p-2, 1},
                        rbf_costs[] = {0.5, 2, 8, 32, 128}, widths[] = {0.0625, 0.125, 0.25, 0.5, 1, 2};
    const double *costs = kernel == LINEAR ? linear_costs : rbf_costs;
    double cost = s->cost, gamma = settings->gamma;
    bool any_cost = isnan(cost), any_gamma = isnan(gamma);
    size_t cost_count = !any_cost          ? 1
                        : kernel == LINEAR ? 6
                                           : 5,
           gamma_count = kernel == LINEAR || !any_gamma ? 1 : 6;

    for (size_t c = 0; c < cost_count; c++)
        for (size_t g = 0; g < gamma_count; g++)
            s->candidates[s->candidate_count++] =
                (struct candidate){kernel, any_cost ? costs[c] : cost,
                                   kernel == LINEAR ? 0
                                   : any_gamma      ? widths[g] / (double)s->width
                                                    : gamma};
}

/* Which fold each clip is held out in: groups whole, the largest first; single clips dealt out class by
 * class. */
static void deal_folds(struct search *s, uint64_t seed)
{
    const struct examples *e = s->examples;
    size_t units = e->groups ? e->group_count : e->count;
    size_t *order = mem_zero(units, sizeof *order), *unit_folds = mem_zero(units, sizeof *unit_folds),
           next = 0;
    struct random_stream stream = random_stream(seed, RANDOM_ORDER, 0);

    for (size_t u = 0; u < units; u++)
        order[u] = u;
    random_shuffle(&stream, order, units);
    for (size_t k = 0; !e->groups && s->type == C_SVC && k < s->classes; k++)
        for (size_t u = 0; u < units; u++)
            if (s->targets[order[u]] == (double)k)
                unit_folds[order[u]] = next++ % s->folds;
    for (size_t u = 0; (e->groups || s->type != C_SVC) && u < units; u++)
        unit_folds[order[u]] = u % s->folds;
    for (size_t i = 0; i < e->count; i++)
        s->fold_of[i] = unit_folds[e->groups ? e->groups[i] : i];
    free(order);
    free(unit_folds);
}

/* The best candidate; of equals the first, which is the simplest. */
static struct candidate choose_candidate(struct search *s, size_t *best_index, double *best_score)
{
    size_t best = 0;

    *best_score = -DBL_MAX;
    for (size_t c = 0; c < s->candidate_count; c++) {
        double value = score(s, s->outputs + c * s->examples->count);
        if (value > *best_score) {
            *best_score = value;
            best = c;
        }
    }
    *best_index = best;
    return s->candidates[best];
}

/* By golden section over its logarithm: the temperature that makes the right labels of the cross-validation
 * likeliest; a label that a fold did not know is left out. */
static double fit_temperature(const struct search *s, const double *scores)
{
    static const double SECTION = 0.6180339887498949;
    double low = log(0.005), high = log(50), ends[2], losses[2] = {0};

    for (int round = 0; round < 40; round++) {
        ends[0] = high - SECTION * (high - low);
        ends[1] = low + SECTION * (high - low);
        for (int e = 0; e < 2; e++) {
            losses[e] = 0;
            for (size_t i = 0; i < s->examples->count; i++) {
                const double *row = scores + i * s->classes;
                size_t label = (size_t)s->targets[i];
                if (row[label] > ABSENT)
                    losses[e] -= log_probability(row, s->classes, label, exp(ends[e]));
            }
        }
        if (losses[0] <= losses[1])
            high = ends[1];
        else
            low = ends[0];
    }
    return exp((low + high) / 2);
}

static struct candidate search(struct search *s, double *best_score, double *temperature)
{
    const struct linear_settings *settings = s->examples->settings;
    size_t best;

    s->candidates = mem_zero(64, sizeof *s->candidates);
    s->fold_of = mem_zero(s->examples->count, sizeof *s->fold_of);
    if (settings->kernel != KERNEL_RBF)
        add_candidates(s, settings, LINEAR);
    if (settings->kernel != KERNEL_LINEAR)
        add_candidates(s, settings, RBF);
    s->folds = (size_t)settings->folds;
    size_t units = s->examples->groups ? s->examples->group_count : s->examples->count;
    s->folds = s->folds > units ? units : s->folds;
    s->outputs = mem_zero(s->candidate_count * s->examples->count, sizeof *s->outputs);
    s->scores = mem_zero(s->candidate_count * s->examples->count, (s->classes + 1) * sizeof *s->scores);
    deal_folds(s, s->examples->seed);
    progress_start(&s->progress, "cross-validation", "fit", 0, s->candidate_count * s->folds);
    if (s->folds > 1)
        parallel_for(s->candidate_count * s->folds, (int)s->threads, try_fold, s);
    progress_end(&s->progress);
    struct candidate chosen = choose_candidate(s, &best, best_score);
    if (s->folds < 2) /* nothing was compared */
        *best_score = (double)NAN;
    *temperature = s->type == C_SVC && s->folds > 1
                       ? fit_temperature(s, s->scores + best * s->examples->count * s->classes)
                       : 1;
    free(s->scores);
    free(s->candidates);
    free(s->fold_of);
    free(s->outputs);
    return chosen;
}

/* ---- fitting ---- */

static const char TEMPERATURE[] = "svm_temperature";

/* What machine `m` learns. */
static double *targets_of(const struct model *model, const struct examples *examples, size_t m)
{
    double *targets = mem_zero(examples->count, sizeof *targets);
    size_t labels = model->labels.count;

    for (size_t i = 0; i < examples->count; i++)
        targets[i] = model->task == SINGLE_LABEL ? (double)examples->labels[i]
                                                 : (double)examples->targets[i * labels + m];
    return targets;
}

/* Classes by their inverse frequency, where train.class_weights says so. */
static void weigh(struct svm_parameter *settings, const struct examples *examples, const double *targets,
                  size_t classes)
{
    settings->nr_weight = (int)classes;
    settings->weight_label = mem_zero(classes, sizeof *settings->weight_label);
    settings->weight = mem_zero(classes, sizeof *settings->weight);
    for (size_t k = 0; k < classes; k++) {
        double count = 0;
        for (size_t i = 0; i < examples->count; i++)
            count += targets[i] == (double)k;
        settings->weight_label[k] = (int)k;
        settings->weight[k] = count > 0 ? (double)examples->count / ((double)classes * count) : 1;
    }
}

static void describe_machine(struct model *model, size_t m, const struct candidate *chosen, double value)
{
    const struct svm *svm = model->state;
    static const char *const names[] = {"svm_kernel", "svm_c", "svm_gamma", "svm_cross_validation",
                                        TEMPERATURE};
    cJSON *items[] = {cJSON_CreateString(chosen->kernel == LINEAR ? "linear" : "rbf"),
                      cJSON_CreateNumber(chosen->c), cJSON_CreateNumber(chosen->gamma),
                      cJSON_CreateNumber(value), cJSON_CreateNumber(svm->temperatures[m])};

    for (int i = 0; i < 5; i++) {
        if (m == 0)
            json_put(model->json, names[i], cJSON_CreateArray());
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(model->json, names[i]), items[i]);
    }
    char gamma[40];

    snprintf(gamma, sizeof gamma, ", gamma %.4g", chosen->gamma);
    log_info("svm%s%s: %s kernel, C %g%s; %s %.4f in cross-validation",
             model->task == SINGLE_LABEL ? "" : " of ",
             model->task == SINGLE_LABEL ? "" : model->labels.items[m],
             chosen->kernel == LINEAR ? "linear" : "rbf", chosen->c, chosen->kernel == LINEAR ? "" : gamma,
             model->task == REGRESSION ? "squared error" : "score", fabs(value));
}

static bool fit_machine(struct model *model, const struct examples *examples, size_t m, struct error *error)
{
    struct svm *svm = model->state;
    double *targets = targets_of(model, examples, m), value;
    struct search s = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                       .examples = examples,
                       .svm = svm,
                       .targets = targets,
                       .type = model->task == REGRESSION ? EPSILON_SVR : C_SVC,
                       .balanced = examples->by_recall || model->task == MULTI_LABEL,
                       .width = model->features.count,
                       .classes = model->task == SINGLE_LABEL  ? model->labels.count
                                  : model->task == MULTI_LABEL ? 2
                                                               : 0};
    const struct svm_problem data = {(int)examples->count, targets, svm->rows};

    if (!read_cost(examples->settings, &s.cost, error)) {
        free(targets);
        return false;
    }
    s.threads = (size_t)examples->threads;
    if (examples->class_weights && model->task != REGRESSION)
        weigh(&s.class_weights, examples, targets, s.classes);
    struct candidate chosen = search(&s, &value, &svm->temperatures[m]);
    struct svm_parameter settings = settings_of(&s, &chosen);
    const char *wrong = interrupt_requested() ? NULL : svm_check_parameter(&data, &settings);
    if (interrupt_requested()) {
        error_interrupted(error, "interrupted while choosing the machine; --resume begins that again");
    } else if (!wrong) {
        if (svm->machines[m])
            svm_free_and_destroy_model(&svm->machines[m]);
        svm->machines[m] = svm_train(&data, &settings);
        describe_machine(model, m, &chosen, value);
    }
    free(s.class_weights.weight);
    free(s.class_weights.weight_label);
    free(targets);
    return !error->kind && (!wrong || error_set(error, "libsvm: %s", wrong));
}

static bool svm_fit(struct model *model, const struct examples *examples, char **table, struct error *error)
{
    struct svm *svm = model->state;
    size_t width = model->features.count;
    bool done = true;

    *table = NULL;
    learn_features(model, examples);
    svm->rows = mem_zero(examples->count, sizeof(struct svm_node *));
    for (; svm->row_count < examples->count; svm->row_count++)
        svm->rows[svm->row_count] = make_row(svm, examples->features + svm->row_count * width, width);
    for (size_t m = 0; done && m < svm->count; m++)
        done = fit_machine(model, examples, m, error);
    if (!done)
        return false;
    struct et_scope *scope = et_scope_open(NULL);
    cache_features(model, scope);
    return et_scope_close(scope, error);
}

/* ---- answering ---- */

static void predicted_labels(const struct svm *svm, size_t m, const struct svm_node *row, size_t classes,
                             float *out)
{
    double *scores = mem_zero(classes, sizeof *scores);

    score_labels(svm->machines[m], row, classes, scores);
    for (size_t k = 0; k < classes; k++)
        out[k] = (float)exp(log_probability(scores, classes, k, svm->temperatures[m]));
    free(scores);
}

static bool predict_batch(const struct model *model, const struct batch *batch, float *outputs,
                          struct error *error)
{
    const struct svm *svm = model->state;
    size_t labels = model->labels.count, width = model->features.count;

    memset(outputs, 0, (size_t)batch->count * labels * sizeof *outputs);
    for (size_t m = 0; m < svm->count; m++)
        if (!svm->machines[m])
            return error_set(error, "%s: the machines have not been trained", model->path);
    for (int64_t i = 0; i < batch->count; i++) {
        struct svm_node *row = make_row(svm, batch->features + (size_t)i * width, width);
        float *out = outputs + (size_t)i * labels;
        if (model->task == SINGLE_LABEL)
            predicted_labels(svm, 0, row, labels, out);
        for (size_t m = 0; model->task != SINGLE_LABEL && m < svm->count; m++) {
            float shares[2] = {0};
            if (model->task == MULTI_LABEL)
                predicted_labels(svm, m, row, 2, shares);
            out[m] =
                model->task == MULTI_LABEL
                    ? shares[1]
                    : (float)(model->means[m] + model->deviations[m] * svm_predict(svm->machines[m], row));
        }
        free(row);
    }
    return true;
}

/* ---- files ---- */

static char *machine_path(const char *directory, size_t m)
{
    return mem_format("%s/svm-%zu.txt", directory, m);
}

/* Whether a machine read from a file fits this model's task, with labels that it has. */
static bool fits(const struct model *model, const struct svm_model *machine)
{
    int labels[MOST_CLASSES], type = svm_get_svm_type(machine), count = svm_get_nr_class(machine),
                              most = model->task == SINGLE_LABEL ? (int)model->labels.count : 2;

    int kernel = machine->param.kernel_type;

    if (!machine->rho || (kernel != LINEAR && kernel != RBF))
        return false;
    if (model->task == REGRESSION)
        return type == EPSILON_SVR;
    if (type != C_SVC || count < 1 || count > MOST_CLASSES || !machine->label)
        return false;
    svm_get_labels(machine, labels);
    for (int i = 0; i < count; i++)
        if (labels[i] < 0 || labels[i] >= most)
            return false;
    return true;
}

/* libsvm reads and writes with a line of its own and another locale: one thread at a time. */
static pthread_mutex_t files_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct svm_model *load_machine(const char *path)
{
    pthread_mutex_lock(&files_mutex);
    struct svm_model *machine = svm_load_model(path);
    pthread_mutex_unlock(&files_mutex);
    return machine;
}

static bool save_machine(const char *path, const struct svm_model *machine)
{
    pthread_mutex_lock(&files_mutex);
    bool done = svm_save_model(path, machine) == 0;
    pthread_mutex_unlock(&files_mutex);
    return done;
}

static bool svm_load(struct model *model, const char *directory, struct error *error)
{
    struct svm *svm = model->state;
    struct et_scope *scope = et_scope_open(NULL);
    size_t width = model->features.count;
    float *values = mem_zero(width, sizeof *values);
    double *const targets[] = {svm->means, svm->deviations};
    const size_t indices[] = {svm->mean, svm->deviation};

    for (int p = 0; p < 2; p++) {
        et_read(scope, parameters_tensor(&model->parameters, indices[p]), values, (int64_t)width);
        for (size_t k = 0; k < width; k++)
            targets[p][k] = (double)values[k];
    }
    free(values);
    bool done = et_scope_close(scope, error);
    for (size_t m = 0; done && m < svm->count; m++) {
        char *path = machine_path(directory, m);
        done = svm_file_check(path, width, error);
        svm->machines[m] = done ? load_machine(path) : NULL;
        done = done && ((svm->machines[m] && fits(model, svm->machines[m])) ||
                        error_set(error, "%s: not a model file of libsvm, or of another model", path));
        const cJSON *temperature =
            cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(model->json, TEMPERATURE), (int)m);
        svm->temperatures[m] = cJSON_IsNumber(temperature) ? temperature->valuedouble : 1;
        free(path);
    }
    return done;
}

/* libsvm writes the file; once more through our writer, it survives the machine. */
static bool svm_save(const struct model *model, const char *directory, struct error *error)
{
    const struct svm *svm = model->state;
    bool done = true;

    for (size_t m = 0; done && m < svm->count && svm->machines[m]; m++) {
        char *path = machine_path(directory, m), *bytes = NULL;
        size_t size;
        done = save_machine(path, svm->machines[m]) || error_set(error, "%s: cannot write", path);
        done = done && (bytes = file_read(path, &size, error)) && file_write(path, bytes, size, error);
        free(bytes);
        free(path);
    }
    return done;
}

const struct model_kind MODEL_LINEAR = {
    .name = "linear",
    .summary = "support vector machines on acoustic functionals",
    .model_type = "svm",
    .architecture = "EmotrainSvm",
    .extractor = "EmotrainFunctionals",
    .input = INPUT_FEATURES,
    .needs_no_files = true,
    .open = svm_open,
    .freeze = svm_freeze,
    .close = svm_close,
    .fit = svm_fit,
    .predict = predict_batch,
    .load = svm_load,
    .save = svm_save,
};
