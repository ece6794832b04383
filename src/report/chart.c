#include "report/chart.h"

static const struct chart *const CHARTS[] = {&CHART_LOSS, &CHART_LEARNING_RATE, &CHART_CONFUSION,
                                             &CHART_CLASS_F1, &CHART_RELIABILITY};

bool charts_draw(const char *folder, const struct report *const *runs, size_t count, struct error *error)
{
    size_t drawn = 0;

    for (size_t c = 0; c < sizeof CHARTS / sizeof CHARTS[0]; c++) {
        bool fits = count == 1 || CHARTS[c]->overlays;
        for (size_t r = 0; r < count; r++)
            fits = fits && CHARTS[c]->has_data(runs[r]);
        if (fits && !CHARTS[c]->draw(folder, CHARTS[c]->name, runs, count, error))
            return false;
        drawn += fits;
    }
    return drawn > 0 ||
           error_set(error, "%s: nothing was recorded yet, so there is nothing to draw", runs[0]->folder);
}
