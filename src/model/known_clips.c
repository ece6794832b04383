/* The clips that a model knows: see known_clips.h. */
#include "model/known_clips.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 16 }; /* of a key, a line each */

void known_clips_free(struct known_clips *known)
{
    free(known->keys);
    *known = (struct known_clips){0};
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void known_clips_add(struct known_clips *known, const uint64_t *keys, size_t count)
{
    size_t all = known->count + count;
    uint64_t *sum = mem_zero(all, sizeof *sum);

    if (known->count)
        memcpy(sum, known->keys, known->count * sizeof *sum);
    if (count)
        memcpy(sum + known->count, keys, count * sizeof *sum);
    if (all)
        qsort(sum, all, sizeof *sum, ascending);
    free(known->keys);
    *known = (struct known_clips){.keys = sum};
    for (size_t i = 0; i < all; i++)
        if (i == 0 || sum[i] != sum[known->count - 1])
            sum[known->count++] = sum[i];
}

bool known_clips_have(const struct known_clips *known, uint64_t key)
{
    return known->count && bsearch(&key, known->keys, known->count, sizeof key, ascending);
}

static char *file_of(const char *directory)
{
    return path_join(directory, "training_clips.txt");
}

bool known_clips_read(struct known_clips *known, const char *directory, struct error *error)
{
    char *path = file_of(directory), *text = NULL, *rest, *line;
    size_t size = 0, count = 0, number = 0;
    bool done = !path_exists(path) || (text = file_read(path, &size, error));
    uint64_t *keys = mem_zero(size / (DIGITS + 1) + 1, sizeof *keys);

    rest = text;
    while (done && rest && (line = strsep(&rest, "\n")) && (rest || *line)) {
        number++;
        if (strlen(line) == DIGITS && strspn(line, "0123456789abcdef") == DIGITS)
            keys[count++] = strtoull(line, NULL, 16);
        else
            done = error_set(error, "%s:%zu: not %d hexadecimal digits", path, number, DIGITS);
    }
    if (done)
        known_clips_add(known, keys, count);
    free(keys);
    free(text);
    free(path);
    return done;
}

bool known_clips_write(const struct known_clips *known, const char *directory, struct error *error)
{
    char *path = file_of(directory);
    struct text text = {0};

    for (size_t i = 0; i < known->count; i++)
        text_add(&text, "%0*" PRIx64 "\n", DIGITS, known->keys[i]);
    bool done = !known->count || file_write(path, text.text, text.length, error);
    text_free(&text);
    free(path);
    return done;
}
