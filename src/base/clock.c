/* The time: see clock.h. */
#include "base/clock.h"

#include <time.h>

double clock_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *clock_stamp(char stamp[CLOCK_STAMP_SIZE])
{
    time_t now = time(NULL);
    struct tm parts;

    strftime(stamp, CLOCK_STAMP_SIZE, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    return stamp;
}

double clock_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
