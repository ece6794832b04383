/* The catalogue: its schema, migrations and transactions; see catalogue.h. */
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/statement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 9, BUSY_MILLISECONDS = 60000 };

/* MIGRATIONS[v] takes a database from version v to v + 1. */
static const char *const MIGRATIONS[SCHEMA_VERSION] = {
    /* 0 -> 1 */
    "CREATE TABLE corpora ("
    " id INTEGER PRIMARY KEY, kind TEXT NOT NULL, root TEXT NOT NULL, UNIQUE (kind, root));"
    "CREATE TABLE clips ("
    " id INTEGER PRIMARY KEY, corpus_id INTEGER NOT NULL REFERENCES corpora ON DELETE CASCADE,"
    " path TEXT NOT NULL,"                                      /* relative to the corpus' root */
    " name TEXT NOT NULL,"                                      /* file name without folder and ending */
    " file_size INTEGER NOT NULL, file_mtime INTEGER NOT NULL," /* bytes; nanoseconds since 1970 */
    " sha256 TEXT, rate INTEGER, channels INTEGER, frames INTEGER, duration REAL," /* as decoded; seconds */
    " label TEXT, speaker TEXT, sex TEXT, text TEXT,"
    " modality INTEGER, vocal_channel INTEGER, emotion INTEGER, intensity INTEGER, statement INTEGER,"
    " repetition INTEGER, actor INTEGER," /* RAVDESS' file name, field by field */
    " problem TEXT,"                      /* why the file is left out; NULL: it is fine */
    " duplicate_of TEXT,"                 /* path of the clip of which this is a copy */
    " UNIQUE (corpus_id, path));"
    "CREATE INDEX clips_name ON clips (corpus_id, name);"
    "CREATE TABLE splits ("
    " id INTEGER PRIMARY KEY, corpus_id INTEGER NOT NULL REFERENCES corpora ON DELETE CASCADE,"
    " description TEXT NOT NULL, UNIQUE (corpus_id, description));"
    "CREATE TABLE split_clips ("
    " split_id INTEGER NOT NULL REFERENCES splits ON DELETE CASCADE,"
    " part TEXT NOT NULL, position INTEGER NOT NULL,"
    " clip_id INTEGER NOT NULL REFERENCES clips ON DELETE CASCADE,"
    " PRIMARY KEY (split_id, part, position)) WITHOUT ROWID;"
    "CREATE INDEX split_clips_clip ON split_clips (clip_id);"
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL, directory TEXT NOT NULL UNIQUE,"
    " state TEXT NOT NULL," /* running, interrupted, failed, finished */
    " started TEXT NOT NULL, finished TEXT, config TEXT NOT NULL,"
    " facts TEXT);" /* JSON: corpus, split, model, training */
    "CREATE TABLE metrics ("
    " run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " step INTEGER NOT NULL, epoch REAL NOT NULL, name TEXT NOT NULL, value REAL,"
    " PRIMARY KEY (run_id, name, step)) WITHOUT ROWID;"
    "CREATE TABLE predictions ("
    " run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " part TEXT NOT NULL, position INTEGER NOT NULL, path TEXT NOT NULL,"
    " label TEXT NOT NULL, predicted TEXT NOT NULL, probabilities TEXT NOT NULL," /* JSON: label -> p */
    " PRIMARY KEY (run_id, part, position)) WITHOUT ROWID;",
    /* 1 -> 2 */
    "ALTER TABLE clips ADD COLUMN part TEXT;", /* that the corpus itself puts the clip in */
    /* 2 -> 3 */
    "ALTER TABLE runs ADD COLUMN problem TEXT NOT NULL DEFAULT 'single_label';"
    "CREATE TABLE answers ("
    " run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " part TEXT NOT NULL, position INTEGER NOT NULL, path TEXT NOT NULL,"
    " label TEXT, predicted TEXT NOT NULL, probabilities TEXT NOT NULL," /* label: NULL where it is not known
                                                                          */
    " PRIMARY KEY (run_id, part, position)) WITHOUT ROWID;"
    "INSERT INTO answers SELECT run_id, part, position, path, nullif(label, ''), predicted, probabilities"
    " FROM predictions;"
    "DROP TABLE predictions;"
    "ALTER TABLE answers RENAME TO predictions;",
    /* 3 -> 4 */
    "ALTER TABLE runs RENAME COLUMN problem TO task;"
    "ALTER TABLE runs RENAME COLUMN facts TO info;" /* run_info.h */
    "ALTER TABLE clips RENAME COLUMN problem TO defect;"
    "ALTER TABLE clips RENAME COLUMN intensity TO number;"
    "ALTER TABLE clips ADD COLUMN intensity TEXT;" /* of the emotion, where the corpus tells: normal, strong
                                                    */
    "UPDATE clips SET intensity = CASE number WHEN 1 THEN 'normal' WHEN 2 THEN 'strong' END;"
    "ALTER TABLE clips DROP COLUMN number; ALTER TABLE clips DROP COLUMN modality;"
    "ALTER TABLE clips DROP COLUMN vocal_channel; ALTER TABLE clips DROP COLUMN emotion;"
    "ALTER TABLE clips DROP COLUMN statement; ALTER TABLE clips DROP COLUMN repetition;"
    "ALTER TABLE clips DROP COLUMN actor;",
    /* 4 -> 5: names, folders and files are read otherwise: every clip is looked at again */
    "UPDATE clips SET file_mtime = 0;",
    /* 5 -> 6: what clips sound like (audio/sound.h); every clip is looked at again */
    "ALTER TABLE clips ADD COLUMN level REAL; ALTER TABLE clips ADD COLUMN peak REAL;"
    "ALTER TABLE clips ADD COLUMN clipped REAL; ALTER TABLE clips ADD COLUMN silence REAL;"
    "ALTER TABLE clips ADD COLUMN snr REAL; ALTER TABLE clips ADD COLUMN fingerprint TEXT;"
    "ALTER TABLE clips ADD COLUMN channel TEXT;" /* of the corpus: speech, song */
    "UPDATE clips SET file_mtime = 0;",
    /* 6 -> 7: a report tells of the clips as they were when the run predicted for them */
    "ALTER TABLE predictions ADD COLUMN speaker TEXT; ALTER TABLE predictions ADD COLUMN sex TEXT;"
    "ALTER TABLE predictions ADD COLUMN intensity TEXT; ALTER TABLE predictions ADD COLUMN text TEXT;"
    "ALTER TABLE predictions ADD COLUMN has_facts INTEGER NOT NULL DEFAULT 0;",
    /* 7 -> 8: runs below the database's folder go by their path from there (place_runs), so that all of it
     * can be moved; and what lists of runs show need not be worked out again from their predictions */
    "CREATE TABLE scores ("
    " run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    " part TEXT NOT NULL, name TEXT NOT NULL, value REAL,"
    " PRIMARY KEY (run_id, part, name)) WITHOUT ROWID;",
    /* 8 -> 9 */
    "ALTER TABLE clips ADD COLUMN votes TEXT;", /* of all annotators, JSON: label -> how many */
};

