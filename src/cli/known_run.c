#include "cli/known_run.h"

#include <stdlib.h>
#include <string.h>

bool known_run_open(struct known_run *run, const char *name, const char *directory, struct error *error)
{
    *run = (struct known_run){0};
    return (run->folder = run_folder_find(name, directory, true, error)) &&
           (run->config = run_folder_config(run->folder, error)) &&
           (run->catalogue = catalogue_open(config_text(run->config, "run.database"), error)) &&
           report_read(&run->report, run->catalogue, run->folder, error);
}

void known_run_close(struct known_run *run)
{
    if (run->report.remarks)
        report_free(&run->report);
    catalogue_close(run->catalogue);
    config_free(run->config);
    free(run->folder);
    *run = (struct known_run){0};
}

bool known_run_baseline(struct report *report, const char *name, const char *directory, struct error *error)
{
    struct known_run baseline;

    if (!*name)
        return true;
    bool done = known_run_open(&baseline, name, directory, error);
    if (done && baseline.report.evaluation.clips == 0)
        done = error_usage(error, "the baseline %s has not been tested yet", name);
    else if (done && strcmp(baseline.folder, report->folder) == 0)
        done = error_usage(error, "the baseline %s is the run itself", name);
    if (done)
        report_set_baseline(report, &baseline.report);
    known_run_close(&baseline);
    return done;
}
