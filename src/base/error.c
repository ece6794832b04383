/* The one error type: see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message is one line: line breaks and control characters from file names or libraries become spaces. */
static void one_line(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && ((unsigned char)text[length - 1] <= ' '))
        text[--length] = '\0';
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
}

static bool record_error(struct error *error, enum error_kind kind, const char *format, va_list arguments)
{
    if (error->kind != ERROR_NONE)
        return false;
    error->kind = kind;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    one_line(error->message);
    return false;
}

bool error_set(struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record_error(error, ERROR_FAILED, format, arguments);
    va_end(arguments);
    return false;
}

bool error_usage(struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record_error(error, ERROR_USAGE, format, arguments);
    va_end(arguments);
    return false;
}

bool error_memory(struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record_error(error, ERROR_MEMORY, format, arguments);
    va_end(arguments);
    return false;
}

bool error_peer(struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record_error(error, ERROR_PEER, format, arguments);
    va_end(arguments);
    return false;
}

bool error_interrupted(struct error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    record_error(error, ERROR_INTERRUPTED, format, arguments);
    va_end(arguments);
    return false;
}

bool error_said(struct error *error, enum error_kind kind)
{
    if (error->kind == ERROR_NONE)
        *error = (struct error){.kind = kind};
    return false;
}

bool error_prefix(struct error *error, const char *format, ...)
{
    struct error whole = {.kind = error->kind};
    char prefix[sizeof error->message];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    strncat(prefix, ": ", sizeof prefix - strlen(prefix) - 1);
    strncat(prefix, error->message, sizeof prefix - strlen(prefix) - 1);
    memcpy(whole.message, prefix, sizeof prefix);
    one_line(whole.message);
    *error = whole;
    return false;
}

int error_exit_status(const struct error *error)
{
    switch (error->kind) {
    case ERROR_NONE:
        return 0;
    case ERROR_USAGE:
        return 2;
    case ERROR_INTERRUPTED:
        return 130;
    case ERROR_MEMORY:
    case ERROR_PEER:
    case ERROR_FAILED:
        break;
    }
    return 1;
}
