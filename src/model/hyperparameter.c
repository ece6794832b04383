/* Hyperparameters of config.json and of the configuration: see hyperparameter.h. */
#include "model/hyperparameter.h"

#include <math.h>

bool hyperparameter_number(double *value, const char *name, double given, cJSON *json, struct error *error)
{
    if (!isnan(given))
        *value = given;
    else if (!json_number(json, name, value, error))
        return false;
    if (*value < 0 || *value > 1)
        return error_set(error, "\"%s\" must be from 0 to 1", name);
    json_put(json, name, cJSON_CreateNumber(*value));
    return true;
}

bool hyperparameter_integer(int64_t *value, const char *name, int64_t given, cJSON *json, struct error *error)
{
    if (given != SETTING_UNSET)
        *value = given;
    else if (!json_integer(json, name, value, error))
        return false;
    json_put(json, name, cJSON_CreateNumber((double)*value));
    return true;
}

bool hyperparameter_bool(bool *value, const char *name, enum tristate given, cJSON *json, struct error *error)
{
    bool done = json_bool(json, name, value, error);

    if (given != TRI_UNSET)
        *value = given == TRI_YES;
    json_put(json, name, cJSON_CreateBool(*value));
    return done;
}
