/* Reading a run and working out its report: see report.h. */
#include "report/report.h"

#include "base/files.h"
#include "base/json.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

static struct group *group_of(struct report *report, const char *attribute, const char *value)
{
    for (size_t g = 0; g < report->group_count; g++)
        if (strcmp(report->groups[g].attribute, attribute) == 0 &&
            strcmp(report->groups[g].value, value) == 0)
            return &report->groups[g];
    size_t capacity = report->group_count;
    report->groups = mem_grow(report->groups, &capacity, report->group_count + 1, sizeof *report->groups);
    struct group *group = &report->groups[report->group_count++];
    *group = (struct group){.attribute = attribute, .value = value};
    evaluation_start(&group->evaluation, &report->predictions);
    return group;
}

static int by_attribute(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    size_t ranks[2] = {0, 0};

    for (size_t i = 0; i < CLIP_ATTRIBUTE_COUNT; i++) {
        ranks[0] = strcmp(CLIP_ATTRIBUTES[i].name, x->attribute) == 0 ? i : ranks[0];
        ranks[1] = strcmp(CLIP_ATTRIBUTES[i].name, y->attribute) == 0 ? i : ranks[1];
    }
    if (ranks[0] != ranks[1])
        return ranks[0] < ranks[1] ? -1 : 1;
    return strcmp(x->value, y->value);
}

/* Whether groups by the attribute say something: there are not too many, nor of one clip each (as of
 * transcripts). */
static bool groups_matter(const struct report *report, const struct clip_attribute *attribute)
{
    enum { GROUPS_MOST = 100, CLIPS_LEAST = 2 /* on average */ };
    struct strings values = {0};
    size_t clips;

    for (size_t i = 0; i < report->predictions.count; i++) {
        const char *value = attribute->of(&report->clips.clips[i]);
        if (value && prediction_is_known(&report->predictions.items[i]))
            strings_add(&values, value);
    }
    clips = values.count;
    strings_sort_distinct(&values);
    bool matter = values.count <= GROUPS_MOST && clips >= CLIPS_LEAST * values.count;
    strings_free(&values);
    return matter;
}

/* One group per value of each attribute, sorted. */
static void make_groups(struct report *report)
{
    bool matter[CLIP_ATTRIBUTE_COUNT];

    for (size_t a = 0; a < CLIP_ATTRIBUTE_COUNT; a++)
        matter[a] = groups_matter(report, &CLIP_ATTRIBUTES[a]);
    for (size_t i = 0; i < report->predictions.count; i++) {
        const struct prediction *p = &report->predictions.items[i];
        if (!prediction_is_known(p))
            continue;
        struct outcome outcome = outcome_of(&report->predictions, p);
        for (size_t a = 0; a < CLIP_ATTRIBUTE_COUNT; a++) {
            const char *value = matter[a] ? CLIP_ATTRIBUTES[a].of(&report->clips.clips[i]) : NULL;
            if (value)
                evaluation_add(&group_of(report, CLIP_ATTRIBUTES[a].name, value)->evaluation, &outcome);
        }
    }
    if (report->group_count)
        qsort(report->groups, report->group_count, sizeof *report->groups, by_attribute);
    for (size_t g = 0; g < report->group_count; g++)
        evaluation_finish(&report->groups[g].evaluation);
}

/* ---- reading ---- */

/* Everything that is worked out from the predictions. */
static void analyse_predictions(struct report *report)
{
    const struct prediction_list *list = &report->predictions;
    const struct outputs outputs = {&list, 1};

    evaluation_make(&report->evaluation, list);
    calibration_make(&report->calibration, list);
    if (report->info.training.temperature > 0)
        temperature_undo(list, report->info.training.temperature, &report->uncalibrated);
    if (list->task == SINGLE_LABEL)
        coverage_make(&report->coverage, list);
    if (report->evaluation.clips == 0)
        return;
    clusters_make(&report->clusters, list, report->clips.speakers);
    bootstrap_intervals(&outputs, &report->clusters, report->intervals);
    make_groups(report);
}

