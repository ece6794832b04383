/* Texts of other programs in UTF-8: see encoding.h. */
#include "base/encoding.h"

#include "base/memory.h"
#include "base/text.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

/* UTF-16 with a mark; caller frees. */
static char *convert_utf16(const char *bytes, size_t *size, const char *path, struct error *error)
{
    size_t left = *size, room = 2 * *size + 1; /* two bytes become three at most */
    char *text = mem_zero(room, 1), *from = (char *)bytes, *to = text;
    iconv_t converter = iconv_open("UTF-8", "UTF-16");

    size_t failed = converter == (iconv_t)-1 ? (size_t)-1 : iconv(converter, &from, &left, &to, &room);
    if (converter != (iconv_t)-1)
        iconv_close(converter);
    if (failed == (size_t)-1) {
        error_set(error, "%s: damaged UTF-16 at byte %zu", path, *size - left);
        free(text);
        return NULL;
    }
    *size = (size_t)(to - text);
    return text;
}

size_t utf8_length(const unsigned char *at)
{
    const size_t length = at[0] < 0x80                    ? 1
                          : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                          : (at[0] & 0xf0) == 0xe0        ? 3
                                                          : 4;

    if ((length == 4 && (at[0] < 0xf0 || at[0] > 0xf4)) || (at[0] == 0xe0 && at[1] < 0xa0) ||
        (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* The first byte that is no UTF-8, or a NUL before the end; NULL: there is none. */
static const char *find_fault(const char *text, size_t size)
{
    const char *at = text;

    while (at < text + size) {
        size_t length = *at ? utf8_length((const unsigned char *)at) : 0;
        if (length == 0)
            return at;
        at += length;
    }
    return NULL;
}

char *text_to_utf8(char *bytes, size_t size, const char *path, struct error *error)
{
    static const char utf8_mark[] = "\xef\xbb\xbf";
    bool marked = size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);
    char *text = marked ? convert_utf16(bytes, &size, path, error) : bytes;

    if (marked)
        free(bytes);
    if (!text)
        return NULL;
    if (size >= 3 && memcmp(text, utf8_mark, 3) == 0) {
        size -= 3;
        memmove(text, text + 3, size + 1);
    }
    const char *fault = find_fault(text, size);
    if (!fault)
        return text;
    size_t line = 1;
    for (const char *at = text; at < fault; at++)
        line += *at == '\n' || (*at == '\r' && at[1] != '\n');
    error_set(error,
              *fault ? "%s:%zu: not UTF-8: \"iconv -f latin1 -t utf-8\" converts it, if it is Latin-1"
                     : "%s:%zu: a NUL byte: this is no text, or a damaged one",
              path, line);
    free(text);
    return NULL;
}

/* ---- normal forms ---- */

static char *normalize(uninorm_t form, const char *text)
{
    const size_t size = strlen(text) + 1;
    uint8_t *bytes = mem_alloc(size);
    size_t length = 0;

    memcpy(bytes, text, size);
    uint8_t *normal = u8_check(bytes, size) ? NULL : u8_normalize(form, bytes, size, NULL, &length);
    char *result = normal ? mem_string((const char *)normal) : NULL;
    free(normal);
    free(bytes);
    return result;
}

char *utf8_composed(const char *text)
{
    return normalize(UNINORM_NFC, text);
}

char *utf8_decomposed(const char *text)
{
    return normalize(UNINORM_NFD, text);
}
