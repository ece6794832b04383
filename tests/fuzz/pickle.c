/* pytorch_model.bin: the pickle alone where the input does not begin as a zip archive, else archive and all.
 */
#include "fuzz.h"

#include "model/weights/unpickle.h"
#include "model/weights/weights.h"

static void read_all(struct weights *weights)
{
    for (size_t i = 0; i < weights->count; i++) {
        const struct weight *w = &weights->entries[i];
        struct error error = {0};
        int64_t elements = weight_elements(w->shape, w->dims);
        if (!w->readable || elements < 0 || elements > 1 << 16)
            continue;
        void *values = pickle_read(weights, w, &error);
        fuzz_check(values != NULL, &error);
        free(values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weights *weights = mem_zero(1, sizeof *weights);
    struct error error = {0};

    if (size < 2 || memcmp(data, "PK", 2) != 0) {
        fuzz_check(unpickle(weights, data, size, "fuzz", &error), &error);
    } else {
        struct fuzz_file file = fuzz_file_open(data, size);
        bool done = pickle_open(weights, file.path, &error);
        fuzz_check(done, &error);
        if (done)
            read_all(weights);
        fuzz_file_close(&file);
    }
    weights_close(weights);
    return 0;
}
