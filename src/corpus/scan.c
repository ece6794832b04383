/* The scan: corpus folder against catalogue, changed files decoded in threads, the broken ones recorded. */
#include "corpus/scan.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "base/text.h"
#include "corpus/clip_words.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int clips_by_path(const void *a, const void *b)
{
    return strcmp(((const struct clip *)a)->path, ((const struct clip *)b)->path);
}

static void set_file_facts(struct clip *clip, const struct stat *facts)
{
    clip->file_size = facts->st_size;
    clip->file_mtime = (int64_t)facts->st_mtim.tv_sec * 1000000000 + facts->st_mtim.tv_nsec;
}

static void found_file(struct scan *scan, const char *relative, const struct stat *facts)
{
    char *name = path_stem(scan->format->names_identify ? path_base(relative) : relative);
    struct clip clip = {.path = relative, .name = name};

    if (facts)
        set_file_facts(&clip, facts);
    clip_list_add(&scan->found, &clip);
    free(name);
}

/* A path is one clip's alone.  Orders the clips by path. */
static bool check_unique(struct clip_list *found, const char *root, bool is_list, struct error *error)
{
    if (found->count)
        qsort(found->clips, found->count, sizeof *found->clips, clips_by_path);
    for (size_t i = 1; i < found->count; i++)
        if (clips_by_path(&found->clips[i - 1], &found->clips[i]) == 0)
            return error_usage(error, "%s: %s is listed twice%s", root, found->clips[i].path,
                               is_list ? " (corpus.votes joins annotators' rows)" : "");
    return true;
}

/* A format that lists its clips itself: what remains is to look at their files. */
static bool list_clips(struct scan *scan, const struct corpora_settings *corpora,
                       const struct corpus_settings *corpus, struct error *error)
{
    if (!scan->format->list(corpora, corpus, &scan->found, error))
        return false;
    if (!check_unique(&scan->found, corpus->root, scan->format == &CORPUS_LIST, error))
        return false;
    for (size_t i = 0; i < scan->found.count; i++) {
        struct stat facts;
        double start, end;
        clip_words_mend(&scan->found.clips[i], &scan->found.arena);
        char *file = audio_file_of(scan->found.clips[i].path, &start, &end),
             *path = path_join(scan->root, file);
        if (stat(path, &facts) == 0)
            set_file_facts(&scan->found.clips[i], &facts);
        free(path);
        free(file);
    }
    return true;
}

static void count_ending(struct scan *scan, const char *name)
{
    const char *dot = strrchr(name, '.');

    if (name[0] == '.' || !dot || scan->endings.count > 100)
        return;
    int known = strings_index(&scan->endings, dot);
    if (known < 0) {
        known = (int)scan->endings.count;
        strings_add(&scan->endings, dot);
        scan->ending_counts = mem_grow(scan->ending_counts, &scan->ending_capacity, scan->endings.count,
                                       sizeof *scan->ending_counts);
        scan->ending_counts[known] = 0;
    }
    scan->ending_counts[known]++;
}

static bool found_in_folder(void *context, const char *relative, const struct stat *facts,
                            struct error *error)
{
    struct scan *scan = context;

    (void)error;
    if (path_is_hidden(relative)) /* of version control, notebooks, file managers */
        return true;
    if (scan->format->accepts(path_base(relative)))
        found_file(scan, relative, facts);
    else
        count_ending(scan, path_base(relative));
    return true;
}

/* Whether a list says the same of a clip as before. */
static bool same_words(const struct clip *a, const struct clip *b)
{
    return text_equal(a->label, b->label) && text_equal(a->speaker, b->speaker) &&
           text_equal(a->sex, b->sex) && text_equal(a->text, b->text) && text_equal(a->part, b->part) &&
           text_equal(a->votes, b->votes);
}

/* Whether what a list, or the clip's name, says of it is what the catalogue has: what is made of names may
 * have changed. */
static bool is_said_again(struct scan *scan, const struct clip *found, const struct clip *known)
{
    struct clip again = *known;
    struct error unnamed = {0};

    if (!scan->format->describe)
        return !scan->format->list || same_words(found, known);
    again.label = again.speaker = again.sex = again.part = NULL;
    scan->format->describe(scan->format, &again, &scan->found.arena, &unnamed);
    clip_words_mend(&again, &scan->found.arena);
    return same_words(&again, known);
}

