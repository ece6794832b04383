/* Which clips of a corpus count: see filter.h. */
#include "corpus/filter.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What a clip can be chosen by. */
static const struct filter_field {
    const char *name;
    size_t offset; /* into struct clip */
} FIELDS[] = {{"channel", offsetof(struct clip, channel)}, {"intensity", offsetof(struct clip, intensity)},
              {"sex", offsetof(struct clip, sex)},         {"speaker", offsetof(struct clip, speaker)},
              {"sentence", offsetof(struct clip, text)},   {"label", offsetof(struct clip, label)}};

static const char *value_of(const struct clip *clip, const struct filter_field *field)
{
    return *(const char *const *)((const char *)clip + field->offset);
}

/* One condition: a field, and the values that pass. */
struct condition {
    const struct filter_field *field;
    struct strings values;
    size_t passed;
};

static void condition_free(struct condition *condition)
{
    strings_free(&condition->values);
}

/* "channel=speech|song" */
static bool read_condition(struct condition *condition, char *item, struct error *error)
{
    const char *rest = strchr(item, '=');
    char *name = mem_format("%.*s", (int)(rest ? rest - item : 0), item);

    *condition = (struct condition){0};
    for (size_t f = 0; f < sizeof FIELDS / sizeof FIELDS[0]; f++)
        if (strcmp(FIELDS[f].name, name) == 0)
            condition->field = &FIELDS[f];
    rest = rest ? rest + 1 : "";
    for (char *value; (value = list_next(&rest, '|')); free(value))
        strings_add_new(&condition->values, value);
    if (!condition->field || condition->values.count == 0)
        error_usage(error,
                    "corpus.filter: \"%s\": expected channel, intensity, sex, speaker, sentence or label, "
                    "\"=\" and values with \"|\" between them; or none",
                    item);
    free(name);
    return !error->kind;
}

/* Leaves the clips that meet the condition. */
static bool apply(struct condition *condition, struct clip_list *list, struct error *error)
{
    size_t kept = 0;

    for (size_t v = 0; v < condition->values.count; v++) {
        bool known = false;
        for (size_t i = 0; i < list->count && !known; i++)
            known = text_equal(value_of(&list->clips[i], condition->field), condition->values.items[v]);
        if (!known)
            return error_usage(error, "corpus.filter: no clip of the corpus has the %s \"%s\"",
                               condition->field->name, condition->values.items[v]);
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *value = value_of(&list->clips[i], condition->field);
        if (value && strings_index(&condition->values, value) >= 0)
            list->clips[kept++] = list->clips[i];
    }
    list->count = kept;
    return true;
}

bool filter_clips(const struct corpus_settings *corpus, struct clip_list *list, struct error *error)
{
    const struct corpus_format *format = corpus_format_find(corpus->kind, error);
    const char *own = format && format->filter ? format->filter : "",
               *filter = *corpus->filter ? corpus->filter : own, *rest = filter;
    const size_t before = list->count;

    if (!format || strcmp(filter, "none") == 0)
        return format != NULL;
    for (char *item; !error->kind && (item = list_next(&rest, ',')); free(item)) {
        struct condition condition;
        if (read_condition(&condition, item, error) && before > 0)
            apply(&condition, list, error);
        condition_free(&condition);
    }
    if (!error->kind && list->count < before)
        log_info("%s: %zu of %zu clips are left out by corpus.filter=%s%s", corpus->root,
                 before - list->count, before, filter,
                 *corpus->filter ? "" : ", as usual for this corpus (none: all clips)");
    return !error->kind;
}
