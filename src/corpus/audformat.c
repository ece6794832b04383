/*
 * audformat's databases (Wagner et al., audeering.github.io/audformat): a folder with a header, db.yaml, and
 * a table for each of its names.
 *
 *     ROOT/db.yaml                       schemes, splits, tables and their columns
 *
 *     ROOT/db.TABLE.csv                  file[,start,end],COLUMN,...; times as pandas writes them
 *
 * Labels are a column whose scheme is "emotion", or that is called so; corpus.columns=label=COLUMN takes
 * another, table=TABLE only that table's.  Where some of those tables are of a split, only they count, and
 * the split's type is the part.  Speaker, sex and text are taken from whatever table has them.  Of
 * model.task=regression corpus.labels names the columns.
 */
#include "base/csv.h"
#include "base/files.h"
#include "base/text.h"
#include "base/yaml.h"
#include "corpus/corpus.h"
#include "corpus/list_values.h"
#include "corpus/renaming.h"
#include "corpus/scan.h"

#include <stdlib.h>
#include <string.h>

/* What tables say of a recording, or of a stretch of it. */
struct facts {
    const char *path, *speaker, *sex, *text;
};

struct database {
    const char *root;
    cJSON *header;
    enum task task;
    const char *label, *table; /* of corpus.columns; NULL: as usual */
    struct strings numbers;    /* corpus.labels, of regression */
    struct facts *facts;       /* by path, once all are read */
    size_t count, capacity;
    struct facts *sexes; /* of the speakers of the table being read; path: the speaker */
    size_t sex_count, sex_capacity;
    struct arena arena;
    struct clip_list *found;
    struct list_places places;
    bool splits_only;
};

static const char *const SPEAKERS[] = {"speaker", "speaker_id", NULL};
static const char *const SEXES[] = {"gender", "sex", NULL};
static const char *const TEXTS[] = {"transcription", "transcript", "text", NULL};

/* ---- the header ---- */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

/* A column of the table by one of the names, or of a scheme by that name; NULL: there is none. */
static const char *find_column(const cJSON *table, const char *const *names)
{
    const cJSON *columns = member(table, "columns"), *column = NULL;

    for (; cJSON_IsObject(columns) && *names; names++) {
        cJSON_ArrayForEach(column, columns)
        {
            const cJSON *scheme = member(column, "scheme_id");
            if (strcmp(column->string, *names) == 0 ||
                (cJSON_IsString(scheme) && strcmp(scheme->valuestring, *names) == 0))
                return column->string;
        }
    }
    return NULL;
}

/* The column of labels; of regression the first of the numbers, if all are there. */
static const char *label_column(const struct database *db, const cJSON *table)
{
    const char *const usual[] = {"emotion", "label", NULL}, *const given[] = {db->label, NULL};

    if (db->table && strcmp(table->string, db->table) != 0)
        return NULL;
    if (db->task != REGRESSION)
        return find_column(table, db->label ? given : usual);
    for (size_t k = 0; k < db->numbers.count; k++)
        if (!member(member(table, "columns"), db->numbers.items[k]))
            return NULL;
    return db->numbers.count ? db->numbers.items[0] : NULL;
}

/* The part that the table's split is; NULL: it is of none. */
static const char *table_part(const struct database *db, const cJSON *table)
{
    const cJSON *split = member(table, "split_id"),
                *type = cJSON_IsString(split)
                            ? member(member(member(db->header, "splits"), split->valuestring), "type")
                            : NULL;
    enum part part = cJSON_IsString(type)    ? part_of_word(type->valuestring)
                     : cJSON_IsString(split) ? part_of_word(split->valuestring)
                                             : PART_COUNT;

    return part < PART_COUNT ? PART_NAMES[part] : NULL;
}

