/* The time. */
#ifndef EMOTRAIN_BASE_CLOCK_H
#define EMOTRAIN_BASE_CLOCK_H

double clock_seconds(void); /* monotonic: for durations */
double clock_time(void);    /* seconds since 1970 */

enum { CLOCK_STAMP_SIZE = 32 };
const char *clock_stamp(char stamp[CLOCK_STAMP_SIZE]); /* now, as 2026-01-31T17:30:00Z; returns it */

#endif
