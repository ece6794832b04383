/* Labels of several annotators: see list_votes.h. */
#include "corpus/list_votes.h"

#include "base/strings.h"
#include "corpus/vote_shares.h"

#include <stdlib.h>
#include <string.h>

const char VOTES_UNDECIDED[] = "no label on which the annotators agree (corpus.votes)";

int votes_choose(const double *votes, size_t count, bool all_agree)
{
    size_t best = 0, with_any = 0, first = 0;

    for (size_t k = 0; k < count; k++) {
        best = votes[k] > votes[best] ? k : best;
        with_any += votes[k] > 0;
    }
    for (size_t k = 0; k < count; k++)
        first += votes[k] >= votes[best];
    return with_any == 0 || first > 1 || (all_agree && with_any > 1) ? -1 : (int)best;
}

/* A row's clip, and which row it was. */
struct row {
    struct clip clip;
    size_t number;
};

static int by_path_then_row(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = strcmp(x->clip.path, y->clip.path);

    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Takes what the row says of the clip where rows before said nothing.  False: it says another part. */
static bool take_facts(struct clip *clip, const struct clip *row)
{
    clip->part = clip->part ? clip->part : row->part;
    clip->speaker = clip->speaker ? clip->speaker : row->speaker;
    clip->sex = clip->sex ? clip->sex : row->sex;
    clip->text = clip->text ? clip->text : row->text;
    return !row->part || strcmp(clip->part, row->part) == 0;
}

/* The votes for each label, of all rows of a clip. */
struct tally {
    struct strings labels;
    double *votes;
    size_t capacity;
};

static void add_vote(void *context, const char *label, double number)
{
    struct tally *tally = context;

    strings_add_new(&tally->labels, label);
    size_t k = (size_t)strings_index(&tally->labels, label), before = tally->capacity;
    tally->votes = mem_grow(tally->votes, &tally->capacity, tally->labels.count, sizeof *tally->votes);
    for (size_t i = before; i < tally->capacity; i++)
        tally->votes[i] = 0;
    tally->votes[k] += number;
}

/* The clip of `count` rows; what else they say of it is what the first one says. */
static struct clip join_rows(const struct row *first, size_t count, bool all_agree, struct arena *arena)
{
    struct tally tally = {0};
    struct clip clip = first->clip;
    bool one_part = true;

    for (size_t i = 0; i < count; i++) {
        const struct clip *row = &first[i].clip;
        one_part = take_facts(&clip, row) && one_part;
        if (row->votes)
            votes_visit(row->votes, add_vote, &tally);
        else if (row->label)
            add_vote(&tally, row->label, 1);
    }
    int chosen = votes_choose(tally.votes, tally.labels.count, all_agree);
    char *votes = votes_print((const char *const *)tally.labels.items, tally.votes, tally.labels.count);
    clip.label = chosen >= 0 ? arena_string(arena, tally.labels.items[chosen]) : NULL;
    clip.votes = arena_string(arena, votes);
    clip.defect = clip.label ? NULL : tally.labels.count ? VOTES_UNDECIDED : first->clip.defect;
    if (!one_part)
        clip.defect = "its rows name different parts";
    strings_free(&tally.labels);
    free(tally.votes);
    free(votes);
    return clip;
}

void votes_join_rows(struct clip_list *list, bool all_agree)
{
    struct row *rows = mem_zero(list->count, sizeof *rows);
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        rows[i] = (struct row){list->clips[i], i};
    if (list->count)
        qsort(rows, list->count, sizeof *rows, by_path_then_row);
    for (size_t first = 0, next; first < list->count; first = next) {
        for (next = first + 1;
             next < list->count && strcmp(rows[first].clip.path, rows[next].clip.path) == 0;)
            next++;
        list->clips[kept++] = join_rows(&rows[first], next - first, all_agree, &list->arena);
    }
    list->count = kept;
    free(rows);
}
