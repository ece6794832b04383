/* A corpus as a table lists it: CSV, JSON lines, UTF-16.  No path goes up. */
#include "fuzz.h"

#include "corpus/corpus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_file file = fuzz_file_open(data, size);

    for (int p = 0; p < TASK_COUNT; p++) {
        struct settings settings = *settings_default();
        struct clip_list found = {0};
        struct error error = {0};
        struct corpus_settings corpus = settings.corpora.items[0];
        corpus.file = file.path;
        corpus.root = ".";
        corpus.votes = size % 2 && p == SINGLE_LABEL ? "majority" : "none";
        settings.corpora.items = &corpus;
        settings.corpora.task = (enum task)p;
        settings.corpora.labels = "a, b";
        fuzz_check(CORPUS_LIST.list(&settings.corpora, &corpus, &found, &error), &error);
        for (size_t i = 0; i < found.count; i++) {
            const char *path = found.clips[i].path;
            if (strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0 || strstr(path, "/../"))
                abort();
        }
        clip_list_free(&found);
    }
    fuzz_file_close(&file);
    return 0;
}
