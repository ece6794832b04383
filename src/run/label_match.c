/* Labels of a corpus and of a model: see label_match.h. */
#include "run/label_match.h"

#include "base/log.h"
#include "base/text.h"
#include "corpus/label_names.h"

#include <stdlib.h>
#include <string.h>

/* What became of the corpus' labels. */
struct matches {
    struct strings names; /* the corpus' labels, in the order of the clips */
    size_t *counts;       /* clips of each */
    size_t *labels;       /* index in the model's; its count where there is none */
};

static size_t note_label(struct matches *m, const char *label, const struct strings *labels)
{
    size_t known = m->names.count, i = 0;

    while (i < known && strcmp(m->names.items[i], label) != 0)
        i++;
    if (i == known) {
        strings_add(&m->names, label);
        m->counts = mem_resize(m->counts, known + 1, sizeof *m->counts);
        m->labels = mem_resize(m->labels, known + 1, sizeof *m->labels);
        m->counts[i] = 0;
        m->labels[i] = label_of_same_emotion(labels, label);
    }
    m->counts[i]++;
    return m->labels[i];
}

/* "corpus' label = model's label, ...; left out ..." */
static void report_matches(const struct matches *m, const struct strings *labels)
{
    struct text same = {0}, none = {0};

    for (size_t i = 0; i < m->names.count; i++) {
        const char *name = m->names.items[i];
        if (m->labels[i] == labels->count)
            text_add(&none, "%s%s (%zu clips)", none.length ? ", " : "", name, m->counts[i]);
        else if (strcmp(labels->items[m->labels[i]], name) != 0)
            text_add(&same, "%s%s is the model's %s", same.length ? ", " : "", name,
                     labels->items[m->labels[i]]);
    }
    if (same.length)
        log_info("labels: %s", same.text);
    if (none.length)
        log_warn("left out, as the model has no such label, or several: %s (corpus.label_map=label=other "
                 "tells which it is)",
                 none.text);
    text_free(&same);
    text_free(&none);
}

bool match_labels(struct indexed_corpus *corpus, enum part part, const struct strings *labels,
                  struct error *error)
{
    struct matches m = {0};
    size_t *clips = corpus->split.clips[part], count = corpus->split.counts[part], kept = 0;
    struct text all = {0};

    for (size_t i = 0; i < count; i++) {
        struct clip *clip = &corpus->clips.clips[clips[i]];
        size_t label = note_label(&m, clip->label, labels);
        if (label == labels->count)
            continue;
        clip->label = arena_string(&corpus->clips.arena, labels->items[label]);
        clips[kept++] = clips[i];
    }
    corpus->split.counts[part] = kept;
    report_matches(&m, labels);
    for (size_t k = 0; k < labels->count; k++)
        text_add(&all, "%s%s", k ? ", " : "", labels->items[k]);
    if (kept == 0)
        error_usage(error,
                    "the corpus has none of the model's labels: %s (corpus.label_map=label=other tells which "
                    "is which)",
                    all.text);
    text_free(&all);
    strings_free(&m.names);
    free(m.counts);
    free(m.labels);
    return !error->kind;
}
