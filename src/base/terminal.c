/* What a terminal is shown: see terminal.h. */
#include "base/terminal.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The start of a character whose end is still to come. */
static char held[8];
static size_t held_count;

/* How many bytes at the end of the text are the beginning of a longer character. */
static size_t cut_length(const char *text, size_t size)
{
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        unsigned char byte = (unsigned char)text[size - back];
        size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        if ((byte & 0xc0) != 0x80) /* no byte that continues one */
            return length > back ? back : 0;
    }
    return 0;
}

static bool write_all(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, size);
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static ssize_t show(void *unused, const char *bytes, size_t size)
{
    struct text whole = {0}, shown = {0};

    (void)unused;
    text_add_bytes(&whole, held, held_count);
    for (size_t i = 0; i < size; i++) /* a NUL would end the text */
        text_add_bytes(&whole, bytes[i] ? &bytes[i] : "\x01", 1);
    held_count = cut_length(whole.text, whole.length);
    memcpy(held, whole.text + whole.length - held_count, held_count);
    whole.text[whole.length - held_count] = '\0';
    text_add_printable(&shown, whole.text);
    bool done = write_all(shown.text ? shown.text : "", shown.length);
    text_free(&whole);
    text_free(&shown);
    return done ? (ssize_t)size : 0; /* fopencookie's sign of an error */
}

void terminal_protect(void)
{
    static const cookie_io_functions_t functions = {.write = show};

    if (!isatty(STDOUT_FILENO))
        return;
    FILE *stream = fopencookie(NULL, "w", functions);
    if (!stream)
        return;
    setvbuf(stream, NULL, _IOLBF, BUFSIZ);
    fflush(stdout);
    stdout = stream;
}
