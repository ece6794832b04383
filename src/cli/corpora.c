/* emotrain corpora: the corpora that are known, with what is publicly known of them. */
#include "cli/command.h"
#include "corpus/corpus.h"

#include <stdio.h>

bool command_corpora(const struct options *options, struct error *error)
{
    const struct corpus_format *format;

    (void)options;
    (void)error;
    printf("%-15s %s\n", "corpus.kind", "what it is");
    for (size_t i = 0; (format = corpus_format_at(i)); i++) {
        printf("%-15s %s\n", format->name, format->summary);
        if (format->about)
            printf("%-15s   %s\n", "", format->about);
        if (format->licence)
            printf("%-15s   licence: %s\n", "", format->licence);
    }
    return true;
}
