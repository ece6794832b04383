/* The catalogue: schema, versions, clips, runs, metrics, predictions. */
#include "meddle.h"

#include "eval/predictions.h"
#include "store/clips.h"
#include "store/runs.h"
#include "store/splits.h"

#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>

static struct catalogue *fresh(const char *name)
{
    struct error error = {0};
    struct catalogue *catalogue = catalogue_open(unit_path(name), &error);

    assert_good(catalogue, error);
    return catalogue;
}

static void test_newer_version_is_refused(void **state)
{
    struct error error = {0};

    (void)state;
    catalogue_close(fresh("newer.db"));
    meddle(unit_path("newer.db"), "PRAGMA user_version = 999");
    assert_error(catalogue_open(unit_path("newer.db"), &error), error, "written by a newer emotrain");
}

/* A database of version 1, as the first release wrote it, gains what has come since and keeps what it has. */
static void test_migration(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = fresh("old.db");
    struct clip_list list = {0}, read = {0};
    struct prediction_list outputs;
    const char *const labels[] = {"happy", "sad"};
    int64_t corpus, run;

    (void)state;
    assert_true(catalogue_corpus_id(catalogue, "ravdess", "/data", &corpus, &error));
    clip_list_add(&list, &(struct clip){.path = "a.wav", .name = "a", .label = "sad"});
    assert_good(clips_write(catalogue, corpus, &list, NULL, 0, &error), error);
    prediction_list_start(&outputs, SINGLE_LABEL, labels, 2);
    prediction_list_add(&outputs, "a.wav", 1, NULL)->predicted = 0;
    assert_good(run_begin(catalogue, "r", "/runs/r", "", SINGLE_LABEL, false, &run, &error), error);
    assert_good(predictions_write(catalogue, run, "test", &outputs, &error), error);
    prediction_list_free(&outputs);
    catalogue_close(catalogue);
    meddle(unit_path("old.db"),
           "ALTER TABLE clips DROP COLUMN part; ALTER TABLE runs DROP COLUMN task;"
           "ALTER TABLE runs RENAME COLUMN info TO facts;"
           "ALTER TABLE clips RENAME COLUMN defect TO problem;"
           "ALTER TABLE clips DROP COLUMN level; ALTER TABLE clips DROP COLUMN peak;"
           "ALTER TABLE clips DROP COLUMN clipped; ALTER TABLE clips DROP COLUMN silence;"
           "ALTER TABLE clips DROP COLUMN snr; ALTER TABLE clips DROP COLUMN fingerprint;"
           "ALTER TABLE clips DROP COLUMN channel; ALTER TABLE clips DROP COLUMN votes; DROP TABLE scores;"
           "ALTER TABLE clips DROP COLUMN intensity;"
           "ALTER TABLE clips ADD COLUMN intensity INTEGER; UPDATE clips SET intensity = 2;"
           "ALTER TABLE clips ADD COLUMN modality INTEGER;"
           "ALTER TABLE clips ADD COLUMN vocal_channel INTEGER;"
           "ALTER TABLE clips ADD COLUMN emotion INTEGER;"
           "ALTER TABLE clips ADD COLUMN statement INTEGER;"
           "ALTER TABLE clips ADD COLUMN repetition INTEGER;"
           "ALTER TABLE clips ADD COLUMN actor INTEGER;"
           "PRAGMA user_version = 1");
    catalogue = fresh("old.db");
    assert_good(clips_read(catalogue, corpus, CLIPS_ALL, &read, &error), error);
    assert_int_equal(read.count, 1);
    assert_string_equal(read.clips[0].label, "sad");
    assert_null(read.clips[0].part);
    assert_string_equal(read.clips[0].intensity, "strong");
    assert_good(predictions_read(catalogue, run, "test", &outputs, &error), error);
    assert_true(outputs.task == SINGLE_LABEL && outputs.count == 1);
    assert_true(outputs.items[0].label == 1 && outputs.items[0].predicted == 0);
    prediction_list_free(&outputs);
    clip_list_free(&list);
    clip_list_free(&read);
    catalogue_close(catalogue);
}

