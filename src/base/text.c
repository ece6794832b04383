/* Growing text, numbers as text, escaping: see text.h. */
#include "base/text.h"

#include "base/encoding.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <nettle/base64.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct text *buffer, size_t more)
{
    buffer->text = mem_grow(buffer->text, &buffer->capacity, buffer->length + more + 1, 1);
}

void text_add_bytes(struct text *buffer, const char *bytes, size_t size)
{
    reserve(buffer, size);
    if (size)
        memcpy(buffer->text + buffer->length, bytes, size);
    buffer->length += size;
    buffer->text[buffer->length] = '\0';
}

void text_add(struct text *buffer, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length > 0) {
        reserve(buffer, (size_t)length);
        vsnprintf(buffer->text + buffer->length, (size_t)length + 1, format, arguments);
        buffer->length += (size_t)length;
    }
    va_end(arguments);
}

int text_characters(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void text_add_column(struct text *buffer, const char *word, int width)
{
    const int blanks = (width < 0 ? -width : width) - text_characters(word);

    if (width > 0 && blanks > 0)
        text_add(buffer, "%*s", blanks, "");
    text_add(buffer, "%s", word);
    if (width < 0 && blanks > 0)
        text_add(buffer, "%*s", blanks, "");
}

void text_add_number(struct text *buffer, double value, int width, int decimals)
{
    if (isfinite(value))
        text_add(buffer, "%*.*f", width, decimals, value);
    else
        text_add(buffer, "%*s", width, "-");
}

void text_add_printable(struct text *buffer, const char *text)
{
    while (*text) {
        const unsigned char *bytes = (const unsigned char *)text;
        size_t length = utf8_length(bytes);
        bool control = (bytes[0] < 0x20 && bytes[0] != '\n' && bytes[0] != '\t') || bytes[0] == 0x7f ||
                       (bytes[0] == 0xc2 && bytes[1] < 0xa0); /* of C0 and C1 */
        if (length == 0 || control)
            text_add_bytes(buffer, "\xef\xbf\xbd", 3);
        else
            text_add_bytes(buffer, text, length);
        text += length ? length : 1;
    }
}

void text_add_html(struct text *buffer, const char *text)
{
    struct text printable = {0};

    text_add_bytes(&printable, "", 0);
    text_add_printable(&printable, text);
    for (text = printable.text; *text; text++) {
        switch (*text) {
        case '&':
            text_add(buffer, "&amp;");
            break;
        case '<':
            text_add(buffer, "&lt;");
            break;
        case '>':
            text_add(buffer, "&gt;");
            break;
        case '"':
            text_add(buffer, "&quot;");
            break;
        case '\'':
            text_add(buffer, "&#39;");
            break;
        default:
            text_add_bytes(buffer, text, 1);
        }
    }
    text_free(&printable);
}

void text_add_base64(struct text *buffer, const void *bytes, size_t size)
{
    size_t length = BASE64_ENCODE_RAW_LENGTH(size);

    reserve(buffer, length);
    base64_encode_raw(buffer->text + buffer->length, size, bytes);
    buffer->length += length;
    buffer->text[buffer->length] = '\0';
}

void text_free(struct text *buffer)
{
    free(buffer->text);
    *buffer = (struct text){0};
}

bool text_to_integer(const char *text, long long *value)
{
    char *end;

    if (!isdigit((unsigned char)*text) && !(*text == '-' && isdigit((unsigned char)text[1])))
        return false;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*end || errno)
        return false;
    *value = number;
    return true;
}

bool text_is_plain(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 0x7f)
            return false;
    return *text != '\0';
}

bool text_to_number(const char *text, double *value)
{
    char *end;

    if (!*text || text[strspn(text, "+-.0123456789eE")])
        return false;
    double number = strtod(text, &end);
    if (*end || !isfinite(number))
        return false;
    *value = number;
    return true;
}

const char *text_from_number(char buffer[TEXT_NUMBER_SIZE], double value)
{
    if (value == floor(value) && fabs(value) < 1e15) {
        snprintf(buffer, TEXT_NUMBER_SIZE, "%.0f", value);
        return buffer;
    }
    for (int digits = 15; digits <= 17; digits++) { /* fewer would do: %g drops the zeros */
        snprintf(buffer, TEXT_NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value)
            break;
    }
    return buffer;
}

bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);

    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

size_t text_distance(const char *a, const char *b)
{
    size_t width = strlen(b) + 1;
    size_t *row = mem_zero(width, sizeof *row);

    for (size_t j = 0; j < width; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j < width; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    size_t distance = row[width - 1];
    free(row);
    return distance;
}

bool nearest_name(const char *wanted, const char *name, size_t *distance)
{
    size_t here = text_distance(wanted, name);

    if (here >= *distance)
        return false;
    *distance = here;
    return true;
}
