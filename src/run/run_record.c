/* What a run leaves of itself: see run_record.h. */
#include "run/run_record.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "run/environment.h"
#include "run/recorded_run.h"

#include <stdlib.h>
#include <string.h>

const char RUN_INFO_FILE[] = "run_info.json";

bool run_record_begin(const char *folder, const char *config, struct error *error)
{
    char *environment = path_join(folder, "environment.json"), *path = path_join(folder, "config.ini");
    cJSON *json = environment_describe();
    bool done = json_write(environment, json, error) &&
                file_write(path, config, strlen(config), error); /* last: a folder with it is a run */

    cJSON_Delete(json);
    free(environment);
    free(path);
    return done;
}

bool run_record_info(struct catalogue *catalogue, int64_t run, const char *folder,
                     const struct run_info *info, struct error *error)
{
    char *text = run_info_print(info), *path = path_join(folder, RUN_INFO_FILE);
    bool done = file_write(path, text, strlen(text), error) && run_set_info(catalogue, run, text, error);

    free(path);
    cJSON_free(text);
    return done;
}

bool run_record_report(struct catalogue *catalogue, int64_t run, const char *folder,
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
    report_print_summary(&report, summary);
    report_free(&report);
    return done;
}