/* Reading alone: of a name that a URI would read otherwise, where nothing beside it can be made; of an older
 * version, which is brought up to date; of none. */
static void test_reading(void **state)
{
    struct error error = {0};
    char *name = unit_path("locked/50%?#.db");

    (void)state;
    assert_error(catalogue_open_read(unit_path("none.db"), &error), error, "no catalogue of runs here");
    error = (struct error){0};
    struct catalogue *catalogue = fresh("locked/50%?#.db");
    assert_string_equal(catalogue_path(catalogue), name);
    catalogue_close(catalogue);
    assert_int_equal(chmod(name, 0444), 0);
    assert_int_equal(chmod(unit_path("locked"), 0555), 0);
    catalogue = catalogue_open_read(name, &error);
    assert_good(catalogue, error);
    assert_error(catalogue_begin(catalogue, &error) &&
                     clips_write(catalogue, 1, &(struct clip_list){0}, (int64_t[]){1}, 1, &error),
                 error, "50%?#.db");
    catalogue_close(catalogue);
    assert_int_equal(chmod(unit_path("locked"), 0755), 0);
    assert_int_equal(chmod(name, 0644), 0);
    catalogue_close(fresh("older.db"));
    meddle(unit_path("older.db"), "ALTER TABLE clips DROP COLUMN votes; PRAGMA user_version = 8");
    error = (struct error){0};
    catalogue = catalogue_open_read(unit_path("older.db"), &error);
    assert_good(catalogue, error);
    catalogue_close(catalogue);
    assert_error(catalogue_open(unit_scratch(), &error), error, unit_scratch());
    assert_error(catalogue_open_read(unit_scratch(), &error), error, unit_scratch());
}

static void test_not_a_database(void **state)
{
    struct error error = {0};

    (void)state;
    assert_true(
        file_write(unit_path("text.db"), "this is no database, only text that is long enough", 50, &error));
    assert_error(catalogue_open(unit_path("text.db"), &error), error, "text.db");
}

static void test_clips(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = fresh("clips.db");
    struct clip_list list = {0}, read = {0};
    int64_t corpus, again;

    (void)state;
    assert_true(catalogue_corpus_id(catalogue, "ravdess", "/data", &corpus, &error));
    assert_true(catalogue_corpus_id(catalogue, "ravdess", "/data", &again, &error));
    assert_int_equal(corpus, again);
    clip_list_add(&list, &(struct clip){.path = "b.wav", .name = "b", .label = "sad", .intensity = "strong"});
    clip_list_add(&list, &(struct clip){.path = "a.wav", .name = "a", .defect = "empty file"});
    assert_good(clips_write(catalogue, corpus, &list, NULL, 0, &error), error);
    assert_true(clips_read(catalogue, corpus, CLIPS_ALL, &read, &error));
    assert_int_equal(read.count, 2);
    assert_string_equal(read.clips[0].name, "a"); /* sorted by name */
    assert_string_equal(read.clips[0].defect, "empty file");
    assert_string_equal(read.clips[1].intensity, "strong");
    int64_t gone = read.clips[0].id;
    clip_list_free(&list);
    assert_good(clips_write(catalogue, corpus, &list, &gone, 1, &error), error);
    clip_list_free(&read);
    assert_true(clips_read(catalogue, corpus, CLIPS_USABLE, &read, &error));
    assert_int_equal(read.count, 1);
    clip_list_free(&read);
    catalogue_close(catalogue);
}

