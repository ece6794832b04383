/* Choosing a linear classifier by cross-validation: see choice.h. */
#include "model/linear/choice.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"
#include "model/head/layer_mix.h"
#include "model/linear/logistic.h"
#include "model/linear/wccn.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Tighter than scikit-learn's default of 1e-4, so that no choice hangs on where the iterations stop. */
static const double SEARCH_TOLERANCE = 1e-7, FIT_TOLERANCE = 1e-9;
static const double COSTS[] = {1e-4, 1e-3, 1e-2, 1e-1, 1}; /* linear.C=auto */

/* A set of layers that one classifier is fitted to. */
struct layer_set {
    size_t layers[CHOICE_LAYERS_MOST], count;
    size_t parts; /* of each: mean, or mean and deviation */
};

struct choice_search {
    const struct examples *examples;
    enum task task;
    size_t labels, columns;
    double *targets;       /* (count, columns), where columns are apart; else NULL */
    double *label_weights; /* (labels), of single_label; NULL: 1 each */
    struct layer_set *sets;
    size_t set_count, pooling_count; /* the sets of each pooling one after the other */
    double costs[64];
    size_t cost_count, folds;
    size_t *fold_of; /* (count) */
    double *held;    /* (sets, costs, count, columns): predictions of clips held out */
    struct progress progress;
    pthread_mutex_t mutex; /* of what follows */
    size_t tried;
    struct error error;
};

/* ---- what is learned ---- */

static enum linear_loss loss_of(const struct choice_search *s)
{
    if (s->task == REGRESSION)
        return LOSS_SQUARED;
    return s->task == MULTI_LABEL || s->labels == 2 ? LOSS_SIGMOID : LOSS_SOFTMAX;
}

/* One of two labels is one yes or no. */
static bool is_binary(const struct choice_search *s)
{
    return s->task == SINGLE_LABEL && s->labels == 2;
}

static void make_targets(struct choice_search *s)
{
    const struct examples *e = s->examples;

    s->columns = is_binary(s) ? 1 : s->labels;
    if (loss_of(s) == LOSS_SOFTMAX)
        return;
    s->targets = mem_zero(e->count * s->columns, sizeof *s->targets);
    for (size_t i = 0; i < e->count; i++)
        for (size_t k = 0; k < s->columns; k++)
            s->targets[i * s->columns + k] =
                is_binary(s) ? (double)e->labels[i] : (double)e->targets[i * s->labels + k];
}

/* scikit-learn's class_weight="balanced", of the whole training part. */
static void weigh_labels(struct choice_search *s)
{
    const struct examples *e = s->examples;
    size_t present = 0;

    if (!e->class_weights || s->task != SINGLE_LABEL)
        return;
    s->label_weights = mem_zero(s->labels, sizeof *s->label_weights);
    for (size_t i = 0; i < e->count; i++)
        s->label_weights[e->labels[i]]++;
    for (size_t k = 0; k < s->labels; k++)
        present += s->label_weights[k] > 0;
    for (size_t k = 0; k < s->labels; k++)
        s->label_weights[k] =
            s->label_weights[k] > 0 ? (double)e->count / ((double)present * s->label_weights[k]) : 0;
}

/* ---- examples of a set of layers ---- */

/* The examples outside `fold` (all where it is no fold), then those of it; the former scale all. */
struct table {
    size_t count, held, width;
    size_t *rows; /* (count + held): which examples */
    double *x;    /* (count + held, width) */
    double *means, *deviations;
    struct wccn *wccn; /* NULL: not wanted */
    int64_t *labels;
    double *targets, *weights;
};

static void copy_row(const struct choice_search *s, const struct layer_set *set, size_t i, double *row)
{
    const struct examples *e = s->examples;
    const float *all = e->features + i * e->states * e->parts * e->width;

    for (size_t part = 0; part < set->parts; part++)
        for (size_t l = 0; l < set->count; l++)
            for (size_t j = 0; j < e->width; j++)
                *row++ = (double)all[(set->layers[l] * e->parts + part) * e->width + j];
}

/* Means and deviations (of the population, as scikit-learn's StandardScaler); as float32, which is how they
 * are kept. */
