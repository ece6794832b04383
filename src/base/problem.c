#include "base/problem.h"

#include <stdlib.h>
#include <string.h>

const struct problem_kind PROBLEMS[PROBLEM_COUNT] = {
    [SINGLE_LABEL] = {"single_label", "single_label_classification"},
    [MULTI_LABEL] = {"multi_label", "multi_label_classification"},
    [REGRESSION] = {"regression", "regression"},
};

enum problem problem_find(const char *name)
{
    enum problem p = 0;

    while (p < PROBLEM_COUNT && strcmp(PROBLEMS[p].name, name) != 0)
        p++;
    return p;
}

enum problem problem_of_type(const char *type)
{
    enum problem p = 0;

    while (p < PROBLEM_COUNT && strcmp(PROBLEMS[p].problem_type, type) != 0)
        p++;
    return p;
}

bool problem_next_label(const char **cursor, struct text *label)
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
    while (!error->kind && problem_next_label(&text, &label)) {
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

    for (const char *rest = text; problem_next_label(&rest, &number); found++) {
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

bool problem_parse(enum problem problem, const char *const *labels, size_t count, const char *text,
                   double *values, struct error *error)
{
    struct error reason = {0};
    bool done = problem == REGRESSION ? parse_numbers(count, text, values, &reason)
                                      : parse_labels(labels, count, text, values, &reason);

    if (!done)
        *error = reason;
    return done;
}

void problem_print(enum problem problem, const char *const *labels, size_t count, const double *values,
                   struct text *out)
{
    const char *separator = "";
    char number[TEXT_NUMBER_SIZE];

    text_add_bytes(out, "", 0);
    for (size_t k = 0; k < count; k++) {
        if (problem != REGRESSION && values[k] < 0.5)
            continue;
        text_add(out, "%s%s", separator,
                 problem == REGRESSION ? text_from_number(number, values[k]) : labels[k]);
        separator = ";";
    }
}
