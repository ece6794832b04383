/* What is known of the clips that a run predicted for: speaker, sex, intensity, statement; as the run
 * recorded them, or of runs of earlier versions, as the catalogue has them today. */
#ifndef EMOTRAIN_REPORT_CLIPS_H
#define EMOTRAIN_REPORT_CLIPS_H

#include "eval/predictions.h"
#include "store/clips.h"
#include "store/run_info.h"

/* One entry per prediction; a clip that the catalogue no longer has is all zero but for its path. */
struct clip_facts {
    struct clip *clips;
    const char **speakers; /* NULL where unknown */
    size_t count;
    const char *root; /* the corpus' folder; NULL if unknown */
    struct arena arena;
};

/* `info` names the run's corpora. */
bool clip_facts_read(struct clip_facts *facts, struct catalogue *catalogue, const struct run_info *info,
                     const struct prediction_list *predictions, struct error *error);
void clip_facts_free(struct clip_facts *facts);

/* What clips are told apart by in reports: each has a name and gives a clip's value, NULL where unknown. */
struct clip_attribute {
    const char *name;
    const char *(*of)(const struct clip *clip);
};

enum { CLIP_ATTRIBUTE_COUNT = 4 };
extern const struct clip_attribute CLIP_ATTRIBUTES[CLIP_ATTRIBUTE_COUNT];

#endif
