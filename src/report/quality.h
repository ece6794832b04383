/*
 * What a corpus' recordings are like: how many and how long, labels and speakers, loudness, clipping,
 * silence, noise, copies, outliers.  What `emotrain index` tells.
 *
 *     quality_json     clips -> an object in memory
 *     quality_text, quality_html     that object -> a page of text, a page with plots
 */
#ifndef EMOTRAIN_REPORT_QUALITY_H
#define EMOTRAIN_REPORT_QUALITY_H

#include "base/json.h"
#include "base/text.h"
#include "config/task.h"
#include "store/clips.h"

/* `first`: of each clip the first one that sounds the same (corpus/same_sound.h).  Caller cJSON_Deletes. */
cJSON *quality_json(const char *corpus, enum task task, const struct clip_list *clips, const size_t *first);

void quality_text(const cJSON *json, struct text *out);
void quality_html(const cJSON *json, struct text *page);

/* What is measured of each clip, in the order of the tables. */
struct quality_measure {
    const char *name, *title, *unit;
    size_t offset; /* of a double, into struct clip */
    int decimals;
    double least; /* difference from the median that is worth a word: of durations, of their logarithms */
};
/* By its name, one of those in the data. */
const struct quality_measure *quality_measure_find(const char *name);

#endif