static void test_runs(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = fresh("runs.db");
    struct arena arena = {0};
    struct run_row row;
    int64_t run, again;

    (void)state;
    assert_true(run_find(catalogue, "/runs/x", &row, &arena, &error));
    assert_int_equal(row.id, 0);
    assert_good(run_begin(catalogue, "x", "/runs/x", "[run]", SINGLE_LABEL, false, &run, &error), error);
    assert_true(run_set_state(catalogue, run, "interrupted", &error));
    assert_true(run_set_info(catalogue, run, "{}", &error));
    assert_true(run_begin(catalogue, "x", "/runs/x", "[run]\n", SINGLE_LABEL, true, &again, &error));
    assert_int_equal(run, again);
    assert_true(run_find(catalogue, "/runs/x", &row, &arena, &error));
    assert_string_equal(row.state, "running");
    assert_string_equal(row.info, "{}");
    assert_true(run_begin(catalogue, "x", "/runs/x", "", SINGLE_LABEL, false, &again,
                          &error)); /* anew: nothing stays */
    assert_true(run_find(catalogue, "/runs/x", &row, &arena, &error));
    assert_null(row.info);
    arena_free(&arena);
    catalogue_close(catalogue);
}

/* A folder moves with its database: its runs are found where they are now, others where they were. */
static void test_moved(void **state)
{
    struct error error = {0};
    struct arena arena = {0};
    struct run_list runs = {0};
    struct run_row row;
    int64_t run;
    char *old = unit_path("old"), *new = unit_path("new"), *database = unit_path("new/emotrain.db");
    char *command = NULL;

    (void)state;
    struct catalogue *catalogue = fresh("old/emotrain.db");
    assert_true(run_begin(catalogue, "a", unit_path("old/a"), "", REGRESSION, false, &run, &error));
    assert_true(run_begin(catalogue, "b", "/elsewhere/b", "", SINGLE_LABEL, false, &run, &error));
    catalogue_close(catalogue);
    assert_int_equal(rename(old, new), 0);
    catalogue = fresh("new/emotrain.db");
    assert_true(run_find(catalogue, unit_path("new/a"), &row, &arena, &error) && row.id > 0);
    assert_string_equal(row.directory, unit_path("new/a"));
    assert_true(row.task == REGRESSION);
    assert_true(run_find(catalogue, unit_path("old/a"), &row, &arena, &error));
    assert_int_equal(row.id, 0);
    assert_true(runs_read(catalogue, &runs, &error) && runs.count == 2);
    assert_string_equal(runs.rows[0].directory, "/elsewhere/b");
    run_list_free(&runs);
    catalogue_close(catalogue);
    /* as version 7 had it */
    command = mem_format("UPDATE runs SET directory = '%s' WHERE name = 'a'; DROP TABLE scores; ALTER TABLE "
                         "clips DROP COLUMN votes; PRAGMA user_version = 7",
                         unit_path("new/a"));
    meddle(database, command);
    catalogue = fresh("new/emotrain.db");
    assert_true(run_find(catalogue, unit_path("new/a"), &row, &arena, &error) && row.id > 0);
    catalogue_close(catalogue);
    free(command);
    arena_free(&arena);
}

/* A database that is removed, or replaced, under the program takes no more writes. */
static void test_removed(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = fresh("removed.db");
    struct metric_list list = {0};
    int64_t run;

    (void)state;
    assert_true(run_begin(catalogue, "x", "/runs/x", "", SINGLE_LABEL, false, &run, &error));
    metric_list_add(&list, 1, 1, "loss", 1);
    assert_int_equal(unlink(unit_path("removed.db")), 0);
    assert_error(run_set_state(catalogue, run, "finished", &error), error, "removed or replaced");
    assert_error(metrics_write(catalogue, run, &list, &error), error, "removed or replaced");
    catalogue_close(fresh("removed.db"));
    assert_error(scores_write(catalogue, run, "test", &list, &error), error, "removed or replaced");
    metric_list_free(&list);
    catalogue_close(catalogue);
}

