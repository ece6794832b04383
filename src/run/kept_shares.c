/* The accuracy of the surest predictions: see kept_shares.h. */
#include "run/kept_shares.h"

#include "eval/calibration.h"

enum { LEAST_CLIPS = 10 }; /* fewer say nothing of an accuracy */

void kept_shares_note(struct model *model, const struct prediction_list *predictions)
{
    struct coverage_point points[KEPT_SHARES] = {{0}};

    model->kept_count = 0;
    if (model->task != SINGLE_LABEL)
        return;
    for (size_t i = 0; i < KEPT_SHARES; i++)
        points[i].share = 1 - (double)i / KEPT_SHARES;
    coverage_points(predictions, points, KEPT_SHARES);
    for (size_t i = 0; i < KEPT_SHARES && points[i].clips >= LEAST_CLIPS; i++)
        model->kept[model->kept_count++] =
            (struct kept_share){points[i].share, points[i].threshold, points[i].accuracy};
}
