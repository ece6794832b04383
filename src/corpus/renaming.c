/* Settings that rename: see renaming.h. */
#include "corpus/renaming.h"

#include "base/memory.h"
#include "config/config.h"
#include "corpus/clip_words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Without blanks around it, which are taken from `text`. */
static char *trim(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && strchr(" \t", text[length - 1]))
        text[--length] = '\0';
    return text + strspn(text, " \t");
}

bool renamings_read(struct renamings *renamings, const char *key, const char *setting, bool any_case,
                    struct error *error)
{
    char *rest = clip_words_composed(setting);

    *renamings = (struct renamings){
        .text = rest, .items = mem_zero(strlen(setting) + 1, sizeof *renamings->items), .any_case = any_case};
    while (*rest) {
        char *item = rest;
        size_t length = list_item_length(item, ',');
        rest += length + (rest[length] != '\0');
        item[length] = '\0';
        item = trim(item);
        char *equals = item + list_item_length(item, '='),
             *to = *equals ? list_unquote(trim(equals + 1)) : NULL;
        if (!*item)
            continue;
        *equals = '\0';
        item = list_unquote(trim(item));
        if (!to || !*item || !*to)
            return error_usage(error, "%s: \"%s\": expected name=other, or name=- to leave it out", key,
                               item);
        for (size_t r = 0; r < renamings->count; r++)
            if (any_case ? strcasecmp(renamings->items[r].from, item) == 0
                         : strcmp(renamings->items[r].from, item) == 0)
                return error_usage(error, "%s: \"%s\" stands there twice", key, item);
        renamings->items[renamings->count++] = (struct renaming){item, to, 0};
    }
    return true;
}

void renamings_free(struct renamings *renamings)
{
    free(renamings->items);
    free(renamings->text);
    *renamings = (struct renamings){0};
}

const char *renamings_find(struct renamings *renamings, const char *name)
{
    for (size_t r = 0; r < renamings->count; r++) {
        struct renaming *item = &renamings->items[r];
        if (strcmp(item->from, name) != 0 && !(renamings->any_case && strcasecmp(item->from, name) == 0))
            continue;
        item->used++;
        return strcmp(item->to, "-") == 0 ? NULL : item->to;
    }
    return name;
}

const char *renamings_unused(const struct renamings *renamings)
{
    for (size_t r = 0; r < renamings->count; r++)
        if (renamings->items[r].used == 0)
            return renamings->items[r].from;
    return NULL;
}