/* Why a file that is there or can be made cannot be written: an errno, or 0. */
static int why_closed(const char *path)
{
    char *folder = path_folder(path);
    int reason = access(access(path, F_OK) == 0 ? path : folder, W_OK) == 0 ? 0 : errno;

    free(folder);
    return reason;
}

bool catalogue_fail(const struct catalogue *catalogue, struct error *error)
{
    int reason = sqlite3_errcode(catalogue->db) == SQLITE_CANTOPEN ? why_closed(catalogue->path) : 0;

    return error_set(error, "%s: %s%s%s", catalogue->path, sqlite3_errmsg(catalogue->db), reason ? ": " : "",
                     reason ? strerror(reason) : "");
}

static bool execute(struct catalogue *catalogue, const char *sql, struct error *error)
{
    if (sqlite3_exec(catalogue->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return catalogue_fail(catalogue, error);
}

static bool read_version(struct catalogue *catalogue, int *version, struct error *error)
{
    struct statement s;

    *version = 0;
    if (statement_prepare(&s, catalogue, "PRAGMA user_version", error) && statement_row(&s, error))
        *version = sqlite3_column_int(s.handle, 0);
    return statement_end(&s);
}

/* Version 8's names of runs. */
static bool place_runs(struct catalogue *catalogue, struct error *error)
{
    return !catalogue->folder ||
           statement_once(catalogue, error,
                          "UPDATE OR REPLACE runs SET directory = substr(directory, length(?1) + 2)"
                          " WHERE substr(directory, 1, length(?1) + 1) = ?1 || '/'",
                          "t", catalogue->folder);
}

/* Inside one exclusive transaction, so that two processes starting together migrate once. */
static bool migrate(struct catalogue *catalogue, struct error *error)
{
    int version;

    if (!read_version(catalogue, &version, error))
        return false;
    if (version == SCHEMA_VERSION)
        return true;
    if (!execute(catalogue, "BEGIN EXCLUSIVE", error) || !read_version(catalogue, &version, error)) {
        catalogue_rollback(catalogue);
        return false;
    }
    bool done = true;
    if (version > SCHEMA_VERSION)
        done = error_set(error,
                         "%s: written by a newer emotrain (schema %d, this program knows %d): update "
                         "emotrain or name another run.database",
                         catalogue->path, version, SCHEMA_VERSION);
    for (int v = version; done && v < SCHEMA_VERSION; v++) {
        char *stamp = mem_format("PRAGMA user_version = %d", v + 1);
        done = execute(catalogue, MIGRATIONS[v], error) && (v != 7 || place_runs(catalogue, error)) &&
               execute(catalogue, stamp, error);
        free(stamp);
    }
    if (done)
        return catalogue_commit(catalogue, error);
    catalogue_rollback(catalogue);
    return false;
}

/* Where the database is, or will be. */
static void find_place(struct catalogue *catalogue, const char *path)
{
    char *file = realpath(path, NULL), *folder = path_folder(file ? file : path);

    catalogue->path = mem_string(path);
    catalogue->folder = realpath(folder, NULL);
    free(folder);
    free(file);
}

/* Takes note of which file it is. */
static bool note_file(struct catalogue *catalogue, struct error *error)
{
    struct stat status;

    if (stat(catalogue->path, &status) != 0)
        return error_set(error, "%s: %s", catalogue->path, strerror(errno));
    catalogue->device = status.st_dev;
    catalogue->inode = status.st_ino;
    return true;
}

bool catalogue_is_there(const struct catalogue *catalogue, struct error *error)
{
    struct stat status;
    bool there =
        catalogue->inode == 0 || (stat(catalogue->path, &status) == 0 && status.st_dev == catalogue->device &&
                                  status.st_ino == catalogue->inode);

    return there || error_set(error,
                              "%s: removed or replaced while this program was using it; what it would hold "
                              "can be made again: a run goes on with --resume",
                              catalogue->path);
}

struct catalogue *catalogue_open(const char *path, struct error *error)
{
    char *folder = path_folder(path);
    bool made = folder_make(folder, error);

    free(folder);
    if (!made)
        return NULL;
    struct catalogue *catalogue = mem_zero(1, sizeof *catalogue);
    find_place(catalogue, path);
    if (sqlite3_open_v2(path, &catalogue->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK) {
        catalogue_fail(catalogue, error);
    } else {
        sqlite3_busy_timeout(catalogue->db, BUSY_MILLISECONDS);
        if (execute(catalogue,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
                    "PRAGMA cache_size = -131072" /* KiB at most: a million clips stay in it */,
                    error) &&
            migrate(catalogue, error) && note_file(catalogue, error))
            return catalogue;
    }
    catalogue_close(catalogue);
    return NULL;
}

/* "file:PATH?immutable=1", which SQLite reads without the files beside it; caller frees. */
static char *immutable_uri(const char *path)
{
    struct text uri = {0};

    text_add(&uri, "file:");
    for (const char *c = path; *c; c++)
        text_add(&uri, strchr("%?#", *c) ? "%%%02X" : "%c", (unsigned char)*c);
    text_add(&uri, "?immutable=1");
    return uri.text;
}

/* Opens for reading and looks whether it can be read; false with an error. */
static bool open_reading(struct catalogue *catalogue, const char *name, int *version, struct error *error)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;

    if (sqlite3_open_v2(name, &catalogue->db, flags, NULL) != SQLITE_OK)
        return catalogue_fail(catalogue, error);
    sqlite3_busy_timeout(catalogue->db, BUSY_MILLISECONDS);
    return read_version(catalogue, version, error);
}

struct catalogue *catalogue_open_read(const char *path, struct error *error)
{
    struct catalogue *catalogue = mem_zero(1, sizeof *catalogue);
    struct error first = {0};
    int version = 0;

    find_place(catalogue, path);
    if (access(path, F_OK) != 0) {
        error_usage(error, "%s: no catalogue of runs here (run.database says where it is)", path);
        catalogue_close(catalogue);
        return NULL;
    }
    bool done = open_reading(catalogue, path, &version, &first);
    if (!done) { /* the files beside a database in WAL mode cannot be made in a folder that is read-only */
        char *uri = immutable_uri(path);
        sqlite3_close(catalogue->db);
        done = open_reading(catalogue, uri, &version, error);
        free(uri);
    }
    if (done && version == SCHEMA_VERSION)
        return catalogue;
    catalogue_close(catalogue);
    return done ? catalogue_open(path, error) : NULL; /* of an older version: brought up to date first */
}

void catalogue_close(struct catalogue *catalogue)
{
    if (!catalogue)
        return;
    sqlite3_close(catalogue->db);
    free(catalogue->path);
    free(catalogue->folder);
    free(catalogue);
}

const char *catalogue_path(const struct catalogue *catalogue)
{
    return catalogue->path;
}

bool catalogue_begin(struct catalogue *catalogue, struct error *error)
{
    return catalogue_is_there(catalogue, error) && execute(catalogue, "BEGIN IMMEDIATE", error);
}

bool catalogue_commit(struct catalogue *catalogue, struct error *error)
{
    return execute(catalogue, "COMMIT", error);
}

void catalogue_rollback(struct catalogue *catalogue)
{
    sqlite3_exec(catalogue->db, "ROLLBACK", NULL, NULL, NULL);
}
