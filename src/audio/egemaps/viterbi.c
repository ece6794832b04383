/* The course of the pitch through its candidates, by dynamic programming with openSMILE's costs. */
#include "audio/egemaps/parts.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STATES = CANDIDATES + 1, UNVOICED = CANDIDATES, MOST_UNDECIDED = 40 };

static const double LOCAL = 2, VOICED = 10, VOICING_CHANGE = 10, THRESHOLD = 4, UNVOICED_STAYS = 1,
                    NO_WAY = 999;
static const float CUTOFF = 0.7F;

/* The search under way. */
struct search {
    const struct pitch *pitches;
    size_t count, decided; /* frames put in, frames settled */
    double costs[STATES];
    double slope;                       /* the last change of pitch that was weighed, in octaves' logarithm */
    unsigned char *paths[STATES], *old; /* (frames) the state of each frame on the way to each state */
};

static double range_cost(double f)
{
    return f <= 0 ? 2 : f < 100 ? 1 - f / 100 : f < 350 ? 0 : f < 600 ? (f - 350) / 250 : 1.2;
}

static double local_cost(const struct pitch *pitch, int state)
{
    if (state == UNVOICED) {
        for (int c = 0; c < CANDIDATES; c++)
            if (pitch->voicing[c] >= CUTOFF)
                return LOCAL * THRESHOLD;
        return 0;
    }
    double voicing = fmin(fmax((double)pitch->voicing[state], 0.01), 1);
    return LOCAL * (-log(voicing) + (voicing < (double)CUTOFF ? THRESHOLD : 0)) +
           range_cost((double)pitch->frequency[state]);
}

/* Each transition is weighed against the one weighed before it, so their order matters. */
static double transition_cost(struct search *s, const struct pitch *before, int from, const struct pitch *now,
                              int to)
{
    if (from == UNVOICED && to == UNVOICED)
        return UNVOICED_STAYS;
    if (from == UNVOICED || to == UNVOICED) {
        s->slope = 0;
        return VOICING_CHANGE;
    }
    if (before->frequency[from] == 0 || now->frequency[to] == 0)
        return NO_WAY;
    double change = log((double)(now->frequency[to] / before->frequency[from]));
    double cost = VOICED * fabs(change) + VOICED * fabs(change - s->slope);
    s->slope = change;
    return cost;
}

static void add_frame(struct search *s)
{
    const struct pitch *now = &s->pitches[s->count], *before = s->count ? now - 1 : now;
    double costs[STATES];
    int from[STATES] = {0};
    size_t undecided = s->count - s->decided;

    for (int to = 0; to < STATES; to++) {
        costs[to] = 0;
        for (int f = 0; s->count > 0 && f < STATES; f++) {
            double cost = transition_cost(s, before, f, now, to) + s->costs[f];
            if (f == 0 || cost < costs[to]) {
                costs[to] = cost;
                from[to] = f;
            }
        }
        costs[to] += local_cost(now, to);
    }
    for (int state = 0; state < STATES; state++)
        memcpy(s->old + (size_t)state * MOST_UNDECIDED, s->paths[state] + s->decided, undecided);
    for (int to = 0; to < STATES; to++) {
        memcpy(s->paths[to] + s->decided, s->old + (size_t)from[to] * MOST_UNDECIDED, undecided);
        s->paths[to][s->count] = (unsigned char)to;
    }
    memcpy(s->costs, costs, sizeof costs);
    s->count++;
}

static int cheapest(const struct search *s)
{
    int best = 0;

    for (int state = 1; state < STATES; state++)
        best = s->costs[state] < s->costs[best] ? state : best;
    return best;
}

static bool all_agree(const struct search *s, size_t frame)
{
    for (int state = 1; state < STATES; state++)
        if (s->paths[state][frame] != s->paths[0][frame])
            return false;
    return true;
}

static void settle(struct search *s, size_t frame, int state, float *f0)
{
    int choice = s->paths[state][frame];

    f0[frame] = choice == UNVOICED ? 0 : s->pitches[frame].frequency[choice];
}

size_t pitch_track(const struct pitch *pitches, size_t count, float *f0)
{
    struct search s = {.pitches = pitches, .slope = 1};

    for (int state = 0; state < STATES; state++)
        s.paths[state] = mem_zero(count, 1);
    s.old = mem_zero(STATES, MOST_UNDECIDED);
    while (s.count < count) {
        add_frame(&s);
        if (s.count - s.decided >= MOST_UNDECIDED) {
            settle(&s, s.decided, cheapest(&s), f0);
            s.decided++;
        } else {
            for (; s.decided < s.count && all_agree(&s, s.decided); s.decided++)
                settle(&s, s.decided, 0, f0);
        }
    }
    for (size_t frame = s.decided; frame < count; frame++)
        settle(&s, frame, cheapest(&s), f0);
    for (int state = 0; state < STATES; state++)
        free(s.paths[state]);
    free(s.old);
    return s.decided;
}
