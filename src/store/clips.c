/* Corpora and clips in the catalogue: see clips.h. */
#include "store/clips.h"

#include "base/text.h"
#include "store/statement.h"

#include <stddef.h>
#include <stdlib.h>

/* The columns of a clip, and the fields that they fill. */
enum column_type { COLUMN_TEXT, COLUMN_INT, COLUMN_INT64, COLUMN_DOUBLE };

static const struct column {
    const char *name;
    enum column_type type;
    size_t offset; /* into struct clip */
} COLUMNS[] = {{"path", COLUMN_TEXT, offsetof(struct clip, path)},
               {"name", COLUMN_TEXT, offsetof(struct clip, name)},
               {"file_size", COLUMN_INT64, offsetof(struct clip, file_size)},
               {"file_mtime", COLUMN_INT64, offsetof(struct clip, file_mtime)},
               {"sha256", COLUMN_TEXT, offsetof(struct clip, sha256)},
               {"rate", COLUMN_INT, offsetof(struct clip, rate)},
               {"channels", COLUMN_INT, offsetof(struct clip, channels)},
               {"frames", COLUMN_INT64, offsetof(struct clip, frames)},
               {"duration", COLUMN_DOUBLE, offsetof(struct clip, duration)},
               {"level", COLUMN_DOUBLE, offsetof(struct clip, level)},
               {"peak", COLUMN_DOUBLE, offsetof(struct clip, peak)},
               {"clipped", COLUMN_DOUBLE, offsetof(struct clip, clipped)},
               {"silence", COLUMN_DOUBLE, offsetof(struct clip, silence)},
               {"snr", COLUMN_DOUBLE, offsetof(struct clip, snr)},
               {"fingerprint", COLUMN_TEXT, offsetof(struct clip, fingerprint)},
               {"label", COLUMN_TEXT, offsetof(struct clip, label)},
               {"speaker", COLUMN_TEXT, offsetof(struct clip, speaker)},
               {"sex", COLUMN_TEXT, offsetof(struct clip, sex)},
               {"text", COLUMN_TEXT, offsetof(struct clip, text)},
               {"intensity", COLUMN_TEXT, offsetof(struct clip, intensity)},
               {"channel", COLUMN_TEXT, offsetof(struct clip, channel)},
               {"defect", COLUMN_TEXT, offsetof(struct clip, defect)},
               {"duplicate_of", COLUMN_TEXT, offsetof(struct clip, duplicate_of)},
               {"part", COLUMN_TEXT, offsetof(struct clip, part)},
               {"votes", COLUMN_TEXT, offsetof(struct clip, votes)}};

enum { COLUMN_COUNT = sizeof COLUMNS / sizeof COLUMNS[0] };

/* "path, name, ...", each with `prefix`; caller frees. */
static char *column_names(const char *prefix)
{
    struct text text = {0};

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        text_add(&text, "%s%s%s", c ? ", " : "", prefix, COLUMNS[c].name);
    return text.text;
}

static void *clip_field(const struct clip *clip, const struct column *column)
{
    return (char *)clip + column->offset;
}

void clip_list_add(struct clip_list *list, const struct clip *clip)
{
    list->clips = mem_grow(list->clips, &list->capacity, list->count + 1, sizeof *list->clips);
    struct clip *copy = &list->clips[list->count++];
    *copy = *clip;
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        const char **string = clip_field(copy, &COLUMNS[c]);
        if (COLUMNS[c].type == COLUMN_TEXT)
            *string = arena_string(&list->arena, *string);
    }
}

void clip_list_free(struct clip_list *list)
{
    free(list->clips);
    arena_free(&list->arena);
    *list = (struct clip_list){0};
}

bool catalogue_corpus_id(struct catalogue *catalogue, const char *kind, const char *root, int64_t *id,
                         struct error *error)
{
    struct statement s;

    if (!statement_once(catalogue, error,
                        "INSERT INTO corpora (kind, root) VALUES (?, ?) ON CONFLICT DO NOTHING", "tt", kind,
                        root))
        return false;
    if (statement_prepare(&s, catalogue, "SELECT id FROM corpora WHERE kind = ? AND root = ?", error)) {
        statement_text(&s, kind);
        statement_text(&s, root);
        if (statement_row(&s, error))
            *id = sqlite3_column_int64(s.handle, 0);
    }
    return statement_end(&s);
}