static void measure(struct table *t)
{
    for (size_t j = 0; j < t->width; j++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < t->count; i++)
            mean += t->x[i * t->width + j] / (double)t->count;
        for (size_t i = 0; i < t->count; i++) {
            double off = t->x[i * t->width + j] - mean;
            squares += off * off / (double)t->count;
        }
        double deviation = sqrt(squares);
        t->means[j] = (double)(float)mean;
        t->deviations[j] = deviation > 1e-6 * fabs(mean) && deviation > 0 ? (double)(float)deviation : 1;
    }
}

static void standardise(struct table *t, const struct choice_search *s)
{
    t->means = mem_zero(t->width, sizeof *t->means);
    t->deviations = mem_zero(t->width, sizeof *t->deviations);
    if (s->examples->settings->scale == LINEAR_SCALE_STANDARD)
        measure(t);
    else
        for (size_t j = 0; j < t->width; j++)
            t->deviations[j] = 1;
    for (size_t i = 0; i < t->count + t->held; i++)
        for (size_t j = 0; j < t->width; j++)
            t->x[i * t->width + j] = (t->x[i * t->width + j] - t->means[j]) / t->deviations[j];
}

static void normalise(struct table *t, const struct choice_search *s)
{
    if (!s->examples->settings->wccn)
        return;
    t->wccn = wccn_measure(t->x, t->labels, t->count, t->width, s->labels);
    wccn_apply(t->wccn, t->x, t->count + t->held);
}

static void table_start(struct table *t, const struct choice_search *s, const struct layer_set *set,
                        size_t fold)
{
    const struct examples *e = s->examples;

    *t = (struct table){.width = set->count * set->parts * e->width};
    t->rows = mem_zero(e->count, sizeof *t->rows);
    for (size_t i = 0; i < e->count; i++)
        if (s->fold_of[i] != fold)
            t->rows[t->count++] = i;
    for (size_t i = 0; i < e->count; i++)
        if (s->fold_of[i] == fold)
            t->rows[t->count + t->held++] = i;
    t->x = mem_zero(e->count * t->width, sizeof *t->x);
    t->labels = mem_zero(t->count, sizeof *t->labels);
    t->targets = mem_zero(t->count * s->columns, sizeof *t->targets);
    t->weights = mem_zero(t->count, sizeof *t->weights);
    for (size_t i = 0; i < e->count; i++)
        copy_row(s, set, t->rows[i], t->x + i * t->width);
    for (size_t i = 0; i < t->count; i++) {
        size_t row = t->rows[i];
        t->labels[i] = e->labels ? e->labels[row] : 0;
        t->weights[i] = s->label_weights ? s->label_weights[t->labels[i]] : 1;
        if (s->targets)
            memcpy(t->targets + i * s->columns, s->targets + row * s->columns, s->columns * sizeof(double));
    }
    standardise(t, s);
    normalise(t, s);
}

static void table_free(struct table *t)
{
    free(t->rows);
    free(t->x);
    free(t->means);
    free(t->deviations);
    wccn_free(t->wccn);
    free(t->labels);
    free(t->targets);
    free(t->weights);
}

static struct linear_problem problem_of(const struct choice_search *s, const struct table *t)
{
    return (struct linear_problem){.loss = loss_of(s),
                                   .count = t->count,
                                   .width = t->width,
                                   .columns = s->columns,
                                   .x = t->x,
                                   .labels = t->labels,
                                   .targets = t->targets,
                                   .weights = t->weights};
}

/* ---- predictions ---- */

/* Scores to probabilities; numbers stay as they are. */
static void to_probabilities(const struct choice_search *s, double *scores)
{
    double largest = scores[0], sum = 0;

    if (loss_of(s) == LOSS_SQUARED)
        return;
    if (loss_of(s) == LOSS_SIGMOID) {
        for (size_t k = 0; k < s->columns; k++)
            scores[k] = 1 / (1 + exp(-scores[k]));
        return;
    }
    for (size_t k = 1; k < s->columns; k++)
        largest = fmax(largest, scores[k]);
    for (size_t k = 0; k < s->columns; k++)
        sum += scores[k] = exp(scores[k] - largest);
    for (size_t k = 0; k < s->columns; k++)
        scores[k] /= sum;
}

static double *held_of(const struct choice_search *s, size_t set, size_t cost)
{
    return s->held + (set * s->cost_count + cost) * s->examples->count * s->columns;
}

/* Every C for one set of layers without one fold, from the smallest up, each from where the last one ended.
 */
