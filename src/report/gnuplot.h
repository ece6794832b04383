/* Plotting with gnuplot.  Script and data stay in FOLDER/charts/, so that `cd FOLDER && gnuplot
 * charts/NAME.gp` plots a chart again; SVG and PNG lie in FOLDER, each whole or not there. */
#ifndef EMOTRAIN_REPORT_GNUPLOT_H
#define EMOTRAIN_REPORT_GNUPLOT_H

#include "base/error.h"
#include "base/text.h"

/* Writes charts/NAME.dat and charts/NAME.gp and plots NAME.svg and NAME.png of that size in pixels.  `body`
 * plots to the terminal that is set before it, with `noenhanced` text. */
bool gnuplot_plot(const char *folder, const char *name, const char *data, const char *body, int width,
                  int height, struct error *error);

/* Text as a gnuplot string in double quotes: a title; a tic's label, which gnuplot takes for a number's
 * format. */
void gnuplot_quote(struct text *out, const char *name);
void gnuplot_quote_tic(struct text *out, const char *name);

/* Line (and mark) of the i-th of several series. */
void gnuplot_style(struct text *out, size_t i, bool marks);

#endif
