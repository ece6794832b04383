#include "report/report.h"

#include "base/csv.h"
#include "config/config.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "report/chart.h"

#include <stdlib.h>
#include <string.h>

static void add_remark(struct strings *remarks, char *text)
{
    strings_add(remarks, text);
    free(text);
}

/* The share of test clips that knowing a clip's text alone could get right: of each text, its commonest
 * label. */
static void add_text_remark(struct report *report)
{
    const struct prediction_list *list = &report->predictions;
    size_t best = 0, texts = 0;

    for (size_t i = 0; i < list->count; i++) {
        const char *text = report->clips.clips[i].text;
        bool first = text != NULL;
        for (size_t j = 0; first && j < i; j++)
            first = !text_equal(report->clips.clips[j].text, text);
        if (!first)
            continue;
        size_t most = 0;
        for (size_t k = 0; k < list->label_count; k++) {
            size_t count = 0;
            for (size_t j = i; j < list->count; j++)
                count += list->items[j].label == (int)k && text_equal(report->clips.clips[j].text, text);
            most = count > most ? count : most;
        }
        best += most;
        texts++;
    }
    add_remark(
        report->remarks,
        mem_format("Text alone: the model reads what is said and hears nothing. The %zu test clips have %zu "
                   "different texts; who always gave each text's commonest label would be right for %.3f of "
                   "them.",
                   list->count, texts, list->count ? (double)best / (double)list->count : 0));
}

/* What a reader of the metrics must know. */
static void make_remarks(struct report *report)
{
    const struct run_info *info = &report->info;

    if (*info->corpus.note)
        strings_add(report->remarks, info->corpus.note);
    if (info->split.shared_speakers > 0)
        add_remark(
            report->remarks,
            mem_format(
                "Speakers shared: %lld of %lld speakers are in the training part and in the test part. The "
                "metrics hold for known speakers; for new ones use split.protocol=speaker.",
                (long long)info->split.shared_speakers, (long long)info->split.speakers));
    if (info->corpus.leaks > 0)
        add_remark(report->remarks,
                   mem_format("Same content: %lld of the test clips have the content of a training clip, under another "
                              "name. The metrics are too good by them.",
                              (long long)info->corpus.leaks));
    if (report->predictions.task == SINGLE_LABEL &&
        strcmp(info->model.input, "text") == 0)
        add_text_remark(report);
    if (strcmp(info->split.selection_part, "test") == 0)
        add_remark(
            report->remarks,
            mem_format("Chosen on the test part: there is no validation part, so the best checkpoint was "
                       "chosen by the very clips that this report is about; its metrics are optimistic. "
                       "split.validation=0.1 makes a part for that."));
    if (info->corpus.broken > 0)
        add_remark(report->remarks, mem_format("Left out: %lld broken files of the corpus (emotrain index names them).",
                                               (long long)info->corpus.broken));
    if (info->split.left_out > 0)
        add_remark(report->remarks,
                   mem_format("Left out: %lld clips that are in no part.", (long long)info->split.left_out));
}

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

/* One group per value of each attribute, sorted. */
static void make_groups(struct report *report)
{
    for (size_t i = 0; i < report->predictions.count; i++) {
        const struct prediction *p = &report->predictions.items[i];
        if (!prediction_is_known(p))
            continue;
        struct outcome outcome = outcome_of(&report->predictions, p);
        for (size_t a = 0; a < CLIP_ATTRIBUTE_COUNT; a++) {
            const char *value = CLIP_ATTRIBUTES[a].of(&report->clips.clips[i]);
            if (value)
                evaluation_add(&group_of(report, CLIP_ATTRIBUTES[a].name, value)->evaluation, &outcome);
        }
    }
    if (report->group_count)
        qsort(report->groups, report->group_count, sizeof *report->groups, by_attribute);
    for (size_t g = 0; g < report->group_count; g++)
        evaluation_finish(&report->groups[g].evaluation);
}

enum metric report_group_metric(const struct report *report, size_t i)
{
    enum metric f = metric_after(METRIC_COUNT, report->evaluation.task);

    while (i-- > 0)
        f = metric_after(f, report->evaluation.task);
    return f;
}

/* ---- reading ---- */