static bool try_fold(void *context, size_t item)
{
    struct choice_search *s = context;
    size_t set = item / s->folds, fold = item % s->folds;
    struct linear_fit fit;
    struct table table;
    struct error error = {0};

    table_start(&table, s, &s->sets[set], fold);
    const struct linear_problem problem = problem_of(s, &table);
    linear_fit_start(&fit, &problem);
    for (size_t c = 0; c < s->cost_count && !error.kind && !interrupt_requested(); c++) {
        linear_fit_minimise(&fit, s->costs[c], SEARCH_TOLERANCE, &error);
        for (size_t i = table.count; i < table.count + table.held; i++) {
            double *out = held_of(s, set, c) + table.rows[i] * s->columns;
            linear_fit_scores(&fit, table.x + i * table.width, out);
            to_probabilities(s, out);
        }
    }
    linear_fit_free(&fit);
    table_free(&table);
    pthread_mutex_lock(&s->mutex);
    if (error.kind && !s->error.kind)
        s->error = error;
    progress_update(&s->progress, ++s->tried, NULL);
    pthread_mutex_unlock(&s->mutex);
    return !error.kind && !interrupt_requested();
}

/* ---- scores ---- */

/* The class that predictions of one clip say, of column k where columns are apart. */
static size_t decide(const struct choice_search *s, const double *row, size_t k)
{
    size_t best = 0;

    if (loss_of(s) == LOSS_SIGMOID)
        return row[k] > 0.5;
    for (size_t c = 1; c < s->columns; c++)
        best = row[c] > row[best] ? c : best;
    return best;
}

/* Mean recall over classes, or accuracy, of column k. */
static double score_column(const struct choice_search *s, const double *predictions, size_t k)
{
    const struct examples *e = s->examples;
    size_t classes = loss_of(s) == LOSS_SIGMOID ? 2 : s->labels;
    double *all = mem_zero(classes, sizeof *all), *hits = mem_zero(classes, sizeof *hits), recall = 0,
           present = 0, right = 0;

    for (size_t i = 0; i < e->count; i++) {
        size_t is = s->targets ? s->targets[i * s->columns + k] > 0.5 : (size_t)e->labels[i];
        bool hit = decide(s, predictions + i * s->columns, k) == is;
        all[is]++;
        hits[is] += hit;
        right += hit;
    }
    for (size_t c = 0; c < classes; c++) {
        recall += all[c] > 0 ? hits[c] / all[c] : 0;
        present += all[c] > 0;
    }
    free(all);
    free(hits);
    return e->by_recall || s->task == MULTI_LABEL ? recall / present : right / (double)e->count;
}

/* Larger is better: of numbers less the mean squared error. */
static double score(const struct choice_search *s, const double *predictions)
{
    double sum = 0;
    size_t columns = loss_of(s) == LOSS_SOFTMAX ? 1 : s->columns;

    if (s->task == REGRESSION) {
        for (size_t i = 0; i < s->examples->count * s->columns; i++)
            sum -= (predictions[i] - s->targets[i]) * (predictions[i] - s->targets[i]);
        return sum / (double)(s->examples->count * s->columns);
    }
    for (size_t k = 0; k < columns; k++)
        sum += score_column(s, predictions, k);
    return sum / (double)columns;
}

static void add_candidate(struct linear_choice *choice, const size_t *layers, size_t count, size_t parts,
                          double C, double value)
{
    struct linear_candidate *c = &choice->candidates[choice->count++];

    *c = (struct linear_candidate){.layer_count = count, .parts = parts, .C = C, .score = value};
    memcpy(c->layers, layers, count * sizeof *layers);
}

/* The mean of the probabilities of sets first .. last, each of one layer. */
static void add_mean(const struct choice_search *s, struct linear_choice *choice, size_t first, size_t last,
                     size_t cost)
{
    size_t values = s->examples->count * s->columns, layers[CHOICE_LAYERS_MOST] = {0},
           count = last - first + 1;
    double *mean = mem_zero(values, sizeof *mean);

    for (size_t set = first; set <= last; set++) {
        const double *held = held_of(s, set, cost);
        layers[set - first] = s->sets[set].layers[0];
        for (size_t i = 0; i < values; i++)
            mean[i] += held[i] / (double)count;
    }
    add_candidate(choice, layers, count, s->sets[first].parts, s->costs[cost], score(s, mean));
    free(mean);
}

