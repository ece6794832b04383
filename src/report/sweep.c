/* Reading, ranking and comparing a sweep's runs: see sweep.h. */
#include "report/sweep.h"

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "eval/mixture.h"
#include "report/clips.h"
#include "store/splits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sweep_is(const char *folder)
{
    char *path = path_join(folder, "sweep.ini");
    bool there = path_exists(path);

    free(path);
    return there;
}

/* ---- one run ---- */

char *sweep_last_words(const char *folder, const char *name)
{
    struct error unread = {0};
    char *path = mem_format("%s/logs/%s.log", folder, name);
    char *log = path_exists(path) ? file_read(path, NULL, &unread) : NULL, *words = NULL;

    for (char *line = log; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (!text_starts(line, "emotrain: "))
            continue;
        free(words);
        line += strlen("emotrain: ");
        words = mem_format("%.*s", (int)strcspn(line, "\n"), line);
    }
    free(log);
    free(path);
    return words ? words : mem_string("");
}

/* The metric of the best checkpoint on the validation part: what the choice of a setting may look at. */
static double selection_of(const struct run_info *info, const struct metric_list *metrics, const char *metric)
{
    int64_t step = info->training.best_step; /* 0: none yet */

    if (strcmp(info->split.selection_part, "validation") != 0)
        return (double)NAN;
    for (size_t i = 0; i < metrics->count; i++)
        if (metrics->items[i].step == step && strcmp(metrics->items[i].name, metric) == 0)
            return metrics->items[i].value;
    return (double)NAN;
}

bool sweep_run_selection(struct catalogue *catalogue, const struct run_row *row, enum metric metric,
                         double *value, struct error *error)
{
    struct metric_list metrics = {0};
    struct run_info info;
    bool done = metrics_read(catalogue, row->id, &metrics, error);

    run_info_read(&info, row->info);
    *value = selection_of(&info, &metrics, METRICS[metric].name);
    run_info_free(&info);
    metric_list_free(&metrics);
    return done;
}

static void measure_fold(struct sweep_fold *fold, const struct prediction_list *predictions)
{
    struct evaluation evaluation;

    evaluation_make(&evaluation, predictions);
    fold->clips = evaluation.clips;
    FOR_METRICS (f, evaluation.task)
        fold->metrics[f] = METRICS[f].of(&evaluation);
    evaluation_free(&evaluation);
}

/* Of a fold's run: what the corpus was. */
static void note_corpus(struct sweep_run *run, const char *digest)
{
    if (!*digest)
        return;
    run->is_mixed = run->is_mixed || (run->corpus && strcmp(run->corpus, digest) != 0);
    if (!run->corpus)
        run->corpus = mem_string(digest);
}

/* Adds what one fold's run came to. */
static bool add_fold(struct sweep_run *run, struct catalogue *catalogue, const struct run_row *row,
                     const char *metric, size_t fold, size_t folds, struct error *error)
{
    struct metric_list metrics = {0};
    struct prediction_list predictions;
    bool done = predictions_read(catalogue, row->id, "test", &predictions, error) &&
                metrics_read(catalogue, row->id, &metrics, error);

    if (done) {
        struct run_info info;
        run_info_read(&info, row->info);
        measure_fold(&run->folds[fold], &predictions);
        prediction_list_append(&run->predictions, &predictions);
        run->seconds += info.training.seconds;
        run->test_seconds += info.testing.seconds;
        run->parameters = (double)info.model.parameters;
        run->memory = fmax(run->memory, fmax(info.training.peak_memory_mib, info.testing.peak_memory_mib));
        run->test_chose = run->test_chose || strcmp(info.split.selection_part, PART_NAMES[PART_TEST]) == 0;
        note_corpus(run, info.corpus.digest);
        run->selection += selection_of(&info, &metrics, metric) / (double)folds;
        run_info_free(&info);
    }
    prediction_list_free(&predictions);
    metric_list_free(&metrics);
    return done;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct prediction *)a)->path, ((const struct prediction *)b)->path);
}

/* A clip that stands in two folds' predictions, which are sorted by path; NULL: none does. */
static const char *clip_of_two_folds(const struct prediction_list *predictions)
{
    for (size_t i = 1; i < predictions->count; i++)
        if (strcmp(predictions->items[i - 1].path, predictions->items[i].path) == 0)
            return predictions->items[i].path;
    return NULL;
}

