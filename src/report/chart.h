/*
 * Charts with gnuplot.  Script and data stay in RUN/charts/, so that `cd RUN && gnuplot charts/loss.gp` draws
 * a chart again; SVG and PNG lie in RUN.
 */
#ifndef EMOTRAIN_REPORT_CHART_H
#define EMOTRAIN_REPORT_CHART_H

#include "report/metrics.h"

/* RUN/loss.svg and .png: training and evaluation loss per step and per epoch. */
bool chart_loss(const char *run, const char *title, const struct metric_list *metrics, struct error *error);

/* RUN/confusion.svg and .png: counts and rates. */
bool chart_confusion(const char *run, const char *title, const struct evaluation *evaluation,
                     struct error *error);

#endif
