/* Batches made ahead of their use by a thread of their own, so that reading files and padding cost no time
 * where there is a processor, or a GPU that computes, beside it. */
#ifndef EMOTRAIN_TRAIN_LOADER_H
#define EMOTRAIN_TRAIN_LOADER_H

#include "model/model.h"

struct loader;

/* Makes batch `index`; called from the loader's thread, one after the other. */
typedef bool loader_make(void *context, int64_t index, struct batch *batch, struct error *error);

/* Begins to make batches first .. last - 1; `context` must outlive the loader. */
struct loader *loader_start(loader_make *make, void *context, int64_t first, int64_t last);
void loader_stop(struct loader *loader); /* drops what was not taken; NULL does nothing */

/* Waits for the next batch, which the caller then owns.  Fails as making it failed, or after the last. */
bool loader_next(struct loader *loader, struct batch *batch, struct error *error);

#endif
