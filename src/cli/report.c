/* emotrain plot and emotrain report: a run's charts and report again, from the catalogue. */
#include "report/report.h"
#include "base/files.h"
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

static bool with_report(const char *run, bool (*use)(const struct report *report, struct error *error),
                        struct error *error)
{
    struct config *defaults = config_new();
    char *folder = run_folder_find(run, config_text(defaults, "run.directory"), true, error);
    struct config *config = folder ? run_folder_config(folder, error) : NULL;
    struct catalogue *catalogue = config ? catalogue_open(config_text(config, "run.database"), error) : NULL;
    struct report report;
    bool done = catalogue && report_read(&report, catalogue, folder, error);

    if (done) {
        done = use(&report, error);
        report_free(&report);
    }
    if (done)
        printf("%s\n", folder);
    catalogue_close(catalogue);
    config_free(config);
    config_free(defaults);
    free(folder);
    return done;
}

static bool for_all(const struct options *options,
                    bool (*use)(const struct report *report, struct error *error), struct error *error)
{
    for (size_t i = 0; i < options->arguments.count; i++)
        if (!with_report(options->arguments.items[i], use, error))
            return false;
    return true;
}

bool command_plot(const struct options *options, struct error *error)
{
    return for_all(options, report_charts, error);
}

bool command_report(const struct options *options, struct error *error)
{
    return for_all(options, report_write, error);
}
