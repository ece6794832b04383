/* emotrain index: scans the corpora into the catalogue. */
#include "cli/command.h"
#include "run/indexed_corpus.h"

#include <stdio.h>

static void print_scan(const struct config *config, const struct corpus_scan *scan)
{
    printf("%s: %zu clips, %.2f s of audio", config_settings(config)->corpora.items[0].root, scan->clips,
           scan->seconds_of_audio);
    if (scan->multichannel)
        printf(", %zu of several channels downmixed", scan->multichannel);
    printf("\n%zu files, %zu opened this time", scan->files, scan->decoded);
    if (scan->unopened)
        printf(", %zu not yet", scan->unopened);
    if (scan->copies)
        printf(", %zu copies of other clips left out", scan->copies);
    if (scan->broken)
        printf(", %zu broken left out", scan->broken);
    if (scan->gone)
        printf(", %zu gone since last time", scan->gone);
    printf("\n");
}

bool command_index(const struct options *options, struct error *error)
{
    struct indexed_corpus corpus = {.opens_nothing = options->no_decode};
    struct config *config = options_config(options, error);
    bool done = config && corpora_index(&corpus, config_settings(config), error);

    if (done)
        print_scan(config, &corpus.scan);
    corpora_close(&corpus);
    config_free(config);
    return done;
}
