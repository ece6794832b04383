/* preprocessor_config.json: see preprocessing.h. */
#include "model/preprocessing.h"

#include "audio/audio.h"
#include "base/files.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static const char FILE_NAME[] = "preprocessor_config.json", CHANNEL[] = "emotrain_channel",
                  RESAMPLER[] = "emotrain_resampler", MAX_SECONDS[] = "emotrain_max_seconds",
                  COPY_IT[] = "copy the file from the run or export that the model comes from";

static void replace(char **text, const char *value)
{
    free(*text);
    *text = value ? mem_string(value) : NULL;
}

void preprocessing_choose(struct preprocessing *p, const struct audio_settings *settings)
{
    p->sample_rate = settings_rate(settings);
    if (settings->normalize != CHOOSE_AUTO)
        p->normalize = settings->normalize == CHOOSE_YES;
    replace(&p->channel, NULL);
    preprocessing_complete(p, settings);
}

void preprocessing_complete(struct preprocessing *p, const struct audio_settings *settings)
{
    if (p->channel)
        return;
    replace(&p->channel, settings->channel);
    replace(&p->resampler, settings->resampler);
    p->max_seconds = settings->max_seconds;
}

static bool read_rate(struct preprocessing *p, const cJSON *json, bool may_vary, struct error *error)
{
    int64_t rate = p->sample_rate;

    if (!json_integer(json, "sampling_rate", &rate, error))
        return false;
    p->sample_rate = (int)rate;
    return (rate >= 1000 && rate <= 384000) || (rate == 0 && may_vary) ||
           error_set(error, "\"sampling_rate\" of %lld Hz", (long long)rate);
}

static bool check_own(const struct preprocessing *p, const char *channel, const char *resampler,
                      struct error *error)
{
    struct error unknown = {0}; /* no setting was wrong */
    int index;

    if (!audio_channel_find(channel, &index, &unknown))
        return error_set(error, "\"%s\" is \"%s\", which is no channel", CHANNEL, channel);
    if (!audio_resampler_is_known(resampler))
        return error_set(error, "\"%s\" is \"%s\", which is no resampler", RESAMPLER, resampler);
    return (isfinite(p->max_seconds) && p->max_seconds >= 0) ||
           error_set(error, "\"%s\" is %g", MAX_SECONDS, p->max_seconds);
}

/* What only emotrain writes, all of it or nothing. */
static bool read_own(struct preprocessing *p, const cJSON *json, struct error *error)
{
    const char *channel = NULL, *resampler = NULL;

    if (!json_string(json, CHANNEL, &channel, error) || !json_string(json, RESAMPLER, &resampler, error) ||
        !json_number(json, MAX_SECONDS, &p->max_seconds, error))
        return false;
    if (!channel && !resampler)
        return true;
    if (!channel || !resampler)
        return error_set(error, "lacks \"%s\"", channel ? RESAMPLER : CHANNEL);
    replace(&p->channel, channel);
    replace(&p->resampler, resampler);
    return check_own(p, channel, resampler, error);
}

static bool check_has_all(const cJSON *json, struct error *error)
{
    static const char *const names[] = {"sampling_rate", "do_normalize"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, names[i]);
        if (!item || cJSON_IsNull(item))
            return error_set(error, "lacks \"%s\": %s", names[i], COPY_IT);
    }
    return true;
}

bool preprocessing_read(struct preprocessing *p, const char *directory, bool own, bool may_vary,
                        struct error *error)
{
    char *path = path_join(directory, FILE_NAME);

    if (path_exists(path)) {
        cJSON *json = json_read(path, error);
        bool read = json && (!own || check_has_all(json, error)) && read_own(p, json, error) &&
                    read_rate(p, json, may_vary, error) &&
                    json_bool(json, "do_normalize", &p->normalize, error);
        if (json && !read)
            error_prefix(error, "%s", path);
        cJSON_Delete(json);
    } else if (own) {
        error_set(error, "%s: is missing: what the model takes in is not known; %s", path, COPY_IT);
    }
    free(path);
    return !error->kind;
}

bool preprocessing_write(const struct preprocessing *p, cJSON *json, const char *directory,
                         struct error *error)
{
    char *path = path_join(directory, FILE_NAME);

    cJSON_AddNumberToObject(json, "sampling_rate", p->sample_rate);
    cJSON_AddBoolToObject(json, "do_normalize", p->normalize);
    if (p->channel) {
        cJSON_AddStringToObject(json, CHANNEL, p->channel);
        cJSON_AddStringToObject(json, RESAMPLER, p->resampler);
        cJSON_AddNumberToObject(json, MAX_SECONDS, p->max_seconds);
    }
    bool done = json_write(path, json, error);
    free(path);
    return done;
}

void preprocessing_free(struct preprocessing *p)
{
    free(p->channel);
    free(p->resampler);
    p->channel = p->resampler = NULL;
}
