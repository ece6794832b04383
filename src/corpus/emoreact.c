/*
 * EmoReact (Nojavanasghari et al., ICMI 2016): children's reactions, annotated with any of eight affects and
 * with valence from 1 to 7, and divided into train, validation and test by its authors.
 *
 *     ROOT/Labels/train_labels.text      a line per clip: eight times 0 or 1, then valence
 *
 *     ROOT/Labels/Train_names.txt        a line per clip: the video's name; beside it or in ROOT
 *
 *     ROOT/Audio/Train/NAME.wav          its sound (scripts/emoreact-audio.sh)
 *
 * and likewise val or validation, and test.  The affects are for model.task=multi_label, valence for
 * regression; with single_label, clips of exactly one affect have it as their label, and the others none.
 */
#include "base/files.h"
#include "base/text.h"
#include "corpus/corpus.h"

#include <stdlib.h>
#include <string.h>

enum { AFFECTS = 8 };
static const char *const NAMES[AFFECTS] = {"curiosity", "uncertainty", "excitement", "happiness",
                                           "surprise",  "disgust",     "fear",       "frustration"};

/* A part of the corpus: what its files and folders may be called. */
static const struct part_files {
    const char *part;
    const char *labels[2], *names[3], *folders[2];
} PARTS[] = {
    {"train",
     {"train_labels.text", "train_labels.txt"},
     {"Train_names.txt", "train_names.txt", NULL},
     {"Train", "train"}},
    {"validation",
     {"val_labels.text", "validation_labels.text"},
     {"Val_names.txt", "Validation_names.txt", "validation_names.txt"},
     {"Validation", "validation"}},
    {"test",
     {"test_labels.text", "test_labels.txt"},
     {"Test_names.txt", "test_names.txt", NULL},
     {"Test", "test"}},
};

/* The first of some files that is there, in ROOT/Labels or ROOT; caller frees; NULL with an error. */
static char *find_file(const char *root, const char *const *names, size_t count, struct error *error)
{
    static const char *const folders[] = {"Labels/", ""};

    for (size_t f = 0; f < 2; f++) {
        for (size_t i = 0; i < count && names[i]; i++) {
            char *path = mem_format("%s/%s%s", root, folders[f], names[i]);
            if (path_exists(path))
                return path;
            free(path);
        }
    }
    error_usage(error, "corpus.kind=emoreact: no %s in %s/Labels", names[0], root);
    return NULL;
}

/* The next line, ended in place; NULL at the end. */
static char *next_line(char **rest)
{
    char *line = strsep(rest, "\n");

    if (line)
        line[strcspn(line, "\r")] = '\0';
    return line && !*line ? next_line(rest) : line;
}

/* What a line of numbers says of a clip, in the task asked for. */
static bool read_label(const char *line, enum task task, struct text *label, struct error *error)
{
    double values[AFFECTS + 1] = {0};
    char *copy = mem_string(line), *rest = copy;
    size_t count = 0, present = 0;

    for (char *word; (word = strsep(&rest, ", \t"));)
        if (*word && (count > AFFECTS || !text_to_number(word, &values[count++])))
            error_usage(error, "\"%s\": expected %d numbers", line, AFFECTS + 1);
    free(copy);
    if (!error->kind && count != AFFECTS + 1)
        return error_usage(error, "\"%s\": expected %d numbers", line, AFFECTS + 1);
    for (size_t k = 0; k < AFFECTS; k++) {
        if (values[k] != 0 && values[k] != 1)
            return error_usage(error, "\"%s\": %s must be 0 or 1", line, NAMES[k]);
        present += values[k] > 0.5;
    }
    if (task == REGRESSION)
        target_print(REGRESSION, NULL, 1, &values[AFFECTS], label);
    else if (task == MULTI_LABEL || present == 1)
        target_print(MULTI_LABEL, NAMES, AFFECTS, values, label);
    return !error->kind;
}

/* The clip's sound: Audio/Train/NAME.wav, relative to the root; caller frees. */
static char *find_sound(const char *root, const struct part_files *part, const char *name)
{
    static const char *const endings[] = {"wav", "flac"};
    const char *dot = strrchr(name, '.');
    int length = dot ? (int)(dot - name) : (int)strlen(name);

    for (size_t i = 0; i < 4; i++) {
        char *relative = mem_format("Audio/%s/%.*s.%s", part->folders[i / 2], length, name, endings[i % 2]);
        char *path = path_join(root, relative);
        bool there = path_exists(path);
        free(path);
        if (there)
            return relative;
        free(relative);
    }
    return NULL;
}

static bool add_clip(const char *root, const struct part_files *part, const char *name, const char *line,
                     enum task task, struct clip_list *found, struct error *error)
{
    struct text label = {0};
    char *path = find_sound(root, part, name);

    if (!path) /* left out as unreadable, and named */
        path = mem_format("Audio/%s/%.*s.wav", part->folders[0], (int)strcspn(name, "."), name);
    char *stem = path_stem(path);
    bool done = read_label(line, task, &label, error);
    if (done)
        clip_list_add(found, &(struct clip){.path = path,
                                            .name = stem,
                                            .label = label.text,
                                            .part = part->part,
                                            .defect = label.text ? NULL : "not exactly one affect"});
    text_free(&label);
    free(stem);
    free(path);
    return done;
}

static bool list_part(const char *root, const struct part_files *part, enum task task,
                      struct clip_list *found, struct error *error)
{
    char *labels_path = find_file(root, part->labels, 2, error),
         *names_path = find_file(root, part->names, 3, error);
    char *labels = labels_path && names_path ? file_read(labels_path, NULL, error) : NULL,
         *names = labels ? file_read(names_path, NULL, error) : NULL;
    char *next_label = labels, *next_name = names, *line, *name;
    bool done = names != NULL;

    while (done && (name = next_line(&next_name))) {
        line = next_line(&next_label);
        done = line || error_usage(error, "%s: fewer lines than %s", labels_path, names_path);
        done = done && (add_clip(root, part, name, line, task, found, error) ||
                        error_prefix(error, "%s", labels_path));
    }
    if (done && next_line(&next_label))
        done = error_usage(error, "%s: more lines than %s", labels_path, names_path);
    free(labels);
    free(names);
    free(labels_path);
    free(names_path);
    return done;
}

static bool list_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                       struct clip_list *found, struct error *error)
{
    char *root = corpus_root(corpus, error);
    bool done = root != NULL;

    for (size_t p = 0; done && p < sizeof PARTS / sizeof PARTS[0]; p++)
        done = list_part(root, &PARTS[p], corpora->task, found, error);
    free(root);
    return done;
}

const struct corpus_format CORPUS_EMOREACT = {
    .name = "emoreact",
    .summary = "EmoReact: eight affects and valence, with parts of its own",
    .about = "English, children, 1102 videos; Nojavanasghari et al., 2016; on request of its authors",
    .list = list_clips,
};
