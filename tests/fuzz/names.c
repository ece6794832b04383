/* File names of the corpora that are told by them. */
#include "fuzz.h"

#include "base/files.h"
#include "corpus/corpus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct corpus_format *const formats[] = {&CORPUS_RAVDESS, &CORPUS_EMODB, &CORPUS_SAVEE,
                                                          &CORPUS_CREMA_D, &CORPUS_TESS,  &CORPUS_FOLDERS};
    char *path = malloc(size + 1);
    struct arena arena = {0};

    memcpy(path, data, size);
    path[size] = '\0';
    char *name = path_stem(path_base(path));
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct clip clip = {.path = path, .name = name};
        struct error error = {0};
        bool done = formats[i]->describe(formats[i], &clip, &arena, &error);
        fuzz_check(done, &error);
        if (done && !clip.label)
            abort();
    }
    arena_free(&arena);
    free(name);
    free(path);
    return 0;
}
