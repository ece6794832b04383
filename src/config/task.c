/* Tasks, and targets as text: see task.h. */
#include "config/task.h"

#include <stdlib.h>
#include <string.h>

const struct task_kind TASKS[TASK_COUNT] = {
    [SINGLE_LABEL] = {"single_label", "single_label_classification"},
    [MULTI_LABEL] = {"multi_label", "multi_label_classification"},
    [REGRESSION] = {"regression", "regression"},
};

enum task task_find(const char *name)
{
    enum task p = 0;

    while (p < TASK_COUNT && strcmp(TASKS[p].name, name) != 0)
        p++;
    return p;
}

enum task task_of_type(const char *type)
{
    enum task p = 0;

    while (p < TASK_COUNT && strcmp(TASKS[p].problem_type, type) != 0)
        p++;
    return p;
}

bool target_next_label(const char **cursor, struct text *label)
{
    label->length = 0;
    while (label->length == 0 && **cursor) {
        *cursor += strspn(*cursor, " \t");
        size_t length = strcspn(*cursor, ";"), used = length;
        while (used > 0 && strchr(" \t", (*cursor)[used - 1]))
            used--;
        text_add_bytes(label, *cursor, used);
        *cursor += length + ((*cursor)[length] == ';');
    }
    return label->length > 0;
}

static bool parse_labels(const char *const *labels, size_t count, const char *text, double *values,
                         struct error *error)
{
    struct text label = {0};

    memset(values, 0, count * sizeof *values);
    while (!error->kind && target_next_label(&text, &label)) {
        size_t k = 0;
        while (k < count && strcmp(labels[k], label.text) != 0)
            k++;
        if (k == count)
            error_set(error, "\"%s\" is none of the labels", label.text);
        else
            values[k] = 1;
    }
    text_free(&label);
    return !error->kind;
}

static bool parse_numbers(size_t count, const char *text, double *values, struct error *error)
{
    struct text number = {0};
    size_t found = 0;

    for (const char *rest = text; target_next_label(&rest, &number); found++) {
        double value;
        if (!text_to_number(number.text, &value))
            error_set(error, "\"%s\" is no number", number.text);
        else if (found < count)
            values[found] = value;
    }
    text_free(&number);
    return !error->kind &&
           (found == count ||
            error_set(error, "\"%s\": expected %zu numbers, separated by \";\"", text, count));
}

bool target_parse(enum task task, const char *const *labels, size_t count, const char *text, double *values,
                  struct error *error)
{
    struct error reason = {0};
    bool done = task == REGRESSION ? parse_numbers(count, text, values, &reason)
                                   : parse_labels(labels, count, text, values, &reason);

    if (!done)
        *error = reason;
    return done;
}

void target_print(enum task task, const char *const *labels, size_t count, const double *values,
                  struct text *out)
{
    const char *separator = "";
    char number[TEXT_NUMBER_SIZE];

    text_add_bytes(out, "", 0);
    for (size_t k = 0; k < count; k++) {
        if (task != REGRESSION && values[k] < 0.5)
            continue;
        text_add(out, "%s%s", separator,
                 task == REGRESSION ? text_from_number(number, values[k]) : labels[k]);
        separator = ";";
    }
}
