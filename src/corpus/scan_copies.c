/* Copies among the clips of a corpus: see scan.h. */
#include "base/text.h"
#include "corpus/scan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_video(const char *path)
{
    static const char *const endings[] = {".mp4", ".mkv", ".mov", ".avi"};
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Videos after the sound that was taken from them. */
static int by_name_then_path(const void *a, const void *b)
{
    const struct clip *x = *(const struct clip *const *)a, *y = *(const struct clip *const *)b;
    int order = strcmp(x->name, y->name);

    order = order ? order : is_video(x->path) - is_video(y->path);
    return order ? order : clips_by_path(x, y);
}

#define SAME_NAME "same name as "

/* Whether the clip has no other fault than a clip beside it. */
static bool is_usable_alone(const struct clip *clip)
{
    return !clip->defect || text_starts(clip->defect, SAME_NAME);
}

/* The path of what a clip of the same name is a copy of; NULL: it is none.  Files that were not opened are
 * taken to be what their names say. */
static const char *copied_from(const struct scan *scan, const struct clip *clip, const struct clip *original)
{
    bool opened = clip->sha256 && original->sha256;
    bool same = opened ? strcmp(clip->sha256, original->sha256) == 0 : scan->format->names_identify;
    bool sound_of_video = is_video(clip->path) && !is_video(original->path);

    return same || sound_of_video ? original->path : NULL;
}

/* How a clip stands beside others; NULL: it is neither. */
struct standing {
    const char *copy, *defect;
    const char *name; /* "happy/1.flac" where "happy/1" is that of another clip; NULL: its own is good */
};

/* Two usable files of one name: the same content is a copy, and only the first counts; other content is a
 * task where names identify clips, and else another clip. */
static void find_copies(struct scan *scan, struct standing *standings)
{
    struct clip **order = mem_zero(scan->found.count, sizeof *order), *first = NULL;

    for (size_t i = 0; i < scan->found.count; i++)
        order[i] = &scan->found.clips[i];
    if (scan->found.count)
        qsort(order, scan->found.count, sizeof *order, by_name_then_path);
    for (size_t i = 0; i < scan->found.count; i++) {
        struct clip *clip = order[i];
        struct standing *standing = &standings[clip - scan->found.clips];
        if (!is_usable_alone(clip))
            standing->defect = clip->defect;
        else if (!first || strcmp(first->name, clip->name) != 0)
            first = clip;
        else if (!(standing->copy = copied_from(scan, clip, first)) && !scan->format->names_identify)
            standing->name = clip->path; /* a.wav and a.flac: the ending tells them apart */
        else if (!standing->copy)
            standing->defect = arena_format(&scan->found.arena, SAME_NAME "%s, other content", first->path);
    }
    free(order);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct clip *const *)a)->name, (*(const struct clip *const *)b)->name);
}

/* A performance recorded twice counts once: see corpus_format.preferred. */
static void find_performances(struct scan *scan, struct standing *standings)
{
    struct clip **order = mem_zero(scan->found.count, sizeof *order);
    size_t count = 0;

    for (size_t i = 0; scan->format->preferred && i < scan->found.count; i++)
        if (!standings[i].defect && !standings[i].copy)
            order[count++] = &scan->found.clips[i];
    if (count)
        qsort(order, count, sizeof *order, by_name);
    for (size_t i = 0; i < count; i++) {
        char *name = scan->format->preferred(order[i]->name);
        const struct clip wanted = {.name = name}, *key = &wanted;
        struct clip **other = name ? bsearch(&key, order, count, sizeof *order, by_name) : NULL;
        if (other)
            standings[order[i] - scan->found.clips].copy = (*other)->path;
        free(name);
    }
    free(order);
}

/* Marks copies, and those whose standing changed as changed. */
void compare_clips(struct scan *scan)
{
    struct standing *standings = mem_zero(scan->found.count, sizeof *standings);

    find_copies(scan, standings);
    find_performances(scan, standings);
    for (size_t i = 0; i < scan->found.count; i++) {
        struct clip *clip = &scan->found.clips[i];
        clip->name = standings[i].name ? standings[i].name : clip->name;
        if (text_equal(standings[i].copy, clip->duplicate_of) &&
            text_equal(standings[i].defect, clip->defect) &&
            (!scan->stored_names[i] || strcmp(scan->stored_names[i], clip->name) == 0))
            continue;
        clip->duplicate_of = standings[i].copy;
        clip->defect = standings[i].defect;
        scan->unchanged[i] = false;
    }
    free(standings);
}
