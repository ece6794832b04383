/* What people write in lists: see list_values.h. */
#include "corpus/list_values.h"

#include "audio/audio.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Whether `word` is among those of a list that NULL ends, in any case. */
static bool is_one_of(const char *const *words, const char *word)
{
    while (*words && strcasecmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

bool value_is_missing(const char *value)
{
    static const char *const words[] = {"", "nan", "na", "n/a", "<na>", "nat", "null", "none", NULL};

    return is_one_of(words, value);
}

bool speaker_is_unknown(const char *speaker)
{
    static const char *const words[] = {"unknown", "unk", "<unk>", "?", "-", "-1", NULL};

    return value_is_missing(speaker) || is_one_of(words, speaker);
}

/* ---- times ---- */

bool value_to_seconds(const char *value, double *seconds)
{
    char *copy = mem_string(value), *rest = copy, *days = strstr(copy, " day");
    double number, sum = 0;
    int fields = 0;
    bool good = true;

    if (days) {
        *days = '\0';
        good = text_to_number(copy, &number);
        sum = good ? number * 24 : 0; /* hours */
        rest = days + strlen(" day") + (days[strlen(" day")] == 's');
        rest += strspn(rest, " +,");
        good = good && (!*rest || strchr(rest, ':'));
        if (good && !*rest) {
            *seconds = sum * 3600;
            free(copy);
            return true;
        }
    }
    for (char *field; good && (field = strsep(&rest, ":")); fields++) {
        good = text_to_number(field, &number) && (fields == 0 || number >= 0) && fields < 3;
        sum = (fields == 0 ? sum : sum * 60) + (good ? number : 0);
    }
    free(copy);
    *seconds = sum;
    return good && (!days || fields == 3);
}

char *value_stretch(const char *file, const char *start, const char *end)
{
    char first[TEXT_NUMBER_SIZE], last[TEXT_NUMBER_SIZE];
    double from = 0, to = 0;

    if ((start && !value_to_seconds(start, &from)) || (end && !value_to_seconds(end, &to)) || from < 0 ||
        (end && to <= from))
        return NULL;
    text_from_number(first, from);
    if (end)
        return mem_format("%s#t=%s,%s", file, first, text_from_number(last, to));
    return from > 0 ? mem_format("%s#t=%s", file, first) : mem_string(file); /* to the end */
}

char *clip_name(const char *path)
{
    return strstr(path, "#t=") ? mem_string(path) : path_stem(path);
}

/* ---- parts ---- */

enum part part_of_word(const char *word)
{
    static const char *const words[PART_COUNT][8] = {
        [PART_TRAIN] = {"train", "training", "trn", NULL},
        [PART_VALIDATION] = {"validation", "valid", "val", "dev", "devel", "development", NULL},
        [PART_TEST] = {"test", "testing", "tst", NULL}};

    for (int part = 0; part < PART_COUNT; part++)
        if (is_one_of(words[part], word))
            return (enum part)part;
    return PART_COUNT;
}

/* ---- paths ---- */

enum { MOST_TRIES = 20 }; /* paths that are looked for in both folders */

/* Without ".", ".." and double "/"; of an absolute path.  Caller frees. */
static char *clean_path(const char *path)
{
    char *copy = mem_string(path), *rest = copy;
    struct text clean = {0};

    for (char *name; (name = strsep(&rest, "/"));) {
        if (strcmp(name, "..") == 0) {
            while (clean.length > 0 && clean.text[--clean.length] != '/')
                ;
            if (clean.text)
                clean.text[clean.length] = '\0';
        } else if (*name && strcmp(name, ".") != 0) {
            text_add(&clean, "/%s", name);
        }
    }
    free(copy);
    return clean.text ? clean.text : mem_string("");
}

/* The path as it lies under one of the two folders; caller frees. */
static char *join(const struct list_places *places, const char *path, bool beside)
{
    const char *home = getenv("HOME");

    if (text_starts(path, "~/") && home)
        return path_join(home, path + 2);
    return path_join(beside ? places->beside : places->root, path);
}

static bool is_file(const char *path)
{
    return path_exists(path) && !path_is_folder(path);
}

/* The path with the ending of a file that is there, or as it is; takes `path`. */
static char *complete_ending(char *path)
{
    for (size_t i = 0; !is_file(path) && AUDIO_ENDINGS[i]; i++) {
        char *whole = mem_format("%s%s", path, AUDIO_ENDINGS[i]);
        if (is_file(whole)) {
            free(path);
            return whole;
        }
        free(whole);
    }
    return path;
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

/* The path as the file is called that is there: with its ending, in its normal form of Unicode; or as it is.
 * Takes `path`. */
static char *find_file(char *path)
{
    char *forms[] = {mem_string(path), is_ascii(path) ? NULL : utf8_composed(path),
                     is_ascii(path) ? NULL : utf8_decomposed(path)};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char *form = forms[i];
        if (form && !audio_is_sound_name(path_base(form)))
            form = complete_ending(form);
        if (form && !is_file(path) && is_file(form)) {
            free(path);
            path = mem_string(form);
        }
        free(form);
    }
    return path;
}

static char *with_slashes(const char *path)
{
    char *copy = mem_string(path);

    for (char *c = copy; *c; c++)
        *c = *c == '\\' ? '/' : *c;
    return copy;
}

/* Whether the path is one that needs no look at the disk. */
static bool is_plain(const char *path)
{
    return is_ascii(path) && path[0] != '/' && path[0] != '~' && !strchr(path, '\\') &&
           audio_is_sound_name(path_base(path)) && !strstr(path, "./") && !strstr(path, "//");
}

/* As the first recording that is there lies, so do all. */
static void choose_place(struct list_places *places, const char *path)
{
    char *slashes = with_slashes(path), *below = find_file(join(places, slashes, false)),
         *beside = find_file(join(places, slashes, true));
    bool is_below = is_file(below), is_beside = is_file(beside);

    places->is_beside = !is_below && is_beside;
    places->tries = is_below || is_beside ? MOST_TRIES : places->tries + 1;
    free(slashes);
    free(below);
    free(beside);
}

char *list_path(struct list_places *places, const char *path)
{
    size_t length = strlen(places->root);

    if (!*path)
        return NULL;
    if (places->tries < MOST_TRIES && path[0] != '/' && path[0] != '~')
        choose_place(places, path);
    if (is_plain(path) && !places->is_beside)
        return mem_string(path);
    char *given = join(places, path, places->is_beside);
    if (strchr(path, '\\') && !path_exists(given)) {
        char *slashes = with_slashes(path);
        free(given);
        given = join(places, slashes, places->is_beside);
        free(slashes);
    }
    given = find_file(given);
    char *clean = clean_path(given);
    free(given);
    bool below = strncmp(clean, places->root, length) == 0 && clean[length] == '/';
    char *real = below ? NULL : realpath(clean, NULL); /* a link may lead below the root */
    if (real && strncmp(real, places->root, length) == 0 && real[length] == '/') {
        free(clean);
        clean = mem_string(real);
        below = true;
    }
    free(real);
    char *found =
        !*clean || strcmp(clean, places->root) == 0 ? NULL : mem_string(clean + (below ? length + 1 : 0));
    free(clean);
    return found;
}
