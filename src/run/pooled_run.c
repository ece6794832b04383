/* Folds as one run: see pooled_run.h. */
#include "run/pooled_run.h"

#include "base/digest.h"
#include "base/files.h"
#include "report/fields.h"
#include "run/recorded_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is being put together. */
struct pooled {
    struct catalogue *catalogue;
    const struct sweep *sweep;
    const struct sweep_row *row;
    const struct sweep_run *run;
    char *folder;
    struct run_row first; /* the run of fold 0 */
    struct run_info info; /* its information, then that of all */
    struct text digests;
    struct arena arena;
    int64_t id;
};

char *pooled_run_folder(const struct sweep *sweep, const struct sweep_row *row, const struct sweep_run *run)
{
    char *name = grid_run_name(&sweep->grid, row->setting, run->seed, sweep->grid.folds),
         *folder = path_join(sweep->folder, name);

    free(name);
    return folder;
}

/* ---- what the folds' runs say of themselves ---- */

/* Adds the numbers of a further fold to those of the ones before it. */
static void add_info(struct run_info *sum, const struct run_info *info)
{
    sum->split.test += info->split.test;
    if (info->split.shared_speakers > sum->split.shared_speakers) /* of the fold that shares most */
        sum->split.shared_speakers = info->split.shared_speakers;
    sum->split.shared_recordings += info->split.shared_recordings;
    sum->split.known += info->split.known;
    sum->split.copies += info->split.copies;
    sum->corpus.leaks += info->corpus.leaks;
    sum->training.steps += info->training.steps;
    sum->training.session_steps += info->training.session_steps;
    sum->training.seconds += info->training.seconds;
    sum->testing.seconds += info->testing.seconds;
    sum->training.peak_memory_mib = fmax(sum->training.peak_memory_mib, info->training.peak_memory_mib);
    sum->testing.peak_memory_mib = fmax(sum->testing.peak_memory_mib, info->testing.peak_memory_mib);
}

static bool read_fold(struct pooled *p, size_t fold, struct error *error)
{
    char *name = grid_run_name(&p->sweep->grid, p->row->setting, p->run->seed, fold),
         *folder = path_join(p->sweep->folder, name);
    struct run_row row;
    bool done = run_find(p->catalogue, folder, &row, &p->arena, error);

    if (done && fold == 0) {
        p->first = row;
        run_info_read(&p->info, row.info);
        text_add(&p->digests, "%s\n", p->info.split.digest);
    } else if (done) {
        struct run_info info;
        run_info_read(&info, row.info);
        add_info(&p->info, &info);
        text_add(&p->digests, "%s\n", info.split.digest);
        run_info_free(&info);
    }
    free(name);
    free(folder);
    return done;
}

/* Each fold's metrics, then their mean and standard deviation. */
static void add_fold_table(struct pooled *p)
{
    enum task task = p->run->predictions.task;
    size_t folds = p->sweep->grid.folds;
    const char *columns[GROUP_METRICS + 2] = {"fold", "clips"};
    double *values = mem_zero(folds, sizeof *values);

    for (size_t m = 0; m < GROUP_METRICS; m++)
        columns[m + 2] = metric_title(group_metric(task, m), task);
    cJSON *rows = run_info_add_table(
        &p->info, "Folds",
        "The metrics above are of all folds' predictions together; here each fold stands alone.", columns,
        GROUP_METRICS + 2);
    for (size_t fold = 0; fold < folds; fold++) {
        cJSON *row = cJSON_CreateArray();
        cJSON_AddItemToArray(row, cJSON_CreateNumber((double)fold));
        cJSON_AddItemToArray(row, cJSON_CreateNumber((double)p->run->folds[fold].clips));
        for (size_t m = 0; m < GROUP_METRICS; m++)
            cJSON_AddItemToArray(row, json_finite(p->run->folds[fold].metrics[group_metric(task, m)]));
        cJSON_AddItemToArray(rows, row);
    }
    for (int deviation = 0; deviation < 2; deviation++) {
        cJSON *row = cJSON_CreateArray();
        cJSON_AddItemToArray(row, cJSON_CreateString(deviation ? "std" : "mean"));
        cJSON_AddItemToArray(row, cJSON_CreateString(""));
        for (size_t m = 0; m < GROUP_METRICS; m++) {
            for (size_t fold = 0; fold < folds; fold++)
                values[fold] = p->run->folds[fold].metrics[group_metric(task, m)];
            cJSON_AddItemToArray(
                row, json_finite(deviation ? deviation_of(values, folds) : mean_of(values, folds)));
        }
        cJSON_AddItemToArray(rows, row);
    }
    free(values);
}

