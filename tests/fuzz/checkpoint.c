/* A checkpoint's trainer_state.json. */
#include "fuzz.h"

#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/dev/shm/emotrain-fuzz-XXXXXX", path[64];
    struct trainer_state state;
    struct error error = {0};

    if (!path[0]) {
        if (!mkdtemp(folder))
            abort();
        snprintf(path, sizeof path, "%s/trainer_state.json", folder);
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    fuzz_check(checkpoint_read_state(folder, &state, &error), &error);
    return 0;
}
