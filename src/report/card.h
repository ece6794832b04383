/* A model card: the README.md of an exported model. */
#ifndef EMOTRAIN_REPORT_CARD_H
#define EMOTRAIN_REPORT_CARD_H

#include "base/json.h"
#include "base/text.h"

/* What the card says besides the report. */
struct card {
    const char *title;
    const char *base;    /* what it was fine-tuned from; "": nothing */
    bool base_is_hubs;   /* that is a name at the Hugging Face hub */
    const char *library; /* that loads it, as the hub names it */
    const char *usage;   /* how to load it */
    const char *const *labels;
    size_t label_count;
    int sample_rate;
};

/* In Markdown with the hub's heading.  report: report.json of the run (report_json), or NULL where the model
 * is no run's. */
void card_print(const struct card *card, const cJSON *report, struct text *out);

#endif