static void read_clip(struct statement *s, struct clip *clip, struct arena *arena)
{
    *clip = (struct clip){.id = sqlite3_column_int64(s->handle, 0)};
    for (int c = 0; c < COLUMN_COUNT; c++) {
        void *field = clip_field(clip, &COLUMNS[c]);
        switch (COLUMNS[c].type) {
        case COLUMN_TEXT:
            *(const char **)field = c < 2 ? arena_string(arena, column_known_text(s, c + 1)) /* path, name */
                                          : column_text(s, c + 1, arena);
            break;
        case COLUMN_INT:
            *(int *)field = sqlite3_column_int(s->handle, c + 1);
            break;
        case COLUMN_INT64:
            *(int64_t *)field = sqlite3_column_int64(s->handle, c + 1);
            break;
        case COLUMN_DOUBLE:
            *(double *)field = sqlite3_column_double(s->handle, c + 1);
            break;
        }
    }
}

/* "SELECT id and all columns FROM clips" and `rest`. */
static bool select_clips(struct statement *s, struct catalogue *catalogue, const char *rest,
                         struct error *error)
{
    char *names = column_names(""), *sql = mem_format("SELECT id, %s FROM clips %s", names, rest);
    bool done = statement_prepare(s, catalogue, sql, error);

    free(names);
    free(sql);
    return done;
}

bool clips_read(struct catalogue *catalogue, int64_t corpus, enum clip_filter filter, struct clip_list *list,
                struct error *error)
{
    struct statement s;

    if (select_clips(&s, catalogue,
                     "WHERE corpus_id = ?1 AND (?2 = 0 OR (defect IS NULL AND duplicate_of IS NULL))"
                     " ORDER BY name, path",
                     error)) {
        statement_integer(&s, corpus);
        statement_integer(&s, filter == CLIPS_USABLE);
        while (statement_row(&s, error)) {
            list->clips = mem_grow(list->clips, &list->capacity, list->count + 1, sizeof *list->clips);
            read_clip(&s, &list->clips[list->count++], &list->arena);
        }
    }
    return statement_end(&s);
}

bool clips_look_up(struct catalogue *catalogue, const char *kind, const char *root, struct clip *clips,
                   size_t count, struct arena *arena, struct error *error)
{
    struct statement s;

    if (select_clips(&s, catalogue,
                     "WHERE path = ? AND corpus_id = (SELECT id FROM corpora WHERE kind = ? AND root = ?)",
                     error)) {
        for (size_t i = 0; i < count && !s.failed; i++) {
            statement_text(&s, clips[i].path);
            statement_text(&s, kind);
            statement_text(&s, root);
            if (statement_row(&s, error))
                read_clip(&s, &clips[i], arena);
            statement_run(&s, error);
        }
    }
    return statement_end(&s);
}

static void bind_optional(struct statement *s, int64_t value)
{
    if (value)
        statement_integer(s, value);
    else
        statement_text(s, NULL);
}

static void bind_clip(struct statement *s, const struct clip *clip)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        const void *field = clip_field(clip, &COLUMNS[c]);
        if (COLUMNS[c].type == COLUMN_TEXT)
            statement_text(s, *(const char *const *)field);
        else if (COLUMNS[c].type == COLUMN_INT)
            bind_optional(s, *(const int *)field);
        else if (COLUMNS[c].type == COLUMN_INT64)
            statement_integer(s, *(const int64_t *)field);
        else
            statement_number(s, *(const double *)field);
    }
}

static char *upsert_sql(void)
{
    char *names = column_names(""), *excluded = column_names("excluded.");
    struct text text = {0};

    text_add(&text, "INSERT INTO clips (id, corpus_id, %s) VALUES (?, ?", names);
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        text_add(&text, ", ?");
    text_add(&text, ") ON CONFLICT (corpus_id, path) DO UPDATE SET (%s) = (%s)", names, excluded);
    free(names);
    free(excluded);
    return text.text;
}

static bool write_changed(struct catalogue *catalogue, int64_t corpus, const struct clip_list *changed,
                          struct error *error)
{
    struct statement s;
    char *sql = upsert_sql();

    if (statement_prepare(&s, catalogue, sql, error)) {
        for (size_t i = 0; i < changed->count && !s.failed; i++) {
            bind_optional(&s, changed->clips[i].id);
            statement_integer(&s, corpus);
            bind_clip(&s, &changed->clips[i]);
            statement_run(&s, error);
        }
    }
    free(sql);
    return statement_end(&s);
}

bool clips_write(struct catalogue *catalogue, int64_t corpus, const struct clip_list *changed,
                 const int64_t *gone, size_t gone_count, struct error *error)
{
    if (changed->count == 0 && gone_count == 0)
        return true;
    if (!catalogue_begin(catalogue, error))
        return false;
    bool done = statement_once(catalogue, error, "DELETE FROM splits WHERE corpus_id = ?", "i", corpus);
    for (size_t i = 0; done && i < gone_count; i++)
        done = statement_once(catalogue, error, "DELETE FROM clips WHERE id = ?", "i", gone[i]);
    if (done && write_changed(catalogue, corpus, changed, error) && catalogue_commit(catalogue, error))
        return true;
    catalogue_rollback(catalogue);
    return false;
}
