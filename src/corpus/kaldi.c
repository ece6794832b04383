/*
 * Kaldi's data folders (kaldi-asr.org/doc/data_prep.html), as ESPnet has them too:
 *
 *     ROOT/wav.scp         UTTERANCE PATH, or with segments RECORDING PATH
 *     ROOT/segments        UTTERANCE RECORDING START END, in seconds
 *     ROOT/utt2emo         UTTERANCE LABEL; it may be called utt2emotion, utt2label, emotion or label
 *     ROOT/utt2spk, ROOT/spk2gender, ROOT/text
 *
 * A folder for each part (train, dev, test ...) in the place of ROOT does as well.
 */
#include "base/encoding.h"
#include "base/files.h"
#include "base/text.h"
#include "corpus/corpus.h"
#include "corpus/list_values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A file of lines "KEY VALUE", by key. */
struct map {
    char *text;
    struct entry {
        const char *key, *value;
    } * entries;
    size_t count, capacity;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* A file that is not there is an empty map. */
static bool map_read(struct map *map, const char *folder, const char *name, struct error *error)
{
    char *path = path_join(folder, name);
    size_t row = 0, size = 0;
    char *bytes = path_exists(path) ? file_read(path, &size, error) : NULL;
    char *rest = map->text = bytes ? text_to_utf8(bytes, size, path, error) : NULL;

    for (char *line; !error->kind && (line = strsep(&rest, "\n"));) {
        line += strspn(line, " \t\r");
        row++;
        if (!*line)
            continue;
        char *value = line + strcspn(line, " \t\r");
        if (*value)
            *value++ = '\0';
        value += strspn(value, " \t\r");
        for (size_t length = strlen(value); length > 0 && strchr(" \t\r", value[length - 1]);)
            value[--length] = '\0';
        if (!*value && strcmp(name, "text") != 0)
            error_usage(error, "%s:%zu: nothing follows \"%s\"", path, row, line);
        map->entries = mem_grow(map->entries, &map->capacity, map->count + 1, sizeof *map->entries);
        map->entries[map->count++] = (struct entry){line, value};
    }
    if (map->count)
        qsort(map->entries, map->count, sizeof *map->entries, by_key);
    for (size_t i = 1; i < map->count && !error->kind; i++)
        if (by_key(&map->entries[i - 1], &map->entries[i]) == 0)
            error_usage(error, "%s: \"%s\" stands there twice", path, map->entries[i].key);
    free(path);
    return !error->kind;
}

static void map_free(struct map *map)
{
    free(map->text);
    free(map->entries);
}

static const char *map_find(const struct map *map, const char *key)
{
    const struct entry wanted = {key, NULL};
    const struct entry *entry =
        map->count && key ? bsearch(&wanted, map->entries, map->count, sizeof wanted, by_key) : NULL;

    return entry ? entry->value : NULL;
}

/* One data folder. */
struct data {
    struct map recordings, segments, labels, speakers, genders, texts;
    const char *part; /* NULL: the folder names none */
    struct list_places places;
};

static bool data_read(struct data *data, const char *folder, struct error *error)
{
    static const char *const labels[] = {"utt2emo", "utt2emotion", "utt2label", "emotion", "label"};
    enum { LABELS = sizeof labels / sizeof labels[0] };
    bool done = map_read(&data->recordings, folder, "wav.scp", error) &&
                map_read(&data->segments, folder, "segments", error) &&
                map_read(&data->speakers, folder, "utt2spk", error) &&
                map_read(&data->genders, folder, "spk2gender", error) &&
                map_read(&data->texts, folder, "text", error);

    for (int i = 0; i < LABELS && done && data->labels.count == 0; i++) {
        map_free(&data->labels);
        data->labels = (struct map){0};
        done = map_read(&data->labels, folder, labels[i], error);
    }
    return done && (data->labels.count > 0 ||
                    error_usage(error, "corpus.kind=kaldi: no utt2emo with labels in %s", folder));
}

static void data_free(struct data *data)
{
    map_free(&data->recordings);
    map_free(&data->segments);
    map_free(&data->labels);
    map_free(&data->speakers);
    map_free(&data->genders);
    map_free(&data->texts);
}

/* The path of an utterance: of its recording, or of its stretch of it.  Caller frees; NULL with a reason. */
static char *utterance_path(struct data *data, const char *utterance, const char **reason)
{
    const char *segment = map_find(&data->segments, utterance);
    char recording[512] = "", start[64] = "", end[64] = "", *stretch = NULL;
    bool cut = segment && sscanf(segment, "%511s %63s %63s", recording, start, end) == 3;
    const char *file = map_find(&data->recordings, cut ? recording : utterance);

    *reason = segment && !cut ? "segments: expected RECORDING START END" : "not in wav.scp";
    if (!file || (segment && !cut))
        return NULL;
    if (text_ends(file, "|")) {
        *reason = "wav.scp has a command for it, not a file: commands are not run";
        return NULL;
    }
    char *path = list_path(&data->places, file);
    if (path)
        stretch = value_stretch(path, cut ? start : NULL, cut && strcmp(end, "-1") != 0 ? end : NULL);
    *reason = "segments: no such stretch";
    free(path);
    return stretch;
}

static void add_utterance(struct data *data, const struct entry *label, struct clip_list *found)
{
    const char *reason, *speaker = map_find(&data->speakers, label->key),
                        *gender = map_find(&data->genders, speaker);
    char *path = utterance_path(data, label->key, &reason);

    clip_list_add(found, &(struct clip){.path = path ? path : label->key,
                                        .name = label->key,
                                        .label = label->value,
                                        .speaker = speaker && !speaker_is_unknown(speaker) ? speaker : NULL,
                                        .sex = !gender                                    ? NULL
                                               : tolower((unsigned char)gender[0]) == 'f' ? "female"
                                               : tolower((unsigned char)gender[0]) == 'm' ? "male"
                                                                                          : NULL,
                                        .text = map_find(&data->texts, label->key),
                                        .part = data->part,
                                        .defect = path ? NULL : reason});
    free(path);
}

static bool list_folder(const char *root, const char *folder, const char *part, struct clip_list *found,
                        struct error *error)
{
    struct data data = {.part = part, .places = {.root = root, .beside = folder}};
    bool done = data_read(&data, folder, error);

