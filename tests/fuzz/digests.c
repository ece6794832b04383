/* A checkpoint whose state says what its files must be: weights in front of the first "{", the state from
 * there on. */
#include "fuzz.h"

#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char weights[64], optimizer[64], state[64];
    const uint8_t *brace = size ? memchr(data, '{', size) : NULL;
    size_t split = brace ? (size_t)(brace - data) : size;
    struct error error = {0};

    snprintf(weights, sizeof weights, "%s/model.safetensors", fuzz_folder());
    snprintf(optimizer, sizeof optimizer, "%s/optimizer.safetensors", fuzz_folder());
    snprintf(state, sizeof state, "%s/trainer_state.json", fuzz_folder());
    fuzz_write(weights, NULL, 0, data, split);
    fuzz_write(optimizer, NULL, 0, data, split / 2);
    fuzz_write(state, NULL, 0, data + split, size - split);
    fuzz_check(checkpoint_check(fuzz_folder(), size % 2, &error), &error);
    return 0;
}
