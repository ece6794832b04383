/* Charts of a page as SVG: see svg.h. */
#include "report/svg.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WITH_MARKS = 60, MOST_POINTS = 1500, TICKS = 12 };

void svg_add_point(struct svg_series *series, double x, double y)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    series->points = mem_grow(series->points, &series->capacity, series->count + 1, sizeof *series->points);
    series->points[series->count++] = (struct svg_point){.x = x, .y = y};
}

void svg_series_free(struct svg_series *series)
{
    for (size_t i = 0; i < series->count; i++)
        free(series->points[i].title);
    free(series->points);
    *series = (struct svg_series){0};
}

/* ---- axes ---- */

/* Round values from low to high, about `wanted` of them; returns how many. */
static size_t make_ticks(double low, double high, double wanted, double ticks[TICKS])
{
    static const double factors[] = {1, 2, 5, 10};
    double raw = (high - low) / wanted, step = pow(10, floor(log10(raw)));
    size_t f = 0, count = 0;

    while (f < 3 && factors[f] * step < raw * (1 - 1e-9))
        f++;
    step *= factors[f];
    double first = ceil(low / step - 1e-9);
    while (count < TICKS && (first + (double)count) * step <= high + step * 1e-9) {
        double k = first + (double)count;
        ticks[count++] = k == 0 ? 0 : k * step; /* no -0 */
    }
    return count;
}

/* Makes room for a value; low is NaN before the first. */
static void include(double *low, double *high, double value)
{
    *low = isnan(*low) || value < *low ? value : *low;
    *high = isnan(*high) || value > *high ? value : *high;
}

/* Some air above the values, and below them unless the axis begins at 0. */
static void widen(double *low, double *high, bool from_zero)
{
    double span = *high - *low;

    if (from_zero || (*low >= 0 && *low < 0.6 * *high))
        *low = *low < 0 ? *low - 0.05 * span : 0;
    else
        *low -= span > 0 ? 0.08 * span : 0.5;
    *high += 0.05 * (*high - *low);
    if (!(*high > *low))
        *high = *low + 1;
}

bool svg_chart_fit(struct svg_chart *chart)
{
    chart->x_low = chart->x_high = chart->y_low = chart->y_high = (double)NAN;
    for (size_t s = 0; s < chart->series_count; s++) {
        for (size_t i = 0; i < chart->series[s].count; i++) {
            include(&chart->x_low, &chart->x_high, chart->series[s].points[i].x);
            include(&chart->y_low, &chart->y_high, chart->series[s].points[i].y);
        }
    }
    if (isnan(chart->x_low))
        return false;
    if (chart->square) { /* one scale for both */
        include(&chart->x_low, &chart->x_high, chart->y_low);
        include(&chart->x_low, &chart->x_high, chart->y_high);
        widen(&chart->x_low, &chart->x_high, false);
        chart->y_low = chart->x_low;
        chart->y_high = chart->x_high;
        return true;
    }
    widen(&chart->y_low, &chart->y_high, chart->from_zero);
    if (chart->bar_width > 0) {
        chart->x_low -= chart->bar_width / 2;
        chart->x_high += chart->bar_width / 2;
        return true;
    }
    chart->x_low = fmin(chart->x_low, 0);
    chart->x_high = chart->x_high > chart->x_low ? chart->x_high : chart->x_low + 1;
    return true;
}

/* ---- one picture ---- */

/* Where a chart's panel lies in its picture, in units of the picture. */
struct panel {
    const struct svg_chart *chart;
    double width, height, left, right, top, bottom;
};

static double across(const struct panel *p, double x)
{
    return p->left + (p->right - p->left) * (x - p->chart->x_low) / (p->chart->x_high - p->chart->x_low);
}

static double down(const struct panel *p, double y)
{
    return p->bottom - (p->bottom - p->top) * (y - p->chart->y_low) / (p->chart->y_high - p->chart->y_low);
}