    for (size_t i = 0; done && i < data.labels.count; i++)
        add_utterance(&data, &data.labels.entries[i], found);
    data_free(&data);
    return done;
}

static int by_path_and_part(const void *a, const void *b)
{
    const struct clip *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order ? order : (x->part == NULL) - (y->part == NULL);
}

/* Recipes often have a folder with all utterances beside the parts': one of the same label counts once. */
static void join_folders(struct clip_list *found)
{
    size_t kept = 0;

    if (found->count)
        qsort(found->clips, found->count, sizeof *found->clips, by_path_and_part);
    for (size_t i = 0; i < found->count; i++) {
        struct clip *clip = &found->clips[i], *last = kept ? &found->clips[kept - 1] : NULL;
        if (last && strcmp(last->path, clip->path) == 0 && text_equal(last->label, clip->label) &&
            (!clip->part || text_equal(last->part, clip->part)))
            continue;
        found->clips[kept++] = *clip;
    }
    found->count = kept;
}

static bool has_data(const char *folder)
{
    char *path = path_join(folder, "wav.scp");
    bool there = path_exists(path);

    free(path);
    return there;
}

static bool list_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                       struct clip_list *found, struct error *error)
{
    char *root = corpus_root(corpus, error);
    struct strings names = {0};
    size_t folders = 0;
    bool done = root != NULL;

    if (done && corpora->task == REGRESSION)
        done = error_usage(error, "corpus.kind=kaldi has labels: model.task=regression needs numbers");
    if (done && has_data(root)) {
        done = list_folder(root, root, NULL, found, error);
        folders = 1;
    } else {
        done = done && folder_list(&names, root, error);
    }
    for (size_t i = 0; done && i < names.count; i++) {
        char *folder = path_join(root, names.items[i]);
        enum part part = part_of_word(names.items[i]);
        if (has_data(folder)) {
            done = list_folder(root, folder, part < PART_COUNT ? PART_NAMES[part] : NULL, found, error);
            folders++;
        }
        free(folder);
    }
    if (done && folders > 1)
        join_folders(found);
    if (done && folders == 0)
        done = error_usage(error, "corpus.kind=kaldi: no wav.scp in %s or a folder below it", root);
    strings_free(&names);
    free(root);
    return done;
}

const struct corpus_format CORPUS_KALDI = {
    .name = "kaldi",
    .summary = "Kaldi's data folders: wav.scp, segments, utt2emo, utt2spk, spk2gender, text",
    .list = list_clips,
};