/* The program, libraries and machine, as environment.json in the run's folder has them. */
static cJSON *read_environment(const char *folder)
{
    struct error missing = {0};
    char *path = path_join(folder, "environment.json");
    cJSON *environment = path_exists(path) ? json_read(path, &missing) : NULL;

    free(path);
    return environment;
}

static bool read_report_run(struct report *report, struct catalogue *catalogue, struct error *error)
{
    if (!run_find(catalogue, report->folder, &report->run, &report->arena, error))
        return false;
    if (report->run.id == 0)
        return error_set(
            error,
            "%s: no run of that folder in the database %s (a path from the folder where the run was started: "
            "is this that folder?)",
            report->folder, catalogue_path(catalogue));
    run_info_read(&report->info, report->run.info);
    report->environment = read_environment(report->folder);
    return metrics_read(catalogue, report->run.id, &report->metrics, error) &&
           predictions_read(catalogue, report->run.id, "test", &report->predictions, error) &&
           clip_facts_read(&report->clips, catalogue, &report->info, &report->predictions, error);
}

bool report_read(struct report *report, struct catalogue *catalogue, const char *folder, struct error *error)
{
    *report = (struct report){0};
    report->folder = report->output = arena_string(&report->arena, folder);
    if (!read_report_run(report, catalogue, error)) {
        report_free(report);
        return false;
    }
    analyse_predictions(report);
    report_add_remarks(report);
    return true;
}

static void baseline_free(struct baseline *baseline)
{
    if (!baseline)
        return;
    strings_free(&baseline->differences);
    free(baseline->name);
    free(baseline);
}

void report_free(struct report *report)
{
    for (size_t g = 0; g < report->group_count; g++)
        evaluation_free(&report->groups[g].evaluation);
    free(report->groups);
    baseline_free(report->baseline);
    clusters_free(&report->clusters);
    clip_facts_free(&report->clips);
    evaluation_free(&report->evaluation);
    metric_list_free(&report->metrics);
    prediction_list_free(&report->predictions);
    run_info_free(&report->info);
    cJSON_Delete(report->environment);
    strings_free(&report->remarks);
    arena_free(&report->arena);
    *report = (struct report){0};
}

/* ---- against a baseline ---- */

static void add_difference(void *differences, const struct setting *setting, const char *name,
                           const char *before, const char *now)
{
    if (setting_is_bookkeeping(setting))
        return;
    char *line = mem_format("%s: %s -> %s", name, before, now);
    strings_add(differences, line);
    free(line);
}

static void add_differences(struct strings *differences, const struct run_row *before,
                            const struct run_row *now)
{
    struct config *a = config_new(), *b = config_new();
    struct error unread = {0};

    if (config_read_text(a, "baseline", before->directory, before->config, &unread) &&
        config_read_text(b, "run", now->directory, now->config, &unread))
        config_compare(a, b, add_difference, differences);
    else
        strings_add(differences, "not known: a configuration is of another version of emotrain");
    config_free(a);
    config_free(b);
}

void report_set_baseline(struct report *report, const struct report *other)
{
    const struct prediction_list *before = &other->predictions, *now = &report->predictions;
    const struct outputs first = {&before, 1}, second = {&now, 1};
    struct baseline *b = mem_zero(1, sizeof *b);

    baseline_free(report->baseline);
    report->baseline = b;
    b->name = mem_string(other->run.name);
    b->compared = report->evaluation.clips > 0 && same_clips(before, now);
    FOR_METRICS (f, report->evaluation.task)
        b->metrics[f] = METRICS[f].of(&other->evaluation);
    if (b->compared)
        compare_predictions(&first, &second, &report->clusters, b->comparisons);
    b->first_metric = metric_after(METRIC_COUNT, report->evaluation.task);
    b->broken = b->comparisons[b->first_metric].only_first;
    b->fixed = b->comparisons[b->first_metric].only_second;
    add_differences(&b->differences, &other->run, &report->run);
}
