/* Curves over a run's steps and epochs: loss and learning rate. */
#include "report/chart.h"

#include <math.h>
#include <string.h>

/* Whether the run recorded a number by that name: a model that is fitted at once has none but its last. */
static bool has_metric(const struct report *run, const char *name)
{
    for (size_t i = 0; i < run->metrics.count; i++)
        if (strcmp(run->metrics.items[i].name, name) == 0 && isfinite(run->metrics.items[i].value))
            return true;
    return false;
}

/* One data block (gnuplot's "index"): step, epoch, value of each metric of that name.  Returns the count. */
static size_t add_series(struct text *data, const struct report *run, const char *name)
{
    char epoch[TEXT_NUMBER_SIZE], value[TEXT_NUMBER_SIZE];
    size_t count = 0;

    text_add(data, "# %s, %s: step, epoch, value\n", run->run.name, name);
    for (size_t i = 0; i < run->metrics.count; i++) {
        const struct metric_point *m = &run->metrics.items[i];
        if (strcmp(m->name, name) != 0 || !isfinite(m->value))
            continue;
        text_add(data, "%lld %s %s\n", (long long)m->step, text_from_number(epoch, m->epoch),
                 text_from_number(value, m->value));
        count++;
    }
    if (count == 0)
        text_add(data, "NaN NaN NaN\n");
    text_add(data, "\n\n");
    return count;
}

static void add_head(struct text *body)
{
    text_add(body,
             "set grid lt 1 lw 1 lc rgb \"#dddddd\"\nset border 3\nset tics nomirror\nset xrange [0:*]\n");
}

/* With marks, where they are few enough to be told apart. */
static const char *line_style(size_t points)
{
    return points <= 60 ? "linespoints" : "lines";
}

/* ---- loss ---- */

enum { SERIES = 3 }; /* data blocks per run: loss, eval_loss, epoch_loss */

/* The axis of losses: from 0, unless all of them lie so close together that they would be one line. */
static void add_loss_axis(struct text *body, const struct report *const *runs, size_t count)
{
    double low = INFINITY, high = -INFINITY;

    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < runs[r]->metrics.count; i++) {
            const struct metric_point *m = &runs[r]->metrics.items[i];
            if (!strstr(m->name, "loss") || !isfinite(m->value))
                continue;
            low = fmin(low, m->value);
            high = fmax(high, m->value);
        }
    }
    text_add(body, "set ylabel \"loss\"\nset yrange [%s:*]\n", low >= 0 && low < 0.6 * high ? "0" : "*");
}

/* The best checkpoint as a line across the panel, where one was chosen among several. */
static void add_best(struct text *body, const struct report *run, bool by_epoch)
{
    size_t evaluations = 0;
    double at = (double)NAN;

    for (size_t i = 0; i < run->metrics.count; i++) {
        const struct metric_point *m = &run->metrics.items[i];
        if (strcmp(m->name, "eval_loss") != 0)
            continue;
        evaluations++;
        if (m->step == run->info.training.best_step)
            at = by_epoch ? m->epoch : (double)m->step;
    }
    text_add(body, "unset arrow\nunset label\n");
    if (evaluations < 2 || !isfinite(at))
        return;
    text_add(body,
             "set arrow from first %.6g, graph 0 to first %.6g, graph 1 nohead lc rgb \"#009E73\" lw 1.5\n"
             "set label \"best\" at first %.6g, graph 1.03 center tc rgb \"#009E73\"\n",
             at, at, at);
}

/* One run: training and evaluation in one panel, told apart by line, mark and shade. */
static void add_panel(struct text *body, const char *xlabel, int column, int training_index, size_t points,
                      const char *training)
{
    text_add(body, "set xlabel \"%s\"\nplot \"charts/loss.dat\" index %d using %d:3 with %s ", xlabel,
             training_index, column, line_style(points));
    gnuplot_style(body, 0, points <= 60);
    text_add(body, " title \"%s\", \"charts/loss.dat\" index 1 using %d:3 with linespoints ", training,
             column);
    gnuplot_style(body, 1, true);
    text_add(body, " title \"evaluation\"\n");
}

static void add_one_run(struct text *body, const struct report *run, const size_t counts[SERIES])
{
    bool epochs = counts[1] + counts[2] > 0; /* not before the first epoch has ended */

    text_add(body, "set multiplot layout %d,1 title ", epochs ? 2 : 1);
    gnuplot_quote(body, run->run.name);
    text_add(body, "\nset key top right\n");
    add_loss_axis(body, &run, 1);
    add_head(body);
    add_best(body, run, false);
    add_panel(body, "optimizer step", 1, 0, counts[0], "training, mean since the previous point");
    add_best(body, run, true);
    if (epochs)
        add_panel(body, "epoch", 2, 2, counts[2], "training, mean over the epoch");
    text_add(body, "unset multiplot");
}