/* Everything that is worked out from the predictions. */
static void analyse(struct report *report)
{
    const struct prediction_list *list = &report->predictions;
    const struct outputs outputs = {&list, 1};

    evaluation_make(&report->evaluation, list);
    calibration_make(&report->calibration, list);
    if (report->evaluation.clips == 0)
        return;
    clusters_make(&report->clusters, list, report->clips.speakers);
    bootstrap_intervals(&outputs, &report->clusters, report->intervals);
    make_groups(report);
}

static bool read_run(struct report *report, struct catalogue *catalogue, struct error *error)
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
    return metrics_read(catalogue, report->run.id, &report->metrics, error) &&
           predictions_read(catalogue, report->run.id, "test", &report->predictions, error) &&
           clip_facts_read(&report->clips, catalogue, &report->info, &report->predictions, error);
}

bool report_read(struct report *report, struct catalogue *catalogue, const char *folder, struct error *error)
{
    *report = (struct report){.remarks = mem_zero(1, sizeof(struct strings))};
    report->folder = arena_string(&report->arena, folder);
    if (!read_run(report, catalogue, error)) {
        report_free(report);
        return false;
    }
    analyse(report);
    make_remarks(report);
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
    strings_free(report->remarks);
    free(report->remarks);
    arena_free(&report->arena);
    *report = (struct report){0};
}

/* ---- against a baseline ---- */

static void add_difference(void *differences, const struct setting *setting, const char *name, const char *before,
                           const char *now)
{
    if (setting_is_bookkeeping(setting))
        return;
    char *line = mem_format("%s: %s -> %s", name, before, now);
    strings_add(differences, line);
    free(line);
}

static void add_differences(struct strings *differences, const struct run_row *before, const struct run_row *now)
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

/* ---- files ---- */

bool report_charts(const struct report *report, struct error *error)
{
    return charts_plot(report->folder, &report, 1, error);
}

static bool write_file(const struct report *report, const char *name, const struct text *content,
                       struct error *error)
{
    char *path = path_join(report->folder, name);
    bool done = file_write(path, content->text, content->length, error);

    free(path);
    return done;
}

static bool write_text(const struct report *report, struct error *error)
{
    struct text text = {0};

    report_print(report, &text);
    bool done = write_file(report, "classification_report.txt", &text, error);
    text_free(&text);
    return done;
}

/* One field of what `print` says of an prediction. */
static void add_words(struct text *out, const struct prediction_list *list, const struct prediction *p,
                      void (*print)(const struct prediction_list *list, const struct prediction *p,
                                    struct text *out))
{
    struct text words = {0};

    print(list, p, &words);
    text_add(out, ",");
    csv_add_field(out, words.text);
    text_free(&words);
}

void report_predictions(const struct prediction_list *predictions, struct text *out)
{
    char number[TEXT_NUMBER_SIZE];

    text_add(out, "path,label,predicted");
    for (size_t k = 0; k < predictions->label_count; k++) {
        text_add(out, ",");
        csv_add_field(out, predictions->labels[k]);
    }
    text_add(out, "\n");
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        csv_add_field(out, p->path);
        add_words(out, predictions, p, prediction_print_target);
        add_words(out, predictions, p, prediction_print_predicted);
        for (size_t k = 0; k < predictions->label_count; k++)
            text_add(out, ",%s", text_from_number(number, p->probabilities[k]));
        text_add(out, "\n");
    }
}

static bool write_predictions(const struct report *report, struct error *error)
{
    struct text text = {0};

    report_predictions(&report->predictions, &text);
    bool done = write_file(report, "predictions.csv", &text, error);
    text_free(&text);
    return done;
}

bool report_write(const struct report *report, bool audio, struct error *error)
{
    struct error no_charts = {0};

    if (report->evaluation.clips == 0)
        return error_set(error, "%s: not tested yet (the run is %s), so there is nothing to report",
                         report->folder, report->run.state);
    if (!report_charts(report, &no_charts)) /* a report without charts is still a report */
        log_warn("%s", no_charts.message);
    return write_text(report, error) && report_json(report, error) && write_predictions(report, error) &&
           report_html(report, audio, error) && charts_events(report, error);
}