/* What scores_read told. */
static void add_up(void *context, int64_t run, const char *name, double value)
{
    double *sum = context;

    sum[0] += (double)run;
    sum[1] += isnan(value) ? 100 : value;
    sum[2] += (double)strlen(name);
}

static void test_scores(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = fresh("scores.db");
    struct metric_list list = {0};
    double sum[3] = {0};
    int64_t run;

    (void)state;
    assert_true(run_begin(catalogue, "x", "/runs/x", "", SINGLE_LABEL, false, &run, &error));
    metric_list_add(&list, 0, 0, "uar", 0.5);
    metric_list_add(&list, 0, 0, "loss", (double)NAN);
    assert_good(scores_write(catalogue, run, "test", &list, &error), error);
    assert_good(scores_write(catalogue, run, "test", &list, &error), error); /* replaces */
    assert_good(scores_read(catalogue, "validation", add_up, sum, &error), error);
    assert_true(sum[0] == 0);
    assert_good(scores_read(catalogue, "test", add_up, sum, &error), error);
    assert_true(sum[0] == 2 * (double)run && sum[1] == 100.5 && sum[2] == 7);
    meddle(unit_path("scores.db"), "DROP TABLE scores");
    assert_error(scores_read(catalogue, "test", add_up, sum, &error), error, "scores");
    assert_error(scores_write(catalogue, run, "test", &list, &error), error, "scores");
    metric_list_free(&list);
    catalogue_close(catalogue);
}

static void test_metrics(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = fresh("metrics.db");
    struct metric_list list = {0}, read = {0};
    int64_t run;

    (void)state;
    assert_true(run_begin(catalogue, "m", "/runs/m", "", SINGLE_LABEL, false, &run, &error));
    metric_list_add(&list, 20, 0.5, "loss", 0.1 + 0.2);
    metric_list_add(&list, 10, 0.25, "loss", (double)NAN);
    assert_good(metrics_write(catalogue, run, &list, &error), error);
    assert_good(metrics_write(catalogue, run, &list, &error), error); /* again: the same rows */
    assert_true(metrics_read(catalogue, run, &read, &error));
    assert_int_equal(read.count, 2);
    assert_true(isnan(read.items[0].value));
    assert_true(read.items[1].value == 0.1 + 0.2);
    metric_list_free(&read);
    assert_true(metrics_remove(catalogue, run, &error) && metrics_read(catalogue, run, &read, &error));
    assert_int_equal(read.count, 0);
    metric_list_free(&list);
    catalogue_close(catalogue);
}

static void test_predictions(void **state)
{
    static const char *const labels[] = {"sad", "angry", "o'clock \"\\"};
    struct error error = {0};
    struct catalogue *catalogue = fresh("predictions.db");
    struct prediction_list list, read;
    int64_t run;

    (void)state;
    assert_true(run_begin(catalogue, "p", "/runs/p", "", SINGLE_LABEL, false, &run, &error));
    prediction_list_start(&list, SINGLE_LABEL, labels, 3);
    struct prediction *p = prediction_list_add(&list, "a.wav", 2, NULL);
    p->predicted = 1;
    p->probabilities[1] = 1.0 / 3;
    assert_good(predictions_write(catalogue, run, "test", &list, &error), error);
    assert_good(predictions_read(catalogue, run, "test", &read, &error), error);
    assert_int_equal(read.count, 1);
    assert_int_equal(read.label_count, 3);
    assert_string_equal(read.labels[2], labels[2]); /* labels keep their order, not the alphabet's */
    assert_int_equal(read.items[0].label, 2);
    assert_int_equal(read.items[0].predicted, 1);
    assert_true(read.items[0].probabilities[1] == 1.0 / 3);
    prediction_list_free(&list);
    prediction_list_free(&read);
    catalogue_close(catalogue);
}

