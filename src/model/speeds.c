/* A recording at several speeds: see speeds.h. */
#include "model/speeds.h"

#include "base/memory.h"
#include "config/config.h"

#include <math.h>
#include <stdlib.h>

const struct speeds SPEEDS_AS_RECORDED = {.values = {1}, .count = 1};

static const char KEY[] = "emotrain_speeds";
static const double LEAST = 0.5, MOST = 2;

bool speeds_are_as_recorded(const struct speeds *speeds)
{
    return speeds->count == 1 && speeds->values[0] == 1;
}

/* False where the value is out of range or not above the last one, or there are too many. */
static bool add_speed(struct speeds *speeds, double value)
{
    bool good = speeds->count < SPEEDS_MOST && value >= LEAST && value <= MOST &&
                (speeds->count == 0 || value > speeds->values[speeds->count - 1]);

    if (good)
        speeds->values[speeds->count++] = value;
    return good;
}

static bool are_several(const struct speeds *speeds)
{
    return speeds_are_as_recorded(speeds) || speeds->count > 1;
}

bool speeds_parse(struct speeds *speeds, const char *text, struct error *error)
{
    const char *rest = text;
    double value;
    bool good = true;

    *speeds = (struct speeds){0};
    for (char *item; (item = list_next(&rest, ',')); free(item))
        good = text_to_number(item, &value) && add_speed(speeds, value) && good;
    return (good && are_several(speeds)) ||
           error_usage(error,
                       "model.speeds must be 1, or 2 to %d numbers from %g to %g, from small to large, as "
                       "0.9,1,1.1; not \"%s\"",
                       SPEEDS_MOST, LEAST, MOST, text);
}

bool speeds_read(struct speeds *speeds, const cJSON *config, const char *path, struct error *error)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(config, KEY), *item = NULL;
    bool good = cJSON_IsArray(array);

    *speeds = array ? (struct speeds){0} : SPEEDS_AS_RECORDED;
    cJSON_ArrayForEach(item, array)
    {
        good = good && cJSON_IsNumber(item) && add_speed(speeds, item->valuedouble);
    }
    return !array || (good && are_several(speeds)) ||
           error_set(error, "%s: \"%s\" must be 2 to %d numbers from %g to %g, from small to large", path,
                     KEY, SPEEDS_MOST, LEAST, MOST);
}

void speeds_describe(const struct speeds *speeds, cJSON *config)
{
    cJSON_DeleteItemFromObjectCaseSensitive(config, KEY);
    if (!speeds_are_as_recorded(speeds))
        json_put(config, KEY, cJSON_CreateDoubleArray(speeds->values, (int)speeds->count));
}

bool signal_change_speed(struct signal *signal, double speed, struct error *error)
{
    int rate = signal->rate;

    if (speed == 1 || (double)signal->count < speed) /* nothing would be left */
        return true;
    signal->rate = (int)lround(rate * speed); /* as if it had been recorded at that rate */
    return audio_resample(signal, rate, "sinc_best", error);
}

void speeds_print(const struct speeds *speeds, struct text *out)
{
    char number[TEXT_NUMBER_SIZE];

    for (size_t k = 0; k < speeds->count; k++)
        text_add(out, "%s%s",
                 k == 0                  ? ""
                 : k + 1 < speeds->count ? ", "
                                         : " and ",
                 text_from_number(number, speeds->values[k]));
}
