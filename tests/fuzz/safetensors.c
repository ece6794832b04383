/* A safetensors file: header and offsets, then every tensor of moderate size. */
#include "fuzz.h"

#include "model/weights/weights.h"

static void copy(struct weights *weights, size_t i)
{
    const struct weight *w = &weights->entries[i];
    struct error error = {0};
    int64_t elements = weight_elements(w->shape, w->dims);

    if (elements < 0 || elements > 1 << 16)
        return;
    struct et_scope *scope = et_scope_open(NULL);
    struct et_tensor *tensor = et_zeros(scope, ET_FLOAT32, w->shape, w->dims, ET_CPU);
    if (tensor)
        fuzz_check(weights_copy(weights, i, tensor, &error), &error);
    et_scope_close(scope, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_file file = fuzz_file_open(data, size);
    struct weights *weights = mem_zero(1, sizeof *weights);
    struct error error = {0};
    bool done = safetensors_open(weights, file.path, &error);

    fuzz_check(done, &error);
    for (size_t i = 0; done && i < weights->count; i++)
        copy(weights, i);
    weights_close(weights);
    fuzz_file_close(&file);
    return 0;
}
