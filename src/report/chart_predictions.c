/* Charts of the predictions on the test part: confusion matrix, F1 per class, reliability diagram. */
#include "report/chart.h"

#include <stdlib.h>
#include <string.h>

static bool has_predictions(const struct report *run)
{
    return run->evaluation.clips > 0;
}

/* The runs' names as a legend; one run's as the title. */
static void add_title(struct text *body, const struct report *const *runs, size_t count, const char *what)
{
    char *title = count == 1 ? mem_format("%s: %s", runs[0]->run.name, what) : mem_string(what);

    text_add(body, "set title ");
    gnuplot_quote(body, title);
    text_add(body, "\n");
    free(title);
}

/* ---- confusion matrix ---- */

enum { CELL = 62, MARGIN = 190 }; /* pixels */

static void add_tics(struct text *body, const struct evaluation *e, char axis)
{
    text_add(body, "set %ctics (", axis);
    for (size_t k = 0; k < e->label_count; k++) {
        text_add(body, k ? ", " : "");
        gnuplot_quote_tic(body, e->labels[k]);
        text_add(body, " %zu", k);
    }
    text_add(body, ") %s scale 0\n", axis == 'y' ? "" : "rotate by 40 right");
}

static void add_cells(struct text *data, const struct evaluation *e)
{
    text_add(data, "# column (predicted), row (label), rate of the row, count\n");
    for (size_t i = 0; i < e->label_count; i++) {
        for (size_t j = 0; j < e->label_count; j++) {
            size_t n = e->confusion[i * e->label_count + j], support = e->classes[i].support;
            text_add(data, "%zu %zu %.4f %zu\n", j, i, support ? (double)n / (double)support : 0, n);
        }
    }
}

/* Text is white on cells so dark that it reads better there; a count stands over its percentage, a 0 alone.
 */
static bool plot_confusion(const char *folder, const char *name, const struct report *const *runs,
                           size_t count, struct error *error)
{
    const struct evaluation *e = &runs[0]->evaluation;
    struct text data = {0}, body = {0};
    int side = (int)e->label_count * CELL + MARGIN;
    char *what = mem_format("%zu test clips, accuracy %.3f", e->clips, e->accuracy);

    add_cells(&data, e);
    text_add(&body, "unset key\nunset colorbox\n");
    add_title(&body, runs, count, what);
    add_tics(&body, e, 'x');
    add_tics(&body, e, 'y');
    text_add(
        &body,
        "set xlabel \"predicted\"\nset ylabel \"label\"\nset size ratio -1\n"
        "set xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\nset cbrange [0:1]\n"
        "set palette defined (0 \"#ffffff\", 1 \"#1f4e79\")\n"
        "ink(r, n) = n == 0 ? 0x999999 : r > 0.7 ? 0xffffff : 0x111111\n"
        "plot \"charts/%s.dat\" using 1:2:3 with image pixels, "
        "\"\" using 1:($2-($4 > 0)*0.14):(sprintf(\"%%d\", $4)):(ink($3, $4)) with labels tc rgb variable, "
        "\"\" using 1:($2+0.2):($4 > 0 ? sprintf(\"%%.0f%%%%\", 100*$3) : \"\"):(ink($3, $4)) with labels "
        "tc rgb variable font \",10\"",
        e->label_count - 1, e->label_count - 1, name);
    if (side < 400)
        side = 400;
    bool done = gnuplot_plot(folder, name, data.text, body.text, side, side, error);
    text_free(&data);
    text_free(&body);
    free(what);
    return done;
}

static bool has_confusion(const struct report *run)
{
    return has_predictions(run) && run->evaluation.confusion;
}

const struct chart CHART_CONFUSION = {"confusion", false, has_confusion, plot_confusion};

/* ---- F1 per class ---- */

enum { ROW = 24 }; /* pixels per label and run */

/* A class' place on the axis and its F1, per run.  Runs' labels are matched by name. */
static void add_f1(struct text *data, const struct report *run, const struct evaluation *first)
{
    const struct evaluation *e = &run->evaluation;

    text_add(data, "# %s: row, F1, precision, recall\n", run->run.name);
    for (size_t k = 0; k < first->label_count; k++)
        for (size_t j = 0; j < e->label_count; j++)
            if (strcmp(first->labels[k], e->labels[j]) == 0)
                text_add(data, "%zu %.4f %.4f %.4f\n", k, e->classes[j].f1, e->classes[j].precision,
                         e->classes[j].recall);
    text_add(data, "%zu %.4f %.4f %.4f\n\n\n", first->label_count, e->macro.f1, e->macro.precision,
             e->macro.recall);
}

