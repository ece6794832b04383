/* JSON through cJSON: see json.h. */
#include "base/json.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A name that stands twice in an object; NULL if there is none. */
static const char *duplicate_name(const cJSON *object)
{
    struct strings names = {.items = mem_alloc((size_t)cJSON_GetArraySize(object) * sizeof *names.items)};
    const char *twice = NULL;
    const cJSON *item;

    cJSON_ArrayForEach(item, object) names.items[names.count++] = item->string; /* lent */
    strings_sort(&names);
    for (size_t i = 1; i < names.count && !twice; i++)
        twice = strcmp(names.items[i - 1], names.items[i]) == 0 ? names.items[i] : NULL;
    free(names.items);
    return twice;
}

/* The same in it or in anything below it.  Readers disagree on which of the two counts.  cJSON bounds how
 * deep this goes. */
const char *json_find_duplicate(const cJSON *value)
{
    const char *twice = cJSON_IsObject(value) ? duplicate_name(value) : NULL;
    const cJSON *item;

    cJSON_ArrayForEach(item, value)
    {
        if (twice)
            return twice;
        if (item->child)
            twice = json_find_duplicate(item);
    }
    return twice;
}

cJSON *json_parse(const char *text, size_t size, const char *where, struct error *error)
{
    const char *end = NULL;
    cJSON *value = cJSON_ParseWithLengthOpts(text, size, &end, false);

    if (!value) {
        size_t offset = end ? (size_t)(end - text) : 0, lines = 1;
        for (size_t i = 0; i < offset && i < size; i++)
            lines += text[i] == '\n';
        error_set(error, "%s:%zu: not valid JSON", where, lines);
        return NULL;
    }
    if (!cJSON_IsObject(value)) {
        error_set(error, "%s: expected a JSON object", where);
        cJSON_Delete(value);
        return NULL;
    }
    const char *twice = json_find_duplicate(value);
    if (twice) {
        error_set(error, "%s: \"%s\" stands twice in one object", where, twice);
        cJSON_Delete(value);
        return NULL;
    }
    return value;
}

cJSON *json_read(const char *path, struct error *error)
{
    size_t size;
    char *text = file_read(path, &size, error);

    if (!text)
        return NULL;
    cJSON *value = json_parse(text, size, path, error);
    free(text);
    return value;
}

bool json_write(const char *path, const cJSON *value, struct error *error)
{
    char *printed = cJSON_Print(value);
    struct text text = {0};

    text_add_printable(&text, printed); /* names of files may be no UTF-8 */
    text_add(&text, "\n");
    bool done = file_write(path, text.text, text.length, error);
    text_free(&text);
    cJSON_free(printed);
    return done;
}

const cJSON *json_at(const cJSON *object, const char *section, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(object, section), name);
}

const char *json_text_at(const cJSON *object, const char *section, const char *name)
{
    const cJSON *item = json_at(object, section, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

double json_number_at(const cJSON *object, const char *section, const char *name)
{
    const cJSON *item = json_at(object, section, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

void json_put(cJSON *object, const char *name, cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    cJSON_AddItemToObject(object, name, value);
}

void json_put_exact(cJSON *object, const char *name, double value)
{
    char text[TEXT_NUMBER_SIZE];

    json_put(object, name, cJSON_CreateRaw(text_from_number(text, value)));
}

cJSON *json_finite(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

void json_add_finite(cJSON *object, const char *name, double value)
{
    cJSON_AddItemToObject(object, name, json_finite(value));
}

/* The member, or NULL if it is absent or null. */
static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return item && !cJSON_IsNull(item) ? item : NULL;
}

bool json_number(const cJSON *object, const char *name, double *value, struct error *error)
{
    const cJSON *item = member(object, name);

    if (!item)
        return true;
    if (!cJSON_IsNumber(item))
        return error_set(error, "\"%s\" must be a number", name);
    *value = item->valuedouble;
    return true;
}

bool json_integer(const cJSON *object, const char *name, int64_t *value, struct error *error)
{
    const cJSON *item = member(object, name);

    if (!item)
        return true;
    if (!cJSON_IsNumber(item) || floor(item->valuedouble) != item->valuedouble ||
        fabs(item->valuedouble) > 1e15)
        return error_set(error, "\"%s\" must be a whole number", name);
    *value = (int64_t)item->valuedouble;
    return true;
}

bool json_bool(const cJSON *object, const char *name, bool *value, struct error *error)
{
    const cJSON *item = member(object, name);

    if (!item)
        return true;
    if (!cJSON_IsBool(item))
        return error_set(error, "\"%s\" must be true or false", name);
    *value = cJSON_IsTrue(item);
    return true;
}

bool json_string(const cJSON *object, const char *name, const char **value, struct error *error)
{
    const cJSON *item = member(object, name);

    if (!item)
        return true;
    if (!cJSON_IsString(item))
        return error_set(error, "\"%s\" must be a string", name);
    *value = item->valuestring;
    return true;
}

bool json_word(const cJSON *object, const char *name, const char *const *words, const char **value,
               struct error *error)
{
    const char *word = NULL;
    struct text known = {0};
    bool found = false;

    if (!json_string(object, name, &word, error) || !word)
        return !error->kind;
    for (size_t i = 0; words[i]; i++) {
        found = found || strcmp(words[i], word) == 0;
        text_add(&known, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    }
    if (found)
        *value = word;
    else
        error_set(error, "\"%s\" must be %s, not \"%s\"", name, known.text ? known.text : "", word);
    text_free(&known);
    return found;
}