/* ---- tables ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct facts *)a)->path, ((const struct facts *)b)->path);
}

static bool open_table(const struct database *db, const char *name, struct csv *csv, char **path,
                       struct error *error)
{
    static const char *const others[] = {".parquet", ".pkl"};

    *path = mem_format("%s/db.%s.csv", db->root, name);
    for (int i = 0; i < 2 && !path_exists(*path); i++) {
        char *other = mem_format("%s/db.%s%s", db->root, name, others[i]);
        if (path_exists(other))
            error_usage(error,
                        "%s: only tables in CSV are read: audformat.Database.load(\"%s\").save(\"%s\", "
                        "storage_format=\"csv\") writes them",
                        other, db->root, db->root);
        free(other);
        if (error->kind)
            return false;
    }
    return csv_open(csv, *path, error) &&
           (csv_column(csv, "file") < csv->columns ||
            error_usage(error, "%s:1: there is no column \"file\"", csv->path));
}

static const char *known(struct csv *csv, size_t column)
{
    const char *value = csv_trimmed(csv, column);

    return value_is_missing(value) ? NULL : value;
}

/* The path of the row's recording or stretch; caller frees; NULL on error. */
static char *row_path(struct database *db, struct csv *csv, struct error *error)
{
    const char *name = csv_trimmed(csv, csv_column(csv, "file"));
    const char *start = known(csv, csv_column(csv, "start")), *end = known(csv, csv_column(csv, "end"));
    char *file = list_path(&db->places, name), *path = file ? value_stretch(file, start, end) : NULL;

    if (!path)
        error_usage(error, "%s:%zu: \"%s\" from \"%s\" to \"%s\" is no recording", csv->path, csv->row, name,
                    start ? start : "", end ? end : "");
    free(file);
    return path;
}

/* What a column's scheme says of its labels: an object of their facts, or the name of a table that has them.
 */
static const cJSON *scheme_labels(const struct database *db, const cJSON *table, const char *column)
{
    const cJSON *scheme = member(member(member(table, "columns"), column), "scheme_id");

    return cJSON_IsString(scheme)
               ? member(member(member(db->header, "schemes"), scheme->valuestring), "labels")
               : NULL;
}

static void add_sex(struct database *db, const char *speaker, const char *sex)
{
    db->sexes = mem_grow(db->sexes, &db->sex_capacity, db->sex_count + 1, sizeof *db->sexes);
    db->sexes[db->sex_count++] =
        (struct facts){.path = arena_string(&db->arena, speaker), .sex = arena_string(&db->arena, sex)};
}

static const char *sex_of(const cJSON *speaker)
{
    for (size_t i = 0; SEXES[i]; i++)
        if (cJSON_IsString(member(speaker, SEXES[i])))
            return member(speaker, SEXES[i])->valuestring;
    return NULL;
}

/* The speakers' sexes, by the labels of the scheme of a table's column of speakers, or by the table that
 * those are in. */
static bool read_sexes(struct database *db, const cJSON *table, const char *column, struct error *error)
{
    const cJSON *labels = scheme_labels(db, table, column), *label = NULL;
    struct csv csv = {0};

    db->sex_count = 0;
    if (cJSON_IsObject(labels))
        cJSON_ArrayForEach(label, labels) add_sex(db, label->string, sex_of(label));
    if (cJSON_IsString(labels)) {
        char *path = mem_format("%s/db.%s.csv", db->root, labels->valuestring);
        const char *sexes =
            find_column(member(member(db->header, "misc_tables"), labels->valuestring), SEXES);
        bool open = sexes && path_exists(path) && csv_open(&csv, path, error);
        while (open && csv_next(&csv, error))
            add_sex(db, csv_trimmed(&csv, 0), known(&csv, csv_column(&csv, sexes)));
        csv_close(&csv);
        free(path);
    }
    if (db->sex_count)
        qsort(db->sexes, db->sex_count, sizeof *db->sexes, by_path);
    return !error->kind;
}

/* NULL: not known. */
static const char *find_sex(const struct database *db, const char *speaker)
{
    const struct facts key = {.path = speaker};
    const struct facts *found =
        db->sex_count ? bsearch(&key, db->sexes, db->sex_count, sizeof *db->sexes, by_path) : NULL;

    return found ? found->sex : NULL;
}

/* Which of a table's columns say who speaks and what. */
struct fact_columns {
    const char *speaker, *sex, *text;
};

