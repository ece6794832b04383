/* Texts of other programs in UTF-8: see encoding.h. */
#include "base/encoding.h"

#include "base/memory.h"
#include "base/text.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

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
    const char *nul = memchr(text, '\0', size);
    if (!nul)
        return text;
    size_t line = 1;
    for (const char *at = text; at < nul; at++)
        line += *at == '\n';
    error_set(error, "%s:%zu: a NUL byte: this is no text, or a damaged one", path, line);
    free(text);
    return NULL;
}
