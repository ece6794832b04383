/* A model directory's config.json, as wav2vec 2.0 reads it. */
#include "fuzz.h"

#include "base/json.h"
#include "model/encoder/wav2vec2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct wav2vec2_config read = {0};
    cJSON *json = json_parse((const char *)data, size, "fuzz", &error);

    if (json) {
        bool done = wav2vec2_config_read(&read, json, &settings_default()->model, &error);
        fuzz_check(done, &error);
        if (done && (wav2vec2_minimum_samples(&read) < 1 || wav2vec2_frames(&read, 16000 * 3600) < 0))
            abort();
    }
    cJSON_Delete(json);
    return 0;
}
