/* Named parameters: see parameters.h. */
#include "model/weights/parameters.h"

#include "base/random.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void parameters_start(struct parameters *parameters, int device)
{
    *parameters = (struct parameters){.device = device, .scope = et_scope_open(NULL)};
}

void parameters_free(struct parameters *parameters)
{
    if (parameters->scope)
        et_scope_close(parameters->scope, NULL);
    free(parameters->items);
    arena_free(&parameters->arena);
    *parameters = (struct parameters){0};
}

size_t parameters_add(struct parameters *parameters, bool required, enum initialisation initialisation,
                      double scale, const int64_t shape[PARAMETER_MAX_DIMS], const char *name, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, name);
    vsnprintf(text, sizeof text, name, arguments);
    va_end(arguments);
    parameters->items =
        mem_grow(parameters->items, &parameters->capacity, parameters->count + 1, sizeof *parameters->items);
    struct parameter *p = &parameters->items[parameters->count];
    *p = (struct parameter){.name = arena_string(&parameters->arena, text),
                            .required = required,
                            .initialisation = initialisation,
                            .scale = scale,
                            .trainable = true};
    while (p->dims < PARAMETER_MAX_DIMS && shape[p->dims] > 0) {
        p->shape[p->dims] = shape[p->dims];
        p->dims++;
    }
    return parameters->count++;
}

struct et_tensor *parameters_tensor(const struct parameters *parameters, size_t index)
{
    return parameters->items[index].tensor;
}

bool parameters_allocate(struct parameters *parameters, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);

    for (size_t i = 0; i < parameters->count; i++) {
        struct parameter *p = &parameters->items[i];
        struct et_tensor *tensor = et_zeros(scope, ET_FLOAT32, p->shape, p->dims, parameters->device);
        p->tensor = et_keep(tensor, parameters->scope);
    }
    return et_scope_close(scope, error);
}

/* weight_g of weight norm over dimension 2: the norm of weight_v over dimensions 0 and 1. */
static void norm_of(struct et_scope *scope, struct et_tensor *g, const struct et_tensor *v)
{
    int64_t rows = et_numel(v) / et_size(v, 2), columns = et_size(v, 2);
    float *values = mem_zero((size_t)et_numel(v), sizeof *values),
          *norms = mem_zero((size_t)columns, sizeof *norms);

    et_read(scope, v, values, et_numel(v));
    for (int64_t k = 0; k < columns; k++) {
        double sum = 0;
        for (int64_t r = 0; r < rows; r++)
            sum += (double)values[r * columns + k] * (double)values[r * columns + k];
        norms[k] = (float)sqrt(sum);
    }
    et_copy_data_(scope, g, norms, ET_FLOAT32);
    free(values);
    free(norms);
}

/* Of (rows, width): Whisper's positions. */
static void fill_sinusoids(struct et_scope *scope, struct et_tensor *x)
{
    int64_t rows = et_size(x, 0), half = et_size(x, 1) / 2, width = et_size(x, 1);
    float *values = mem_zero((size_t)(rows * width), sizeof *values);

    for (int64_t t = 0; t < rows; t++)
        for (int64_t k = 0; k < half; k++) {
            double angle = (double)t * exp(-log(10000) * (double)k / (double)(half > 1 ? half - 1 : 1));
            values[t * width + k] = (float)sin(angle);
            values[t * width + half + k] = (float)cos(angle);
        }
    et_copy_data_(scope, x, values, ET_FLOAT32);
    free(values);
}

static void initialise(struct et_scope *scope, const struct parameters *parameters, size_t i)
{
    const struct parameter *p = &parameters->items[i];

    switch (p->initialisation) {
    case INIT_ZEROS:
        et_fill_(scope, p->tensor, 0);
        break;
    case INIT_ONES:
        et_fill_(scope, p->tensor, 1);
        break;
    case INIT_NORMAL:
        et_normal_(scope, p->tensor, 0, p->scale);
        break;
    case INIT_UNIFORM:
        et_uniform_(scope, p->tensor, -p->scale, p->scale);
        break;
    case INIT_UNIT:
        et_uniform_(scope, p->tensor, 0, 1);
        break;
    case INIT_SINUSOIDS:
        fill_sinusoids(scope, p->tensor);
        break;
    case INIT_NORM_OF:
        norm_of(scope, p->tensor, parameters->items[i - 1].tensor);
        break;
    }
}

bool parameters_initialise(struct parameters *parameters, uint64_t seed, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);

    for (size_t i = 0; i < parameters->count; i++) {
        struct random_stream stream = random_stream(seed, RANDOM_INITIALISATION, i);
        if (parameters->items[i].loaded)
            continue;
        et_manual_seed(
            random_next(&stream)); /* a parameter's numbers do not depend on which others were loaded */
        initialise(scope, parameters, i);
    }
    return et_scope_close(scope, error);
}

bool parameters_apply_trainable(struct parameters *parameters, int phase, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);

    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *p = &parameters->items[i];
        et_set_requires_grad_(scope, p->tensor, p->trainable && (phase < 0 || p->phase == phase));
    }
    return et_scope_close(scope, error);
}

size_t parameters_index(const struct parameters *parameters, const char *name)
{
    size_t i = 0;

    while (i < parameters->count && strcmp(parameters->items[i].name, name) != 0)
        i++;
    return i;
}

int64_t parameters_elements(const struct parameters *parameters, bool only_trainable)
{
    int64_t total = 0;

    for (size_t i = 0; i < parameters->count; i++) {
        int64_t elements = 1;
        bool over = false;
        for (int d = 0; d < parameters->items[i].dims; d++)
            over = __builtin_mul_overflow(elements, parameters->items[i].shape[d], &elements) || over;
        if (only_trainable && !parameters->items[i].trainable)
            continue;
        if (over || __builtin_add_overflow(total, elements, &total))
            return INT64_MAX; /* as a hostile config.json asks for */
    }
    return total;
}