/* Matches what was found with what is known: same path, size and time means unchanged. */
static void match_known(struct scan *scan)
{
    struct clip *found = scan->found.clips, *known = scan->known.clips;
    size_t i = 0, k = 0;

    if (scan->found.count)
        qsort(found, scan->found.count, sizeof *found, clips_by_path);
    if (scan->known.count)
        qsort(known, scan->known.count, sizeof *known, clips_by_path);
    scan->unchanged = mem_zero(scan->found.count, sizeof *scan->unchanged);
    scan->todo = mem_zero(scan->found.count, sizeof *scan->todo);
    scan->stored_names = mem_zero(scan->found.count, sizeof *scan->stored_names);
    scan->gone = mem_zero(scan->known.count, sizeof *scan->gone);
    while (i < scan->found.count || k < scan->known.count) {
        int order = i == scan->found.count   ? 1
                    : k == scan->known.count ? -1
                                             : clips_by_path(&found[i], &known[k]);
        if (order > 0) {
            scan->gone[scan->gone_count++] = known[k++].id;
            continue;
        }
        bool same = order == 0 && found[i].file_size == known[k].file_size &&
                    found[i].file_mtime == known[k].file_mtime &&
                    (known[k].sha256 || !scan->cache) && /* what could not be read, or was not, is tried */
                    is_said_again(scan, &found[i], &known[k]);
        if (order == 0)
            scan->stored_names[i] = known[k].name;
        if (same) {
            const char *name = found[i].name;
            found[i] = known[k];
            found[i].name = name; /* as the path has it: compare_clips gives another one where it must */
        } else if (order == 0) {
            found[i].id = known[k].id;
        }
        scan->unchanged[i] = same;
        if (!same)
            scan->todo[scan->todo_count++] = i;
        k += order == 0;
        i++;
    }
}

/* The hash of a clip's file, or of its stretch of it. */
static bool hash_clip(struct scan *scan, const char *path, char hash[SHA256_HEX_SIZE], struct error *error)
{
    char of_file[SHA256_HEX_SIZE];
    double start, end;
    char *file = audio_file_of(path, &start, &end);

    pthread_mutex_lock(&scan->mutex);
    bool known = text_equal(scan->hashed.file, file);
    if (known)
        memcpy(of_file, scan->hashed.hash, sizeof of_file);
    pthread_mutex_unlock(&scan->mutex);
    bool done = known || digest_file(file, of_file, error);
    pthread_mutex_lock(&scan->mutex);
    if (done && !text_equal(scan->hashed.file, file)) {
        free(scan->hashed.file);
        scan->hashed.file = mem_string(file);
        memcpy(scan->hashed.hash, of_file, sizeof of_file);
    }
    pthread_mutex_unlock(&scan->mutex);
    free(file);
    return done && audio_digest(path, of_file, hash, error);
}

/* Whether the path may be opened as a recording: opening a pipe would wait for ever. */
static bool check_file(const char *path, struct error *reason)
{
    static const char lfs[] = "version https://git-lfs.github.com/";
    double start, end;
    struct stat facts;
    struct error unread = {0};
    char *file = audio_file_of(path, &start, &end);
    bool there = stat(file, &facts) == 0;
    const int why = errno;

    if (!there && lstat(file, &facts) == 0)
        error_set(reason, "a link to a file that is not there");
    else if (!there)
        error_set(reason, "unreadable: %s", strerror(why));
    else if (there && !S_ISREG(facts.st_mode))
        error_set(reason, "not a file but a folder, pipe, device or socket");
    else if (there && facts.st_size > 0 && facts.st_size < 1024) {
        char *text = file_read(file, NULL, &unread);
        if (text && text_starts(text, lfs))
            error_set(reason, "a Git LFS pointer in place of the recording: \"git lfs pull\" fetches it");
        free(text);
    }
    free(file);
    return !reason->kind;
}

static void take_sound(struct scan *scan, struct clip *clip, const struct sound *sound)
{
    char fingerprint[FINGERPRINT_TEXT_SIZE];

    clip->level = (double)sound->level;
    clip->peak = (double)sound->peak;
    clip->clipped = (double)sound->clipped;
    clip->silence = (double)sound->silence;
    clip->snr = (double)sound->snr;
    clip->fingerprint = NULL;
    if (sound->fingerprint.seconds > 0) {
        fingerprint_write(&sound->fingerprint, fingerprint);
        pthread_mutex_lock(&scan->mutex);
        clip->fingerprint = arena_string(&scan->found.arena, fingerprint);
        pthread_mutex_unlock(&scan->mutex);
    }
}

/* Opens one changed file: hash, facts, cached signal; or the reason why it is unusable; or an error that
 * ends the scan. */
static void open_clip(struct scan *scan, struct clip *clip, bool *opened, bool *one_channel,
                      struct error *reason, struct error *error)
{
    struct error unread = {0};
    struct audio_facts facts = {0};
    char hash[SHA256_HEX_SIZE];
    char *path = path_join(scan->root, clip->path);

    if (!check_file(path, reason)) {
        free(path);
        return;
    }
    *opened = true;
    if (hash_clip(scan, path, hash, &unread)) {
        pthread_mutex_lock(&scan->mutex);
        clip->sha256 = arena_string(&scan->found.arena, hash);
        pthread_mutex_unlock(&scan->mutex);
        audio_cache_make(scan->cache, path, hash, &facts, reason, error);
        if (text_starts(reason->message,
                        "unreadable")) /* a disk's fault, not the clip's: it is tried again */
            clip->sha256 = NULL;
    } else {
        const char *why = strrchr(unread.message, ':'); /* "PATH: why" */
        error_set(reason, "unreadable%s", why ? why : "");
    }
    clip->rate = facts.rate;
    clip->channels = facts.channels;
    clip->frames = facts.frames;
    clip->duration = facts.duration;
    take_sound(scan, clip, &facts.sound);
    *one_channel = facts.one_channel;
    free(path);
}

