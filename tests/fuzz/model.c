/* A model directory's config.json, as an encoder of the family that it names reads it. */
#include "fuzz.h"

#include "base/json.h"
#include "model/encoder/encoder.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    cJSON *json = json_parse((const char *)data, size, "fuzz", &error);
    const char *type = "wav2vec2";

    if (json && json_string(json, "model_type", &type, &error)) {
        struct encoder encoder = {.family = encoder_family_find(type)};
        if (encoder.family) {
            bool done = encoder_config_read(&encoder, json, &settings_default()->model, 16000, &error);
            fuzz_check(done, &error);
            if (done && (encoder.minimum_samples < 1 || encoder.family->frames(&encoder, 16000 * 3600) < 0))
                abort();
            if (encoder.own && encoder.family->close)
                encoder.family->close(&encoder);
        }
        free(encoder.own);
    }
    cJSON_Delete(json);
    return 0;
}
