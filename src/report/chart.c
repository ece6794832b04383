/* The list of charts, and a run's charts for TensorBoard: see chart.h. */
#include "report/chart.h"

#include "base/clock.h"
#include "base/events.h"
#include "base/files.h"

#include <stdlib.h>

static const struct chart *const CHARTS[] = {&CHART_LOSS,     &CHART_LEARNING_RATE, &CHART_CONFUSION,
                                             &CHART_CLASS_F1, &CHART_RELIABILITY,   &CHART_AGREEMENT};

bool charts_plot(const char *folder, const struct report *const *runs, size_t count, struct error *error)
{
    size_t plotted = 0;

    for (size_t c = 0; c < sizeof CHARTS / sizeof CHARTS[0]; c++) {
        bool fits = count == 1 || CHARTS[c]->overlays;
        for (size_t r = 0; r < count; r++)
            fits = fits && CHARTS[c]->has_data(runs[r]);
        if (fits) /* one that fails keeps its error; the others are plotted all the same */
            CHARTS[c]->plot(folder, CHARTS[c]->name, runs, count, error);
        plotted += fits;
    }
    return (plotted > 0 && !error->kind) ||
           error_set(error, "%s: nothing was recorded yet, so there is nothing to plot", runs[0]->folder);
}

bool charts_events(const struct report *run, struct error *error)
{
    struct text summary = {0}, events = {0};
    size_t metrics = run->metrics.count;
    int64_t step = metrics ? run->metrics.items[metrics - 1].step : 0;
    char *target = path_join(run->output, "events.out.tfevents.charts");

    for (size_t c = 0; c < sizeof CHARTS / sizeof CHARTS[0]; c++) {
        struct error missing = {0};
        char *path = mem_format("%s/%s.png", run->output, CHARTS[c]->name);
        char *tag = mem_format("charts/%s", CHARTS[c]->name);
        size_t size = 0;
        char *png = path_exists(path) ? file_read(path, &size, &missing) : NULL;
        if (png)
            summary_add_png(&summary, tag, png, size);
        free(png);
        free(tag);
        free(path);
    }
    events_add_version(&events, clock_time());
    events_add_summary(&events, clock_time(), step, &summary);
    bool done = file_write(target, events.text, events.length, error);
    text_free(&summary);
    text_free(&events);
    free(target);
    return done;
}
