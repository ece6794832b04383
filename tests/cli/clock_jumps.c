/* A preloaded library: the time of day jumps a day ahead and back, every few calls.  For cli/attacks.sh. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

static long jump(void)
{
    static atomic_uint calls;
    unsigned call = atomic_fetch_add(&calls, 1) % 7;

    return call == 2 ? 86400 : call == 5 ? -86400 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);

    if (clock == CLOCK_REALTIME)
        time->tv_sec += jump();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(now, zone);

    now->tv_sec += jump();
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
