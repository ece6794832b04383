/* Inside corpus/: settings that rename, as corpus.label_map does: "joy=happy, elation=happy, other=-". */
#ifndef EMOTRAIN_CORPUS_RENAMING_H
#define EMOTRAIN_CORPUS_RENAMING_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* One "from=to". */
struct renaming {
    const char *from, *to; /* to: "-" leaves it out */
    size_t used;
};

struct renamings {
    char *text;
    struct renaming *items;
    size_t count;
    bool any_case; /* "Train" is "train" */
};

/* Reads the setting `key`.  Free them, read or not. */
bool renamings_read(struct renamings *renamings, const char *key, const char *setting, bool any_case,
                    struct error *error);
void renamings_free(struct renamings *renamings);

/* The new name; the name itself where none is given; NULL where it is left out. */
const char *renamings_find(struct renamings *renamings, const char *name);

/* The first name that nothing had; NULL: all were used. */
const char *renamings_unused(const struct renamings *renamings);

#endif
