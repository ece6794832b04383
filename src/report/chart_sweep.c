/* A sweep's settings side by side: mean, interval and every seed. */
#include "report/gnuplot.h"
#include "report/sweep.h"

#include <math.h>

enum { ROW = 34, LEGEND_LINE = 22 }; /* pixels */

/* Two data blocks: mean and interval of each setting; the value of each seed. */
static void add_rows(struct text *data, const struct sweep *sweep, size_t rows)
{
    text_add(data, "# row, mean, low, high\n");
    for (size_t i = 0; i < rows; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        double mean = row->means[sweep->metric];
        bool known = isfinite(row->interval.low);
        text_add(data, "%zu %.6f %.6f %.6f\n", i, mean, known ? row->interval.low : mean,
                 known ? row->interval.high : mean);
    }
    text_add(data, "\n\n# row, one seed's value\n");
    for (size_t i = 0; i < rows; i++)
        for (size_t s = 0; s < sweep->grid.seeds.count; s++)
            if (sweep->rows[i].runs[s].finished)
                text_add(data, "%zu %.6f\n", i, sweep->rows[i].runs[s].metrics[sweep->metric]);
}

static void add_tics(struct text *body, const struct sweep *sweep, size_t rows)
{
    text_add(body, "set ytics (");
    for (size_t i = 0; i < rows; i++) {
        text_add(body, i ? ", " : "");
        gnuplot_quote_tic(body, sweep->rows[i].label);
        text_add(body, " %zu", i);
    }
    text_add(body, ") scale 0\n");
}

/* The legend hangs from the picture's top, not over the panel: long labels leave that little width. */
static void add_plot(struct text *body, const struct sweep *sweep, size_t rows, int legend, int height)
{
    bool several = sweep->grid.seeds.count > 1;

    text_add(
        body,
        "set yrange [%zu.6:-0.6]\nset border 1\nset xtics nomirror\n"
        "set grid xtics lt 1 lw 1 lc rgb \"#dddddd\"\nset offsets graph 0.02, graph 0.02, 0, 0\n"
        "set tmargin at screen %.3f\nset key at screen 0.5,%.3f center top vertical maxcols 1\n"
        "set xlabel \"%s on the test part\"\n"
        "plot \"charts/sweep.dat\" index 0 using 2:1:3:4 with xerrorbars lc rgb \"#0072B2\" lw 2 pt 7 ps "
        "1.1 title \"%s%s\"",
        rows - 1, 1 - (legend + 10.0) / height, 1 - 5.0 / height, metric_title(sweep->metric, sweep->task),
        several ? "mean over seeds" : "value", sweep->clips ? ", 95 % interval" : "");
    if (several)
        text_add(
            body,
            ", \"\" index 1 using 2:1 with points pt 6 ps 0.9 lw 1.5 lc rgb \"#D55E00\" title \"one seed\"");
}

bool sweep_chart(const struct sweep *sweep, const char *folder, struct error *error)
{
    struct text data = {0}, body = {0};
    size_t rows = 0;

    while (rows < sweep->count && sweep->rows[rows].finished)
        rows++;
    if (rows == 0)
        return true;
    int legend = LEGEND_LINE * (sweep->grid.seeds.count > 1 ? 2 : 1), height = 110 + legend + ROW * (int)rows;
    add_rows(&data, sweep, rows);
    add_tics(&body, sweep, rows);
    add_plot(&body, sweep, rows, legend, height);
    bool done = gnuplot_plot(folder, "sweep", data.text, body.text, 900, height, error);
    text_free(&data);
    text_free(&body);
    return done;
}
