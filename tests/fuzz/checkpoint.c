/* A checkpoint's trainer_state.json. */
#include "fuzz.h"

#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct trainer_state state;
    struct error error = {0};

    snprintf(path, sizeof path, "%s/trainer_state.json", fuzz_folder());
    fuzz_write(path, NULL, 0, data, size);
    fuzz_check(checkpoint_read_state(fuzz_folder(), &state, &error), &error);
    return 0;
}