static void add_f1_plots(struct text *body, const char *name, const struct report *const *runs, size_t count)
{
    double step = 0.7 / (double)count;

    text_add(body, "plot ");
    for (size_t r = 0; r < count; r++) {
        double shift = ((double)r - (double)(count - 1) / 2) * step;
        if (count == 1) {
            text_add(
                body,
                "\"charts/%s.dat\" index 0 using (0):1:(0):2:($1-0.32):($1+0.32) with boxxyerror fs solid "
                "0.75 lc rgb \"#0072B2\" title \"F1\", "
                "\"\" index 0 using (1.09):1:(sprintf(\"%%.2f\", $2)) with labels right notitle, "
                "\"\" index 0 using 3:1 with points pt 9 ps 1.1 lc rgb \"#D55E00\" title \"precision\", "
                "\"\" index 0 using 4:1 with points pt 4 ps 1.4 lw 1.5 lc rgb \"#000000\" title \"recall\"",
                name);
        } else {
            text_add(body, "%s\"charts/%s.dat\" index %zu using 2:($1+%.3f) with points ", r ? ", " : "",
                     name, r, shift);
            gnuplot_style(body, r, true);
            text_add(body, " title ");
            gnuplot_quote(body, runs[r]->run.name);
        }
    }
}

static bool plot_class_f1(const char *folder, const char *name, const struct report *const *runs,
                          size_t count, struct error *error)
{
    const struct evaluation *first = &runs[0]->evaluation;
    struct text data = {0}, body = {0};
    int height = (int)(first->label_count + 1) * (int)(count < 3 ? ROW + 8 : ROW / 2 * count + 12) + 150 +
                 (count > 1 ? 12 * (int)count : 0);

    for (size_t r = 0; r < count; r++)
        add_f1(&data, runs[r], first);
    add_title(&body, runs, count, "F1 per class on the test part");
    text_add(&body, "set ytics (");
    for (size_t k = 0; k < first->label_count; k++) {
        gnuplot_quote_tic(&body, first->labels[k]);
        text_add(&body, " %zu, ", k);
    }
    text_add(&body,
             "\"macro average\" %zu) scale 0\nset yrange [%zu.6:-0.6]\nset xrange [0:1.1]\n"
             "set xtics 0,0.2,1 nomirror\nset grid xtics lt 1 lw 1 lc rgb \"#dddddd\"\nset border 1\n"
             "%sset key above maxcols 3\n",
             first->label_count, first->label_count, count > 1 ? "set xlabel \"F1\"\n" : "");
    add_f1_plots(&body, name, runs, count);
    bool done = gnuplot_plot(folder, name, data.text, body.text, 800, height, error);
    text_free(&data);
    text_free(&body);
    return done;
}

static bool has_labels(const struct report *run)
{
    return has_predictions(run) && run->evaluation.task != REGRESSION &&
           run->evaluation.label_count <= CONFUSION_LABELS;
}

const struct chart CHART_CLASS_F1 = {"class_f1", true, has_labels, plot_class_f1};

/* ---- reliability diagram ---- */

/* Two data blocks a run: mean confidence and accuracy of each bin that has predictions; how many each bin
 * has. */
static void add_bins(struct text *data, const struct report *run)
{
    text_add(data, "# %s: mean confidence and accuracy of each bin that has predictions\n", run->run.name);
    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        const struct calibration_bin *bin = &run->calibration.bins[b];
        if (bin->clips)
            text_add(data, "%.4f %.4f\n", bin->confidence, bin->accuracy);
    }
    text_add(data, "\n\n# %s: middle of the bin, predictions\n", run->run.name);
    for (size_t b = 0; b < CALIBRATION_BINS; b++)
        text_add(data, "%.4f %zu\n", ((double)b + 0.5) / CALIBRATION_BINS, run->calibration.bins[b].clips);
    text_add(data, "\n\n");
}

/* The upper panel: accuracy against confidence, with the legend below everything. */
static void add_accuracy_panel(struct text *body, const char *name, const struct report *const *runs,
                               size_t count)
{
    text_add(body, "plot x with lines lc rgb \"#888888\" dt 2 title \"as sure as right\"");
    for (size_t r = 0; r < count; r++) {
        double error = runs[r]->calibration.error;
        char *title = count > 1 ? mem_format("%s: ECE %.3f", runs[r]->run.name, error)
                                : mem_format("expected calibration error %.3f", error);
        text_add(body, ", \"charts/%s.dat\" index %zu using 1:2 with linespoints ", name, 2 * r);
        gnuplot_style(body, r, true);
        text_add(body, " title ");
        gnuplot_quote(body, title);
        free(title);
    }
}

