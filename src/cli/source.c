#include "cli/source.h"

#include <stdlib.h>

bool source_index(struct source *source, const struct config *config, struct error *error)
{
    return (source->root = corpus_root(config, error)) &&
           (source->catalogue = catalogue_open(config_text(config, "run.database"), error)) &&
           (source->cache = corpus_cache_open(config, error)) &&
           corpus_index(config, source->catalogue, source->cache, &source->scan, error);
}

bool source_split(struct source *source, const struct config *config, struct error *error)
{
    return corpus_clips(config, source->catalogue, source->scan.corpus, &source->clips, error) &&
           split_make(config, &source->clips, &source->split, error) &&
           split_store(config, source->catalogue, source->scan.corpus, &source->clips, &source->split, error);
}

void source_close(struct source *source)
{
    split_free(&source->split);
    clip_list_free(&source->clips);
    audio_cache_close(source->cache);
    catalogue_close(source->catalogue);
    free(source->root);
    *source = (struct source){0};
}
