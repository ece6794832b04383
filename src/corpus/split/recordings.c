/* Clips that are stretches of one recording: see split.h. */
#include "audio/audio.h"
#include "base/memory.h"
#include "corpus/split/split.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether any two are the same. */
static bool any_twice(const char *const *files, size_t count)
{
    const char **sorted = mem_zero(count, sizeof *sorted);
    bool twice = false;

    memcpy(sorted, files, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_text);
    for (size_t i = 1; i < count && !twice; i++)
        twice = strcmp(sorted[i - 1], sorted[i]) == 0;
    free(sorted);
    return twice;
}

const char **split_recordings(const struct clip_list *clips)
{
    bool stretches = false;

    for (size_t i = 0; i < clips->count && !stretches; i++)
        stretches = strstr(clips->clips[i].path, "#t=") != NULL;
    if (!stretches)
        return NULL;
    const char **files = mem_zero(clips->count, sizeof *files);
    for (size_t i = 0; i < clips->count; i++) {
        double start, end;
        files[i] = audio_file_of(clips->clips[i].path, &start, &end);
    }
    if (any_twice(files, clips->count))
        return files;
    split_recordings_free(files, clips->count);
    return NULL;
}

void split_recordings_free(const char **recordings, size_t count)
{
    for (size_t i = 0; recordings && i < count; i++)
        free((char *)(uintptr_t)recordings[i]);
    free(recordings);
}