static void add_label(struct text *page, double x, double y, const char *anchor, const char *label)
{
    text_add(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    text_add_html(page, label);
    text_add(page, "</text>");
}

static void add_tick_label(struct text *page, double x, double y, const char *anchor, double value)
{
    char number[TEXT_NUMBER_SIZE];

    snprintf(number, sizeof number, "%.4g", value);
    add_label(page, x, y, anchor, number);
}

static void add_axes(struct text *page, const struct panel *p)
{
    double ticks[TICKS];
    size_t count = make_ticks(p->chart->y_low, p->chart->y_high, 5, ticks);

    for (size_t i = 0; i < count; i++) {
        double y = down(p, ticks[i]);
        text_add(page, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", p->left,
                 p->right, y, y);
        add_tick_label(page, p->left - 6, y + 4, "end", ticks[i]);
    }
    count = make_ticks(p->chart->x_low, p->chart->x_high, fmax(3, p->width / 80), ticks);
    for (size_t i = 0; i < count; i++)
        add_tick_label(page, across(p, ticks[i]), p->bottom + 17, "middle", ticks[i]);
    add_label(page, (p->left + p->right) / 2, p->height - 6, "middle", p->chart->x_title);
}

/* The line across the chart, its title on the side that has more room. */
static void add_mark_line(struct text *page, const struct panel *p)
{
    double x = across(p, p->chart->mark);
    bool left = x > (p->left + p->right) / 2;

    if (!isfinite(x))
        return;
    text_add(page, "<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x, p->top,
             p->bottom);
    add_label(page, left ? x - 5 : x + 5, p->top + 10, left ? "end" : "start", p->chart->mark_title);
}

/* The k-th of several marks, told apart by shape: dot, square, triangle, ring. */
static void add_shape(struct text *page, size_t k, double x, double y, double size)
{
    if (k == 1)
        text_add(page, "<rect class=\"series%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", k,
                 x - size, y - size, 2 * size, 2 * size);
    else if (k == 2)
        text_add(page, "<path class=\"series%zu\" d=\"M%.1f,%.1fl%.1f,%.1fh%.1fz\"", k, x, y - size * 1.2,
                 size * 1.2, size * 2, -2.4 * size);
    else
        text_add(page, "<circle class=\"series%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", k, x, y, size);
}

static void add_point_mark(struct text *page, const struct panel *p, size_t k, const struct svg_point *point)
{
    add_shape(page, k, across(p, point->x), down(p, point->y), 3.5 * (point->size > 0 ? point->size : 1));
    if (!point->title) {
        text_add(page, "/>");
        return;
    }
    text_add(page, "><title>");
    text_add_html(page, point->title);
    text_add(page, "</title></%s>", k == 1 ? "rect" : k == 2 ? "path" : "circle");
}

/* A histogram's bars, each with its range and count under the pointer. */
static void add_bars(struct text *page, const struct panel *p, const struct svg_series *series)
{
    const double half = p->chart->bar_width / 2;

    for (size_t i = 0; i < series->count; i++) {
        const struct svg_point *point = &series->points[i];
        double left = across(p, point->x - half), right = across(p, point->x + half), top = down(p, point->y);
        text_add(
            page,
            "<rect class=\"series0\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%.4g to "
            "%.4g: %.0f</title></rect>",
            left + 0.5, top, right - left - 1, p->bottom - top, point->x - half, point->x + half, point->y);
    }
}

static void add_series(struct text *page, const struct panel *p, size_t k)
{
    const struct svg_series *series = &p->chart->series[k];
    size_t stride = series->count / MOST_POINTS + 1; /* more than a picture's width shows are thinned out */

    if (p->chart->lines && series->count) {
        text_add(page, "<polyline class=\"series%zu\" points=\"", k);
        for (size_t i = 0; i < series->count; i += stride)
            text_add(page, "%.1f,%.1f ", across(p, series->points[i].x), down(p, series->points[i].y));
        text_add(page, "\"/>");
    }
    for (size_t i = 0; i < series->count; i++)
        if (series->points[i].size > 0 || !p->chart->lines || series->count <= WITH_MARKS)
            add_point_mark(page, p, k, &series->points[i]);
}

/* `shown`: "wide", "narrow" or "both", for page.css.  The panel's place and scale are there for page.js. */
static void add_picture(struct text *page, const struct svg_chart *chart, const char *shown, int width,
                        int height)
{
    const struct panel p = {chart, width, height, 52, width - 12, 10, height - 40};
    char numbers[8][TEXT_NUMBER_SIZE];
    const double places[] = {p.left,       p.right,       p.top,        p.bottom,
                             chart->x_low, chart->x_high, chart->y_low, chart->y_high};

    text_add(page, "<svg class=\"%s\" viewBox=\"0 0 %d %d\" role=\"img\" tabindex=\"0\" aria-label=\"", shown,
             width, height);
    text_add_html(page, chart->title);
    text_add(page, "\" data-panel=\"[");
    for (size_t i = 0; i < 8; i++)
        text_add(page, "%s%s", i ? "," : "", text_from_number(numbers[i], places[i]));
    text_add(page, "]\">");
    add_axes(page, &p);
    if (chart->diagonal)
        text_add(page, "<line class=\"cursor\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", p.left,
                 p.bottom, p.right, p.top);
    if (isfinite(chart->mark))
        add_mark_line(page, &p);
    for (size_t k = 0; k < chart->series_count; k++) {
        if (chart->bar_width > 0)
            add_bars(page, &p, &chart->series[k]);
        else
            add_series(page, &p, k);
    }
    text_add(page, "<g class=\"pointer\"></g></svg>\n");
}

/* ---- the figure ---- */

static void add_legend(struct text *page, const struct svg_chart *chart)
{
    text_add(page, "<div class=\"legend\">");
    for (size_t k = 0; k < chart->series_count; k++) {
        text_add(page, "<span><svg viewBox=\"0 0 36 12\" aria-hidden=\"true\">");
        if (chart->lines)
            text_add(page, "<polyline class=\"series%zu\" points=\"0,6 36,6\"/>", k);
        add_shape(page, k, 18, 6, 3.5);
        text_add(page, "/></svg>");
        text_add_html(page, chart->series[k].name);
        text_add(page, " <b></b></span>");
    }
    text_add(page, "<span class=\"soft where\"></span></div>\n");
}

/* The points to the last bit, [[[x, y], ...], ...], for the values that page.js shows. */
static void add_points(struct text *page, const struct svg_chart *chart)
{
    char x[TEXT_NUMBER_SIZE], y[TEXT_NUMBER_SIZE];

    text_add(page, "[");
    for (size_t k = 0; k < chart->series_count; k++) {
        text_add(page, "%s[", k ? "," : "");
        for (size_t i = 0; i < chart->series[k].count; i++)
            text_add(page, "%s[%s,%s]", i ? "," : "", text_from_number(x, chart->series[k].points[i].x),
                     text_from_number(y, chart->series[k].points[i].y));
        text_add(page, "]");
    }
    text_add(page, "]");
}

void svg_chart(struct text *page, const struct svg_chart *chart)
{
    text_add(page, "<figure class=\"plot%s\" data-x=\"", chart->square ? " square" : "");
    text_add_html(page, chart->x_title);
    text_add(page, "\" data-points=\"");
    add_points(page, chart);
    text_add(page, "\"><figcaption>");
    text_add_html(page, chart->title);
    text_add(page, "</figcaption>\n");
    if (chart->square) {
        add_picture(page, chart, "both", 440, 400);
    } else {
        add_picture(page, chart, "wide", 620, 260);
        add_picture(page, chart, "narrow", 400, 240);
    }
    if (chart->bar_width <= 0)
        add_legend(page, chart);
    text_add(page, "</figure>\n");
}

/* ---- a forest of intervals ---- */

enum { RANGE_WIDTH = 240, RANGE_HEIGHT = 26, RANGE_EDGE = 8 };

static double range_across(struct svg_scale scale, double value)
{
    return RANGE_EDGE + (RANGE_WIDTH - 2 * RANGE_EDGE) * (value - scale.low) / (scale.high - scale.low);
}

void svg_range(struct text *page, struct svg_scale scale, double low, double mean, double high,
               const double *values, size_t count)
{
    double middle = RANGE_HEIGHT / 2.0;

    text_add(page, "<svg class=\"range\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">", RANGE_WIDTH,
             RANGE_HEIGHT);
    if (isfinite(low) && isfinite(high))
        text_add(page, "<line class=\"series0\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                 range_across(scale, low), range_across(scale, high), middle, middle);
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            text_add(page, "<circle class=\"one\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>",
                     range_across(scale, values[i]), middle);
    if (isfinite(mean))
        text_add(page, "<circle class=\"series0\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>",
                 range_across(scale, mean), middle);
    text_add(page, "</svg>");
}

void svg_range_axis(struct text *page, struct svg_scale scale)
{
    double ticks[TICKS];
    size_t count = make_ticks(scale.low, scale.high, 4, ticks);

    text_add(page, "<svg class=\"range\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">", RANGE_WIDTH,
             RANGE_HEIGHT);
    for (size_t i = 0; i < count; i++) {
        double x = range_across(scale, ticks[i]);
        text_add(page, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"7\"/>", x, x);
        add_tick_label(page, fmin(fmax(x, 12), RANGE_WIDTH - 12), 21, "middle", ticks[i]);
    }
    text_add(page, "</svg>");
}
