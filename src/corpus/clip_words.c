/* One spelling for what is said of a clip: see clip_words.h. */
#include "corpus/clip_words.h"

#include "base/encoding.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The text in UTF-8; caller frees. */
static char *from_latin1(const char *word)
{
    struct text text = {0};

    for (const unsigned char *at = (const unsigned char *)word; *at;) {
        size_t length = utf8_length(at);
        const unsigned char pair[2] = {(unsigned char)(0xc0 | *at >> 6),
                                       (unsigned char)(0x80 | (*at & 0x3f))};
        text_add_bytes(&text, length ? (const char *)at : (const char *)pair, length ? length : 2);
        at += length ? length : 1;
    }
    return text.text;
}

char *clip_words_composed(const char *text)
{
    char *composed = utf8_composed(text);

    if (composed)
        return composed;
    char *utf8 = from_latin1(text);
    composed = utf8_composed(utf8);
    free(utf8);
    return composed;
}

static const char *mend(const char *word, struct arena *arena)
{
    char *composed = word ? clip_words_composed(word) : NULL;
    const char *mended = word && strcmp(composed, word) != 0 ? arena_string(arena, composed) : word;

    free(composed);
    return mended;
}

const char *clip_words_sex(const char *word)
{
    static const char *const words[][2] = {{"f", "female"},     {"w", "female"},        {"female", "female"},
                                           {"woman", "female"}, {"weiblich", "female"}, {"m", "male"},
                                           {"male", "male"},    {"man", "male"},        {"männlich", "male"}};

    for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(word, words[i][0]) == 0)
            return words[i][1];
    return word;
}

void clip_words_mend(struct clip *clip, struct arena *arena)
{
    clip->label = mend(clip->label, arena);
    clip->speaker = mend(clip->speaker, arena);
    clip->part = mend(clip->part, arena);
    clip->sex = clip_words_sex(mend(clip->sex, arena));
}
