/* emotrain index: scans the corpora into the catalogue, and says what their recordings are like. */
#include "cli/command.h"
#include "report/fields.h"
#include "report/quality.h"
#include "run/indexed_corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folders of all corpora, with ", " between them; caller frees. */
static char *name_corpora(const struct corpora_settings *corpora)
{
    struct text names = {0};

    for (size_t c = 0; c < corpora->count; c++)
        text_add(&names, "%s%s", c ? ", " : "", corpora->items[c].root);
    return names.text;
}

static void add_scan(struct text *out, const char *corpora, const struct corpus_scan *scan)
{
    text_add(out, "%s: %zu clips, %.2f s of audio", corpora, scan->clips, scan->seconds_of_audio);
    if (scan->multichannel)
        text_add(out, ", %zu of several channels", scan->multichannel);
    text_add(out, "\n%zu files, %zu opened this time", scan->files, scan->decoded);
    if (scan->unopened)
        text_add(out, ", %zu not yet", scan->unopened);
    if (scan->copies)
        text_add(out, ", %zu copies of other clips left out", scan->copies);
    if (scan->broken)
        text_add(out, ", %zu broken left out", scan->broken);
    if (scan->gone)
        text_add(out, ", %zu gone since last time", scan->gone);
    text_add(out, "\n");
}

/* How the result is told: by --format, or by the ending of -o's file. */
enum form { FORM_TEXT, FORM_JSON, FORM_PAGE };

static bool choose_form(const struct options *options, enum form *form, struct error *error)
{
    const char *format = options->format, *file = options->output;
    static const char *const endings[] = {[FORM_TEXT] = ".txt", [FORM_JSON] = ".json", [FORM_PAGE] = ".html"};
    size_t f = 0;

    *form = format && strcmp(format, "json") == 0 ? FORM_JSON : FORM_TEXT;
    if (format && *form == FORM_TEXT && strcmp(format, "table") != 0)
        return error_usage(error, "--format must be table or json, not \"%s\"", format);
    if (!file)
        return true;
    while (f < 3 && !text_ends(file, endings[f]))
        f++;
    if (f == 3)
        return error_usage(error, "-o %s: what index says is written as .txt, .json or .html", file);
    if (format && (enum form)f != *form)
        return error_usage(error, "--format %s and -o %s contradict each other: leave one out", format, file);
    *form = (enum form)f;
    return true;
}

static bool tell(const struct options *options, enum form form, const struct text *scan, const cJSON *json,
                 struct error *error)
{
    struct text out = {0};
    bool done = true;

    if (form == FORM_PAGE && json) {
        quality_html(json, &out);
    } else if (form == FORM_JSON && json) {
        char *printed = cJSON_Print(json);
        text_add(&out, "%s\n", printed);
        cJSON_free(printed);
    } else {
        struct text told = {0};
        text_add_bytes(&told, scan->text, scan->length);
        if (json)
            quality_text(json, &told);
        text_add_printable(&out, told.text);
        text_free(&told);
    }
    if (options->output)
        done = file_write(options->output, out.text, out.length, error);
    else
        fwrite(out.text, 1, out.length, stdout);
    text_free(&out);
    return done;
}

bool command_index(const struct options *options, struct error *error)
{
    struct indexed_corpus corpus = {.opens_nothing = options->no_decode};
    struct config *config = NULL;
    struct text scan = {0};
    cJSON *json = NULL;
    enum form form;
    bool done = choose_form(options, &form, error) && (config = options_config(options, error)) &&
                corpora_index(&corpus, config_settings(config), error);

    if (done) {
        const struct settings *settings = config_settings(config);
        char *names = name_corpora(&settings->corpora);
        add_scan(&scan, names, &corpus.scan);
        if (corpus.scan.clips > 0 && (!options->no_decode || form != FORM_TEXT))
            done = corpora_read(&corpus, settings, error);
        if (done && (form != FORM_TEXT || corpus.clips.count > 0))
            json = quality_json(names, settings->corpora.task, &corpus.clips, corpus.first);
        free(names);
        done = done && tell(options, form, &scan, json, error);
    }
    cJSON_Delete(json);
    text_free(&scan);
    corpora_close(&corpus);
    config_free(config);
    return done;
}