/* Several runs: a panel each for training and evaluation, per step and per epoch; one legend, `legend` pixels
 * high, below all. */
static void add_many_runs(struct text *body, const struct report *const *runs, size_t count,
                          const size_t points[SERIES], int legend, int height)
{
    static const struct {
        const char *title, *xlabel;
        int series, column;
    } panels[] = {
        {"training, mean since the previous point", "optimizer step", 0, 1},
        {"evaluation", "optimizer step", 1, 1},
        {"training, mean over the epoch", "epoch", 2, 2},
        {"evaluation", "epoch", 1, 2},
    };

    size_t last = points[1] ? 3 : points[2] ? 2 : 0; /* of the panels that have points: it holds the legend */

    text_add(body,
             "set multiplot layout 2,2 margins 0.08,0.98,%.3f,0.95 spacing 0.09,%.3f\n"
             "set key off\n",
             (legend + 75.0) / height, 115.0 / height);
    add_loss_axis(body, runs, count);
    add_head(body);
    for (size_t p = 0; p < 4; p++) {
        if (points[panels[p].series] == 0) { /* none of the runs has got there */
            text_add(body, "set multiplot next\n");
            continue;
        }
        text_add(body, "unset key\n");
        if (p == last)
            text_add(body, "set key at screen 0.5,%.3f center bottom vertical maxcols 1\n", 5.0 / height);
        text_add(body, "set title \"%s\"\nset xlabel \"%s\"\nplot ", panels[p].title, panels[p].xlabel);
        for (size_t r = 0; r < count; r++) {
            text_add(body, "%s\"charts/loss.dat\" index %zu using %d:3 with linespoints ", r ? ", " : "",
                     r * SERIES + (size_t)panels[p].series, panels[p].column);
            gnuplot_style(body, r, true);
            text_add(body, " pn 12 title ");
            gnuplot_quote(body, runs[r]->run.name);
        }
        text_add(body, "\n");
    }
    text_add(body, "unset multiplot");
}

/* A model without steps has evaluations, but no training loss. */
static bool has_loss(const struct report *run)
{
    return has_metric(run, "loss");
}

static bool plot_loss(const char *folder, const char *name, const struct report *const *runs, size_t count,
                      struct error *error)
{
    struct text data = {0}, body = {0};
    size_t counts[SERIES] = {0};
    int legend = 19 * (int)count, height = count == 1 ? 800 : 800 + legend;

    for (size_t r = 0; r < count; r++) {
        counts[0] += add_series(&data, runs[r], "loss");
        counts[1] += add_series(&data, runs[r], "eval_loss");
        counts[2] += add_series(&data, runs[r], "epoch_loss");
    }
    if (count == 1)
        add_one_run(&body, runs[0], counts);
    else
        add_many_runs(&body, runs, count, counts, legend, height);
    bool done = gnuplot_plot(folder, name, data.text, body.text, count == 1 ? 800 : 1200, height, error);
    text_free(&data);
    text_free(&body);
    return done;
}

const struct chart CHART_LOSS = {"loss", true, has_loss, plot_loss};

/* ---- learning rate ---- */

static bool has_learning_rate(const struct report *run)
{
    return has_metric(run, "learning_rate");
}

static bool plot_learning_rate(const char *folder, const char *name, const struct report *const *runs,
                               size_t count, struct error *error)
{
    struct text data = {0}, body = {0};
    int legend = count == 1 ? 0 : 19 * (int)count;

    for (size_t r = 0; r < count; r++)
        add_series(&data, runs[r], "learning_rate");
    add_head(&body);
    text_add(&body, "set xlabel \"optimizer step\"\nset ylabel \"learning rate\"\nset yrange [0:*]\n"
                    "set format y \"%%g\"\n");
    if (count == 1) {
        text_add(&body, "unset key\nset title ");
        gnuplot_quote(&body, runs[0]->run.name);
    } else {
        text_add(&body, "set key below vertical maxcols 1");
    }
    text_add(&body, "\nplot ");
    for (size_t r = 0; r < count; r++) {
        text_add(&body, "%s\"charts/%s.dat\" index %zu using 1:3 with linespoints ", r ? ", " : "", name, r);
        gnuplot_style(&body, r, true);
        text_add(&body, " pn 12 title ");
        gnuplot_quote(&body, runs[r]->run.name);
    }
    bool done = gnuplot_plot(folder, name, data.text, body.text, 800, 450 + legend, error);
    text_free(&data);
    text_free(&body);
    return done;
}

const struct chart CHART_LEARNING_RATE = {"learning_rate", true, has_learning_rate, plot_learning_rate};