/* linear.combine=mean: of the layers named all together, of linear.layer=auto every range. */
static void add_means(const struct choice_search *s, struct linear_choice *choice, bool every)
{
    size_t layers = s->set_count / s->pooling_count; /* of each pooling */

    for (size_t from = 0; from < s->set_count; from += layers)
        for (size_t first = from; first < from + layers && (every || first == from); first++)
            for (size_t last = every ? first : from + layers - 1; last < from + layers; last++)
                for (size_t c = 0; c < s->cost_count && last - first < CHOICE_LAYERS_MOST; c++)
                    add_mean(s, choice, first, last, c);
}

/* ---- setting up ---- */

/* linear.C: "auto", or numbers. */
static bool read_costs(struct choice_search *s, struct error *error)
{
    const char *text = s->examples->settings->C;

    if (strcmp(text, "auto") == 0) {
        memcpy(s->costs, COSTS, sizeof COSTS);
        s->cost_count = sizeof COSTS / sizeof COSTS[0];
        return true;
    }
    for (char *item; (item = list_next(&text, ',')); free(item)) {
        double *cost = &s->costs[s->cost_count];
        if (s->cost_count == sizeof s->costs / sizeof s->costs[0] || !text_to_number(item, cost) ||
            !(*cost > 0 && *cost <= 1e9) || (s->cost_count > 0 && *cost <= cost[-1]))
            error_usage(error, "linear.C must be auto, or numbers above 0 from small to large, not \"%s\"",
                        s->examples->settings->C);
        else
            s->cost_count++;
    }
    if (s->cost_count == 0)
        error_usage(error, "linear.C names no number: auto, or numbers from small to large");
    return !error->kind;
}

/* A set for each pooling and layer, or for each pooling with all layers in it. */
static void make_sets(struct choice_search *s, const struct layer_set *layers, bool concat)
{
    const struct examples *e = s->examples;
    const char *pooling = e->settings->pooling;
    bool both = strcmp(pooling, "auto") == 0;
    size_t least = both || strcmp(pooling, "mean") == 0 ? 1 : 2, most = both ? 2 : least;

    s->sets = mem_zero(2 * layers->count + 2, sizeof *s->sets);
    for (size_t parts = least; parts <= most && s->pooling_count < e->parts; parts++) {
        struct layer_set set = *layers;
        set.parts = e->parts == 1 ? 1 : parts; /* 1: features that are no encoder's */
        s->pooling_count++;
        if (concat)
            s->sets[s->set_count++] = set;
        for (size_t i = 0; !concat && i < layers->count; i++)
            s->sets[s->set_count++] =
                (struct layer_set){.layers = {layers->layers[i]}, .count = 1, .parts = set.parts};
    }
}

/* linear.layer: "auto", or numbers. */
static bool read_layers(struct choice_search *s, struct error *error)
{
    const struct examples *e = s->examples;
    bool concat = strcmp(e->settings->combine, "concat") == 0, all = strcmp(e->settings->layer, "auto") == 0;
    struct layer_set set = {0};
    int64_t layers[LAYERS_MOST], count = 0;

    if (!all && !layers_read(e->settings->layer, (int64_t)e->states - 1, layers, &count))
        return error_usage(error,
                           "linear.layer must be auto, or layers from 0 to %zu, from low to high, not \"%s\"",
                           e->states - 1, e->settings->layer);
    for (size_t i = 0; all && i < e->states && i < CHOICE_LAYERS_MOST; i++)
        set.layers[set.count++] = i;
    for (int64_t i = 0; i < count; i++)
        set.layers[set.count++] = (size_t)layers[i];
    make_sets(s, &set, concat);
    return true;
}

static bool check_width(const struct choice_search *s, struct error *error)
{
    size_t widest = 0;

    for (size_t i = 0; s->examples->settings->wccn && i < s->set_count; i++) {
        size_t width = s->sets[i].count * s->sets[i].parts * s->examples->width;
        widest = width > widest ? width : widest;
    }
    return widest <= WCCN_WIDTH_MOST ||
           error_usage(error,
                       "linear.wccn=yes takes up to %d features, not %zu: linear.pooling=mean and no "
                       "linear.combine=concat have fewer, or linear.wccn=no",
                       WCCN_WIDTH_MOST, widest);
}

