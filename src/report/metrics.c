#include "report/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double quotient(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* Scores of one label; returns how many of its clips were right. */
static size_t score_class(struct evaluation *e, size_t k)
{
    size_t right = e->confusion[k * e->label_count + k];
    struct scores *s = &e->classes[k];

    for (size_t j = 0; j < e->label_count; j++) {
        s->support += e->confusion[k * e->label_count + j];
        s->predicted += e->confusion[j * e->label_count + k];
    }
    s->precision = quotient((double)right, (double)s->predicted);
    s->recall = quotient((double)right, (double)s->support);
    s->f1 = quotient(2 * s->precision * s->recall, s->precision + s->recall);
    return right;
}

/* Averages over classes: the macro average over those that occur among true or predicted labels, as
 * scikit-learn has it; a group of clips, or a resample, may lack some. */
static void average(struct evaluation *e)
{
    struct scores *m = &e->macro, *w = &e->weighted;
    double present = 0, occurring = 0;

    m->support = w->support = m->predicted = w->predicted = e->clips;
    for (size_t k = 0; k < e->label_count; k++) {
        const struct scores *s = &e->classes[k];
        double share = quotient((double)s->support, (double)e->clips);
        m->precision += s->precision;
        m->recall += s->recall;
        m->f1 += s->f1;
        w->precision += s->precision * share;
        w->recall += s->recall * share;
        w->f1 += s->f1 * share;
        e->uar += s->recall;
        present += s->support > 0;
        occurring += s->support + s->predicted > 0;
    }
    m->precision = quotient(m->precision, occurring);
    m->recall = quotient(m->recall, occurring);
    m->f1 = quotient(m->f1, occurring);
    e->uar = quotient(e->uar, present);
}

void evaluation_start(struct evaluation *e, const char *const *labels, size_t count)
{
    *e = (struct evaluation){.labels = labels, .label_count = count};
    e->confusion = mem_zero(count * count, sizeof *e->confusion);
    e->classes = mem_zero(count, sizeof *e->classes);
}

void evaluation_add(struct evaluation *e, int label, int predicted, double loss)
{
    e->confusion[(size_t)label * e->label_count + (size_t)predicted]++;
    e->loss += loss; /* their sum until evaluation_finish */
    e->clips++;
}

void evaluation_finish(struct evaluation *e)
{
    size_t right = 0;

    for (size_t k = 0; k < e->label_count; k++)
        right += score_class(e, k);
    e->accuracy = quotient((double)right, (double)e->clips);
    e->loss = quotient(e->loss, (double)e->clips);
    average(e);
}

void evaluation_clear(struct evaluation *e)
{
    memset(e->confusion, 0, e->label_count * e->label_count * sizeof *e->confusion);
    memset(e->classes, 0, e->label_count * sizeof *e->classes);
    *e = (struct evaluation){
        .labels = e->labels, .label_count = e->label_count, .confusion = e->confusion, .classes = e->classes};
}

double prediction_loss(const struct prediction *prediction)
{
    return -log(fmax(prediction->probabilities[prediction->label], 1e-30));
}

void evaluation_make(struct evaluation *evaluation, const struct prediction_list *predictions)
{
    evaluation_start(evaluation, predictions->labels, predictions->label_count);
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        if (p->label >= 0)
            evaluation_add(evaluation, p->label, p->predicted, prediction_loss(p));
    }
    evaluation_finish(evaluation);
}

void evaluation_free(struct evaluation *evaluation)
{
    free(evaluation->confusion);
    free(evaluation->classes);
    *evaluation = (struct evaluation){0};
}

/* ---- calibration ---- */

void calibration_make(struct calibration *calibration, const struct prediction_list *predictions)
{
    size_t clips = 0;

    *calibration = (struct calibration){0};
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        double confidence = p->label < 0 ? 0 : p->probabilities[p->predicted];
        /* bin b holds b/15 < confidence <= (b+1)/15 */
        long b = (long)ceil(confidence * CALIBRATION_BINS) - 1;
        if (p->label < 0)
            continue;
        struct calibration_bin *bin = &calibration->bins[b < 0                   ? 0
                                                         : b >= CALIBRATION_BINS ? CALIBRATION_BINS - 1
                                                                                 : b];
        bin->clips++;
        bin->confidence += confidence;
        bin->accuracy += p->label == p->predicted;
        clips++;
    }
    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        struct calibration_bin *bin = &calibration->bins[b];
        bin->confidence = quotient(bin->confidence, (double)bin->clips);
        bin->accuracy = quotient(bin->accuracy, (double)bin->clips);
        calibration->error +=
            fabs(bin->confidence - bin->accuracy) * quotient((double)bin->clips, (double)clips);
    }
}

/* ---- the list of figures ---- */

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

static double loss_of(const struct evaluation *e)
{
    return e->loss;
}

const struct figure_kind FIGURES[FIGURE_COUNT] = {
    [FIGURE_ACCURACY] = {"accuracy", "accuracy", false, accuracy_of},
    [FIGURE_UAR] = {"uar", "UAR", false, uar_of},
    [FIGURE_MACRO_F1] = {"macro_f1", "macro F1", false, macro_f1_of},
    [FIGURE_WEIGHTED_F1] = {"weighted_f1", "weighted F1", false, weighted_f1_of},
    [FIGURE_LOSS] = {"eval_loss", "cross-entropy loss", true, loss_of},
};

enum figure figure_find(const char *name)
{
    enum figure f = 0;

    while (f < FIGURE_COUNT && strcmp(FIGURES[f].name, name) != 0)
        f++;
    return f;
}

bool figure_is_better(enum figure figure, double a, double b)
{
    return FIGURES[figure].smaller_is_better ? a < b : a > b;
}

void evaluation_metrics(const struct evaluation *e, int64_t step, double epoch, struct metric_list *metrics)
{
    for (enum figure f = 0; f < FIGURE_COUNT; f++)
        metric_list_add(metrics, step, epoch, FIGURES[f].name, FIGURES[f].of(e));
}

double evaluation_score(const struct evaluation *e, const char *metric)
{
    const struct figure_kind *kind = &FIGURES[figure_find(metric)];

    return kind->smaller_is_better ? -kind->of(e) : kind->of(e);
}

/* ---- the report ---- */

/* Characters of UTF-8 text. */
static int characters(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void print_name(struct text *out, const char *name, int width)
{
    text_add(out, "%*s%s ", width - characters(name), "", name);
}

static void print_scores(struct text *out, const char *name, int width, const struct scores *s)
{
    print_name(out, name, width);
    text_add(out, " %9.2f %9.2f %9.2f %9zu\n", s->precision, s->recall, s->f1, s->support);
}

void evaluation_print(const struct evaluation *e, struct text *out)
{
    int width = (int)strlen("weighted avg");

    for (size_t k = 0; k < e->label_count; k++)
        width = characters(e->labels[k]) > width ? characters(e->labels[k]) : width;
    print_name(out, "", width);
    text_add(out, " %9s %9s %9s %9s\n\n", "precision", "recall", "f1-score", "support");
    for (size_t k = 0; k < e->label_count; k++)
        print_scores(out, e->labels[k], width, &e->classes[k]);
    text_add(out, "\n");
    print_name(out, "accuracy", width);
    text_add(out, " %9s %9s %9.2f %9zu\n", "", "", e->accuracy, e->clips);
    print_scores(out, "macro avg", width, &e->macro);
    print_scores(out, "weighted avg", width, &e->weighted);
}
