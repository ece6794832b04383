/* YAML as JSON values: see yaml.h. */
#include "base/yaml.h"

#include "base/files.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEEPEST = 64 };

/* A plain scalar is a number, true, false or nothing where it looks like one. */
static cJSON *scalar(const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    double number;

    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        if (!*text || strcmp(text, "null") == 0 || strcmp(text, "~") == 0)
            return cJSON_CreateNull();
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
            return cJSON_CreateBool(*text == 't');
        if (text_to_number(text, &number))
            return cJSON_CreateNumber(number);
    }
    return cJSON_CreateString(text);
}

static cJSON *value_of(yaml_document_t *document, int id, int depth)
{
    yaml_node_t *node = yaml_document_get_node(document, id);

    if (!node || depth > DEEPEST)
        return NULL;
    if (node->type == YAML_SCALAR_NODE)
        return scalar(node);
    bool sequence = node->type == YAML_SEQUENCE_NODE;
    cJSON *result = sequence ? cJSON_CreateArray() : cJSON_CreateObject();
    for (yaml_node_item_t *i = sequence ? node->data.sequence.items.start : NULL;
         sequence && i < node->data.sequence.items.top; i++)
        cJSON_AddItemToArray(result, value_of(document, *i, depth + 1));
    for (yaml_node_pair_t *p = sequence ? NULL : node->data.mapping.pairs.start;
         !sequence && p < node->data.mapping.pairs.top; p++) {
        yaml_node_t *key = yaml_document_get_node(document, p->key);
        if (key && key->type == YAML_SCALAR_NODE)
            json_put(result, (const char *)key->data.scalar.value, value_of(document, p->value, depth + 1));
    }
    return result;
}

cJSON *yaml_read(const char *path, struct error *error)
{
    yaml_parser_t parser;
    yaml_document_t document;
    size_t size;
    char *bytes = file_read(path, &size, error);
    cJSON *result = NULL;

    if (!bytes)
        return NULL;
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
            result = value_of(&document, 1, 0);
        else
            error_set(error, "%s: no mapping of names to values", path);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    free(bytes);
    return result;
}
