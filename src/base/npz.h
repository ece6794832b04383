/*
 * NumPy's archives of arrays (numpy.savez; the format is NEP 1): what numpy.load opens without pickle, and
 * what it or others wrote.
 *
 *     struct npz_writer *writer = npz_create();
 *     npz_add_floats(writer, "features", values, 2, shape);
 *     npz_commit(writer, "features.npz", &error);
 */
#ifndef EMOTRAIN_BASE_NPZ_H
#define EMOTRAIN_BASE_NPZ_H

#include "base/error.h"
#include "base/strings.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { NPZ_DIMS = 4 };

struct npz_writer;

struct npz_writer *npz_create(void);

/* Arrays in C order.  What is pointed to must stay until npz_commit. */
void npz_add_floats(struct npz_writer *writer, const char *name, const float *values, size_t dims,
                    const size_t *shape);
void npz_add_integers(struct npz_writer *writer, const char *name, const int64_t *values, size_t count);
void npz_add_texts(struct npz_writer *writer, const char *name, const struct strings *texts); /* UTF-8 */

/* float32 values that lie in a file from byte NPZ_HEADER on; the header is written before them.  Closes the
 * file at the end. */
enum { NPZ_HEADER = 128 };
void npz_add_file(struct npz_writer *writer, const char *name, FILE *values, size_t dims,
                  const size_t *shape);

/* Writes the file, whole or not at all, and frees the writer; path NULL: writes nothing. */
bool npz_commit(struct npz_writer *writer, const char *path, struct error *error);

/* An array that was read: numbers as float32, or texts. */
struct npz_array {
    size_t dims, shape[NPZ_DIMS], count; /* count: of all values */
    float *values;
    struct strings texts;
};

/* Reads an array of numbers (float32, float64, int32, int64) or texts of at most NPZ_DIMS dimensions; false
 * where there is none of that name, without an error.  npz_free when done. */
bool npz_read(const char *path, const char *name, struct npz_array *array, struct error *error);
void npz_free(struct npz_array *array);

#endif
