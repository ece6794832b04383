/*
 * Charts: a table of constant structs.  To add one, write its plot function and list it in CHARTS (chart.c).
 *
 * A chart of one run goes into the run's folder; one that overlays can hold several runs and goes where it is
 * asked for.
 */
#ifndef EMOTRAIN_REPORT_CHART_H
#define EMOTRAIN_REPORT_CHART_H

#include "report/gnuplot.h"
#include "report/report.h"

struct chart {
    const char *name; /* of its files: NAME.svg, NAME.png */
    bool overlays;    /* can show several runs */
    bool (*has_data)(const struct report *run);
    bool (*plot)(const char *folder, const char *name, const struct report *const *runs, size_t count,
                 struct error *error);
};

extern const struct chart CHART_LOSS, CHART_LEARNING_RATE, CHART_CONFUSION, CHART_CLASS_F1, CHART_RELIABILITY,
    CHART_AGREEMENT;

/* Plots every chart that the runs have data for into `folder`; of several runs, those that overlay. */
bool charts_plot(const char *folder, const struct report *const *runs, size_t count, struct error *error);

/* FOLDER/events.out.tfevents.charts: a run's charts, as they lie in its folder, for TensorBoard's image page.
 */
bool charts_events(const struct report *run, struct error *error);

#endif
