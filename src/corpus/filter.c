/* Which clips of a corpus count: see filter.h. */
#include "corpus/filter.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"
#include "corpus/clip_field.h"
#include "corpus/clip_words.h"

#include <stdlib.h>
#include <string.h>

/* One condition: a field, and the values that pass. */
struct condition {
    const struct clip_field *field;
    struct strings values;
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

    *condition = (struct condition){.field = clip_field_find(name)};
    rest = rest ? rest + 1 : "";
    for (char *value; (value = list_next(&rest, '|')); free(value))
        strings_add_new(&condition->values, strcmp(name, "sex") == 0 ? clip_words_sex(value) : value);
    if (!condition->field || condition->values.count == 0)
        error_usage(error,
                    "corpus.filter: \"%s\": expected channel, intensity, sex, speaker, text or label, "
                    "\"=\" and values with \"|\" between them; or none",
                    item);
    free(name);
    return !error->kind;
}

/* Whether a value passes; of several labels one is enough. */
static bool passes(const struct condition *condition, enum task task, const char *value)
{
    struct text label = {0};
    bool found = false;

    if (!value)
        return false;
    if (task != MULTI_LABEL || strcmp(condition->field->name, "label") != 0)
        return strings_index(&condition->values, value) >= 0;
    for (const char *rest = value; !found && target_next_label(&rest, &label);)
        found = strings_index(&condition->values, label.text) >= 0;
    text_free(&label);
    return found;
}

/* Every value that is asked for must be some clip's: else it is misspelt. */
static bool check_values(const struct condition *condition, enum task task, const struct clip_list *list,
                         struct error *error)
{
    for (size_t v = 0; v < condition->values.count; v++) {
        const struct condition one = {condition->field, {&condition->values.items[v], 1, 1}};
        bool known = false;
        for (size_t i = 0; i < list->count && !known; i++)
            known = passes(&one, task, clip_field_of(&list->clips[i], condition->field));
        if (!known)
            return error_usage(error, "corpus.filter: no clip of the corpus has the %s \"%s\"",
                               condition->field->name, condition->values.items[v]);
    }
    return true;
}

enum { MOST_CONDITIONS = 16 };

/* Reads the filter; they are freed by the caller. */
static bool read_filter(struct condition *conditions, size_t *count, const char *filter, struct error *error)
{
    char *composed = clip_words_composed(filter);
    const char *rest = composed;

    for (char *item; !error->kind && (item = list_next(&rest, ',')); free(item)) {
        if (*count == MOST_CONDITIONS)
            error_usage(error, "corpus.filter: more than %d conditions", MOST_CONDITIONS);
        else
            read_condition(&conditions[(*count)++], item, error);
    }
    free(composed);
    return !error->kind;
}

static bool passes_all(const struct condition *conditions, size_t count, enum task task,
                       const struct clip *clip)
{
    for (size_t c = 0; c < count; c++)
        if (!passes(&conditions[c], task, clip_field_of(clip, conditions[c].field)))
            return false;
    return true;
}

bool filter_clips(const struct corpus_settings *corpus, enum task task, struct clip_list *list,
                  struct error *error)
{
    const struct corpus_format *format = corpus_format_find(corpus->kind, error);
    const bool is_own = *corpus->filter == '\0';
    const char *filter = !is_own ? corpus->filter : format && format->filter ? format->filter : "none";
    struct condition conditions[MOST_CONDITIONS] = {0};
    size_t count = 0, kept = 0;

    if (!format || strcmp(filter, "none") == 0)
        return format != NULL;
    bool done = read_filter(conditions, &count, filter, error);
    for (size_t c = 0; done && !is_own && c < count && list->count > 0; c++)
        done = check_values(&conditions[c], task, list, error);
    for (size_t i = 0; done && i < list->count; i++)
        kept += passes_all(conditions, count, task, &list->clips[i]);
    if (done && kept < list->count && (kept > 0 || !is_own)) {
        log_info("%s: %zu of %zu clips are left out by corpus.filter=%s%s", corpus->root, list->count - kept,
                 list->count, filter, is_own ? ", as usual for this corpus (none: all clips)" : "");
        kept = 0;
        for (size_t i = 0; i < list->count; i++)
            if (passes_all(conditions, count, task, &list->clips[i]))
                list->clips[kept++] = list->clips[i];
        list->count = kept;
    }
    for (size_t c = 0; c < count; c++)
        condition_free(&conditions[c]);
    return done;
}
