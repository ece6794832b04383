/* TensorBoard event files, read back byte by byte. */
#include "unit.h"

#include "base/events.h"

static void test_checksum(void **state)
{
    static const unsigned char zeros[32];

    (void)state; /* RFC 3720, B.4 */
    assert_int_equal(checksum_castagnoli("123456789", 9), 0xe3069283);
    assert_int_equal(checksum_castagnoli(zeros, sizeof zeros), 0x8a9136aa);
    assert_int_equal(checksum_castagnoli("", 0), 0);
}

static uint64_t little_endian(const char *bytes, int count)
{
    uint64_t value = 0;

    for (int i = count - 1; i >= 0; i--)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

static uint32_t unmask(uint32_t masked)
{
    uint32_t rotated = masked - 0xa282ead8U;

    return rotated >> 17 | rotated << 15;
}

/* The data of the record at *position, whose checksums must be right. */
static const char *next_record(const struct text *file, size_t *position, size_t *size)
{
    const char *at = file->text + *position;

    assert_true(*position + 16 <= file->length);
    *size = (size_t)little_endian(at, 8);
    assert_int_equal(unmask((uint32_t)little_endian(at + 8, 4)), checksum_castagnoli(at, 8));
    assert_true(*position + 16 + *size <= file->length);
    assert_int_equal(unmask((uint32_t)little_endian(at + 12 + *size, 4)),
                     checksum_castagnoli(at + 12, *size));
    *position += 16 + *size;
    return at + 12;
}

static void test_records(void **state)
{
    /* wall_time 1.5, step 300, summary of one value: tag "a/b", simple_value 0.25 */
    static const char expected[] = "\x09\x00\x00\x00\x00\x00\x00\xf8\x3f"
                                   "\x10\xac\x02"
                                   "\x2a\x0c\x0a\x0a\x0a\x03"
                                   "a/b"
                                   "\x15\x00\x00\x80\x3e";
    struct text file = {0}, summary = {0};
    size_t position = 0, size;

    (void)state;
    events_add_version(&file, 1.5);
    events_add_start(&file, 1.5, 7);
    summary_add_scalar(&summary, "a/b", 0.25);
    events_add_summary(&file, 1.5, 300, &summary);
    text_free(&summary);
    events_add_summary(&file, 1.5, 300, &summary); /* an empty one is left out */
    const char *record = next_record(&file, &position, &size);
    assert_int_equal(size, 9 + 2 + 15);
    assert_memory_equal(record + 11,
                        "\x1a\x0d"
                        "brain.Event:2",
                        15);
    record = next_record(&file, &position, &size);
    assert_memory_equal(record + 9, "\x10\x07\x3a\x02\x08\x01", 6);
    record = next_record(&file, &position, &size);
    assert_int_equal(size, sizeof expected - 1);
    assert_memory_equal(record, expected, size);
    assert_int_equal(position, file.length);
    text_free(&file);
}

static void test_images(void **state)
{
    static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x20\0\0\0\x05rest"; /* 800 x 5 */
    struct text summary = {0};

    (void)state;
    summary_add_png(&summary, "c", "no png at all, but long enough", 30);
    assert_int_equal(summary.length, 0);
    summary_add_png(&summary, "c", png, sizeof png - 1);
    assert_memory_equal(summary.text,
                        "\x0a\x2a\x0a\x01"
                        "c\x22\x25\x08\x05\x10\xa0\x06\x18\x03\x22\x1c\x89PNG",
                        20);
    text_free(&summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_checksum), cmocka_unit_test(test_records),
                                       cmocka_unit_test(test_images)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
