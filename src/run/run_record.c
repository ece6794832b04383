/* What a run leaves of itself: see run_record.h. */
#include "run/run_record.h"

#include "base/files.h"
#include "run/environment.h"

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
