/* A sweep's settings side by side: mean, interval and every seed. */
#include "report/gnuplot.h"
#include "report/sweep.h"

#include <math.h>

bool sweep_chart(const struct sweep *sweep, const char *folder, struct error *error)
{
    struct text data = {0}, body = {0};
    size_t rows = 0;

    text_add(&data, "# row, mean, low, high\n");
    text_add(&body, "set ytics (");
    for (size_t i = 0; i < sweep->count && sweep->rows[i].finished; i++, rows++) {
        const struct sweep_row *row = &sweep->rows[i];
        double mean = row->means[sweep->metric];
        bool known = isfinite(row->interval.low);
        text_add(&data, "%zu %.6f %.6f %.6f\n", i, mean, known ? row->interval.low : mean,
                 known ? row->interval.high : mean);
        text_add(&body, i ? ", " : "");
        gnuplot_quote(&body, row->label);
        text_add(&body, " %zu", i);
    }
    text_add(&data, "\n\n# row, one seed's value\n");
    for (size_t i = 0; i < rows; i++)
        for (size_t s = 0; s < sweep->grid.seeds.count; s++)
            if (sweep->rows[i].runs[s].finished)
                text_add(&data, "%zu %.6f\n", i, sweep->rows[i].runs[s].metrics[sweep->metric]);
    text_add(
        &body,
        ") scale 0\nset yrange [%zu.6:-0.6]\nset border 1\nset xtics nomirror\n"
        "set grid xtics lt 1 lw 1 lc rgb \"#dddddd\"\nset offsets graph 0.02, graph 0.02, 0, 0\n"
        "set xlabel \"%s on the test part\"\nset key above\n"
        "plot \"charts/sweep.dat\" index 0 using 2:1:3:4 with xerrorbars lc rgb \"#0072B2\" lw 2 pt 7 ps "
        "1.1 title \"mean over seeds%s\", "
        "\"\" index 1 using 2:1 with points pt 6 ps 0.9 lw 1.5 lc rgb \"#D55E00\" title \"one seed\"",
        rows ? rows - 1 : 0, metric_title(sweep->metric, sweep->task),
        sweep->clips ? ", 95 % interval" : "");
    bool done =
        rows == 0 || gnuplot_plot(folder, "sweep", data.text, body.text, 900, 150 + 34 * (int)rows, error);
    text_free(&data);
    text_free(&body);
    return done;
}
