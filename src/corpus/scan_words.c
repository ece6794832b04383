/* What a scan says at its end: see scan.h. */
#include "base/files.h"
#include "base/text.h"
#include "corpus/label_names.h"
#include "corpus/list_values.h"
#include "corpus/scan.h"
#include "store/splits.h"

#include <stdlib.h>
#include <string.h>

enum { REASONS_NAMED = 10, FILES_NAMED = 3 /* of each reason */ };

static int by_defect(const void *a, const void *b)
{
    const struct clip *x = *(const struct clip *const *)a, *y = *(const struct clip *const *)b;
    int order = strcmp(x->defect, y->defect);

    return order ? order : strcmp(x->path, y->path);
}

/* One line for `count` clips with one reason. */
static void warn_reason(const struct clip *const *clips, size_t count)
{
    struct text names = {0};

    if (count == 1) {
        log_warn("%s: left out: %s", clips[0]->path, clips[0]->defect);
        return;
    }
    for (size_t i = 0; i < count && i < FILES_NAMED; i++)
        text_add(&names, "%s%s", i ? ", " : "", clips[i]->path);
    log_warn("%zu clips left out: %s: %s%s", count, clips[0]->defect, names.text,
             count > FILES_NAMED ? ", ..." : "");
    text_free(&names);
}

/* Clips with one reason, order[first] .. order[first + count - 1]. */
struct reason {
    size_t first, count;
};

static int by_count(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;

    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : (x->first > y->first) - (x->first < y->first);
}

/* The most frequent reasons, a line each. */
static void warn_broken(const struct scan *scan)
{
    const struct clip **order = mem_zero(scan->found.count, sizeof *order);
    struct reason *reasons = mem_zero(scan->found.count, sizeof *reasons);
    size_t count = 0, kinds = 0, others = 0;

    for (size_t i = 0; i < scan->found.count; i++)
        if (scan->found.clips[i].defect)
            order[count++] = &scan->found.clips[i];
    if (count)
        qsort(order, count, sizeof *order, by_defect);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(order[i]->defect, order[i - 1]->defect) != 0)
            reasons[kinds++].first = i;
        reasons[kinds - 1].count++;
    }
    if (kinds)
        qsort(reasons, kinds, sizeof *reasons, by_count);
    for (size_t r = 0; r < kinds; r++) {
        if (r < REASONS_NAMED)
            warn_reason(order + reasons[r].first, reasons[r].count);
        else
            others += reasons[r].count;
    }
    if (others)
        log_warn("%zu more clips are left out, %zu in all", others, count);
    free(reasons);
    free(order);
}

/* Folders called train, test and so on count only where the split asks for them: that is said. */
static void say_parts(const struct scan *scan)
{
    size_t counts[PART_COUNT] = {0};
    struct text line = {0};

    for (size_t i = 0; i < scan->found.count; i++)
        for (int part = 0; part < PART_COUNT; part++)
            counts[part] += text_equal(scan->found.clips[i].part, PART_NAMES[part]);
    for (int part = 0; part < PART_COUNT; part++)
        if (counts[part])
            text_add(&line, "%s%s %zu", line.length ? ", " : "", PART_NAMES[part], counts[part]);
    if (line.length)
        log_info("folders name parts (%s): split.protocol=predefined takes the clips so", line.text);
    text_free(&line);
}

/* A label's folder may hold folders that name no emotion: what is in them has its label. */
static void say_nested(const struct scan *scan)
{
    const char *example = NULL;
    size_t count = 0;

    for (size_t i = 0; i < scan->found.count; i++) {
        const struct clip *clip = &scan->found.clips[i];
        char *folder = path_folder(clip->path);
        const char *name = path_base(folder);
        bool inside = clip->label && emotion_of_label(clip->label) && !emotion_of_label(name) &&
                      part_of_word(name) == PART_COUNT;
        if (inside && count++ == 0)
            example = clip->path;
        free(folder);
    }
    if (count)
        log_warn("%zu clip%s the label of a folder further up, whose name is an emotion (%s)", count,
                 count == 1 ? " takes" : "s take", example);
}

/* One line for all files that are no clips of the format. */
static void say_endings(const struct scan *scan)
{
    enum { MOST = 8 };
    struct text line = {0};

    for (size_t i = 0; i < scan->endings.count && i < MOST; i++)
        text_add(&line, "%s%zu %s", i ? ", " : "", scan->ending_counts[i], scan->endings.items[i]);
    if (line.length)
        log_info("files that corpus.kind=%s does not take for recordings: %s%s", scan->format->name,
                 line.text, scan->endings.count > MOST ? ", ..." : "");
    text_free(&line);
}

void report_scan(const struct scan *scan)
{
    warn_broken(scan);
    if (!scan->format->list)
        say_parts(scan);
    if (scan->format == &CORPUS_FOLDERS)
        say_nested(scan);
    say_endings(scan);
    if (scan->one_channel)
        log_warn("%zu clip%s taken from the loudest channel: the other is silent, or its opposite",
                 scan->one_channel, scan->one_channel == 1 ? " is" : "s are");
}
