/* What a corpus' recordings are like, as a page of text: see quality.h. */
#include "report/quality.h"

#include "report/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- labels ---- */

enum { MOST_WIDTH = 30 }; /* of the column of labels */

/* The columns of the table of labels that are counts. */
static const char *const COUNTS[] = {"clips", "speakers", "train", "validation", "test"};
enum { COUNT_COLUMNS = sizeof COUNTS / sizeof COUNTS[0] };

static void add_labels(struct text *out, const cJSON *labels)
{
    const int widest = field_width(labels, "label", "label"),
              width = widest < MOST_WIDTH ? widest : MOST_WIDTH;
    const bool medians = field_in_any(labels, "duration");
    const cJSON *label = NULL;

    text_add(out, "\n");
    text_add_column(out, "label", -width);
    for (int c = 0; c < COUNT_COLUMNS; c++)
        if (field_in_any(labels, COUNTS[c]))
            text_add(out, " %10s", COUNTS[c]);
    text_add(out, "%s\n", medians ? "   median s  level dBFS    SNR dB   silence" : "");
    cJSON_ArrayForEach(label, labels)
    {
        text_add_column(out, field_text(label, "label"), -width);
        for (int c = 0; c < COUNT_COLUMNS; c++)
            if (field_in_any(labels, COUNTS[c]))
                text_add(out, " %10zu", field_count(label, COUNTS[c]));
        if (field(label, "duration"))
            text_add(out, " %10.2f %11.1f %9.1f %8.0f%%", field_number(label, "duration"),
                     field_number(label, "level"), field_number(label, "snr"),
                     100 * field_number(label, "silence"));
        text_add(out, "\n");
    }
}

/* ---- measures ---- */

static void add_measures(struct text *out, const cJSON *measures)
{
    const cJSON *measure = NULL;

    text_add(out, "\n%-34s %9s %9s %9s %9s %9s %9s\n", "", "min", "5 %", "median", "95 %", "max", "outliers");
    cJSON_ArrayForEach(measure, measures)
    {
        static const char *const columns[] = {"min", "p5", "median", "p95", "max"};
        const struct quality_measure *kind = quality_measure_find(field_text(measure, "name"));
        char title[64];
        snprintf(title, sizeof title, "%s%s%s", kind->title, *kind->unit ? ", " : "", kind->unit);
        text_add(out, "%-34s", title);
        for (int c = 0; c < 5; c++)
            text_add(out, " %9.*f", kind->decimals, field_number(measure, columns[c]));
        text_add(out, " %9zu\n", field_count(measure, "outliers"));
    }
}

/* "16000 Hz (1439 clips), 8000 Hz (1 clip)" */
static void add_numbers(struct text *out, const char *title, const cJSON *list, const char *name,
                        const char *unit)
{
    const cJSON *item = NULL;
    const char *between = "";

    text_add(out, "%s: ", title);
    cJSON_ArrayForEach(item, list)
    {
        text_add(out, "%s%zu%s (%zu clip%s)", between, field_count(item, name), unit,
                 field_count(item, "clips"), field_count(item, "clips") == 1 ? "" : "s");
        between = ", ";
    }
    text_add(out, "\n");
}

/* ---- what to look at ---- */

enum { MOST_NAMED = 3 };

static void add_outliers(struct text *out, const cJSON *measures)
{
    const cJSON *measure = NULL, *one = NULL;

    cJSON_ArrayForEach(measure, measures)
    {
        const struct quality_measure *kind = quality_measure_find(field_text(measure, "name"));
        int named = 0;
        if (field_count(measure, "outliers") == 0)
            continue;
        text_add(out, "unusual %s: ", kind->name);
        cJSON_ArrayForEach(one, field(measure, "farthest"))
        {
            if (named++ < MOST_NAMED)
                text_add(out, "%s%s (%.*f%s%s)", named > 1 ? ", " : "", field_text(one, "path"),
                         kind->decimals, field_number(one, "value"), *kind->unit ? " " : "", kind->unit);
        }
        text_add(out, "%s\n", field_count(measure, "outliers") > MOST_NAMED ? ", ..." : "");
    }
}

static void add_clipped(struct text *out, const cJSON *json)
{
    const cJSON *path = NULL;
    int named = 0;

    if (field_count(json, "clipped") == 0)
        return;
    text_add(out, "clipped (0.01 %% of the samples at full scale, or more): %zu clip%s: ",
             field_count(json, "clipped"), field_count(json, "clipped") == 1 ? "" : "s");
    cJSON_ArrayForEach(path, field(json, "clipped_paths"))
    {
        if (named++ < MOST_NAMED)
            text_add(out, "%s%s", named > 1 ? ", " : "", path->valuestring);
    }
    text_add(out, "%s\n", field_count(json, "clipped") > MOST_NAMED ? ", ..." : "");
}

static void add_copies(struct text *out, const cJSON *copies)
{
    const cJSON *pair = NULL;
    int named = 0;

    if (field_count(copies, "clips") == 0)
        return;
    text_add(out, "same sound under another name: %zu clip%s", field_count(copies, "clips"),
             field_count(copies, "clips") == 1 ? "" : "s");
    if (field_count(copies, "of_other_label"))
        text_add(out, ", %zu with another label", field_count(copies, "of_other_label"));
    if (field_count(copies, "of_other_speaker"))
        text_add(out, ", %zu with another speaker", field_count(copies, "of_other_speaker"));
    if (field_count(copies, "in_other_part"))
        text_add(out, ", %zu in another part", field_count(copies, "in_other_part"));
    text_add(out, ": ");
    cJSON_ArrayForEach(pair, field(copies, "pairs"))
    {
        if (named++ < MOST_NAMED)
            text_add(out, "%s%s and %s", named > 1 ? "; " : "", cJSON_GetArrayItem(pair, 0)->valuestring,
                     cJSON_GetArrayItem(pair, 1)->valuestring);
    }
    text_add(out, "%s\n", field_count(copies, "clips") > MOST_NAMED ? "; ..." : "");
}

void quality_text(const cJSON *json, struct text *out)
{
    const cJSON *speakers = field(json, "speakers");

    if (cJSON_GetArraySize(field(json, "labels")))
        add_labels(out, field(json, "labels"));
    if (field_count(speakers, "count"))
        text_add(out, "\nspeakers: %zu, of %zu to %zu clips (median %g)", field_count(speakers, "count"),
                 field_count(speakers, "fewest_clips"), field_count(speakers, "most_clips"),
                 field_number(speakers, "median_clips"));
    else
        text_add(out, "\nspeakers: not known");
    if (field_count(speakers, "count") && field_count(speakers, "clips_without"))
        text_add(out, "; not known of %zu clips", field_count(speakers, "clips_without"));
    text_add(out, "\n");
    if (field_count(json, "opened") == 0)
        return;
    add_numbers(out, "sample rates", field(json, "sample_rates"), "rate", " Hz");
    add_numbers(out, "channels", field(json, "channels"), "channels", "");
    add_measures(out, field(json, "measures"));
    text_add(out, "\n");
    add_outliers(out, field(json, "measures"));
    add_clipped(out, json);
    add_copies(out, field(json, "same_sound"));
}
