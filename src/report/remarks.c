/* What a reader of a run's metrics must know: shared speakers, copies, selection on the test part, what is
 * left out. */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

static void add_remark(struct report *report, char *text)
{
    strings_add(&report->remarks, text);
    free(text);
}

/* How many of the test clips with the text of clip i have that text's commonest label; 0 unless i is the
 * first of them. */
static size_t commonest_label(const struct report *report, size_t i)
{
    const struct prediction_list *list = &report->predictions;
    const struct clip *clips = report->clips.clips;
    size_t most = 0;

    for (size_t j = 0; j < i; j++)
        if (text_equal(clips[j].text, clips[i].text))
            return 0;
    for (size_t k = 0; k < list->label_count; k++) {
        size_t count = 0;
        for (size_t j = i; j < list->count; j++)
            count += list->items[j].label == (int)k && text_equal(clips[j].text, clips[i].text);
        most = count > most ? count : most;
    }
    return most;
}

/* A model of texts cannot be better than the commonest label of each text. */
static void add_text_remark(struct report *report)
{
    size_t count = report->predictions.count, right = 0, texts = 0;

    for (size_t i = 0; i < count; i++) {
        size_t most = report->clips.clips[i].text ? commonest_label(report, i) : 0;
        right += most;
        texts += most > 0;
    }
    add_remark(
        report,
        mem_format("Text alone: the model's input is the transcript, not the sound. The %zu test clips have "
                   "%zu different texts. Predicting the most common label of each text would be right "
                   "for %.3f of the clips.",
                   count, texts, count ? (double)right / (double)count : 0));
}

static void add_split_remarks(struct report *report)
{
    const struct run_info *info = &report->info;

    if (info->split.shared_speakers > 0)
        add_remark(
            report,
            mem_format(
                "Speakers shared: %lld of %lld speakers are in the training part and in the test part. "
                "The metrics hold for speakers that the model knows; split.protocol=speaker measures "
                "new ones.",
                (long long)info->split.shared_speakers, (long long)info->split.speakers));
    if (info->split.shared_recordings > 0)
        add_remark(report,
                   mem_format("Recordings shared: %lld of the test clips come from recordings that the "
                              "training part has stretches of, too. The metrics do not hold for new "
                              "recordings.",
                              (long long)info->split.shared_recordings));
    if (info->split.known > 0)
        add_remark(report,
                   mem_format("Known clips: %lld of the test clips: the model, or the one it began with, was "
                              "trained on them or chosen by them before. The metrics are optimistic; give "
                              "both trainings the same split.",
                              (long long)info->split.known));
    if (info->corpus.leaks > 0)
        add_remark(
            report,
            mem_format("Same sound: %lld of the test clips: the training part has the same sound under "
                       "another name. The metrics are optimistic.",
                       (long long)info->corpus.leaks));
}

static void add_selection_remark(struct report *report)
{
    if (strcmp(report->info.split.selection_part, "test") == 0)
        strings_add(&report->remarks,
                    "Chosen on the test part: there is no validation part, so the best "
                    "checkpoint was chosen on the test "
                    "clips themselves, and its metrics are optimistic. split.validation=0.1 "
                    "makes a validation part.");
}

static void add_scale_remark(struct report *report)
{
    if (strcmp(report->info.model.scale, "speaker") == 0)
        strings_add(
            &report->remarks,
            "Scaled by speaker: features were standardised over all clips of their speaker, those of the "
            "test "
            "part among them, without labels. The metrics hold where many recordings of a new speaker are at "
            "hand together; the model cannot predict a recording by itself.");
}

static void add_untrained_remark(struct report *report)
{
    const struct run_info *info = &report->info;

    if (info->model.untrained > 0)
        add_remark(
            report,
            mem_format("Untrained weights: %lld of the model's %lld are as they were initialised, at random; "
                       "model.freeze=none trains them.",
                       (long long)info->model.untrained, (long long)info->model.parameters));
}

static void add_left_out_remarks(struct report *report)
{
    const struct run_info *info = &report->info;

    if (info->corpus.broken > 0)
        add_remark(
            report,
            mem_format("Left out: %lld clips of the corpus that cannot be used (emotrain index says why).",
                       (long long)info->corpus.broken));
    if (info->split.copies > 0)
        add_remark(report, mem_format("Copies: %lld clips of the training or validation part sounded like a "
                                      "test or validation clip and were left out.",
                                      (long long)info->split.copies));
    if (info->split.left_out > 0)
        add_remark(report,
                   mem_format("Left out: %lld clips that are in no part.", (long long)info->split.left_out));
}

/* Labels that no test clip has and no prediction names, which tables and averages leave out, as
 * scikit-learn's do. */
static void add_absent_remark(struct report *report)
{
    const struct evaluation *e = &report->evaluation;
    struct text names = {0};

    for (size_t k = 0; e->task == SINGLE_LABEL && k < e->label_count; k++)
        if (!label_occurs(e, k))
            text_add(&names, "%s%s", names.length ? ", " : "", e->labels[k]);
    if (names.length && e->clips)
        add_remark(
            report,
            mem_format("Absent labels: no test clip has %s, and none was predicted so. Tables and averages "
                       "leave absent labels out, as scikit-learn does.",
                       names.text));
    text_free(&names);
}

/* A bootstrap of few clusters is too narrow: its intervals hold the true value 56 times in 100 with 2
 * speakers, 80 with 4, 90 with 8, 94 with 24 (bench/few_speakers.py). */
static void add_clusters_remark(struct report *report)
{
    const struct clusters *c = &report->clusters;

    if (c->of_one_recording)
        strings_add(
            &report->remarks,
            "One recording: all test clips are of it. The intervals take its clips for independent, and "
            "are too narrow.");
    if (c->count > 0 && c->count < CLUSTERS_FEW && strcmp(c->unit, "clip") != 0)
        add_remark(
            report,
            mem_format("Few %ss: the intervals are of %zu %ss alone, and too narrow; new ones may differ "
                       "more.",
                       c->unit, c->count, c->unit));
}

static void add_unknown_speakers_remark(struct report *report)
{
    size_t unknown = 0;

    for (size_t i = 0; i < report->predictions.count; i++)
        unknown += prediction_is_known(&report->predictions.items[i]) && !report->clips.clips[i].speaker;
    if (unknown > 0 && strcmp(report->clusters.unit, "speaker") == 0)
        add_remark(report, mem_format("Unknown speakers: %zu of the test clips have none, and are resampled "
                                      "by their recording.",
                                      unknown));
}

void report_add_remarks(struct report *report)
{
    if (*report->info.corpus.note)
        strings_add(&report->remarks, report->info.corpus.note);
    add_split_remarks(report);
    if (report->predictions.task == SINGLE_LABEL && strcmp(report->info.model.input, "text") == 0)
        add_text_remark(report);
    add_selection_remark(report);
    add_scale_remark(report);
    add_untrained_remark(report);
    add_absent_remark(report);
    add_unknown_speakers_remark(report);
    add_clusters_remark(report);
    add_left_out_remarks(report);
}