/* The groups in the order that they are dealt: the largest first. */
static size_t *order_groups(const size_t *sizes, size_t count)
{
    size_t *order = mem_zero(count, sizeof *order);

    for (size_t g = 0; g < count; g++) {
        size_t at = g;
        for (; at > 0 && sizes[order[at - 1]] < sizes[g]; at--)
            order[at] = order[at - 1];
        order[at] = g;
    }
    return order;
}

static void deal_groups(struct choice_search *s)
{
    const struct examples *e = s->examples;
    size_t *sizes = mem_zero(e->group_count, sizeof *sizes), *loads = mem_zero(s->folds, sizeof *loads),
           *folds = mem_zero(e->group_count, sizeof *folds);

    for (size_t i = 0; i < e->count; i++)
        sizes[e->groups[i]]++;
    size_t *order = order_groups(sizes, e->group_count);
    for (size_t g = 0; g < e->group_count; g++) {
        size_t lightest = 0;
        for (size_t f = 1; f < s->folds; f++)
            lightest = loads[f] < loads[lightest] ? f : lightest;
        folds[order[g]] = lightest;
        loads[lightest] += sizes[order[g]];
    }
    for (size_t i = 0; i < e->count; i++)
        s->fold_of[i] = folds[e->groups[i]];
    free(order);
    free(sizes);
    free(loads);
    free(folds);
}

static void deal_folds(struct choice_search *s)
{
    const struct examples *e = s->examples;
    size_t units = e->groups ? e->group_count : e->count, *next = mem_zero(s->labels + 1, sizeof *next);

    s->fold_of = mem_zero(e->count, sizeof *s->fold_of);
    s->folds = (size_t)e->settings->folds < units ? (size_t)e->settings->folds : units;
    if (e->groups)
        deal_groups(s);
    for (size_t i = 0; !e->groups && i < e->count; i++)
        s->fold_of[i] = next[s->task == SINGLE_LABEL ? (size_t)e->labels[i] : s->labels]++ % s->folds;
    free(next);
}

/* ---- choosing ---- */

static void fill_candidates(const struct choice_search *s, struct linear_choice *choice, bool tried)
{
    const struct linear_settings *settings = s->examples->settings;

    if (tried && strcmp(settings->combine, "mean") == 0) {
        add_means(s, choice, strcmp(settings->layer, "auto") == 0);
        return;
    }
    for (size_t set = 0; set < s->set_count; set++)
        for (size_t c = 0; c < s->cost_count; c++)
            add_candidate(choice, s->sets[set].layers, s->sets[set].count, s->sets[set].parts, s->costs[c],
                          tried ? score(s, held_of(s, set, c)) : (double)NAN);
}

/* Tries all candidates, where there are several. */
static bool search(struct choice_search *s, struct linear_choice *choice, struct error *error)
{
    bool mean = strcmp(s->examples->settings->combine, "mean") == 0;
    bool tried = (s->set_count > 1 || s->cost_count > 1) && s->folds > 1;
    size_t most = (mean ? s->set_count * s->set_count : s->set_count) * s->cost_count;

    choice->candidates = mem_zero(most + 1, sizeof *choice->candidates);
    if (tried) {
        s->held = mem_zero(s->set_count * s->cost_count * s->examples->count * s->columns, sizeof *s->held);
        progress_start(&s->progress, "cross-validation", "fit", 0, s->set_count * s->folds);
        parallel_for(s->set_count * s->folds, s->examples->threads, try_fold, s);
        progress_end(&s->progress);
    }
    if (s->error.kind) {
        *error = s->error;
        return false;
    }
    if (interrupt_requested())
        return error_interrupted(error, "interrupted while choosing; --resume begins that again");
    if (!tried && (s->set_count > 1 || s->cost_count > 1))
        return error_set(error,
                         "linear.layer, linear.C: nothing can be chosen from so few clips or speakers: "
                         "name one layer and one C");
    fill_candidates(s, choice, tried);
    for (size_t c = 1; c < choice->count; c++)
        if (choice->candidates[c].score > choice->candidates[choice->best].score)
            choice->best = c;
    return true;
}

/* ---- fitting ---- */

