/* The model card, from report.json: see card.h. */
#include "report/card.h"

#include "report/fields.h"
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A text on one line, with a backslash before each of the characters that mean something. */
static void add_escaped(struct text *out, const char *text, const char *special)
{
    for (; *text; text++)
        text_add(out, strchr(special, *text) ? "\\%c" : "%c", (unsigned char)*text < ' ' ? ' ' : *text);
}

/* A string of YAML, in double quotes. */
static void add_quoted(struct text *out, const char *text)
{
    text_add(out, "\"");
    add_escaped(out, text, "\"\\");
    text_add(out, "\"");
}

/* A cell or paragraph of Markdown: nothing in it is taken for markup. */
static void add_plain(struct text *out, const char *text)
{
    add_escaped(out, text, "\\`*_{}[]<>#|");
}

/* An item of a list; nothing where there is no text. */
static void add_item(struct text *out, const char *name, const char *text)
{
    if (!*text)
        return;
    text_add(out, "- %s", name);
    add_plain(out, text);
    text_add(out, "\n");
}

/* What the hub's own pages read. */
static void add_heading(const struct card *card, const cJSON *report, struct text *out)
{
    text_add(out,
             "---\nlibrary_name: %s\npipeline_tag: audio-classification\ntags:\n- speech-emotion-"
             "recognition\n- emotrain\n",
             card->library);
    if (field_count(report, "clips") > 0) {
        text_add(out, "metrics:\n");
        FOR_METRICS (f, field_task(report))
            text_add(out, "- %s\n", METRICS[f].name);
    }
    if (card->base_is_hubs) {
        text_add(out, "base_model: ");
        add_quoted(out, card->base);
        text_add(out, "\n");
    }
    text_add(out, "---\n\n# ");
    add_plain(out, card->title);
    text_add(out, "\n\n");
}

static void add_model(const struct card *card, struct text *out)
{
    text_add(out, "A model of emotion in speech, made with emotrain " EMOTRAIN_VERSION);
    if (*card->base) {
        text_add(out, " from ");
        add_plain(out, card->base);
    }
    if (card->sample_rate > 0)
        text_add(out, ". Its input is mono audio at %d Hz", card->sample_rate);
    else
        text_add(out, ". Its input is mono audio at the rate of its recording");
    text_add(out, "; it predicts %zu labels: ", card->label_count);
    for (size_t k = 0; k < card->label_count; k++) {
        text_add(out, k ? ", " : "");
        add_plain(out, card->labels[k]);
    }
    text_add(out, ".\n\n## Use\n\n%s\n", card->usage);
}

static void add_data(const cJSON *report, struct text *out)
{
    const cJSON *corpus = json_at(report, "info", "corpus"), *split = json_at(report, "info", "split");
    const char *note = field_text(corpus, "note"), *licence = field_text(corpus, "licence");
    char *published = mem_format("licence of %s as published: ", field_text(corpus, "kind"));

    text_add(out, "\n## Data\n\n- corpus: ");
    add_plain(out, field_text(corpus, "kind"));
    text_add(out, ", %zu clips, %.1f hours\n", field_count(corpus, "clips"),
             field_number(corpus, "seconds") / 3600);
    if (*licence)
        add_item(out, published, licence);
    else if (!*note)
        add_item(out, "licence of the corpus: ", "not known to emotrain: ask whoever made it");
    text_add(out, "- split: ");
    add_plain(out, field_text(split, "settings"));
    text_add(out, "; train %zu, validation %zu, test %zu clips\n", field_count(split, "train"),
             field_count(split, "validation"), field_count(split, "test"));
    add_item(out, "", note);
    free(published);
}

static void add_metrics(const cJSON *report, struct text *out)
{
    const cJSON *intervals = field(report, "intervals");
    enum task task = field_task(report);

    text_add(
        out,
        "\n## Metrics\n\nOn the %zu clips of the test part, with 95 %% intervals by bootstrap over %ss.\n\n"
        "| metric | value | interval |\n|---|---|---|\n",
        field_count(report, "clips"), field_text(intervals, "unit"));
    FOR_METRICS (f, task) {
        struct interval interval = field_interval(intervals, METRICS[f].name);
        if (isnan(field_number(report, METRICS[f].name)))
            continue; /* the table below has "-" */
        text_add(out, "| %s | %.4f | %.4f to %.4f |\n", metric_title(f, task),
                 field_number(report, METRICS[f].name), interval.low, interval.high);
    }
    text_add(out, "\n```\n");
    report_text(report, out);
    text_add(out, "```\n");
}

static void add_limits(const cJSON *report, struct text *out)
{
    const cJSON *remark = NULL;

    text_add(out, "\n## Limits\n\n");
    cJSON_ArrayForEach(remark, field(report, "remarks")) add_item(out, "", remark->valuestring);
    text_add(
        out,
        "- Acted or elicited recordings are not spontaneous speech. Other languages, microphones, rooms and "
        "ages are other data: measure on your own before relying on a prediction.\n"
        "- A prediction says how the training corpus' raters would have labelled a voice, not what a person "
        "feels. Decisions about people should not rest on it.\n");
}

void card_print(const struct card *card, const cJSON *report, struct text *out)
{
    add_heading(card, report, out);
    add_model(card, out);
    if (report)
        add_data(report, out);
    if (field_count(report, "clips") > 0)
        add_metrics(report, out);
    add_limits(report, out);
}
