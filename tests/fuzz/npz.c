/* NumPy archives of features and names, as a list or an earlier run may hold them. */
#include "fuzz.h"

#include "base/npz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"features", "paths"};
    struct fuzz_file file = fuzz_file_open(data, size);

    for (int i = 0; i < 2; i++) {
        struct npz_array array;
        struct error error = {0};
        size_t product = 1;
        if (npz_read(file.path, names[i], &array, &error)) {
            for (size_t d = 0; d < array.dims; d++)
                product *= array.shape[d];
            if (product != array.count || (array.values && array.texts.count))
                abort();
            for (size_t k = 0; array.values && k < array.count; k++)
                if (array.values[k] == 1234.5F) /* every value can be read */
                    fprintf(stderr, "%zu\n", k);
        }
        npz_free(&array);
    }
    fuzz_file_close(&file);
    return 0;
}