/* The run's metrics, over all its folds, unless the corpus changed between those. */
static void sum_up_run(struct sweep_run *run, size_t folds)
{
    struct evaluation evaluation;

    if (folds > 1 && run->predictions.count)
        qsort(run->predictions.items, run->predictions.count, sizeof *run->predictions.items, by_path);
    const char *twice = folds > 1 ? clip_of_two_folds(&run->predictions) : NULL;
    if (twice) {
        run->unfinished = mem_format("%s is in the test parts of two folds, whose corpora differ: remove "
                                     "these runs (emotrain runs rm), and the same command runs all folds",
                                     twice);
        return;
    }
    evaluation_make(&evaluation, &run->predictions);
    FOR_METRICS (f, evaluation.task)
        run->metrics[f] = METRICS[f].of(&evaluation);
    run->finished = evaluation.clips > 0;
    evaluation_free(&evaluation);
}

bool sweep_run_finished(struct catalogue *catalogue, const char *folder, struct run_row *row, bool *finished,
                        struct arena *arena, struct error *error)
{
    char *config = path_join(folder, "config.ini");
    bool there = path_exists(config), done = run_find(catalogue, folder, row, arena, error);

    *finished = done && there && row->id && strcmp(row->state, "finished") == 0;
    free(config);
    return done;
}

static bool read_sweep_run(struct sweep *sweep, struct sweep_run *run, size_t setting,
                           struct catalogue *catalogue, struct error *error)
{
    bool done = true, all = true;

    run->selection = 0;
    run->folds = mem_zero(sweep->grid.folds, sizeof *run->folds);
    for (size_t fold = 0; done && fold < sweep->grid.folds; fold++) {
        char *name = grid_run_name(&sweep->grid, setting, run->seed, fold),
             *folder = path_join(sweep->folder, name);
        struct run_row row;
        bool finished;
        done = sweep_run_finished(catalogue, folder, &row, &finished, &sweep->arena, error);
        if (done && finished && row.finished && (!sweep->ended || strcmp(row.finished, sweep->ended) > 0))
            sweep->ended = row.finished;
        if (done && finished)
            done =
                add_fold(run, catalogue, &row, METRICS[sweep->metric].name, fold, sweep->grid.folds, error);
        if (fold == 0 || (all && !finished)) { /* the first, or the first that is missing, stands for all */
            free(run->name);
            free(run->folder);
            run->name = mem_string(name);
            run->folder = mem_string(folder);
        }
        all = all && finished;
        free(name);
        free(folder);
    }
    if (done && all)
        sum_up_run(run, sweep->grid.folds);
    if (!run->finished) {
        run->selection = (double)NAN;
        if (!run->unfinished)
            run->unfinished = sweep_last_words(sweep->folder, run->name);
    }
    return done;
}

/* ---- rows ---- */

static void sum_up_row(struct sweep_row *row, size_t seeds, enum metric metric)
{
    double *values = mem_zero(seeds, sizeof *values), selection = 0;

    for (enum metric f = 0; f < METRIC_COUNT; f++) {
        size_t n = 0;
        for (size_t s = 0; s < seeds; s++)
            if (row->runs[s].finished)
                values[n++] = row->runs[s].metrics[f];
        row->means[f] = mean_of(values, n);
        if (f == metric)
            row->deviation = deviation_of(values, n);
        row->finished = n;
    }
    for (size_t s = 0; s < seeds; s++) {
        const struct sweep_run *run = &row->runs[s];
        if (!run->finished)
            continue;
        selection += run->selection;
        row->parameters = run->parameters;
        row->seconds += run->seconds / (double)row->finished;
        row->test_rate += run->test_seconds > 0
                              ? (double)run->predictions.count / run->test_seconds / (double)row->finished
                              : (double)NAN; /* an older run, which did not take the time */
        row->memory = fmax(row->memory, run->memory);
    }
    row->selection = row->finished ? selection / (double)row->finished : (double)NAN;
    free(values);
}