static bool gather_info(struct pooled *p, struct error *error)
{
    char digest[SHA256_HEX_SIZE];
    bool done = true;

    for (size_t fold = 0; done && fold < p->sweep->grid.folds; fold++)
        done = read_fold(p, fold, error);
    if (!done)
        return false;
    digest_bytes(p->digests.text, p->digests.length, digest);
    p->info.split.digest = arena_string(&p->info.arena, digest);
    p->info.split.settings =
        arena_format(&p->info.arena, "%s (all %zu folds)", p->info.split.settings, p->sweep->grid.folds);
    if (p->run->is_mixed)
        p->info.corpus.note = arena_format(&p->info.arena, "%s%s%s", p->info.corpus.note,
                                           *p->info.corpus.note ? "\n" : "", CORPUS_CHANGED);
    p->info.training.best_step = 0;
    p->info.training.temperature = 0; /* each fold has its own */
    p->info.training.clips_per_second = 0;
    p->info.testing.clips_per_second =
        p->info.testing.seconds > 0 ? (double)p->run->predictions.count / p->info.testing.seconds : 0;
    cJSON_Delete(p->info.tables); /* of fold 0 alone */
    p->info.tables = NULL;
    add_fold_table(p);
    return true;
}

/* ---- its folder, and its row in the catalogue ---- */

static bool copy_environment(const struct pooled *p, struct error *error)
{
    char *from = path_join(p->first.directory, "environment.json"),
         *to = path_join(p->folder, "environment.json");
    size_t length;
    char *text = file_read(from, &length, error);
    bool done = text && file_write(to, text, length, error);

    free(text);
    free(from);
    free(to);
    return done;
}

static bool begin(struct pooled *p, struct error *error)
{
    struct config *config = config_new();
    char *name = mem_format("%s/%s", path_base(p->sweep->folder), path_base(p->folder)),
         *path = path_join(p->folder, "config.ini");
    bool done = config_read_text(config, p->first.name, p->first.directory, p->first.config, error);

    if (done) {
        config_choose(config, "run.name", name);
        config_choose(config, "sweep.folds", "yes");
        char *text = config_print(config, p->folder);
        done = folder_make(p->folder, error) && copy_environment(p, error) &&
               file_write(path, text, strlen(text), error) &&
               run_begin(p->catalogue, name, p->folder, text, p->run->predictions.task, false, &p->id, error);
        free(text);
    }
    free(name);
    free(path);
    config_free(config);
    return done;
}

static bool store(struct pooled *p, struct error *error)
{
    char *info = run_info_print(&p->info);
    bool done = run_set_info(p->catalogue, p->id, info, error) &&
                predictions_write(p->catalogue, p->id, "test", &p->run->predictions, error);

    cJSON_free(info);
    return done;
}

bool pooled_run_write(struct catalogue *catalogue, const struct sweep *sweep, const struct sweep_row *row,
                      const struct sweep_run *run, struct text *summary, struct error *error)
{
    struct pooled p = {.catalogue = catalogue,
                       .sweep = sweep,
                       .row = row,
                       .run = run,
                       .folder = pooled_run_folder(sweep, row, run)};
    bool done =
        gather_info(&p, error) && begin(&p, error) && store(&p, error) &&
        recorded_run_report(catalogue, p.id, p.folder, config_settings(sweep->config), summary, error);

    run_info_free(&p.info);
    text_free(&p.digests);
    arena_free(&p.arena);
    free(p.folder);
    return done;
}
