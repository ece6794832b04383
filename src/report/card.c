#include "report/card.h"

#include "base/json.h"

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

/* What the hub's own pages read. */
static void add_heading(const struct card *card, const struct report *report, struct text *out)
{
    text_add(out,
             "---\nlibrary_name: %s\npipeline_tag: audio-classification\ntags:\n- speech-emotion-"
             "recognition\n- emotrain\n",
             card->library);
    if (report && report->evaluation.clips > 0) {
        text_add(out, "metrics:\n");
        FOR_METRICS (f, report->evaluation.task)
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
    text_add(out, "A classifier of emotion in speech, made with emotrain " EMOTRAIN_VERSION);
    if (*card->base) {
        text_add(out, " from ");
        add_plain(out, card->base);
    }
    text_add(out, ". It takes in mono audio at %d Hz and answers with %zu labels: ", card->sample_rate,
             card->label_count);
    for (size_t k = 0; k < card->label_count; k++) {
        text_add(out, k ? ", " : "");
        add_plain(out, card->labels[k]);
    }
    text_add(out, ".\n\n## Use\n\n%s\n", card->usage);
}

static void add_data(const struct report *report, struct text *out)
{
    const struct run_info *info = &report->info;
    const char *licence = info->corpus.licence, *note = info->corpus.note;

    text_add(out, "\n## Data\n\n- corpus: ");
    add_plain(out, info->corpus.kind);
    text_add(out,
             ", %lld clips, %.1f hours\n- licence of the corpus: ", (long long)info->corpus.clips,
             info->corpus.seconds / 3600);
    add_plain(out, *licence ? licence : "not known to emotrain: ask whoever made it");
    text_add(out, "\n- split: ");
    add_plain(out, info->split.settings);
    text_add(out, "; train %lld, validation %lld, test %lld clips\n", (long long)info->split.train,
             (long long)info->split.validation, (long long)info->split.test);
    if (*note) {
        text_add(out, "- ");
        add_plain(out, note);
        text_add(out, "\n");
    }
}

static void add_metrics(const struct report *report, struct text *out)
{
    struct text whole = {0};

    text_add(
        out,
        "\n## Figures\n\nOn the %zu clips of the test part, with 95 %% intervals by bootstrap over %ss.\n\n"
        "| figure | value | interval |\n|---|---|---|\n",
        report->evaluation.clips, report->clusters.unit);
    FOR_METRICS (f, report->evaluation.task)
        text_add(out, "| %s | %.4f | %.4f to %.4f |\n", metric_title(f, report->evaluation.task),
                 METRICS[f].of(&report->evaluation), report->intervals[f].low, report->intervals[f].high);
    report_print(report, &whole);
    text_add(out, "\n```\n%s```\n", whole.text);
    text_free(&whole);
}

static void add_limits(const struct report *report, struct text *out)
{
    text_add(out, "\n## Limits\n\n");
    for (size_t i = 0; report && report->remarks && i < report->remarks->count; i++) {
        text_add(out, "- ");
        add_plain(out, report->remarks->items[i]);
        text_add(out, "\n");
    }
    text_add(out, "- Acted or elicited recordings are not spontaneous speech; other languages, microphones, "
                  "rooms and ages are "
                  "other data: measure on your own before relying on an answer.\n"
                  "- An answer says how the training corpus' raters would have labelled a voice, not what a "
                  "person feels. "
                  "Decisions about people should not rest on it.\n");
}

void card_print(const struct card *card, const struct report *report, struct text *out)
{
    add_heading(card, report, out);
    add_model(card, out);
    if (report)
        add_data(report, out);
    if (report && report->evaluation.clips > 0)
        add_metrics(report, out);
    add_limits(report, out);
}