/* Copies member m into the choice; a binary one as two columns. */
static void keep_fit(const struct choice_search *s, struct linear_choice *choice, size_t m,
                     const struct linear_fit *fit, const struct table *t)
{
    size_t part = choice->width / choice->members;
    double *weights = choice->weights + m * choice->columns * part,
           *biases = choice->biases + m * choice->columns;

    memcpy(choice->means + m * part, t->means, part * sizeof(double));
    memcpy(choice->deviations + m * part, t->deviations, part * sizeof(double));
    for (size_t k = 0; k < choice->columns; k++) {
        size_t from = is_binary(s) ? 0 : k;
        double sign = !is_binary(s) ? 1 : k == 1 ? 0.5 : -0.5;
        biases[k] = sign * fit->biases[from];
        for (size_t j = 0; j < part; j++)
            weights[k * part + j] = sign * fit->weights[from * part + j];
    }
    if (t->wccn)
        wccn_weights(t->wccn, weights, choice->columns);
}

static bool fit_member(const struct choice_search *s, struct linear_choice *choice, size_t m,
                       const struct layer_set *set, double C, struct error *error)
{
    struct table table;
    struct linear_fit fit;

    table_start(&table, s, set, s->folds); /* no fold has that number: all */
    const struct linear_problem problem = problem_of(s, &table);
    linear_fit_start(&fit, &problem);
    bool done = linear_fit_minimise(&fit, C, FIT_TOLERANCE, error);
    if (done)
        keep_fit(s, choice, m, &fit, &table);
    linear_fit_free(&fit);
    table_free(&table);
    return done;
}

static bool fit_chosen(const struct choice_search *s, struct linear_choice *choice, struct error *error)
{
    const struct linear_candidate *best = &choice->candidates[choice->best];
    bool mean = strcmp(s->examples->settings->combine, "mean") == 0;
    bool done = true;

    choice->members = mean ? best->layer_count : 1;
    choice->columns = s->labels;
    choice->width = best->layer_count * best->parts * s->examples->width;
    choice->means = mem_zero(choice->width, sizeof(double));
    choice->deviations = mem_zero(choice->width, sizeof(double));
    choice->weights = mem_zero(choice->columns * choice->width, sizeof(double));
    choice->biases = mem_zero(choice->members * choice->columns, sizeof(double));
    for (size_t m = 0; done && m < choice->members; m++) {
        struct layer_set set = {.count = mean ? 1 : best->layer_count, .parts = best->parts};
        memcpy(set.layers, best->layers + (mean ? m : 0), set.count * sizeof *set.layers);
        done = fit_member(s, choice, m, &set, best->C, error);
    }
    return done;
}

bool linear_choose(struct linear_choice *choice, const struct examples *examples, enum task task,
                   size_t labels, struct error *error)
{
    struct choice_search s = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .examples = examples, .task = task, .labels = labels};

    *choice = (struct linear_choice){0};
    make_targets(&s);
    weigh_labels(&s);
    bool done = read_costs(&s, error) && read_layers(&s, error) && check_width(&s, error);
    if (done) {
        deal_folds(&s);
        done = search(&s, choice, error) && fit_chosen(&s, choice, error);
    }
    free(s.targets);
    free(s.label_weights);
    free(s.sets);
    free(s.fold_of);
    free(s.held);
    return done;
}

void linear_choice_free(struct linear_choice *choice)
{
    free(choice->candidates);
    free(choice->means);
    free(choice->deviations);
    free(choice->weights);
    free(choice->biases);
    *choice = (struct linear_choice){0};
}

void linear_choice_log(const struct linear_choice *choice, const char *what, const char *layers)
{
    const struct linear_candidate *best = &choice->candidates[choice->best];

    if (isnan(best->score))
        log_info("linear: %s%s, C %g", what, layers, best->C);
    else
        log_info("linear: %s%s, C %g; %.4f in cross-validation, the best of %zu candidates", what, layers,
                 best->C, best->score, choice->count);
}

char *linear_candidate_layers(const struct linear_candidate *candidate)
{
    struct text text = {0};

    for (size_t l = 0; l < candidate->layer_count; l++)
        text_add(&text, "%s%zu", l ? "," : "", candidate->layers[l]);
    return text.text;
}

char *linear_choice_table(const struct linear_choice *choice)
{
    struct text text = {0};

    text_add(&text, "layer,pooling,C,score\n");
    for (size_t c = 0; c < choice->count; c++) {
        char *layers = linear_candidate_layers(&choice->candidates[c]);
        const struct linear_candidate *candidate = &choice->candidates[c];
        text_add(&text, "\"%s\",%s,%g,%.6f\n", layers, candidate->parts == 2 ? "mean+std" : "mean",
                 candidate->C, candidate->score);
        free(layers);
    }
    return text.text;
}
