/* YAML as JSON values: see yaml.h. */
#include "base/yaml.h"

#include "base/files.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

/* Headers and configurations are small: what is larger, deeper or made of more values is none, but an attack.
 */
enum { DEEPEST = 32, LARGEST = 1 << 20, MOST = 20000 };

static const char *const BOOLEANS[] = {"true", "yes", "on", "false", "no", "off"}; /* the true ones first */

/* A plain scalar is a number, true, false or nothing where it looks like one. */
static cJSON *scalar(const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    double number;

    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (!*text || strcmp(text, "null") == 0 || strcmp(text, "~") == 0)
            return cJSON_CreateNull();
        for (int i = 0; i < 6; i++)
            if (strcasecmp(text, BOOLEANS[i]) == 0)
                return cJSON_CreateBool(i < 3);
        if (text_to_number(text, &number))
            return cJSON_CreateNumber(number);
    }
    return cJSON_CreateString(text);
}

/* *left: how many values may still come; below 0, and NULL, where there are too many or one is too deep. */
static cJSON *value_of(yaml_document_t *document, int id, int depth, int *left)
{
    yaml_node_t *node = yaml_document_get_node(document, id);

    *left = depth > DEEPEST ? -1 : *left - 1;
    if (!node || *left < 0)
        return NULL;
    if (node->type == YAML_SCALAR_NODE)
        return scalar(node);
    bool sequence = node->type == YAML_SEQUENCE_NODE;
    cJSON *result = sequence ? cJSON_CreateArray() : cJSON_CreateObject();
    for (yaml_node_item_t *i = sequence ? node->data.sequence.items.start : NULL;
         sequence && *left >= 0 && i < node->data.sequence.items.top; i++)
        cJSON_AddItemToArray(result, value_of(document, *i, depth + 1, left));
    for (yaml_node_pair_t *p = sequence ? NULL : node->data.mapping.pairs.start;
         !sequence && *left >= 0 && p < node->data.mapping.pairs.top; p++) {
        yaml_node_t *key = yaml_document_get_node(document, p->key);
        if (key && key->type == YAML_SCALAR_NODE)
            json_put(result, (const char *)key->data.scalar.value,
                     value_of(document, p->value, depth + 1, left));
    }
    return result;
}

cJSON *yaml_read(const char *path, struct error *error)
{
    yaml_parser_t parser;
    yaml_document_t document;
    size_t size;
    int left = MOST;
    char *bytes = file_read(path, &size, error);
    cJSON *result = NULL;

    if (!bytes)
        return NULL;
    if (size > LARGEST) {
        free(bytes);
        error_set(error, "%s: %zu bytes are more than a configuration has, %d", path, size, LARGEST);
        return NULL;
    }
    if (!yaml_parser_initialize(&parser)) {
        free(bytes);
        error_set(error, "%s: out of memory", path);
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    if (!yaml_parser_load(&parser, &document)) {
        error_set(error, "%s: line %zu: %s", path, parser.problem_mark.line + 1,
                  parser.problem ? parser.problem : "no YAML");
    } else {
        yaml_node_t *root = yaml_document_get_root_node(&document);
        if (root && root->type == YAML_MAPPING_NODE)
            result = value_of(&document, 1, 0, &left);
        else
            error_set(error, "%s: no mapping of names to values", path);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    free(bytes);
    if (left >= 0)
        return result;
    cJSON_Delete(result);
    error_set(error, "%s: more than %d values, or %d levels of them", path, MOST, DEEPEST);
    return NULL;
}
