/* emotrain split: makes and shows the split. */
#include "cli/command.h"
#include "run/indexed_corpus.h"

#include <stdio.h>
#include <string.h>

static void print_names(const struct clip_list *clips, const struct split *split, enum part part)
{
    for (size_t i = 0; i < split->counts[part]; i++)
        printf("%s\n", clips->clips[split->clips[part][i]].name);
}

static size_t count_label(const struct clip_list *clips, const struct split *split, enum part part,
                          enum task task, const char *label)
{
    struct text word = {0};
    size_t count = 0;

    for (size_t i = 0; i < split->counts[part]; i++) {
        const char *rest = clips->clips[split->clips[part][i]].label;
        if (task == SINGLE_LABEL)
            count += strcmp(rest, label) == 0;
        while (task == MULTI_LABEL && target_next_label(&rest, &word))
            count += strcmp(word.text, label) == 0;
    }
    text_free(&word);
    return count;
}

static void print_table(const struct clip_list *clips, const struct split *split, enum task task,
                        const struct strings *labels)
{
    printf("%-16s", "label");
    for (int part = 0; part < PART_COUNT; part++)
        printf(" %10s", PART_NAMES[part]);
    printf("\n");
    for (size_t k = 0; task != REGRESSION && k < labels->count; k++) {
        printf("%-16s", labels->items[k]);
        for (int part = 0; part < PART_COUNT; part++)
            printf(" %10zu", count_label(clips, split, (enum part)part, task, labels->items[k]));
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

static bool show_split(const struct config *config, const struct options *options, struct error *error)
{
    struct indexed_corpus corpus = {.opens_nothing = options->no_decode};
    struct strings labels = {0};
    enum part part = options->list ? part_find(options->list, error) : PART_COUNT;
    bool done = !error->kind && corpora_index(&corpus, config_settings(config), error) &&
                corpora_split(&corpus, config_settings(config), error) &&
                corpus_labels(&config_settings(config)->corpora, &corpus.clips, &labels, error);

    if (done && options->list)
        print_names(&corpus.clips, &corpus.split, part);
    else if (done)
        print_table(&corpus.clips, &corpus.split, config_settings(config)->model.task, &labels);
    strings_free(&labels);
    corpora_close(&corpus);
    return done;
}

bool command_split(const struct options *options, struct error *error)
{
    struct config *config = options_config(options, error);
    bool done = config && show_split(config, options, error);

    config_free(config);
    return done;
}
