/* The numbers of a corpus: see numbers.h. */
#include "corpus/numbers.h"

#include "base/text.h"

static bool choose_one(struct number_choice *choice, const char *name, const char *const names[MOST_NUMBERS])
{
    for (size_t n = 0; n < MOST_NUMBERS && names[n]; n++)
        if (text_equal(names[n], name)) {
            choice->of[choice->count++] = n; /* corpus.labels names nothing twice */
            return true;
        }
    return false;
}

bool numbers_choose(struct number_choice *choice, const struct corpora_settings *corpora, const char *kind,
                    const char *const names[MOST_NUMBERS], struct error *error)
{
    struct strings wanted = {0};
    struct text known = {0};

    *choice = (struct number_choice){0};
    if (corpora->task != REGRESSION)
        return true;
    for (size_t n = 0; n < MOST_NUMBERS && names[n]; n++)
        text_add(&known, "%s%s", n ? ", " : "", names[n]);
    bool done =
        known.text || error_usage(error, "corpus.kind=%s has no numbers for model.task=regression", kind);
    done = done && corpus_label_names(corpora->labels, &wanted, error);
    if (done && wanted.count == 0)
        done = error_usage(error, "model.task=regression needs corpus.labels: of %s", known.text);
    for (size_t k = 0; done && k < wanted.count; k++)
        done = choose_one(choice, wanted.items[k], names) ||
               error_usage(error, "corpus.labels: \"%s\" is no number of this corpus: it has %s",
                           wanted.items[k], known.text);
    strings_free(&wanted);
    text_free(&known);
    return done;
}