/* The lists of the seeds that `row`, and `other` unless NULL, have finished; caller frees. */
static struct outputs outputs_of(const struct sweep_row *row, const struct sweep_row *other, size_t seeds)
{
    const struct prediction_list **lists = mem_zero(seeds, sizeof *lists);
    size_t count = 0;

    for (size_t s = 0; s < seeds; s++)
        if (row->runs[s].finished && (!other || other->runs[s].finished))
            lists[count++] = &row->runs[s].predictions;
    return (struct outputs){lists, count};
}

static bool same_within(const struct outputs *outputs, const struct prediction_list *list)
{
    bool same = true;

    for (size_t i = 0; same && i < outputs->count; i++)
        same = same_clips(outputs->lists[i], list);
    return same;
}

/* What a row's test clips are resampled by: from its first finished run. */
static bool row_clusters(struct sweep *sweep, const struct sweep_row *row, struct catalogue *catalogue,
                         struct clusters *clusters, struct error *error)
{
    const struct sweep_run *first = row->runs;
    struct clip_facts facts;
    struct run_row run;
    struct run_info info;

    while (!first->finished)
        first++;
    if (!run_find(catalogue, first->folder, &run, &sweep->arena, error))
        return false;
    run_info_read(&info, run.info);
    bool done = clip_facts_read(&facts, catalogue, &info, &first->predictions, error);
    run_info_free(&info);
    if (!done)
        return false;
    clusters_make(clusters, &first->predictions, facts.speakers);
    clip_facts_free(&facts);
    return true;
}

/* The row's interval, where its seeds predicted for the same clips.  `same`: whether those are the `clips`
 * too. */
static bool measure_row(struct sweep *sweep, struct sweep_row *row, const struct prediction_list *clips,
                        struct catalogue *catalogue, bool *same, struct error *error)
{
    struct outputs outputs = outputs_of(row, NULL, sweep->grid.seeds.count);
    struct interval intervals[METRIC_COUNT];
    struct clusters clusters = {0};
    bool alike = same_within(&outputs, outputs.lists[0]);
    bool done = !alike || row_clusters(sweep, row, catalogue, &clusters, error);

    if (done && alike) {
        bootstrap_intervals(&outputs, &clusters, intervals);
        memcpy(row->intervals, intervals, sizeof intervals);
        row->interval = intervals[sweep->metric];
        sweep->clusters = clusters.count;
        sweep->cluster_unit = arena_string(&sweep->arena, clusters.unit);
    }
    *same = same_within(&outputs, clips);
    clusters_free(&clusters);
    free((void *)outputs.lists);
    return done;
}

static void compare_with_best(struct sweep *sweep, struct sweep_row *row, const struct clusters *clusters)
{
    const struct sweep_row *best = &sweep->rows[0];
    struct outputs first = outputs_of(best, row, sweep->grid.seeds.count),
                   second = outputs_of(row, best, sweep->grid.seeds.count);

    row->compared = first.count > 0;
    if (row->compared) {
        struct comparison comparisons[METRIC_COUNT];
        compare_predictions(&first, &second, clusters, comparisons);
        row->comparison = comparisons[sweep->metric];
    }
    free((void *)first.lists);
    free((void *)second.lists);
}

static void adjust_p_values(struct sweep *sweep)
{
    double *mcnemar = mem_zero(sweep->count, sizeof *mcnemar),
           *permutation = mem_zero(sweep->count, sizeof *permutation);
    size_t n = 0;

    for (size_t i = 0; i < sweep->count; i++) {
        if (sweep->rows[i].compared) {
            mcnemar[n] = sweep->rows[i].comparison.mcnemar_p;
            permutation[n++] = sweep->rows[i].comparison.permutation_p;
        }
    }
    adjust_holm(mcnemar, n);
    adjust_holm(permutation, n);
    n = 0;
    for (size_t i = 0; i < sweep->count; i++) {
        if (sweep->rows[i].compared) {
            sweep->rows[i].mcnemar_adjusted = mcnemar[n];
            sweep->rows[i].permutation_adjusted = permutation[n++];
        }
    }
    free(mcnemar);
    free(permutation);
}

/* Intervals, and tests where all runs predicted for the same clips.  The rows are ranked: the first is the
 * best. */