static bool scan_one(void *context, size_t item)
{
    struct scan *scan = context;
    struct clip *clip = &scan->found.clips[scan->todo[item]];
    struct error reason = {0}, naming = {0}, error = {0};
    bool opened = false, one_channel = false;

    if (scan->cache && !clip->defect) /* a list may have one: of what has no label nothing is needed */
        open_clip(scan, clip, &opened, &one_channel, &reason, &error);
    pthread_mutex_lock(&scan->mutex);
    scan->opened += opened;
    scan->one_channel += one_channel;
    if (error.kind)
        error_set(&scan->failure, "%s", error.message);
    if (scan->format->describe && !scan->format->describe(scan->format, clip, &scan->found.arena, &naming) &&
        !reason.kind)
        reason = naming;
    clip_words_mend(clip, &scan->found.arena);
    if (reason.kind)
        clip->defect = arena_string(&scan->found.arena, reason.message);
    if (interrupt_requested())
        error_interrupted(&scan->failure, "interrupted while indexing; what was cached stays cached");
    progress_update(&scan->progress, ++scan->done, NULL);
    bool go_on = !scan->failure.kind;
    pthread_mutex_unlock(&scan->mutex);
    return go_on;
}

static void summarize(const struct scan *scan, struct corpus_scan *result)
{
    result->files = scan->found.count;
    result->decoded = scan->opened;
    result->gone = scan->gone_count;
    for (size_t i = 0; i < scan->found.count; i++) {
        const struct clip *clip = &scan->found.clips[i];
        if (clip->defect) {
            result->broken++;
        } else if (clip->duplicate_of) {
            result->copies++;
        } else {
            result->clips++;
            result->seconds_of_audio += clip->duration;
            result->multichannel += clip->channels > 1;
            result->unopened += !clip->sha256;
        }
    }
}

static bool store_scan(struct scan *scan, struct catalogue *catalogue, int64_t corpus, struct error *error)
{
    struct clip_list changed = {0};

    for (size_t i = 0; i < scan->found.count; i++)
        if (!scan->unchanged[i])
            clip_list_add(&changed, &scan->found.clips[i]);
    bool done = clips_write(catalogue, corpus, &changed, scan->gone, scan->gone_count, error);
    clip_list_free(&changed);
    return done;
}

static bool open_todo(struct scan *scan, int threads, struct error *error)
{
    threads = scan->cache ? threads : 1;

    progress_start(&scan->progress, "index", "clip", 0, scan->todo_count);
    parallel_for(scan->todo_count, threads, scan_one, scan);
    progress_end(&scan->progress);
    if (scan->failure.kind)
        *error = scan->failure;
    return !scan->failure.kind;
}

bool corpus_index(const struct corpora_settings *corpora, const struct corpus_settings *corpus, int threads,
                  struct catalogue *catalogue, struct audio_cache *cache, struct corpus_scan *result,
                  struct error *error)
{
    struct scan scan = {.cache = cache, .mutex = PTHREAD_MUTEX_INITIALIZER};
    char *root = corpus_root(corpus, error), *key = corpus_key(corpus, corpora);

    *result = (struct corpus_scan){0};
    scan.format = corpus_format_find(corpus->kind, error);
    scan.root = root;
    bool done = root && scan.format && catalogue_corpus_id(catalogue, key, root, &result->corpus, error) &&
                clips_read(catalogue, result->corpus, CLIPS_ALL, &scan.known, error) &&
                (scan.format->list ? list_clips(&scan, corpora, corpus, error)
                                   : folder_walk(root, found_in_folder, &scan, error));
    if (done) {
        match_known(&scan);
        done = (!cache || scan.todo_count == 0 || audio_cache_clean_up(cache, error)) &&
               open_todo(&scan, threads, error);
    }
    if (done) {
        compare_clips(&scan);
        done = store_scan(&scan, catalogue, result->corpus, error);
    }
    if (done) {
        summarize(&scan, result);
        report_scan(&scan);
        if (result->files == 0)
            log_warn("%s: no file that corpus.kind=%s takes for a clip", root, scan.format->name);
        if (result->broken && corpora->strict)
            done = error_set(error, "%s: %zu broken files, and corpus.strict=yes", root, result->broken);
    }
    strings_free(&scan.endings);
    free(scan.ending_counts);
    free(scan.hashed.file);
    free(scan.unchanged);
    free(scan.stored_names);
    free(scan.todo);
    free(scan.gone);
    clip_list_free(&scan.known);
    clip_list_free(&scan.found);
    free(root);
    free(key);
    return done;
}
