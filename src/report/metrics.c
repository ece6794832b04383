#include "report/metrics.h"

#include <stdlib.h>
#include <string.h>

static double quotient(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void count(struct evaluation *e, const struct prediction_list *predictions)
{
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        if (p->label < 0)
            continue;
        e->confusion[(size_t)p->label * e->label_count + (size_t)p->predicted]++;
        e->clips++;
    }
}

/* Scores of one label; returns how many of its clips were right. */
static size_t score_class(struct evaluation *e, size_t k)
{
    size_t right = e->confusion[k * e->label_count + k], predicted = 0;
    struct scores *s = &e->classes[k];

    for (size_t j = 0; j < e->label_count; j++) {
        predicted += e->confusion[j * e->label_count + k];
        s->support += e->confusion[k * e->label_count + j];
    }
    s->precision = quotient((double)right, (double)predicted);
    s->recall = quotient((double)right, (double)s->support);
    s->f1 = quotient(2 * s->precision * s->recall, s->precision + s->recall);
    return right;
}

static void average(struct evaluation *e)
{
    struct scores *m = &e->macro, *w = &e->weighted;
    size_t present = 0;

    m->support = w->support = e->clips;
    for (size_t k = 0; k < e->label_count; k++) {
        const struct scores *s = &e->classes[k];
        double labels = (double)e->label_count, share = quotient((double)s->support, (double)e->clips);
        m->precision += s->precision / labels;
        m->recall += s->recall / labels;
        m->f1 += s->f1 / labels;
        w->precision += s->precision * share;
        w->recall += s->recall * share;
        w->f1 += s->f1 * share;
        e->uar += s->recall;
        present += s->support > 0;
    }
    e->uar = quotient(e->uar, (double)present);
}

void evaluation_make(struct evaluation *evaluation, const struct prediction_list *predictions)
{
    size_t labels = predictions->label_count, right = 0;

    *evaluation = (struct evaluation){.labels = predictions->labels, .label_count = labels};
    evaluation->confusion = mem_zero(labels * labels, sizeof *evaluation->confusion);
    evaluation->classes = mem_zero(labels, sizeof *evaluation->classes);
    count(evaluation, predictions);
    for (size_t k = 0; k < labels; k++)
        right += score_class(evaluation, k);
    evaluation->accuracy = quotient((double)right, (double)evaluation->clips);
    average(evaluation);
}

void evaluation_free(struct evaluation *evaluation)
{
    free(evaluation->confusion);
    free(evaluation->classes);
    *evaluation = (struct evaluation){0};
}

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

void evaluation_metrics(const struct evaluation *e, int64_t step, double epoch, struct metric_list *metrics)
{
    metric_list_add(metrics, step, epoch, "accuracy", e->accuracy);
    metric_list_add(metrics, step, epoch, "uar", e->uar);
    metric_list_add(metrics, step, epoch, "macro_f1", e->macro.f1);
    metric_list_add(metrics, step, epoch, "weighted_f1", e->weighted.f1);
}

double evaluation_score(const struct evaluation *e, double loss, const char *metric)
{
    if (strcmp(metric, "uar") == 0)
        return e->uar;
    if (strcmp(metric, "macro_f1") == 0)
        return e->macro.f1;
    if (strcmp(metric, "weighted_f1") == 0)
        return e->weighted.f1;
    return strcmp(metric, "eval_loss") == 0 ? -loss : e->accuracy;
}