static bool compare_settings(struct sweep *sweep, struct catalogue *catalogue, struct error *error)
{
    struct clusters clusters = {0};
    struct outputs best = outputs_of(&sweep->rows[0], NULL, sweep->grid.seeds.count);
    bool done = true, all_same = best.count > 0;

    for (size_t i = 0; done && i < sweep->count && sweep->rows[i].finished; i++) {
        bool same;
        done = measure_row(sweep, &sweep->rows[i], best.lists[0], catalogue, &same, error);
        all_same = all_same && same;
    }
    if (done && all_same) {
        sweep->clips = best.lists[0]->count;
        done = row_clusters(sweep, &sweep->rows[0], catalogue, &clusters, error);
        for (size_t i = 1; done && i < sweep->count; i++)
            compare_with_best(sweep, &sweep->rows[i], &clusters);
        adjust_p_values(sweep);
    }
    clusters_free(&clusters);
    free((void *)best.lists);
    return done;
}

bool sweep_chooses_on_validation(const struct config *config)
{
    return config_settings(config)->sweep.search != SEARCH_GRID;
}

/* What a row is ranked by. */
static double rank_value(const struct sweep *sweep, const struct sweep_row *row)
{
    return sweep_chooses_on_validation(sweep->config) ? row->selection : row->means[sweep->metric];
}

/* Puts the best setting first: few rows, a stable order. */
static void rank_settings(struct sweep *sweep)
{
    for (size_t i = 1; i < sweep->count; i++) {
        struct sweep_row row = sweep->rows[i];
        size_t j = i;
        while (j > 0 && row.finished &&
               (!sweep->rows[j - 1].finished || metric_is_better(sweep->metric, rank_value(sweep, &row),
                                                                 rank_value(sweep, &sweep->rows[j - 1])))) {
            sweep->rows[j] = sweep->rows[j - 1];
            j--;
        }
        sweep->rows[j] = row;
    }
}

static struct sweep_row *start_row(struct sweep *sweep, char *label)
{
    struct sweep_row *row = &sweep->rows[sweep->count++];

    row->label = label;
    row->interval = (struct interval){(double)NAN, (double)NAN};
    for (size_t f = 0; f < METRIC_COUNT; f++)
        row->intervals[f] = row->interval;
    row->runs = mem_zero(sweep->grid.seeds.count, sizeof *row->runs);
    for (size_t s = 0; s < sweep->grid.seeds.count; s++)
        row->runs[s].seed = sweep->grid.seeds.items[s];
    return row;
}

static bool read_rows(struct sweep *sweep, struct catalogue *catalogue, struct error *error)
{
    size_t seeds = sweep->grid.seeds.count;

    sweep->rows = mem_zero(sweep->grid.settings + 1, sizeof *sweep->rows);
    for (size_t i = 0; i < sweep->grid.settings; i++) {
        struct sweep_row *row = start_row(sweep, grid_label(&sweep->grid, i));
        row->setting = i;
        for (size_t s = 0; s < seeds; s++)
            if (!read_sweep_run(sweep, &row->runs[s], i, catalogue, error))
                return false;
        sum_up_row(row, seeds, sweep->metric);
    }
    return true;
}

/* ---- compare.ensemble ---- */

/* What all members cost; test_seconds: 0 where that of one is not known. */
static void add_up_costs(struct sweep_run *run, const struct sweep_row *rows, size_t count, size_t s)
{
    bool timed = true;

    for (size_t i = 0; i < count; i++) {
        const struct sweep_run *member = &rows[i].runs[s];
        timed = timed && member->test_seconds > 0;
        run->seconds += member->seconds;
        run->test_seconds += member->test_seconds;
        run->parameters += member->parameters;
        run->memory = fmax(run->memory, member->memory);
    }
    run->test_seconds = timed ? run->test_seconds : 0;
}

/* The mean of `count` rows' predictions from seed s, where all have finished and predicted for the same
 * clips.
 */
