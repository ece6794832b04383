#include "cli/command.h"
#include "corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>

static void print_scan(const struct config *config, const struct corpus_scan *scan)
{
    printf("%s: %zu clips, %.2f s of audio", config_text(config, "corpus.root"), scan->clips,
           scan->seconds_of_audio);
    if (scan->multichannel)
        printf(", %zu of several channels downmixed", scan->multichannel);
    printf("\n%zu files, %zu opened this time", scan->files, scan->decoded);
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
    struct corpus_scan scan;
    struct config *config = options_config(options, error);
    char *root = config ? corpus_root(config, error) : NULL; /* before a database is made */
    struct catalogue *catalogue = root ? catalogue_open(config_text(config, "run.database"), error) : NULL;
    struct audio_cache *cache = catalogue ? corpus_cache_open(config, error) : NULL;
    bool done = cache && corpus_index(config, catalogue, cache, &scan, error);

    if (done)
        print_scan(config, &scan);
    audio_cache_close(cache);
    catalogue_close(catalogue);
    free(root);
    config_free(config);
    return done;
}