static void add_facts(struct database *db, struct csv *csv, const struct fact_columns *columns,
                      const char *path)
{
    struct facts facts = {.path = arena_string(&db->arena, path)};
    const char *speaker = columns->speaker ? csv_trimmed(csv, csv_column(csv, columns->speaker)) : NULL;

    if (speaker && !speaker_is_unknown(speaker))
        facts.speaker = arena_string(&db->arena, speaker);
    if (columns->sex)
        facts.sex = arena_string(&db->arena, known(csv, csv_column(csv, columns->sex)));
    else if (facts.speaker)
        facts.sex = find_sex(db, facts.speaker);
    if (columns->text)
        facts.text = arena_string(&db->arena, known(csv, csv_column(csv, columns->text)));
    db->facts = mem_grow(db->facts, &db->capacity, db->count + 1, sizeof *db->facts);
    db->facts[db->count++] = facts;
}

static bool read_facts(struct database *db, const cJSON *table, struct error *error)
{
    const struct fact_columns columns = {find_column(table, SPEAKERS), find_column(table, SEXES),
                                         find_column(table, TEXTS)};
    struct csv csv = {0};
    char *file = NULL;

    if (!columns.speaker && !columns.sex && !columns.text)
        return true;
    bool done = (!columns.speaker || read_sexes(db, table, columns.speaker, error)) &&
                open_table(db, table->string, &csv, &file, error);
    while (done && csv_next(&csv, error)) {
        char *path = row_path(db, &csv, error);
        done = path != NULL;
        if (done)
            add_facts(db, &csv, &columns, path);
        free(path);
    }
    csv_close(&csv);
    free(file);
    return done && !error->kind;
}

/* What several tables say of one path, together; by path. */
static void join_facts(struct database *db)
{
    size_t kept = 0;

    if (db->count)
        qsort(db->facts, db->count, sizeof *db->facts, by_path);
    for (size_t i = 0; i < db->count; i++) {
        const struct facts *one = &db->facts[i];
        struct facts *last = kept ? &db->facts[kept - 1] : NULL;
        if (!last || strcmp(last->path, one->path) != 0) {
            db->facts[kept++] = *one;
            continue;
        }
        last->speaker = last->speaker ? last->speaker : one->speaker;
        last->sex = last->sex ? last->sex : one->sex;
        last->text = last->text ? last->text : one->text;
    }
    db->count = kept;
}

/* What is known of a path, of the file where nothing is of the stretch; zeros: nothing. */
static struct facts find_facts(const struct database *db, const char *path)
{
    const struct facts key = {.path = path};
    const struct facts *facts =
        db->count ? bsearch(&key, db->facts, db->count, sizeof *db->facts, by_path) : NULL;
    const char *mark = strstr(path, "#t=");
    struct facts all = facts ? *facts : (struct facts){0};

    if (mark) {
        char *file = mem_format("%.*s", (int)(mark - path), path);
        struct facts of_file = find_facts(db, file);
        all.speaker = all.speaker ? all.speaker : of_file.speaker;
        all.sex = all.sex ? all.sex : of_file.sex;
        all.text = all.text ? all.text : of_file.text;
        free(file);
    }
    return all;
}

/* The label of the row, or its numbers; caller frees; NULL: none. */
static char *row_label(const struct database *db, struct csv *csv, const char *column)
{
    double *values = mem_zero(db->numbers.count, sizeof *values);
    struct text text = {0};
    bool whole = true;

    if (db->task != REGRESSION) {
        free(values);
        return mem_string(known(csv, csv_column(csv, column)));
    }
    for (size_t k = 0; k < db->numbers.count; k++)
        whole = text_to_number(csv_trimmed(csv, csv_column(csv, db->numbers.items[k])), &values[k]) && whole;
    if (whole)
        target_print(REGRESSION, NULL, db->numbers.count, values, &text);
    free(values);
    return text.text;
}

