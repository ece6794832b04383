/* Metrics and the classification report: see metrics.h. */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double quotient(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void set_quotients(struct scores *s, size_t right)
{
    s->precision = quotient((double)right, (double)s->predicted);
    s->recall = quotient((double)right, (double)s->support);
    s->f1 = quotient(2 * (double)right, (double)(s->support + s->predicted));
}

bool label_occurs(const struct evaluation *e, size_t k)
{
    return e->task != SINGLE_LABEL || e->classes[k].support + e->classes[k].predicted > 0;
}

/* A sum in the order in which NumPy adds up to 128 numbers, so that the last bit is its, too. */
struct numpy_sum {
    size_t count, at; /* count: how many there will be */
    double lanes[8], sum;
};

static void sum_add(struct numpy_sum *s, double value)
{
    const double *l = s->lanes;

    if (s->at < s->count - s->count % 8)
        s->lanes[s->at % 8] += value;
    else
        s->sum += value;
    if (++s->at == s->count - s->count % 8)
        s->sum = ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
}

/* The mean of a score over classes: of weight 0 or more each, and below 0 left out. */
static double mean_score(const struct evaluation *e, double (*score)(const struct scores *scores),
                         double (*weight)(const struct evaluation *e, size_t k))
{
    struct numpy_sum sum = {0};
    double weights = 0;

    for (size_t k = 0; k < e->label_count; k++)
        sum.count += weight(e, k) >= 0;
    for (size_t k = 0; k < e->label_count; k++) {
        double own = weight(e, k);
        if (own < 0)
            continue;
        sum_add(&sum, score(&e->classes[k]) * own);
        weights += own;
    }
    return quotient(sum.sum, weights);
}

static double precision_of(const struct scores *s)
{
    return s->precision;
}

static double recall_of(const struct scores *s)
{
    return s->recall;
}

static double f1_of(const struct scores *s)
{
    return s->f1;
}

static double one_if_it_occurs(const struct evaluation *e, size_t k)
{
    return label_occurs(e, k) ? 1 : -1;
}

static double one_if_it_is_true(const struct evaluation *e, size_t k)
{
    return e->classes[k].support > 0 ? 1 : -1;
}

static double its_support(const struct evaluation *e, size_t k)
{
    return label_occurs(e, k) ? (double)e->classes[k].support : -1;
}

/* Averages over classes: the macro average over those that occur among true or predicted labels, as
 * scikit-learn has it; a group of clips, or a resample, may lack some.  Of multi_label over all, likewise. */
static void average(struct evaluation *e)
{
    struct scores *m = &e->macro, *w = &e->weighted;

    m->support = w->support = m->predicted = w->predicted = e->clips;
    m->precision = mean_score(e, precision_of, one_if_it_occurs);
    m->recall = mean_score(e, recall_of, one_if_it_occurs);
    m->f1 = mean_score(e, f1_of, one_if_it_occurs);
    w->precision = mean_score(e, precision_of, its_support);
    w->recall = mean_score(e, recall_of, its_support);
    w->f1 = mean_score(e, f1_of, its_support);
    e->uar = mean_score(e, recall_of, one_if_it_is_true);
}

/* ---- multi_label ---- */

/* A clip's probability of one label, and whether it has it. */
struct mark {
    double probability;
    bool is_so;
};

static int likeliest_first(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;

    return (x->probability < y->probability) - (x->probability > y->probability);
}

/* Of one label, over rows, sorted; caller frees. */
static struct mark *sorted_marks(const struct prediction *const *rows, size_t count, size_t label)
{
    struct mark *marks = mem_zero(count, sizeof *marks);

    for (size_t i = 0; i < count; i++)
        marks[i] = (struct mark){rows[i]->probabilities[label], rows[i]->targets[label] > 0.5};
    if (count)
        qsort(marks, count, sizeof *marks, likeliest_first);
    return marks;
}

/* Area under the ROC curve, ties by half, and average precision, ties together. */
static void rank_scores(const struct mark *marks, size_t count, struct scores *s)
{
    double positives = 0, hits = 0, wins = 0, precision = 0;

    for (size_t i = 0; i < count; i++)
        positives += marks[i].is_so;
    for (size_t i = 0, next; i < count; i = next) {
        double tied = marks[i].is_so;
        for (next = i + 1; next < count && marks[next].probability == marks[i].probability; next++)
            tied += marks[next].is_so;
        wins += ((double)(next - i) - tied) * (hits + tied / 2);
        hits += tied;
        precision += tied * hits / (double)next;
    }
    double negatives = (double)count - positives;
    s->auc = positives > 0 && negatives > 0 ? wins / (positives * negatives) : (double)NAN;
    s->average_precision = positives > 0 ? precision / positives : (double)NAN;
}

static size_t score_label(struct evaluation *e, size_t k)
{
    struct scores *s = &e->classes[k];
    struct mark *marks = sorted_marks(e->rows, e->clips, k);
    size_t hits = 0;

    for (size_t i = 0; i < e->clips; i++) {
        bool is_so = e->rows[i]->targets[k] > 0.5, given = e->rows[i]->decisions[k] > 0.5;
        s->support += is_so;
        s->predicted += given;
        hits += is_so && given;
    }
    set_quotients(s, hits);
    rank_scores(marks, e->clips, s);
    free(marks);
    return hits;
}

/* The mean of a metric over the labels where it is a number. */
static double mean_over(const struct evaluation *e, double (*of)(const struct scores *scores))
{
    double sum = 0, count = 0;

    for (size_t k = 0; k < e->label_count; k++) {
        double value = of(&e->classes[k]);
        if (isfinite(value)) {
            sum += value;
            count++;
        }
    }
    return count > 0 ? sum / count : (double)NAN;
}

static double auc_of_label(const struct scores *s)
{
    return s->auc;
}

static double precision_of_label(const struct scores *s)
{
    return s->average_precision;
}

static void finish_multi_label(struct evaluation *e)
{
    const struct prediction_list shape = {.task = MULTI_LABEL, .label_count = e->label_count};
    size_t hits = 0;

    for (size_t k = 0; k < e->label_count; k++) {
        hits += score_label(e, k);
        e->micro.support += e->classes[k].support;
        e->micro.predicted += e->classes[k].predicted;
    }
    set_quotients(&e->micro, hits);
    average(e);
    e->macro.support = e->weighted.support = e->micro.support;
    e->macro.auc = mean_over(e, auc_of_label);
    e->macro.average_precision = mean_over(e, precision_of_label);
    for (size_t i = 0; i < e->clips; i++)
        e->accuracy += prediction_is_right(&shape, e->rows[i]) / (double)e->clips;
}

void thresholds_make(const struct prediction_list *predictions, double *thresholds)
{
    const struct prediction **rows = mem_zero(predictions->count, sizeof *rows);
    size_t count = 0;

    for (size_t i = 0; i < predictions->count; i++)
        if (prediction_is_known(&predictions->items[i]))
            rows[count++] = &predictions->items[i];
    for (size_t k = 0; k < predictions->label_count; k++) {
        struct mark *marks = sorted_marks(rows, count, k);
        size_t positives = 0, hits = 0;
        double best = 0;
        for (size_t i = 0; i < count; i++)
            positives += marks[i].is_so;
        thresholds[k] = 0.5;
        for (size_t i = 0; i < count; i++) {
            hits += marks[i].is_so;
            double below = i + 1 < count ? marks[i + 1].probability : 0;
            double f1 = 2 * (double)hits / (double)(i + 1 + positives);
            if (marks[i].probability > below && f1 > best) { /* halfway between two clips */
                best = f1;
                thresholds[k] = (marks[i].probability + below) / 2;
            }
        }
        free(marks);
    }
    free(rows);
}

/* ---- regression ---- */

static struct agreement agree(const struct evaluation *e, size_t k)
{
    double n = (double)e->clips, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    struct agreement a = {0};

    for (size_t i = 0; i < e->clips; i++) {
        x += e->rows[i]->targets[k] / n;
        y += e->rows[i]->probabilities[k] / n;
    }
    for (size_t i = 0; i < e->clips; i++) {
        double dx = e->rows[i]->targets[k] - x, dy = e->rows[i]->probabilities[k] - y;
        double off = e->rows[i]->probabilities[k] - e->rows[i]->targets[k];
        xx += dx * dx / n;
        yy += dy * dy / n;
        xy += dx * dy / n;
        a.mae += fabs(off) / n;
        a.rmse += off * off / n;
    }
    a.rmse = sqrt(a.rmse);
    bool varies = xx > 1e-24 * (x * x + xx) && yy > 1e-24 * (y * y + yy); /* else what is left is rounding */
    a.pearson = varies ? xy / sqrt(xx * yy) : (double)NAN;
    a.ccc = quotient(2 * xy, xx + yy + (x - y) * (x - y));
    return a;
}

static void finish_regression(struct evaluation *e)
{
    double n = (double)e->label_count;

    e->mean = (struct agreement){0};
    for (size_t k = 0; k < e->label_count; k++) {
        struct agreement a = e->targets[k] = agree(e, k);
        e->mean.ccc += a.ccc / n;
        e->mean.pearson += a.pearson / n;
        e->mean.mae += a.mae / n;
        e->mean.rmse += a.rmse / n;
    }
}

/* ---- adding up ---- */

void evaluation_start(struct evaluation *e, const struct prediction_list *predictions)
{
    size_t count = predictions->label_count;

    *e = (struct evaluation){.task = predictions->task, .labels = predictions->labels, .label_count = count};
    e->classes = mem_zero(count, sizeof *e->classes);
    if (e->task == SINGLE_LABEL)
        e->right = mem_zero(count, sizeof *e->right);
    if (e->task == REGRESSION)
        e->targets = mem_zero(count, sizeof *e->targets);
}

void evaluation_add(struct evaluation *e, const struct outcome *o)
{
    if (e->task == SINGLE_LABEL) {
        e->classes[o->label].support++;
        if (o->predicted >= 0)
            e->classes[o->predicted].predicted++;
        e->right[o->label] += o->label == o->predicted;
        if (e->confusion && o->predicted >= 0)
            e->confusion[(size_t)o->label * e->label_count + (size_t)o->predicted]++;
    } else {
        e->rows = mem_grow(e->rows, &e->row_capacity, e->clips + 1, sizeof *e->rows);
        e->rows[e->clips] = o->prediction;
    }
    e->loss += o->loss; /* their sum until evaluation_finish */
    e->clips++;
}

void evaluation_finish(struct evaluation *e)
{
    size_t right = 0;

    e->loss = quotient(e->loss, (double)e->clips);
    if (e->task == MULTI_LABEL)
        finish_multi_label(e);
    if (e->task == REGRESSION)
        finish_regression(e);
    if (e->task != SINGLE_LABEL)
        return;
    for (size_t k = 0; k < e->label_count; k++) {
        set_quotients(&e->classes[k], e->right[k]);
        right += e->right[k];
    }
    e->accuracy = quotient((double)right, (double)e->clips);
    average(e);
}

void evaluation_clear(struct evaluation *e)
{
    if (e->right)
        memset(e->right, 0, e->label_count * sizeof *e->right);
    memset(e->classes, 0, e->label_count * sizeof *e->classes);
    *e = (struct evaluation){.task = e->task,
                             .labels = e->labels,
                             .label_count = e->label_count,
                             .right = e->right,
                             .classes = e->classes,
                             .targets = e->targets,
                             .rows = e->rows,
                             .row_capacity = e->row_capacity};
}

/* The clip's loss: cross-entropy, binary cross-entropy over labels, or squared error over targets. */
static double loss_of(const struct prediction_list *list, const struct prediction *p)
{
    double sum = 0;

    if (list->task == SINGLE_LABEL)
        return -log(fmax(p->probabilities[p->label], 1e-30));
    for (size_t k = 0; k < list->label_count; k++) {
        double off = p->probabilities[k] - p->targets[k];
        sum += list->task == REGRESSION ? off * off : -log(fmax(1 - fabs(off), 1e-30));
    }
    return sum / (double)list->label_count;
}

struct outcome outcome_of(const struct prediction_list *predictions, const struct prediction *prediction)
{
    return (struct outcome){prediction, prediction->label, prediction->predicted,
                            loss_of(predictions, prediction)};
}

void evaluation_make(struct evaluation *evaluation, const struct prediction_list *predictions)
{
    size_t count = predictions->label_count;

    evaluation_start(evaluation, predictions);
    if (evaluation->task == SINGLE_LABEL && count <= CONFUSION_LABELS)
        evaluation->confusion = mem_zero(count * count, sizeof *evaluation->confusion);
    for (size_t i = 0; i < predictions->count; i++) {
        if (prediction_is_known(&predictions->items[i])) {
            struct outcome outcome = outcome_of(predictions, &predictions->items[i]);
            evaluation_add(evaluation, &outcome);
        }
    }
    evaluation_finish(evaluation);
}

void evaluation_free(struct evaluation *evaluation)
{
    free(evaluation->confusion);
    free(evaluation->right);
    free(evaluation->classes);
    free(evaluation->targets);
    free(evaluation->rows);
    *evaluation = (struct evaluation){0};
}

/* ---- the list of metrics ---- */

static double accuracy_of(const struct evaluation *e)
{
    return e->accuracy;
}

static double uar_of(const struct evaluation *e)
{
    return e->uar;
}

static double macro_f1_of(const struct evaluation *e)
{
    return e->macro.f1;
}

static double weighted_f1_of(const struct evaluation *e)
{
    return e->weighted.f1;
}

static double micro_f1_of(const struct evaluation *e)
{
    return e->micro.f1;
}

static double macro_auc_of(const struct evaluation *e)
{
    return e->macro.auc;
}

static double mean_precision_of(const struct evaluation *e)
{
    return e->macro.average_precision;
}

static double ccc_of(const struct evaluation *e)
{
    return e->mean.ccc;
}

static double pearson_of(const struct evaluation *e)
{
    return e->mean.pearson;
}

static double mae_of(const struct evaluation *e)
{
    return e->mean.mae;
}

static double rmse_of(const struct evaluation *e)
{
    return e->mean.rmse;
}

static double eval_loss_of(const struct evaluation *e)
{
    return e->loss;
}

const struct metric_kind METRICS[METRIC_COUNT] = {
    [METRIC_ACCURACY] = {"accuracy", false, accuracy_of, {"accuracy", "exact match", NULL}},
    [METRIC_UAR] = {"uar", false, uar_of, {"UAR", NULL, NULL}},
    [METRIC_MACRO_F1] = {"macro_f1", false, macro_f1_of, {"macro F1", "macro F1", NULL}},
    [METRIC_MICRO_F1] = {"micro_f1", false, micro_f1_of, {NULL, "micro F1", NULL}},
    [METRIC_WEIGHTED_F1] = {"weighted_f1", false, weighted_f1_of, {"weighted F1", "weighted F1", NULL}},
    [METRIC_MACRO_AUC] = {"macro_auc", false, macro_auc_of, {NULL, "macro AUC", NULL}},
    [METRIC_MEAN_AVERAGE_PRECISION] = {"map", false, mean_precision_of, {NULL, "mean AP", NULL}},
    [METRIC_CCC] = {"ccc", false, ccc_of, {NULL, NULL, "CCC"}},
    [METRIC_PEARSON] = {"pearson", false, pearson_of, {NULL, NULL, "Pearson's r"}},
    [METRIC_MAE] = {"mae", true, mae_of, {NULL, NULL, "mean abs. error"}},
    [METRIC_RMSE] = {"rmse", true, rmse_of, {NULL, NULL, "RMS error"}},
    [METRIC_LOSS] = {"eval_loss",
                     true,
                     eval_loss_of,
                     {"cross-entropy loss", "cross-entropy loss", "squared error"}},
};

enum metric metric_after(enum metric metric, enum task task)
{
    enum metric f = metric == METRIC_COUNT ? 0 : metric + 1;

    while (f < METRIC_COUNT && !METRICS[f].titles[task])
        f++;
    return f;
}

const char *metric_title(enum metric metric, enum task task)
{
    return METRICS[metric].titles[task] ? METRICS[metric].titles[task] : METRICS[metric].name;
}

enum metric metric_find(const char *name)
{
    enum metric f = 0;

    while (f < METRIC_COUNT && strcmp(METRICS[f].name, name) != 0)
        f++;
    return f;
}

bool metric_check(const char *setting, const char *name, enum task task, struct error *error)
{
    enum metric named = metric_find(name);
    struct text own = {0};

    if (named == METRIC_COUNT || METRICS[named].titles[task])
        return true;
    FOR_METRICS (f, task)
        text_add(&own, "%s%s", own.length ? ", " : "", METRICS[f].name);
    error_usage(error, "%s=%s: model.task=%s has no such metric, but %s", setting, name, TASKS[task].name,
                own.text);
    text_free(&own);
    return false;
}

enum metric metric_choose(const char *name, enum task task)
{
    static const enum metric own[TASK_COUNT] = {METRIC_ACCURACY, METRIC_MACRO_F1, METRIC_CCC};
    enum metric named = metric_find(name);

    return named < METRIC_COUNT && METRICS[named].titles[task] ? named : own[task];
}

bool metric_is_better(enum metric metric, double a, double b)
{
    if (isnan(a) || isnan(b))
        return !isnan(a);
    return METRICS[metric].smaller_is_better ? a < b : a > b;
}

void evaluation_metrics(const struct evaluation *e, int64_t step, double epoch, struct metric_list *metrics)
{
    FOR_METRICS (f, e->task)
        metric_list_add(metrics, step, epoch, METRICS[f].name, METRICS[f].of(e));
}

double evaluation_score(const struct evaluation *e, enum metric metric)
{
    double value = METRICS[metric].of(e);

    return METRICS[metric].smaller_is_better ? -value : value;
}

/* ---- the report ---- */

static void print_name(struct text *out, const char *name, int width)
{
    text_add_column(out, name, width);
    text_add(out, " ");
}

static void print_number(struct text *out, double value)
{
    text_add(out, " ");
    text_add_number(out, value, 9, 2);
}

static void print_scores(struct text *out, const char *name, int width, const struct scores *s, bool ranked)
{
    print_name(out, name, width);
    text_add(out, " %9.2f %9.2f %9.2f %9zu", s->precision, s->recall, s->f1, s->support);
    if (ranked) {
        print_number(out, s->auc);
        print_number(out, s->average_precision);
    }
    text_add(out, "\n");
}

static void print_agreement(struct text *out, const char *name, int width, const struct agreement *a)
{
    print_name(out, name, width);
    print_number(out, a->ccc);
    print_number(out, a->pearson);
    print_number(out, a->mae);
    print_number(out, a->rmse);
    text_add(out, "\n");
}

static void print_regression(const struct evaluation *e, int width, struct text *out)
{
    print_name(out, "", width);
    text_add(out, " %9s %9s %9s %9s\n\n", "CCC", "Pearson", "MAE", "RMSE");
    for (size_t k = 0; k < e->label_count; k++)
        print_agreement(out, e->labels[k], width, &e->targets[k]);
    if (e->label_count > 1)
        print_agreement(out, "mean", width, &e->mean);
    text_add(out, "\n%zu clips\n", e->clips);
}

void evaluation_print(const struct evaluation *e, struct text *out)
{
    int width = (int)strlen("weighted avg");
    bool ranked = e->task == MULTI_LABEL;

    for (size_t k = 0; k < e->label_count; k++)
        if (label_occurs(e, k) && text_characters(e->labels[k]) > width)
            width = text_characters(e->labels[k]);
    if (e->task == REGRESSION) {
        print_regression(e, width, out);
        return;
    }
    print_name(out, "", width);
    text_add(out, " %9s %9s %9s %9s", "precision", "recall", "f1-score", "support");
    text_add(out, ranked ? " %9s %9s\n\n" : "%s%s\n\n", ranked ? "AUC" : "", ranked ? "AP" : "");
    for (size_t k = 0; k < e->label_count; k++)
        if (label_occurs(e, k))
            print_scores(out, e->labels[k], width, &e->classes[k], ranked);
    text_add(out, "\n");
    print_name(out, ranked ? "exact match" : "accuracy", width);
    text_add(out, " %9s %9s %9.2f %9zu\n", "", "", e->accuracy, e->clips);
    if (ranked)
        print_scores(out, "micro avg", width, &e->micro, false);
    print_scores(out, "macro avg", width, &e->macro, ranked);
    print_scores(out, "weighted avg", width, &e->weighted, false);
}
