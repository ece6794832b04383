#include "model/overridable.h"

#include "base/memory.h"

#include <stdlib.h>

/* Whether the experiment's settings give model.NAME, and what. */
static bool is_given(const struct config *config, const char *name, double *value)
{
    char *key = mem_format("model.%s", name);
    bool given = config && !config_is_empty(config, key);

    if (given)
        *value = config_number(config, key);
    free(key);
    return given;
}

bool overridable_number(double *value, const char *name, cJSON *json, const struct config *config,
                        struct error *error)
{
    if (!is_given(config, name, value) && !json_number(json, name, value, error))
        return false;
    if (*value < 0 || *value > 1)
        return error_set(error, "\"%s\" must be from 0 to 1", name);
    json_put(json, name, cJSON_CreateNumber(*value));
    return true;
}

bool overridable_integer(int64_t *value, const char *name, cJSON *json, const struct config *config,
                         struct error *error)
{
    double given;

    if (is_given(config, name, &given))
        *value = (int64_t)given;
    else if (!json_integer(json, name, value, error))
        return false;
    json_put(json, name, cJSON_CreateNumber((double)*value));
    return true;
}

bool overridable_bool(bool *value, const char *name, cJSON *json, const struct config *config,
                      struct error *error)
{
    char *key = mem_format("model.%s", name);
    bool done = json_bool(json, name, value, error);

    if (config && !config_is_empty(config, key))
        *value = config_bool(config, key);
    json_put(json, name, cJSON_CreateBool(*value));
    free(key);
    return done;
}