static void test_transaction_rolls_back(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = fresh("rollback.db");
    int64_t missing = 12345, *ids[PART_COUNT] = {&missing, NULL, NULL}, corpus;
    size_t counts[PART_COUNT] = {1, 0, 0};

    (void)state;
    assert_true(catalogue_corpus_id(catalogue, "ravdess", "/r", &corpus, &error));
    /* a clip that is not there breaks a foreign key: the split must vanish whole, and the next write work */
    assert_error(split_write(catalogue, corpus, "s", ids, counts, &error), error, "FOREIGN KEY");
    counts[0] = 0;
    error = (struct error){0};
    assert_good(split_write(catalogue, corpus, "s", ids, counts, &error), error);
    catalogue_close(catalogue);
}

/* A write that fails half-way leaves nothing, and the next one works. */
static void test_failing_writes(void **state)
{
    static const char *const labels[] = {"happy", "sad"};
    struct error error = {0};
    struct catalogue *catalogue = fresh("failing.db");
    struct metric_list metrics = {0}, read = {0};
    struct prediction_list outputs;
    struct clip_list clips = {0};
    int64_t run, corpus;

    (void)state;
    assert_true(run_begin(catalogue, "r", "/runs/r", "", SINGLE_LABEL, false, &run, &error));
    assert_true(catalogue_corpus_id(catalogue, "ravdess", "/data", &corpus, &error));
    meddle(
        unit_path("failing.db"),
        "CREATE TRIGGER a BEFORE INSERT ON metrics WHEN NEW.step = 2 BEGIN SELECT RAISE(ABORT, 'full'); END;"
        "CREATE TRIGGER b BEFORE INSERT ON predictions WHEN NEW.path = 'b' BEGIN SELECT RAISE(ABORT, "
        "'full'); END;"
        "CREATE TRIGGER c BEFORE INSERT ON clips WHEN NEW.path = 'b' BEGIN SELECT RAISE(ABORT, 'full'); END;"
        "CREATE TRIGGER d BEFORE INSERT ON splits BEGIN SELECT RAISE(ABORT, 'full'); END");
    for (int64_t step = 1; step <= 3; step++)
        metric_list_add(&metrics, step, 0, "loss", 1);
    assert_error(metrics_write(catalogue, run, &metrics, &error), error, "full");
    error = (struct error){0};
    assert_true(metrics_read(catalogue, run, &read, &error));
    assert_int_equal(read.count, 0);
    metrics.count = 1;
    assert_good(metrics_write(catalogue, run, &metrics, &error), error);

    prediction_list_start(&outputs, SINGLE_LABEL, labels, 2);
    prediction_list_add(&outputs, "a", 1, NULL);
    prediction_list_add(&outputs, "b", 1, NULL);
    prediction_list_add(&outputs, "c", 1, NULL);
    assert_error(predictions_write(catalogue, run, "test", &outputs, &error), error, "full");
    prediction_list_free(&outputs);
    error = (struct error){0};
    assert_true(predictions_read(catalogue, run, "test", &outputs, &error));
    assert_int_equal(outputs.count, 0);
    prediction_list_free(&outputs);

    for (int i = 0; i < 3; i++)
        clip_list_add(&clips, &(struct clip){.path = i == 0 ? "a" : i == 1 ? "b" : "c", .name = "x"});
    assert_error(clips_write(catalogue, corpus, &clips, NULL, 0, &error), error, "full");
    clip_list_free(&clips);
    error = (struct error){0};
    assert_true(clips_read(catalogue, corpus, CLIPS_ALL, &clips, &error));
    assert_int_equal(clips.count, 0);

    clip_list_add(&clips, &(struct clip){.path = "a", .name = "a"});
    assert_good(clips_write(catalogue, corpus, &clips, NULL, 0, &error), error);
    clip_list_free(&clips);
    assert_true(clips_read(catalogue, corpus, CLIPS_ALL, &clips, &error));
    int64_t *ids[PART_COUNT] = {&clips.clips[0].id};
    const size_t counts[PART_COUNT] = {1};
    assert_error(split_write(catalogue, corpus, "s", ids, counts, &error), error, "full");
    clip_list_free(&clips);
    metric_list_free(&metrics);
    metric_list_free(&read);
    catalogue_close(catalogue);
}

