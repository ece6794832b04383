/* Runs that users name: see recorded_run.h. */
#include "run/recorded_run.h"

#include "run/run_folder.h"

#include <stdlib.h>
#include <string.h>

bool recorded_run_open(struct recorded_run *run, const char *name, const char *directory, struct error *error)
{
    *run = (struct recorded_run){0};
    return (run->folder = run_folder_find(name, directory, true, error)) &&
           (run->config = run_folder_config(run->folder, error)) &&
           (run->catalogue = catalogue_open_read(config_settings(run->config)->run.database, error)) &&
           report_read(&run->report, run->catalogue, run->folder, error);
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
    bool done = recorded_run_open(&baseline, name, directory, error);
    if (done && baseline.report.evaluation.clips == 0)
        done = error_usage(error, "the baseline %s has not been tested yet", name);
    else if (done && strcmp(baseline.folder, report->folder) == 0)
        done = error_usage(error, "the baseline %s is the run itself", name);
    if (done)
        report_set_baseline(report, &baseline.report);
    recorded_run_close(&baseline);
    return done;
}
