/* The tables of splits: see splits.h. */
#include "store/splits.h"

#include "store/statement.h"

#include <string.h>

const char *const PART_NAMES[PART_COUNT] = {"train", "validation", "test"};

enum part part_find(const char *name, struct error *error)
{
    for (int part = 0; part < PART_COUNT; part++)
        if (strcmp(PART_NAMES[part], name) == 0)
            return (enum part)part;
    error_usage(error, "no part \"%s\": it is train, validation or test", name);
    return PART_COUNT;
}

/* Removes an older split of the description and makes a new, empty one. */
static bool replace(struct catalogue *catalogue, int64_t corpus, const char *description, int64_t *id,
                    struct error *error)
{
    bool done = statement_once(catalogue, error, "DELETE FROM splits WHERE corpus_id = ? AND description = ?",
                               "it", corpus, description) &&
                statement_once(catalogue, error, "INSERT INTO splits (corpus_id, description) VALUES (?, ?)",
                               "it", corpus, description);

    *id = sqlite3_last_insert_rowid(catalogue->db);
    return done;
}

/* Whether the catalogue has exactly that split. */
static bool is_stored(struct catalogue *catalogue, int64_t corpus, const char *description,
                      int64_t *const clips[PART_COUNT], const size_t counts[PART_COUNT], struct error *error)
{
    struct statement s;
    size_t found = 0, all = 0;
    bool same = true;

    for (int part = 0; part < PART_COUNT; part++)
        all += counts[part];
    if (statement_prepare(&s, catalogue,
                          "SELECT part, position, clip_id FROM split_clips WHERE split_id ="
                          " (SELECT id FROM splits WHERE corpus_id = ? AND description = ?)",
                          error)) {
        statement_integer(&s, corpus);
        statement_text(&s, description);
        for (; same && statement_row(&s, error); found++) {
            struct error unknown = {0};
            enum part part = part_find(column_known_text(&s, 0), &unknown);
            int64_t position = sqlite3_column_int64(s.handle, 1);
            same = part < PART_COUNT && position >= 0 && (size_t)position < counts[part] &&
                   clips[part][position] == sqlite3_column_int64(s.handle, 2);
        }
    }
    return statement_end(&s) && same && found == all;
}

bool split_write(struct catalogue *catalogue, int64_t corpus, const char *description,
                 int64_t *const clips[PART_COUNT], const size_t counts[PART_COUNT], struct error *error)
{
    struct statement s = {0};
    int64_t id = 0;

    if (is_stored(catalogue, corpus, description, clips, counts, error))
        return true;
    if (error->kind || !catalogue_begin(catalogue, error))
        return false;
    bool done = replace(catalogue, corpus, description, &id, error) &&
                statement_prepare(&s, catalogue, "INSERT INTO split_clips VALUES (?, ?, ?, ?)", error);
    for (int part = 0; part < PART_COUNT; part++) {
        for (size_t i = 0; done && i < counts[part]; i++) {
            statement_integer(&s, id);
            statement_text(&s, PART_NAMES[part]);
            statement_integer(&s, (int64_t)i);
            statement_integer(&s, clips[part][i]);
            done = statement_run(&s, error);
        }
    }
    done = statement_end(&s) && done;
    if (done && catalogue_commit(catalogue, error))
        return true;
    catalogue_rollback(catalogue);
    return false;
}