/* What another program did to the tables is an error that names the table, and no more than that. */
static void test_missing_tables(void **state)
{
    static const char *const labels[] = {"happy", "sad"};
    struct error error = {0};
    struct catalogue *catalogue = fresh("missing.db");
    struct metric_list metrics = {0};
    struct prediction_list outputs, read;
    struct clip_list clips = {0};
    struct run_list runs = {0};
    struct run_row row;
    struct arena arena = {0};
    int64_t run, corpus, clip = 1, *ids[PART_COUNT] = {&clip};
    const size_t counts[PART_COUNT] = {1};

    (void)state;
    assert_true(run_begin(catalogue, "r", "/runs/r", "", SINGLE_LABEL, false, &run, &error));
    assert_true(catalogue_corpus_id(catalogue, "ravdess", "/data", &corpus, &error));
    metric_list_add(&metrics, 1, 0, "loss", 1);
    prediction_list_start(&outputs, SINGLE_LABEL, labels, 2);
    prediction_list_add(&outputs, "a", 1, NULL);

    meddle(unit_path("missing.db"), "DROP TABLE split_clips");
    assert_error(split_write(catalogue, corpus, "s", ids, counts, &error), error, "split_clips");
    meddle(unit_path("missing.db"), "DROP TABLE metrics");
    assert_error(metrics_write(catalogue, run, &metrics, &error), error, "metrics");
    assert_error(metrics_read(catalogue, run, &metrics, &error), error, "metrics");
    assert_error(metrics_remove(catalogue, run, &error), error, "metrics");
    meddle(unit_path("missing.db"), "DROP TABLE predictions");
    assert_error(predictions_write(catalogue, run, "test", &outputs, &error), error, "predictions");
    assert_error(predictions_read(catalogue, run, "test", &read, &error), error, "predictions");
    meddle(unit_path("missing.db"), "DROP TABLE runs");
    assert_error(run_begin(catalogue, "r", "/runs/r", "", SINGLE_LABEL, false, &run, &error), error, "runs");
    assert_error(run_begin(catalogue, "r", "/runs/r", "", SINGLE_LABEL, true, &run, &error), error, "runs");
    assert_error(run_find(catalogue, "/runs/r", &row, &arena, &error), error, "runs");
    assert_error(runs_read(catalogue, &runs, &error), error, "runs");
    meddle(unit_path("missing.db"), "DROP TABLE clips");
    assert_error(clips_read(catalogue, corpus, CLIPS_ALL, &clips, &error), error, "clips");
    clip_list_add(&clips, &(struct clip){.path = "a", .name = "a"});
    assert_error(clips_write(catalogue, corpus, &clips, NULL, 0, &error), error, "clips");
    assert_error(clips_write(catalogue, corpus, &clips, &clip, 1, &error), error, "clips");
    meddle(unit_path("missing.db"), "DROP TABLE corpora");
    assert_error(catalogue_corpus_id(catalogue, "ravdess", "/data", &corpus, &error), error, "corpora");
    metric_list_free(&metrics);
    prediction_list_free(&outputs);
    clip_list_free(&clips);
    arena_free(&arena);
    catalogue_close(catalogue);
}

