/* classification_report.txt: the report laid out as scikit-learn prints it, then what it does not print. */
#include "report/report.h"

#include <string.h>

static void add_intervals(const struct report *report, struct text *out)
{
    text_add(out, "\n%-20s %9s   95 %% interval (%d bootstrap resamples of %zu %ss)\n", "", "",
             BOOTSTRAP_RESAMPLES, report->clusters.count, report->clusters.unit);
    FOR_METRICS (f, report->evaluation.task)
        text_add(out, "%-20s %9.4f   %.4f to %.4f\n", metric_title(f, report->evaluation.task),
                 METRICS[f].of(&report->evaluation), report->intervals[f].low, report->intervals[f].high);
    if (report->evaluation.task == REGRESSION)
        return;
    text_add(out, "%-20s %9.4f   (%d bins)\n", "calibration error", report->calibration.error,
             CALIBRATION_BINS);
}

static void add_groups(const struct report *report, struct text *out)
{
    const char *attribute = "";

    for (size_t g = 0; g < report->group_count; g++) {
        const struct group *group = &report->groups[g];
        if (strcmp(attribute, group->attribute) != 0) {
            text_add(out, "\nby %-30s %9s", group->attribute, "clips");
            for (size_t i = 0; i < GROUP_FIGURES; i++)
                text_add(out, " %14s",
                         metric_title(report_group_metric(report, i), report->evaluation.task));
            text_add(out, "\n");
        }
        attribute = group->attribute;
        text_add(out, "   %-30s %9zu", group->value, group->evaluation.clips);
        for (size_t i = 0; i < GROUP_FIGURES; i++)
            text_add(out, " %14.4f", METRICS[report_group_metric(report, i)].of(&group->evaluation));
        text_add(out, "\n");
    }
}

static void add_baseline(const struct report *report, struct text *out)
{
    const struct baseline *b = report->baseline;

    text_add(out, "\nagainst the run %s\n", b->name);
    text_add(out, "%-20s %9s %9s %9s%s\n", "", "before", "now", "change",
             b->compared ? "   95 % interval       p (paired bootstrap)" : "");
    FOR_METRICS (f, report->evaluation.task) {
        double now = METRICS[f].of(&report->evaluation);
        text_add(out, "%-20s %9.4f %9.4f %+9.4f", metric_title(f, report->evaluation.task), b->metrics[f],
                 now, now - b->metrics[f]);
        if (b->compared)
            text_add(out, "   %+.4f to %+.4f   %.4f", b->comparisons[f].interval.low,
                     b->comparisons[f].interval.high, b->comparisons[f].bootstrap_p);
        text_add(out, "\n");
    }
    if (b->compared && report->evaluation.task != REGRESSION)
        text_add(out, "%zu clips that were wrong are right, %zu that were right are wrong; McNemar p %.4f\n",
                 b->fixed, b->broken, b->comparisons[b->first_metric].mcnemar_p);
    else if (!b->compared)
        text_add(out, "not the same test clips, so not compared clip by clip\n");
    for (size_t i = 0; i < b->differences.count; i++)
        text_add(out, "%s%s\n", i ? "                  " : "settings changed: ", b->differences.items[i]);
    if (b->differences.count == 0)
        text_add(out, "no setting changed\n");
}

void report_print(const struct report *report, struct text *out)
{
    evaluation_print(&report->evaluation, out);
    add_intervals(report, out);
    for (size_t i = 0; i < report->remarks->count; i++)
        text_add(out, "%s%s\n", i ? "" : "\n", report->remarks->items[i]);
    if (report->baseline)
        add_baseline(report, out);
    add_groups(report, out);
}
