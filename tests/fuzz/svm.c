/* Model files of libsvm: what our check lets through, libsvm must read, predict with and free. */
#include "fuzz.h"

#include "model/linear/svm_file.h"

#include <libsvm/svm.h>

enum { FEATURES = 8 };

static void silence(const char *text)
{
    (void)text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_file file = fuzz_file_open(data, size);
    struct error error = {0};
    bool good = svm_file_check(file.path, FEATURES, &error);

    fuzz_check(good, &error);
    svm_set_print_string_function(silence);
    if (good) {
        struct svm_node nodes[FEATURES + 1];
        struct svm_model *model = svm_load_model(file.path);
        if (!model)
            abort();
        int classes = svm_get_nr_class(model);
        double *values = calloc((size_t)classes * (size_t)classes + 1, sizeof *values);
        for (int i = 0; i < FEATURES; i++)
            nodes[i] = (struct svm_node){i + 1, 0.5 * i};
        nodes[FEATURES].index = -1;
        svm_predict_values(model, nodes, values);
        free(values);
        svm_free_and_destroy_model(&model);
    }
    fuzz_file_close(&file);
    return 0;
}
