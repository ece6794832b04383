/* Fills in what a run knows of itself (store/run_info.h), stage by stage. */
#ifndef EMOTRAIN_RUN_DESCRIBE_RUN_H
#define EMOTRAIN_RUN_DESCRIBE_RUN_H

#include "run/experiment.h"
#include "store/run_info.h"
#include "train/trainer.h"

/* The part that chooses a run's checkpoint, by name; "none" where nothing is chosen. */
const char *selection_part_name(const struct settings *settings, const struct split *split);

/* Corpora, split and model.  Close it with run_info_free. */
void describe_experiment(struct run_info *info, const struct experiment *experiment);

/* After training, of which `steps` steps were taken in this session. */
void describe_training(struct run_info *info, const struct trainer *trainer, int64_t steps);

/* What a linear model was chosen among (FIT_TABLE in the run's folder), as a table of the report: layers
 * down, C across.  Where nothing was chosen it adds none. */
bool describe_candidates(struct run_info *info, const char *folder, const struct settings *settings,
                         struct error *error);

/* After the predictions for the test part, which took so long. */
void describe_testing(struct run_info *info, double seconds, size_t clips);

/* Whether the information is of another split than this one: other files, labels, texts, parts or order. */
bool describes_other_split(const struct run_info *info, const struct indexed_corpus *corpus);

#endif