/* The lower panel: how many predictions each bin has. */
static void add_count_panel(struct text *body, const char *name, size_t count)
{
    text_add(body, "set format x \"%%.1f\"\nset yrange [0:*]\nset ylabel \"predictions\"\n"
                   "set xlabel \"probability of the predicted label\"\nplot ");
    for (size_t r = 0; r < count; r++) {
        text_add(body, "%s\"charts/%s.dat\" index %zu using 1:2 with ", r ? ", " : "", name, 2 * r + 1);
        text_add(body, count == 1 ? "boxes fs solid 0.5 " : "histeps ");
        gnuplot_style(body, r, false);
    }
}

static bool plot_reliability(const char *folder, const char *name, const struct report *const *runs,
                             size_t count, struct error *error)
{
    struct text data = {0}, body = {0};
    int legend = 19 * (int)(count + 1) + 10, height = 760 + legend;
    double low = (legend + 80.0) / height,
           middle = (legend + 240.0) / height; /* edges of the panels, on the screen */

    for (size_t r = 0; r < count; r++)
        add_bins(&data, runs[r]);
    text_add(&body,
             "set multiplot\nset border 3\nset tics nomirror\nset grid lt 1 lw 1 lc rgb \"#dddddd\"\n"
             "set xrange [0:1]\nset lmargin at screen 0.12\nset rmargin at screen 0.97\n"
             "set tmargin at screen %.3f\nset bmargin at screen %.3f\nset yrange [0:1]\n"
             "set ylabel \"accuracy\"\nset format x \"\"\n"
             "set key at screen 0.5,%.3f center bottom vertical maxcols 1\n",
             1 - 45.0 / height, middle + 30.0 / height, 5.0 / height);
    add_title(&body, runs, count, "is the stated probability right?");
    add_accuracy_panel(&body, name, runs, count);
    text_add(&body, "\nunset title\nunset key\nset tmargin at screen %.3f\nset bmargin at screen %.3f\n",
             middle, low);
    add_count_panel(&body, name, count);
    text_add(&body, "\nunset multiplot");
    bool done = gnuplot_plot(folder, name, data.text, body.text, 700, height, error);
    text_free(&data);
    text_free(&body);
    return done;
}

const struct chart CHART_RELIABILITY = {"reliability", true, has_labels, plot_reliability};

/* ---- numbers predicted against labels ---- */

static bool has_numbers(const struct report *run)
{
    return has_predictions(run) && run->evaluation.task == REGRESSION;
}

/* A panel per target. */
static bool plot_agreement(const char *folder, const char *name, const struct report *const *runs,
                           size_t count, struct error *error)
{
    const struct prediction_list *list = &runs[0]->predictions;
    const struct evaluation *e = &runs[0]->evaluation;
    struct text data = {0}, body = {0};

    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; list->items[i].targets && k < list->label_count; k++)
            text_add(&data, "%.6g %.6g ", list->items[i].targets[k], list->items[i].probabilities[k]);
        text_add(&data, list->items[i].targets ? "\n" : "");
    }
    text_add(&body,
             "set multiplot layout %zu,1\nset key off\nset border 3\nset tics nomirror\nset size square\n"
             "set grid lt 1 lw 1 lc rgb \"#dddddd\"\nset offsets graph 0.05, graph 0.05, graph 0.05, "
             "graph 0.05\nset xlabel \"label\"\nset ylabel \"predicted\"\n",
             e->label_count);
    for (size_t k = 0; k < e->label_count; k++) {
        char *what = mem_format("%s, CCC %.3f on %zu test clips", e->labels[k], e->targets[k].ccc, e->clips);
        add_title(&body, runs, count, what);
        text_add(
            &body,
            "plot \"charts/%s.dat\" using %zu:%zu with points pt 6 ps 0.8 lw 1.5 lc rgb \"#0072B2\", x with "
            "lines lc rgb \"#888888\" dt 2\n",
            name, 2 * k + 1, 2 * k + 2);
        free(what);
    }
    text_add(&body, "unset multiplot");
    bool done = gnuplot_plot(folder, name, data.text, body.text, 640, 620 * (int)e->label_count, error);
    text_free(&data);
    text_free(&body);
    return done;
}

const struct chart CHART_AGREEMENT = {"agreement", false, has_numbers, plot_agreement};
