/* How accurate the surest predictions for the validation part were: what a model keeps, to withhold others.
 */
#ifndef EMOTRAIN_RUN_KEPT_SHARES_H
#define EMOTRAIN_RUN_KEPT_SHARES_H

#include "eval/predictions.h"
#include "model/model.h"

/* Sets model->kept from the predictions; does nothing for other tasks than single_label. */
void kept_shares_note(struct model *model, const struct prediction_list *predictions);

#endif
