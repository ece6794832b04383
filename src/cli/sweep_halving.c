/*
 * sweep.search=halving (Jamieson and Talwalkar, 2016): all settings train for a few epochs, the best third of
 * them for three times as many, and so on, until one is left, which trains for all.
 */
#include "base/csv.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/sweep.h"
#include "eval/metrics.h"
#include "report/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FACTOR = 3 };

/* A setting, and its metric on the validation part, mean over seeds and folds. */
struct candidate {
    size_t setting;
    double value;
};

static size_t kept_of(size_t count)
{
    return (count + FACTOR - 1) / FACTOR;
}

int64_t sweep_halving_epochs(size_t settings)
{
    int64_t epochs = 1;

    for (; settings > 1; settings = kept_of(settings))
        epochs *= FACTOR;
    return epochs;
}

static bool measure(const struct sweep_job *job, const struct sweep_stage *stage, struct candidate *candidate,
                    enum metric metric, struct error *error)
{
    const struct grid *grid = &job->grid;
    struct arena arena = {0};
    double sum = 0, value;
    bool done = true, finished;

    for (size_t s = 0; done && s < grid->seeds.count; s++)
        for (size_t fold = 0; done && fold < grid->folds; fold++) {
            char *name = sweep_run_name(job, candidate->setting, grid->seeds.items[s], fold, stage->epochs),
                 *folder = path_join(job->folder, name);
            struct run_row row;
            done = sweep_run_finished(job->catalogue, folder, &row, &finished, &arena, error);
            value = (double)NAN;
            if (done && finished)
                done = sweep_run_selection(job->catalogue, &row, metric, &value, error);
            sum += value;
            free(name);
            free(folder);
        }
    candidate->value = sum / (double)(grid->seeds.count * grid->folds);
    arena_free(&arena);
    return done;
}

/* The best first, those of equal value as they stood; a run that failed is the worst. */
static void rank(struct candidate *candidates, size_t count, enum metric metric)
{
    for (size_t i = 1; i < count; i++) {
        struct candidate one = candidates[i];
        size_t j = i;
        while (j > 0 && metric_is_better(metric, one.value, candidates[j - 1].value)) {
            candidates[j] = candidates[j - 1];
            j--;
        }
        candidates[j] = one;
    }
}

static void add_rows(const struct sweep_job *job, const struct sweep_stage *stage,
                     const struct candidate *candidates, struct text *csv)
{
    char number[TEXT_NUMBER_SIZE];

    for (size_t i = 0; i < stage->count; i++) {
        char *label = grid_label(&job->grid, candidates[i].setting);
        text_add(csv, "%lld,", (long long)stage->epochs);
        csv_add_name(csv, label);
        text_add(csv, ",%s,%s\n",
                 isfinite(candidates[i].value) ? text_from_number(number, candidates[i].value) : "",
                 i < kept_of(stage->count) ? "yes" : "no");
        free(label);
    }
}

/* Runs a stage and leaves the best of its settings, in order. */
static bool run_stage(struct sweep_job *job, size_t *settings, struct sweep_stage *stage, struct text *csv,
                      struct error *error)
{
    const struct settings *all = config_settings(job->config);
    enum metric metric = sweep_metric(all, all->model.task);
    struct candidate *candidates = mem_zero(stage->count, sizeof *candidates);
    bool done = sweep_list_runs(job, stage, error);

    if (done)
        log_info("halving: %zu settings, %lld epochs: %zu runs to do, %zu done", stage->count,
                 (long long)stage->epochs, job->count, job->done_before);
    done = done && sweep_run_all(job, error);
    job->failed_before += job->failed;
    job->failed = 0;
    for (size_t i = 0; done && i < stage->count; i++) {
        candidates[i].setting = settings[i];
        done = measure(job, stage, &candidates[i], metric, error);
    }
    if (done && !interrupt_requested() && !job->is_out_of_time) {
        rank(candidates, stage->count, metric);
        add_rows(job, stage, candidates, csv);
        for (size_t i = 0; i < stage->count; i++)
            settings[i] = candidates[i].setting;
        stage->count = kept_of(stage->count);
    }
    free(candidates);
    return done;
}

bool sweep_halve(struct sweep_job *job, size_t *settings, size_t *count, struct error *error)
{
    int64_t epochs = config_settings(job->config)->train.epochs, share = sweep_halving_epochs(*count);
    struct text csv = {0};
    bool done = true;

    text_add(&csv, "epochs,setting,validation,goes_on\n");
    for (; done && *count > 1 && !interrupt_requested() && !job->is_out_of_time; share /= FACTOR) {
        struct sweep_stage stage = {settings, *count, epochs / share};
        done = run_stage(job, settings, &stage, &csv, error);
        *count = stage.count;
    }
    char *path = path_join(job->folder, "halving.csv");
    if (!job->is_out_of_time && !interrupt_requested())
        done = done && file_write(path, csv.text, csv.length, error);
    free(path);
    text_free(&csv);
    return done;
}