static bool read_labels(struct database *db, const cJSON *table, struct error *error)
{
    const char *column = label_column(db, table), *part = table_part(db, table);
    struct csv csv = {0};
    char *file = NULL;

    if (!column || (db->splits_only && !member(table, "split_id")))
        return true;
    bool done = open_table(db, table->string, &csv, &file, error);
    if (done && csv_column(&csv, column) == csv.columns)
        done = error_usage(error, "%s:1: there is no column \"%s\"", csv.path, column);
    while (done && csv_next(&csv, error)) {
        char *path = row_path(db, &csv, error), *label = path ? row_label(db, &csv, column) : NULL;
        done = path != NULL;
        if (done) {
            const struct facts facts = find_facts(db, path);
            char *name = clip_name(path);
            clip_list_add(db->found, &(struct clip){.path = path,
                                                    .name = name,
                                                    .label = label,
                                                    .speaker = facts.speaker,
                                                    .sex = facts.sex,
                                                    .text = facts.text,
                                                    .part = part,
                                                    .defect = label ? NULL : "no label"});
            free(name);
        }
        free(path);
        free(label);
    }
    csv_close(&csv);
    free(file);
    return done && !error->kind;
}

/* ---- the database ---- */

/* A recording may be in several tables, as long as they say the same of it. */
static bool join_tables(struct clip_list *found, struct error *error)
{
    size_t kept = 0;

    if (found->count)
        qsort(found->clips, found->count, sizeof *found->clips, clips_by_path);
    for (size_t i = 0; i < found->count; i++) {
        struct clip *clip = &found->clips[i], *last = kept ? &found->clips[kept - 1] : NULL;
        if (!last || strcmp(last->path, clip->path) != 0)
            found->clips[kept++] = *clip;
        else if (!text_equal(last->label, clip->label) || !text_equal(last->part, clip->part))
            return error_usage(error,
                               "%s: two tables say different labels or parts (\"%s\", \"%s\"): "
                               "corpus.columns=table=NAME takes one of them",
                               clip->path, last->label ? last->label : "", clip->label ? clip->label : "");
    }
    found->count = kept;
    return true;
}

static bool read_database(struct database *db, struct error *error)
{
    const cJSON *tables = member(db->header, "tables"), *table = NULL;
    bool done = cJSON_IsObject(tables) ||
                error_usage(error, "%s/db.yaml: \"tables\" is no mapping of names to tables", db->root);

    if (!done)
        return false;
    cJSON_ArrayForEach(table, tables) if (label_column(db, table) && member(table, "split_id"))
        db->splits_only = true;
    cJSON_ArrayForEach(table, tables) done = done && read_facts(db, table, error);
    join_facts(db);
    cJSON_ArrayForEach(table, tables) done = done && read_labels(db, table, error);
    if (done && db->found->count == 0)
        done = error_usage(error,
                           "%s/db.yaml: no table has labels: corpus.columns=label=COLUMN says which are%s",
                           db->root, db->task == REGRESSION ? ", corpus.labels the columns of numbers" : "");
    return done && join_tables(db->found, error);
}

static bool list_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                       struct clip_list *found, struct error *error)
{
    char *root = corpus_root(corpus, error), *header = root ? path_join(root, "db.yaml") : NULL;
    struct database db = {
        .root = root, .task = corpora->task, .found = found, .places = {.root = root, .beside = root}};
    struct renamings columns = {0};
    bool done =
        root &&
        (path_exists(header) || error_usage(error, "corpus.kind=audformat: no db.yaml in %s", root)) &&
        (db.header = yaml_read(header, error)) &&
        renamings_read(&columns, "corpus.columns", corpus->columns, false, error) &&
        (db.task != REGRESSION || corpus_label_names(corpora->labels, &db.numbers, error));

    for (size_t i = 0; done && i < columns.count; i++) {
        if (strcmp(columns.items[i].from, "label") == 0)
            db.label = columns.items[i].to;
        else if (strcmp(columns.items[i].from, "table") == 0)
            db.table = columns.items[i].to;
        else
            done = error_usage(error,
                               "corpus.columns: \"%s\": of corpus.kind=audformat there is label and table",
                               columns.items[i].from);
    }
    done = done && read_database(&db, error);
    renamings_free(&columns);
    strings_free(&db.numbers);
    cJSON_Delete(db.header);
    arena_free(&db.arena);
    free(db.facts);
    free(db.sexes);
    free(header);
    free(root);
    return done;
}

const struct corpus_format CORPUS_AUDFORMAT = {
    .name = "audformat",
    .summary = "a database of audformat: db.yaml and its tables in CSV",
    .list = list_clips,
};
