/* Drawing with gnuplot: script and data stay in FOLDER/charts/, so that `cd FOLDER && gnuplot charts/NAME.gp`
 * draws a chart again; SVG and PNG lie in FOLDER. */
#ifndef EMOTRAIN_REPORT_GNUPLOT_H
#define EMOTRAIN_REPORT_GNUPLOT_H

#include "base/error.h"
#include "base/text.h"

/* Writes charts/NAME.dat and charts/NAME.gp and draws NAME.svg and NAME.png of that size in pixels.  `body`
 * draws to the terminal that is set before it. */
bool gnuplot_plot(const char *folder, const char *name, const char *data, const char *body, int width,
                  int height, struct error *error);

/* Text as a gnuplot string in double quotes. */
void gnuplot_quote(struct text *out, const char *name);

/* Line (and mark) of the i-th of several series. */
void gnuplot_style(struct text *out, size_t i, bool marks);

#endif
