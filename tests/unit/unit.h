/* What the unit tests share: cmocka, a scratch folder per program, paths of the golden files. */
#ifndef EMOTRAIN_TESTS_UNIT_H
#define EMOTRAIN_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder for this program alone, removed by unit_scratch_remove. */
static inline const char *unit_scratch(void)
{
    static char folder[64];

    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/emotrain-test-XXXXXX");
        if (!mkdtemp(folder))
            abort();
    }
    return folder;
}

static inline int unit_scratch_remove(void **state)
{
    struct error error = {0};

    (void)state;
    return folder_remove(unit_scratch(), &error) ? 0 : -1;
}

/* A path in the scratch folder; lives until the program ends. */
static inline char *unit_path(const char *name)
{
    static struct arena arena;

    return arena_format(&arena, "%s/%s", unit_scratch(), name);
}

static inline char *unit_golden(const char *name)
{
    static struct arena arena;

    return arena_format(&arena, "%s/golden/%s", EMOTRAIN_TESTS, name);
}

/* Fails the test with the error's message. */
#define assert_good(condition, error)                                                                        \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail_msg("%s", (error).message);                                                                 \
    } while (0)

/* The call must fail with a message that holds `part`. */
#define assert_error(call, error, part)                                                                      \
    do {                                                                                                     \
        (error) = (struct error){0};                                                                         \
        assert_false(call);                                                                                  \
        if (!strstr((error).message, part))                                                                  \
            fail_msg("\"%s\" does not hold \"%s\"", (error).message, part);                                  \
    } while (0)

#endif
