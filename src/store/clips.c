#include "store/clips.h"

#include "store/statement.h"

#include <stdlib.h>

#define COLUMNS                                                                                              \
    "path, name, file_size, file_mtime, sha256, rate, channels, frames, duration, label, speaker, sex, "     \
    "text,"                                                                                                  \
    " modality, vocal_channel, emotion, intensity, statement, repetition, actor, problem, duplicate_of, "    \
    "part"

void clip_list_add(struct clip_list *list, const struct clip *clip)
{
    list->clips = mem_grow(list->clips, &list->capacity, list->count + 1, sizeof *list->clips);
    struct clip *copy = &list->clips[list->count++];
    *copy = *clip;
    const char **strings[] = {&copy->path, &copy->name, &copy->sha256,  &copy->label,        &copy->speaker,
                              &copy->sex,  &copy->text, &copy->problem, &copy->duplicate_of, &copy->part};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i] = arena_string(&list->arena, *strings[i]);
}

const char *clip_other_speaker(int number, const char *speaker, struct arena *arena)
{
    return arena_format(arena, "corpus_%d %s", number, speaker);
}

void clip_list_free(struct clip_list *list)
{
    free(list->clips);
    arena_free(&list->arena);
    *list = (struct clip_list){0};
}

bool corpus_open(struct catalogue *catalogue, const char *kind, const char *root, int64_t *id,
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
    int *numbers[] = {&clip->fields.modality,  &clip->fields.vocal_channel, &clip->fields.emotion,
                      &clip->fields.intensity, &clip->fields.statement,     &clip->fields.repetition,
                      &clip->fields.actor};
    int c = 0;

    clip->id = sqlite3_column_int64(s->handle, c++);
    clip->path = column_text(s, c++, arena);
    clip->name = column_text(s, c++, arena);
    clip->file_size = sqlite3_column_int64(s->handle, c++);
    clip->file_mtime = sqlite3_column_int64(s->handle, c++);
    clip->sha256 = column_text(s, c++, arena);
    clip->rate = sqlite3_column_int(s->handle, c++);
    clip->channels = sqlite3_column_int(s->handle, c++);
    clip->frames = sqlite3_column_int64(s->handle, c++);
    clip->duration = sqlite3_column_double(s->handle, c++);
    clip->label = column_text(s, c++, arena);
    clip->speaker = column_text(s, c++, arena);
    clip->sex = column_text(s, c++, arena);
    clip->text = column_text(s, c++, arena);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = sqlite3_column_int(s->handle, c++);
    clip->problem = column_text(s, c++, arena);
    clip->duplicate_of = column_text(s, c++, arena);
    clip->part = column_text(s, c++, arena);
    clip->part_is_fixed = false;
}

bool clips_read(struct catalogue *catalogue, int64_t corpus, enum clip_filter filter, struct clip_list *list,
                struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue,
                          "SELECT id, " COLUMNS " FROM clips WHERE corpus_id = ?1 AND"
                          " (?2 = 0 OR (problem IS NULL AND duplicate_of IS NULL)) ORDER BY name, path",
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

    if (statement_prepare(&s, catalogue,
                          "SELECT id, " COLUMNS " FROM clips WHERE path = ? AND"
                          " corpus_id = (SELECT id FROM corpora WHERE kind = ? AND root = ?)",
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
    const int numbers[] = {clip->fields.modality,  clip->fields.vocal_channel, clip->fields.emotion,
                           clip->fields.intensity, clip->fields.statement,     clip->fields.repetition,
                           clip->fields.actor};

    statement_text(s, clip->path);
    statement_text(s, clip->name);
    statement_integer(s, clip->file_size);
    statement_integer(s, clip->file_mtime);
    statement_text(s, clip->sha256);
    bind_optional(s, clip->rate);
    bind_optional(s, clip->channels);
    bind_optional(s, clip->frames);
    statement_number(s, clip->duration);
    statement_text(s, clip->label);
    statement_text(s, clip->speaker);
    statement_text(s, clip->sex);
    statement_text(s, clip->text);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        bind_optional(s, numbers[i]);
    statement_text(s, clip->problem);
    statement_text(s, clip->duplicate_of);
    statement_text(s, clip->part);
}

static bool write_changed(struct catalogue *catalogue, int64_t corpus, const struct clip_list *changed,
                          struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue,
                          "INSERT INTO clips (id, corpus_id, " COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
                          " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                          " ON CONFLICT (corpus_id, path) DO UPDATE SET (" COLUMNS ") ="
                          " (excluded.path, excluded.name, excluded.file_size, excluded.file_mtime,"
                          " excluded.sha256, excluded.rate, excluded.channels, excluded.frames,"
                          " excluded.duration, excluded.label, excluded.speaker, excluded.sex, excluded.text,"
                          " excluded.modality, excluded.vocal_channel, excluded.emotion, excluded.intensity,"
                          " excluded.statement, excluded.repetition, excluded.actor, excluded.problem,"
                          " excluded.duplicate_of, excluded.part)",
                          error)) {
        for (size_t i = 0; i < changed->count && !s.failed; i++) {
            bind_optional(&s, changed->clips[i].id);
            statement_integer(&s, corpus);
            bind_clip(&s, &changed->clips[i]);
            statement_run(&s, error);
        }
    }
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
