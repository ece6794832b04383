/*
 * The folds by speaker that EmoBox publishes (Ma et al., 2024, "EmoBox: Multilingual Multi-corpus Speech
 * Emotion Recognition Toolkit and Benchmark"; emo-box/EmoBox, data/ravdess), so that a result can stand
 * beside theirs. Fold 0 here is their fold 1.
 */
#include "base/memory.h"
#include "base/strings.h"
#include "config/config.h"
#include "corpus/split/split.h"

#include <stdlib.h>

/* Actors that each fold tests; the others train. */
static const char *const RAVDESS_FOLDS[] = {"01,11,20,21", "04,10,12,14", "08,09,19,23",
                                            "03,05,07,24", "02,15,16,18", "06,13,17,22"};

enum { FOLDS = sizeof RAVDESS_FOLDS / sizeof RAVDESS_FOLDS[0] };

static size_t count_folds(const struct split_request *request)
{
    (void)request;
    return FOLDS;
}

static void add_speakers(struct strings *names, size_t fold)
{
    const char *list = RAVDESS_FOLDS[fold];

    for (char *name; (name = list_next(&list, ',')); free(name))
        strings_add(names, name);
}

/* Folds of another corpus would be made up. */
static bool check_corpus(const struct split_request *request, struct error *error)
{
    struct strings known = {0};
    bool done = true;

    for (size_t fold = 0; fold < FOLDS; fold++)
        add_speakers(&known, fold);
    for (size_t i = 0; done && i < request->count; i++) {
        const struct clip *clip = &request->clips->clips[request->pool[i]];
        if (clip->speaker && strings_index(&known, clip->speaker) < 0)
            done =
                error_usage(error,
                            "split.protocol=emobox has folds of RAVDESS' actors 01 to 24; the speaker of %s "
                            "is \"%s\": split.protocol=speaker makes folds of any corpus",
                            clip->path, clip->speaker);
    }
    strings_free(&known);
    return done;
}

static bool fold_as_published(const struct split_request *request, size_t folds, size_t chosen, size_t *rest,
                              size_t *rest_count, size_t *part, size_t *part_count, struct error *error)
{
    struct strings names = {0};

    (void)folds;
    add_speakers(&names, chosen);
    bool done = check_corpus(request, error) &&
                split_take_speakers(request, &names, rest, rest_count, part, part_count, error);
    strings_free(&names);
    return done;
}

/* A validation part is made of whole speakers of the training part. */
static bool divide_by_speaker(const struct split_request *request, size_t size, size_t *rest,
                              size_t *rest_count, size_t *part, size_t *part_count, struct error *error)
{
    return SPLIT_SPEAKER.divide(request, size, rest, rest_count, part, part_count, error);
}

const struct split_protocol SPLIT_EMOBOX = {
    .name = "emobox",
    .summary = "the published folds by speaker of EmoBox",
    .divide = divide_by_speaker,
    .fold = fold_as_published,
    .fold_count = count_folds,
};
