/* Runs that users name: see recorded_run.h. */
#include "run/recorded_run.h"

#include "base/clock.h"
#include "base/log.h"
#include "run/run_folder.h"

#include <stdlib.h>
#include <string.h>

/* The folder becomes the run's; NULL: an error is set. */
static bool open_folder(struct recorded_run *run, char *folder, struct error *error)
{
    *run = (struct recorded_run){.folder = folder};
    return folder && (run->config = run_folder_config(run->folder, error)) &&
           (run->catalogue = catalogue_open_read(config_settings(run->config)->run.database, error)) &&
           report_read(&run->report, run->catalogue, run->folder, error);
}

bool recorded_run_open(struct recorded_run *run, const char *name, const char *directory, struct error *error)
{
    return open_folder(run, run_folder_find(name, directory, true, error), error);
}

void recorded_run_close(struct recorded_run *run)
{
    report_free(&run->report);
    catalogue_close(run->catalogue);
    config_free(run->config);
    free(run->folder);
    *run = (struct recorded_run){0};
}

bool recorded_run_baseline(struct report *report, const char *name, const char *directory,
                           struct error *error)
{
    struct recorded_run baseline;

    if (!*name)
        return true;
    bool done =
        open_folder(&baseline, run_folder_find_counterpart(name, report->folder, directory, error), error);
    if (done && baseline.report.evaluation.clips == 0)
        done = error_usage(error, "the baseline %s has not been tested yet", name);
    else if (done && baseline.report.evaluation.task != report->evaluation.task)
        done = error_usage(
            error, "the baseline %s is of model.task=%s, this run of %s: they have no metric in common", name,
            TASKS[baseline.report.evaluation.task].name, TASKS[report->evaluation.task].name);
    else if (done && strcmp(baseline.folder, report->folder) == 0)
        done = error_usage(error, "the baseline %s is the run itself", name);
    if (done)
        report_set_baseline(report, &baseline.report);
    recorded_run_close(&baseline);
    return done;
}

bool recorded_run_report(struct catalogue *catalogue, int64_t run, const char *folder,
                         const struct settings *settings, struct text *summary, struct error *error)
{
    struct report report;
    struct error no_baseline = {0};
    char moment[CLOCK_STAMP_SIZE];

    if (!report_read(&report, catalogue, folder, error))
        return false;
    report.run.state = "finished"; /* as it will be, once the report is there */
    report.run.finished = clock_stamp(moment);
    if (!recorded_run_baseline(&report, settings->report.baseline, settings->run.directory, &no_baseline))
        log_warn("%s", no_baseline.message);
    bool done = report_write(&report, settings->report.audio, error) &&
                run_set_state(catalogue, run, "finished", error);
    if (done && summary)
        report_print_summary(&report, summary);
    report_free(&report);
    return done;
}