/* Predictions whose words are none of the run's are refused, not taken for others. */
static void test_damaged_predictions(void **state)
{
    static const char *const labels[] = {"happy", "sad"};
    static const char *const damages[] = {
        "UPDATE predictions SET predicted = 'neither'",
        "UPDATE predictions SET predicted = 'sad', probabilities = '[1'",
        ("UPDATE predictions SET probabilities = '{\"happy\": 1, \"sad\": 0}';"
         "UPDATE runs SET task = 'poetry'"),
        "UPDATE runs SET task = 'multi_label'; UPDATE predictions SET label = 'neither'",
        "UPDATE predictions SET label = 'sad', predicted = 'neither'"};
    struct error error = {0};
    struct catalogue *catalogue = fresh("damaged.db");
    struct prediction_list list, read;
    int64_t run;

    (void)state;
    assert_true(run_begin(catalogue, "p", "/runs/p", "", SINGLE_LABEL, false, &run, &error));
    prediction_list_start(&list, SINGLE_LABEL, labels, 2);
    prediction_list_add(&list, "a.wav", 1, NULL);
    assert_good(predictions_write(catalogue, run, "test", &list, &error), error);
    prediction_list_free(&list);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        meddle(unit_path("damaged.db"), damages[i]);
        assert_error(predictions_read(catalogue, run, "test", &read, &error), error,
                     "a damaged prediction for a.wav");
        prediction_list_free(&read);
    }
    meddle(unit_path("damaged.db"),
           "UPDATE predictions SET predicted = 'sad', probabilities = '{\"happy\": null, \"sad\": 1}'");
    error = (struct error){0};
    assert_good(predictions_read(catalogue, run, "test", &read, &error), error);
    assert_true(isnan(read.items[0].probabilities[0]) && read.items[0].probabilities[1] == 1);
    prediction_list_free(&read);
    catalogue_close(catalogue);
}

/* A stored split that is not the one asked for is replaced. */
static void test_changed_split(void **state)
{
    static const char *const changes[] = {"UPDATE split_clips SET part = 'trial'",
                                          "UPDATE split_clips SET position = 3",
                                          "UPDATE split_clips SET position = -1",
                                          "UPDATE split_clips SET clip_id = 2", "DELETE FROM split_clips"};
    struct error error = {0};
    struct catalogue *catalogue = fresh("split.db");
    struct clip_list clips = {0}, read = {0};
    int64_t corpus, clip, *ids[PART_COUNT] = {&clip};
    const size_t counts[PART_COUNT] = {1};
    sqlite3 *db;
    sqlite3_stmt *rows;

    (void)state;
    assert_true(catalogue_corpus_id(catalogue, "ravdess", "/data", &corpus, &error));
    clip_list_add(&clips, &(struct clip){.path = "a", .name = "a"});
    clip_list_add(&clips, &(struct clip){.path = "b", .name = "b"});
    assert_true(clips_write(catalogue, corpus, &clips, NULL, 0, &error));
    assert_true(clips_read(catalogue, corpus, CLIPS_ALL, &read, &error));
    clip = read.clips[0].id;
    assert_int_equal(sqlite3_open(unit_path("split.db"), &db), SQLITE_OK);
    for (size_t i = 0; i <= sizeof changes / sizeof changes[0]; i++) {
        assert_good(split_write(catalogue, corpus, "s", ids, counts, &error), error);
        sqlite3_prepare_v2(db, "SELECT part, position, clip_id FROM split_clips", -1, &rows, NULL);
        assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(rows, 0), "train");
        assert_int_equal(sqlite3_column_int(rows, 1), 0);
        assert_int_equal(sqlite3_column_int64(rows, 2), clip);
        assert_int_equal(sqlite3_step(rows), SQLITE_DONE);
        sqlite3_finalize(rows);
        if (i < sizeof changes / sizeof changes[0])
            meddle(unit_path("split.db"), changes[i]);
    }
    sqlite3_close(db);
    clip_list_free(&clips);
    clip_list_free(&read);
    catalogue_close(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newer_version_is_refused),
        cmocka_unit_test(test_migration),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_not_a_database),
        cmocka_unit_test(test_clips),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_predictions),
        cmocka_unit_test(test_transaction_rolls_back),
        cmocka_unit_test(test_failing_writes),
        cmocka_unit_test(test_missing_tables),
        cmocka_unit_test(test_damaged_predictions),
        cmocka_unit_test(test_changed_split),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