static void average_seed(struct sweep_run *run, const struct sweep_row *rows, size_t count, size_t s)
{
    const struct prediction_list **lists = mem_zero(count, sizeof *lists),
                                 *first = &rows[0].runs[s].predictions;
    double *weights = mem_zero(count, sizeof *weights),
           *thresholds = mem_zero(first->label_count + 1, sizeof *thresholds);
    bool complete = true;

    for (size_t i = 0; i < count; i++) {
        const struct sweep_run *member = &rows[i].runs[s];
        complete = complete && member->finished && same_clips(&member->predictions, first);
        lists[i] = &member->predictions;
        weights[i] = 1 / (double)count;
    }
    add_up_costs(run, rows, count, s);
    if (complete) {
        prediction_list_start(&run->predictions, first->task, (const char *const *)first->labels,
                              first->label_count);
        for (size_t k = 0; k < first->label_count; k++)
            thresholds[k] = 0.5;
        mixture_mean(lists, count, weights, thresholds, &run->predictions);
        sum_up_run(run, 1);
    }
    free(thresholds);
    free(weights);
    free(lists);
}

static void add_ensemble(struct sweep *sweep)
{
    const size_t seeds = sweep->grid.seeds.count, count = sweep->count;
    struct sweep_row *row = start_row(sweep, mem_string("ensemble"));

    row->is_ensemble = true;
    for (size_t s = 0; s < seeds; s++) {
        struct sweep_run *run = &row->runs[s];
        run->name = mem_format("%s,seed=%s", row->label, run->seed);
        run->folder = mem_string(sweep->rows[0].runs[s].folder); /* whose clips are the same */
        run->unfinished = mem_string("not all models have predicted for the same clips");
        run->selection = (double)NAN;
        average_seed(run, sweep->rows, count, s);
    }
    sum_up_row(row, seeds, sweep->metric);
}

const char CORPUS_CHANGED[] =
    "The corpus changed between these runs: some had other clips, labels or speakers than others, so they do "
    "not belong together. Remove those of before (emotrain runs rm), and the same command runs them again.";

bool sweep_corpus_changed(const struct sweep *sweep)
{
    bool asked = false, changed = false;
    const char *first = NULL;

    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        asked = asked || text_starts(sweep->grid.axes[a].name, "corpus");

    for (size_t i = 0; i < sweep->count; i++) {
        first = asked ? NULL : first;
        for (size_t s = 0; !sweep->rows[i].is_ensemble && s < sweep->grid.seeds.count; s++) {
            const struct sweep_run *run = &sweep->rows[i].runs[s];
            changed = changed || run->is_mixed || (first && run->corpus && strcmp(first, run->corpus) != 0);
            first = first ? first : run->corpus;
        }
    }
    return changed;
}

enum metric sweep_metric(const struct settings *settings, enum task task)
{
    const char *wanted = settings->sweep.metric;

    return metric_choose(*wanted ? wanted : settings->eval.best_metric, task);
}

bool sweep_read(struct sweep *sweep, struct catalogue *catalogue, const char *folder, struct error *error)
{
    char *path = path_join(folder, "sweep.ini");

    *sweep = (struct sweep){.config = config_new()};
    sweep->folder = arena_string(&sweep->arena, folder);
    bool done = config_read_back(sweep->config, path, error) && grid_read(&sweep->grid, sweep->config, error);
    if (done) {
        const struct settings *settings = config_settings(sweep->config);
        sweep->task = settings->model.task;
        sweep->metric = sweep_metric(settings, sweep->task);
        done = read_rows(sweep, catalogue, error);
    }
    if (done && config_settings(sweep->config)->compare.ensemble)
        add_ensemble(sweep);
    if (done)
        rank_settings(sweep);
    done = done && compare_settings(sweep, catalogue, error);
    free(path);
    if (!done)
        sweep_free(sweep);
    return done;
}

void sweep_free(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->count; i++) {
        for (size_t s = 0; sweep->rows[i].runs && s < sweep->grid.seeds.count; s++) {
            struct sweep_run *run = &sweep->rows[i].runs[s];
            prediction_list_free(&run->predictions);
            free(run->folds);
            free(run->name);
            free(run->folder);
            free(run->unfinished);
            free(run->corpus);
        }
        free(sweep->rows[i].runs);
        free(sweep->rows[i].label);
    }
    free(sweep->rows);
    grid_free(&sweep->grid);
    config_free(sweep->config);
    arena_free(&sweep->arena);
    *sweep = (struct sweep){0};
}
