/*
 * Charts of a page as SVG: curves, dots, a forest of intervals.  They are text of the page, so they show in
 * print and without script; page.css styles them, page.js adds values under the pointer.
 */
#ifndef EMOTRAIN_REPORT_SVG_H
#define EMOTRAIN_REPORT_SVG_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

struct svg_point {
    double x, y;
    double size; /* of its mark, 1 as usual; 0: by the number of points, none where they are many */
    char *title; /* shown over the mark; or NULL */
};

struct svg_series {
    const char *name;
    struct svg_point *points; /* finite; svg_series_free frees them and their titles */
    size_t count, capacity;
};

enum { SVG_MOST_SERIES = 4 };

struct svg_chart {
    const char *title, *x_title;
    struct svg_series series[SVG_MOST_SERIES];
    size_t series_count;
    double bar_width;                    /* along x, of a histogram's bars around its points; 0: none */
    bool lines;                          /* between a series' points */
    bool diagonal;                       /* where y is x */
    bool square;                         /* small, x and y alike */
    bool from_zero;                      /* the y axis begins at 0 whatever the values */
    double x_low, x_high, y_low, y_high; /* svg_chart_fit finds them */
    double mark;                         /* an x with a line across the chart; NaN: none */
    const char *mark_title;
};

void svg_add_point(struct svg_series *series, double x, double y);
void svg_series_free(struct svg_series *series);

/* Axes that hold all points; false where there are none. */
bool svg_chart_fit(struct svg_chart *chart);

/* The chart with its legend, as a <figure>: wide and narrow, of which page.css shows one. */
void svg_chart(struct text *page, const struct svg_chart *chart);

/* One row of a forest: an interval with its mean and single values on a scale. */
struct svg_scale {
    double low, high;
};

void svg_range(struct text *page, struct svg_scale scale, double low, double mean, double high,
               const double *values, size_t count);
void svg_range_axis(struct text *page, struct svg_scale scale);

#endif
