/* A corpus as a CSV lists it.  No clip may lie outside corpus.root. */
#include "fuzz.h"

#include "corpus/corpus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tasks[] = {"single_label", "multi_label", "regression"};
    struct fuzz_file file = fuzz_file_open(data, size);

    for (int p = 0; p < 3; p++) {
        struct config *config = config_new();
        struct clip_list found = {0};
        struct error error = {0};
        config_choose(config, "corpus.file", file.path);
        config_choose(config, "model.task", tasks[p]);
        config_choose(config, "corpus.labels", "a, b");
        fuzz_check(CORPUS_LIST.list(config, &found, &error), &error);
        for (size_t i = 0; i < found.count; i++) {
            const char *path = found.clips[i].path;
            if (path[0] == '/' || strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0 ||
                strstr(path, "/../"))
                abort();
        }
        clip_list_free(&found);
        config_free(config);
    }
    fuzz_file_close(&file);
    return 0;
}
