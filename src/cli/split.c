#include "corpus/split.h"
#include "base/memory.h"
#include "cli/command.h"
#include "corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>

static void print_names(const struct clip_list *clips, const struct split *split, enum part part)
{
    for (size_t i = 0; i < split->counts[part]; i++)
        printf("%s\n", clips->clips[split->clips[part][i]].name);
}

static size_t count_label(const struct clip_list *clips, const struct split *split, enum part part,
                          const struct strings *labels, int label)
{
    size_t count = 0;

    for (size_t i = 0; i < split->counts[part]; i++)
        count += corpus_label_index(labels, clips->clips[split->clips[part][i]].label) == label;
    return count;
}

static void print_table(const struct clip_list *clips, const struct split *split,
                        const struct strings *labels)
{
    printf("%-16s", "label");
    for (int part = 0; part < PART_COUNT; part++)
        printf(" %10s", PART_NAMES[part]);
    printf("\n");
    for (size_t k = 0; k < labels->count; k++) {
        printf("%-16s", labels->items[k]);
        for (int part = 0; part < PART_COUNT; part++)
            printf(" %10zu", count_label(clips, split, (enum part)part, labels, (int)k));
        printf("\n");
    }
    printf("%-16s", "all");
    for (int part = 0; part < PART_COUNT; part++)
        printf(" %10zu", split->counts[part]);
    printf("\n");
    if (split->speakers)
        printf("%zu of %zu speakers are in the train part and in the test part\n", split->shared_speakers,
               split->speakers);
    if (split->left_out)
        printf("%zu clips are in no part\n", split->left_out);
}

static bool show(const struct config *config, const struct options *options, struct catalogue *catalogue,
                 int64_t corpus, struct error *error)
{
    struct clip_list clips = {0};
    struct strings labels = {0};
    struct split split = {0};
    enum part part = options->list ? part_find(options->list, error) : PART_COUNT;
    bool done = !error->kind && corpus_clips(config, catalogue, corpus, &clips, error) &&
                corpus_labels(config, &clips, &labels, error) && split_make(config, &clips, &split, error) &&
                split_store(config, catalogue, corpus, &clips, &split, error);

    if (done && options->list)
        print_names(&clips, &split, part);
    else if (done)
        print_table(&clips, &split, &labels);
    split_free(&split);
    strings_free(&labels);
    clip_list_free(&clips);
    return done;
}

bool command_split(const struct options *options, struct error *error)
{
    struct corpus_scan scan;
    struct config *config = options_config(options, error);
    char *root = config ? corpus_root(config, error) : NULL; /* before a database is made */
    struct catalogue *catalogue = root ? catalogue_open(config_text(config, "run.database"), error) : NULL;
    struct audio_cache *cache = catalogue ? corpus_cache_open(config, error) : NULL;
    bool done = cache && corpus_index(config, catalogue, cache, &scan, error) &&
                show(config, options, catalogue, scan.corpus, error);

    audio_cache_close(cache);
    catalogue_close(catalogue);
    free(root);
    config_free(config);
    return done;
}
