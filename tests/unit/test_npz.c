/* NumPy's archives: what NumPy wrote, what is written reads back, and damaged ones. */
#include "base/npz.h"
#include "base/text.h"
#include "unit.h"

#include <zip.h>

static const char *const GOLDEN = EMOTRAIN_TESTS "/golden/numpy.npz";

static void read_numbers(const char *name, const size_t *shape, size_t dims, float factor)
{
    struct npz_array array;
    struct error error = {0};

    assert_true(npz_read(GOLDEN, name, &array, &error));
    assert_int_equal(array.dims, dims);
    assert_memory_equal(array.shape, shape, dims * sizeof *shape);
    for (size_t i = 0; i < 12; i++)
        assert_true(array.values[i] == factor * (float)i);
    npz_free(&array);
}

static void test_numpys_own(void **state)
{
    struct npz_array array;
    struct error error = {0};

    (void)state;
    read_numbers("features", (const size_t[]){3, 4}, 2, 0.125F);
    read_numbers("single", (const size_t[]){3, 4}, 2, 0.125F);
    read_numbers("integers", (const size_t[]){3, 2, 2}, 3, 1);
    assert_true(npz_read(GOLDEN, "paths", &array, &error));
    assert_int_equal(array.texts.count, 3);
    assert_string_equal(array.texts.items[1], "Größe/☃.wav");
    npz_free(&array);
    assert_false(npz_read(GOLDEN, "nothing", &array, &error)); /* not there, which is no error */
    assert_int_equal(error.kind, ERROR_NONE);
    assert_error(npz_read(GOLDEN, "fortran", &array, &error), error, "C order");
    assert_error(npz_read(GOLDEN, "complex", &array, &error), error, "float32, float64");
}

static void test_round_trip(void **state)
{
    static const float values[] = {1.5F, -2, 1e-30F, 3e30F, 0, 7};
    static const int64_t numbers[] = {0, 3, INT64_C(1) << 40};
    const size_t shape[] = {1, 3, 2}, six[] = {6};
    struct npz_writer *writer = npz_create();
    struct strings texts = {0};
    struct npz_array array;
    struct error error = {0};
    const char *path = unit_path("own.npz");
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    assert_int_equal(fseek(file, NPZ_HEADER, SEEK_SET), 0);
    assert_int_equal(fwrite(values, sizeof *values, 6, file), 6);
    strings_add(&texts, "");
    strings_add(&texts, "\xf0\x9f\x8e\xb5 x");
    strings_add(&texts, "broken \xff\xc3");
    npz_add_floats(writer, "floats", values, 3, shape);
    npz_add_integers(writer, "numbers", numbers, 3);
    npz_add_texts(writer, "texts", &texts);
    npz_add_file(writer, "file", file, 1, six);
    assert_good(npz_commit(writer, path, &error), error);
    assert_true(npz_read(path, "floats", &array, &error));
    assert_int_equal(array.dims, 3);
    assert_memory_equal(array.values, values, sizeof values);
    npz_free(&array);
    assert_true(npz_read(path, "file", &array, &error));
    assert_memory_equal(array.values, values, sizeof values);
    npz_free(&array);
    assert_true(npz_read(path, "numbers", &array, &error));
    assert_true(array.values[2] == (float)numbers[2]);
    npz_free(&array);
    assert_true(npz_read(path, "texts", &array, &error));
    assert_string_equal(array.texts.items[0], "");
    assert_string_equal(array.texts.items[1], texts.items[1]);
    assert_string_equal(array.texts.items[2], "broken \xef\xbf\xbd\xef\xbf\xbd");
    npz_free(&array);
    strings_free(&texts);
    writer = npz_create();
    npz_add_floats(writer, "floats", values, 1, six);
    assert_error(npz_commit(writer, unit_path("no/folder.npz"), &error), error, "folder.npz");
}

/* Cut anywhere, or with any byte of a header changed: an error or an array, never more. */
static void test_damaged(void **state)
{
    struct error error = {0};
    size_t size;
    char *whole = file_read(GOLDEN, &size, &error);
    const char *path = unit_path("damaged.npz");

    (void)state;
    assert_non_null(whole);
    for (size_t i = 0; i < size; i += 7) {
        struct npz_array array;
        struct error failure = {0};
        char kept = whole[i];
        whole[i] = (char)(kept ^ 0x55);
        assert_true(file_write(path, whole, i % 2 ? size : i, &error));
        npz_read(path, "features", &array, &failure);
        npz_free(&array);
        npz_read(path, "paths", &array, &failure);
        npz_free(&array);
        whole[i] = kept;
    }
    free(whole);
}

/* Writes an archive whose one member "a" is such an array: `dictionary` is its header. */
static void write_member(const char *path, const char *magic, const char *dictionary, const void *values,
                         size_t size)
{
    struct text member = {0};
    int code = 0;
    const size_t length = strlen(dictionary);
    struct zip *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);

    assert_non_null(archive);
    text_add_bytes(&member, magic, 8);
    text_add_bytes(&member, (const char[]){(char)(length & 255), (char)(length >> 8), 0, 0},
                   magic[6] > 1 ? 4 : 2);
    text_add_bytes(&member, dictionary, length);
    text_add_bytes(&member, values, size);
    struct zip_source *source = zip_source_buffer(archive, member.text, member.length, 0);
    assert_true(zip_file_add(archive, "a.npy", source, 0) >= 0);
    assert_int_equal(zip_close(archive), 0);
    text_free(&member);
}

/* Headers as they may be, and as they must not be. */
static void test_headers(void **state)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    static const struct {
        const char *magic, *dictionary;
        size_t count; /* of values; 0: refused */
    } cases[] = {
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 6},
        {"\x93NUMPY\2\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 6},
        {"\x93NUMPY\1\0", "{'shape': (6,), 'fortran_order': False, 'descr': '<i4'}", 6},
        {"\x93NUMPY\1\0", "{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}", 3},
        {"\x93NUMPY\1\0", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", 3},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 1},
        {"\x93NUMPZ\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<U0', 'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<U9999999', 'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2, 3)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': 6}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (x,)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 6)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}", 0},
        {"\x93NUMPY\1\0", "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 0},
        {"\x93NUMPY\1\0", "", 0},
    };
    const char *path = unit_path("header.npz");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct npz_array array;
        struct error error = {0};
        write_member(path, cases[i].magic, cases[i].dictionary, values, sizeof values);
        bool done = npz_read(path, "a", &array, &error);
        if (done != (cases[i].count > 0) || (done && array.count != cases[i].count) || (!done && !error.kind))
            fail_msg("%s: %s", cases[i].dictionary, done ? "taken" : error.message);
        npz_free(&array);
    }
    /* A character that Unicode does not have. */
    static const uint32_t letters[] = {'a', 0x110000, 0xd6, 0};
    struct npz_array array;
    struct error error = {0};
    write_member(path, "\x93NUMPY\1\0", "{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", letters,
                 sizeof letters);
    assert_true(npz_read(path, "a", &array, &error));
    assert_string_equal(array.texts.items[0], "a\xef\xbf\xbd\xc3\x96");
    npz_free(&array);
    /* What is no archive, and none at all. */
    assert_good(file_write(path, "no archive", 10, &error), error);
    assert_error(npz_read(path, "a", &array, &error), error, "header.npz");
    assert_error(npz_read(unit_path("none.npz"), "a", &array, &error), error, "none.npz");
    assert_true(npz_commit(npz_create(), NULL, &error)); /* nothing is written */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numpys_own),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_headers),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
