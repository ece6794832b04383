/* Files over HTTP by libcurl: see download.h. */
#include "hub/download.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { MOST_HOPS = 8, TRIES = 5, CONNECT_SECONDS = 30 };

/* A server is given up that sends fewer bytes a second than SLOWEST for so many seconds. */
enum { SLOWEST = 1000, STALLED_SECONDS = 30 };

/* Bytes of a file whose size the server does not say: those that matter are small. */
static const int64_t MOST_UNANNOUNCED = 64 << 20;

/* ---- addresses ---- */

/* One part of a URL; "" if it has none; caller frees by curl_free. */
static char *url_part(const char *url, CURLUPart part)
{
    CURLU *parsed = curl_url();
    char *value = NULL;

    if (!parsed || curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, part, &value, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) != CURLUE_OK)
        value = NULL;
    curl_url_cleanup(parsed);
    return value;
}

static bool same_part(const char *a, const char *b, CURLUPart part)
{
    char *x = url_part(a, part), *y = url_part(b, part);
    bool same = x && y && strcasecmp(x, y) == 0;

    curl_free(x);
    curl_free(y);
    return same;
}

/* Whether two URLs are of one server. */
static bool same_server(const char *a, const char *b)
{
    return same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
           same_part(a, b, CURLUPART_PORT);
}

static bool is_encrypted(const char *url)
{
    return strncasecmp(url, "https:", 6) == 0;
}

/* A URL as it may be shown: queries of redirections hold signatures. */
static char *shown(const char *url)
{
    return mem_format("%.*s", (int)strcspn(url, "?#"), url);
}

/* ---- one exchange ---- */

/* A request under way, and what its prediction came to. */
struct exchange {
    CURL *curl;
    struct remote remote;
    int64_t linked_size;
    bool linked_etag;

    /* where the body goes */
    FILE *file;
    int64_t offset, limit; /* of the file: what is there; what may be at most, -1 for any */
    struct text *text;
    bool too_long, failed;
    struct progress *progress;
};

static bool header_is(const char *line, size_t size, const char *name, char *value, size_t room)
{
    size_t length = strlen(name);

    if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
        return false;
    const char *from = line + length + 1, *end = line + size;
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    while (end > from && (unsigned char)end[-1] <= ' ')
        end--;
    snprintf(value, room, "%.*s", (int)(end - from), from);
    return true;
}

/* An ETag without what marks it as weak and its quotes. */
static void plain_etag(const char *value, char etag[160])
{
    const char *from = text_starts(value, "W/") ? value + 2 : value;

    snprintf(etag, 160, "%.*s", (int)strcspn(from + (*from == '"'), "\""), from + (*from == '"'));
}

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
    struct exchange *e = context;
    char value[512];
    long long number;

    if (size > 5 && strncmp(line, "HTTP/", 5) == 0) { /* another prediction begins */
        e->remote = (struct remote){.size = -1};
        e->linked_size = -1;
        e->linked_etag = false;
    }
    if (header_is(line, size, "x-linked-etag", value, sizeof value)) {
        plain_etag(value, e->remote.etag);
        e->linked_etag = true;
    } else if (header_is(line, size, "etag", value, sizeof value) && !e->linked_etag) {
        plain_etag(value, e->remote.etag);
    } else if (header_is(line, size, "x-repo-commit", value, sizeof value)) {
        snprintf(e->remote.commit, sizeof e->remote.commit, "%.63s", value);
    } else if (header_is(line, size, "x-linked-size", value, sizeof value) &&
               text_to_integer(value, &number)) {
        e->linked_size = number;
    } else if (header_is(line, size, "content-length", value, sizeof value) &&
               text_to_integer(value, &number)) {
        e->remote.size = number;
    }
    return one * size;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
    struct exchange *e = context;
    long status = 0;

    (void)one;
    curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) /* a redirection that says no address */
        return size;
    int64_t so_far = e->file ? e->offset : (int64_t)e->text->length;
    e->too_long = e->limit >= 0 && so_far + (int64_t)size > e->limit;
    if (e->too_long || e->failed)
        return 0;
    if (e->text)
        text_add_bytes(e->text, bytes, size);
    else if (fwrite(bytes, 1, size, e->file) != size)
        e->failed = true;
    e->offset += (int64_t)size;
    if (e->progress)
        progress_update(e->progress, (size_t)(e->offset >> 20), NULL);
    return e->failed ? 0 : size;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)context;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return interrupt_requested();
}

/* libcurl follows redirections, and keeps the token from servers other than the first. */
static bool exchange_start(struct exchange *e, const char *url, const struct access *access,
                           struct error *error)
{
    static bool ready;

    *e = (struct exchange){.limit = -1};
    if (!ready)
        ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    e->curl = ready ? curl_easy_init() : NULL;
    if (!e->curl)
        return error_set(error, "libcurl does not start");
    curl_easy_setopt(e->curl, CURLOPT_URL, url);
    curl_easy_setopt(e->curl, CURLOPT_USERAGENT, "emotrain/" EMOTRAIN_VERSION);
    curl_easy_setopt(e->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(e->curl, CURLOPT_MAXREDIRS, (long)MOST_HOPS);
    curl_easy_setopt(e->curl, CURLOPT_REDIR_PROTOCOLS_STR, is_encrypted(url) ? "https" : "http,https");
    curl_easy_setopt(e->curl, CURLOPT_FAILONERROR, 1L); /* what a refusal says is of no use */
    curl_easy_setopt(e->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(e->curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
    curl_easy_setopt(e->curl, CURLOPT_LOW_SPEED_TIME, (long)STALLED_SECONDS);
    curl_easy_setopt(e->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(e->curl, CURLOPT_HEADERDATA, e);
    curl_easy_setopt(e->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(e->curl, CURLOPT_WRITEDATA, e);
    curl_easy_setopt(e->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e->curl, CURLOPT_XFERINFOFUNCTION, watch);
    if (access && access->token && *access->token && access->endpoint && same_server(url, access->endpoint)) {
        curl_easy_setopt(e->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(e->curl, CURLOPT_XOAUTH2_BEARER, access->token);
    }
    return true;
}

static void exchange_end(struct exchange *e)
{
    curl_easy_cleanup(e->curl);
}

/* The address last asked, as it may be shown; caller frees. */
static char *asked(const struct exchange *e)
{
    char *url = NULL;

    curl_easy_getinfo(e->curl, CURLINFO_EFFECTIVE_URL, &url);
    return shown(url ? url : "");
}

/* Sends the request.  Returns libcurl's code, CURLE_OK for an answer of any status. */
static CURLcode exchange_run(struct exchange *e)
{
    CURLcode code = curl_easy_perform(e->curl);

    curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &e->remote.status);
    return code == CURLE_HTTP_RETURNED_ERROR ? CURLE_OK : code;
}

/* The same for a file of which a part is there; anew, where the server does not go on from it. */
static CURLcode exchange_resume(struct exchange *e)
{
    curl_easy_setopt(e->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)e->offset);
    CURLcode code = exchange_run(e);
    if (code != CURLE_RANGE_ERROR)
        return code;
    e->failed = ftruncate(fileno(e->file), 0) != 0 || fseeko(e->file, 0, SEEK_SET) != 0;
    e->offset = 0;
    curl_easy_setopt(e->curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)0);
    return e->failed ? code : exchange_run(e);
}

/* Why an exchange failed. */
static bool explain(const struct exchange *e, CURLcode code, struct error *error)
{
    char *at = asked(e);

    if (code == CURLE_ABORTED_BY_CALLBACK)
        error_interrupted(
            error, "interrupted while fetching %s; what is there is kept, the command goes on with it", at);
    else if (code == CURLE_TOO_MANY_REDIRECTS)
        error_set(error, "%s: the server points on and on", at);
    else if (code == CURLE_UNSUPPORTED_PROTOCOL)
        error_set(
            error,
            "%s: the server points to this address; only http and https are followed, from https only https",
            at);
    else
        error_set(error, "%s: %s", at, curl_easy_strerror(code));
    free(at);
    return false;
}

/* ---- headers and small bodies ---- */

/* Not by libcurl's FOLLOWLOCATION: what the hub says of a file stands in the answer that points to another
 * server, which need not answer HEAD; only redirections within the hub are followed, as of a repository that
 * was renamed. */
static CURLcode look_within(struct exchange *e, const char *url)
{
    char *at = mem_string(url), *next = NULL;
    CURLcode code = exchange_run(e);

    for (int hop = 0; code == CURLE_OK; hop++) {
        curl_easy_getinfo(e->curl, CURLINFO_REDIRECT_URL, &next);
        if (!next || !same_server(at, next))
            break;
        free(at);
        at = mem_string(next);
        curl_easy_setopt(e->curl, CURLOPT_URL, at);
        code = hop < MOST_HOPS ? exchange_run(e) : CURLE_TOO_MANY_REDIRECTS;
    }
    free(at);
    return code;
}

bool remote_look(const char *url, const struct access *access, struct remote *remote, struct error *error)
{
    struct exchange e;

    if (!exchange_start(&e, url, access, error)) {
        exchange_end(&e);
        return false;
    }
    curl_easy_setopt(e.curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(e.curl, CURLOPT_FOLLOWLOCATION, 0L);
    CURLcode code = look_within(&e, url);
    if (code != CURLE_OK)
        explain(&e, code, error);
    *remote = e.remote;
    if (e.linked_size >= 0)
        remote->size = e.linked_size;
    else if (e.remote.status >= 300)
        remote->size = -1; /* that was the redirection's own length */
    exchange_end(&e);
    return !error->kind;
}

char *remote_text(const char *url, const struct access *access, size_t most, size_t *size,
                  struct error *error)
{
    struct exchange e;
    struct text text = {0};

    text_add_bytes(&text, "", 0);
    if (exchange_start(&e, url, access, error)) {
        e.text = &text;
        e.limit = (int64_t)most;
        CURLcode code = exchange_run(&e);
        if (code != CURLE_OK)
            explain(&e, code, error);
        else if (e.remote.status < 200 || e.remote.status > 299)
            error_set(error, "%s: the server answers %ld", url, e.remote.status);
    }
    exchange_end(&e);
    *size = text.length;
    if (!error->kind)
        return text.text;
    text_free(&text);
    return NULL;
}

/* ---- files ---- */

/* Opens PATH.incomplete for this process alone. */
static FILE *open_incomplete(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        log_info("another process is writing %s; waiting for it", path);
        flock(descriptor, LOCK_EX);
        if (!path_exists(path)) { /* it has made a file of this one, or dropped it */
            close(descriptor);
            return open_incomplete(path, error);
        }
    }
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "r+") : NULL;
    if (!file) {
        error_set(error, "%s: cannot write: %s", path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
    }
    return file;
}

static int64_t file_length(FILE *file)
{
    struct stat facts;

    return fflush(file) == 0 && fstat(fileno(file), &facts) == 0 ? facts.st_size : 0;
}

/* One try: goes on from what is there.  Returns whether another try could help; sets `error` where none
 * would. */
static bool fetch_once(const char *url, const struct access *access, FILE *file,
                       const struct expected *expected, struct progress *progress, struct error *failure,
                       struct error *error)
{
    struct exchange e;

    if (!exchange_start(&e, url, access, error)) {
        exchange_end(&e);
        return false;
    }
    e.file = file;
    e.offset = file_length(file);
    e.limit = expected->size >= 0 ? expected->size : MOST_UNANNOUNCED;
    e.progress = progress;
    fseeko(file, (off_t)e.offset, SEEK_SET);
    CURLcode code = exchange_resume(&e);
    char *at = asked(&e);
    bool again = false;
    if (fflush(file) != 0)
        e.failed = true;
    if (e.failed)
        error_set(error, "%s: cannot be kept: %s", at, strerror(errno));
    else if (e.too_long && ftruncate(fileno(file), 0) == 0)
        error_set(error, "%s: longer than the %lld bytes that %s", at, (long long)e.limit,
                  expected->size >= 0 ? "were announced"
                                      : "a file may have whose size the server does not say");
    else if (code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_TOO_MANY_REDIRECTS ||
             code == CURLE_UNSUPPORTED_PROTOCOL)
        explain(&e, code, error);
    else if (e.remote.status == 416) /* it cannot go on from there: from the beginning */
        again = ftruncate(fileno(file), 0) == 0;
    else if (code == CURLE_OK && e.remote.status >= 200 && e.remote.status <= 299)
        again = expected->size >= 0 && file_length(file) < expected->size;
    else if (code == CURLE_OK && e.remote.status < 500 && e.remote.status != 408 && e.remote.status != 429)
        error_set(error, "%s: the server answers %ld", at, e.remote.status);
    else
        again = true;
    *failure = (struct error){0};
    if (again && code == CURLE_OPERATION_TIMEDOUT && e.remote.status >= 200 && e.remote.status <= 299)
        error_set(failure, "%s: less than %d bytes a second come", at, SLOWEST);
    else if (again && code != CURLE_OK)
        error_set(failure, "%s: %s", at, curl_easy_strerror(code));
    else if (again)
        error_set(failure, "%s: the server answers %ld, and %lld bytes of %lld", at, e.remote.status,
                  (long long)file_length(file), (long long)expected->size);
    free(at);
    exchange_end(&e);
    return again;
}

/* Tries until all is there; a try that brought something is not counted, unless it was too slow. */
static bool fetch_all(const char *url, const struct access *access, FILE *file,
                      const struct expected *expected, struct progress *progress, struct error *error)
{
    int64_t most = file_length(file);
    struct error failure = {0};
    double began = clock_seconds();

    for (int tries = 1; fetch_once(url, access, file, expected, progress, &failure, error); tries++) {
        const int64_t there = file_length(file);
        if (there > most && (double)(there - most) > SLOWEST * (clock_seconds() - began))
            tries = 0;
        most = there > most ? there : most;
        if (tries == TRIES)
            return error_set(error, "%s (tried %d times; what is there is kept)", failure.message, TRIES);
        const struct timespec pause = {tries / 2, tries % 2 * 500000000L};
        nanosleep(&pause, NULL);
        if (interrupt_requested())
            return error_interrupted(error,
                                     "interrupted; what was fetched is kept, the command goes on with it");
        began = clock_seconds();
    }
    return !error->kind;
}

static bool check_download(const char *incomplete, const struct expected *expected, struct error *error)
{
    char found[DIGEST_HEX_SIZE];
    struct stat facts;

    if (stat(incomplete, &facts) != 0)
        return error_set(error, "%s: %s", incomplete, strerror(errno));
    if (expected->size >= 0 && facts.st_size != expected->size)
        return error_set(error, "%s: is %lld bytes, not the %lld that were announced", expected->title,
                         (long long)facts.st_size, (long long)expected->size);
    if (!expected->digest)
        return true;
    return digest_file_as(expected->kind, incomplete, found, error) &&
           (strcmp(found, expected->digest) == 0 ||
            error_set(error, "%s: its checksum is %s, not %s as the server says: not kept", expected->title,
                      found, expected->digest));
}

/* Whether the disk has room for what is still to come. */
static bool has_room(const char *folder, const struct expected *expected, FILE *file, struct error *error)
{
    struct statvfs disk;

    if (expected->size < 0 || statvfs(folder, &disk) != 0)
        return true;
    double missing = (double)(expected->size - file_length(file)),
           room = (double)disk.f_bavail * (double)disk.f_frsize;
    return missing <= room || error_set(error, "%s: %.0f MB are to come, and %s has room for %.0f MB",
                                        expected->title, missing / 1e6, folder, room / 1e6);
}

bool download(const char *url, const struct access *access, const char *path, const struct expected *expected,
              struct error *error)
{
    char *incomplete = mem_format("%s.incomplete", path), *folder = path_folder(path);
    struct progress progress;
    FILE *file = folder_make(folder, error) ? open_incomplete(incomplete, error) : NULL;
    bool there = file && path_exists(path); /* another process has fetched it meanwhile */

    if (file && !there) {
        size_t total = expected->size > 0 ? (size_t)(expected->size >> 20) : 0;
        progress_start(&progress, expected->title, "MiB", (size_t)(file_length(file) >> 20), total);
        bool whole = expected->size >= 0 && file_length(file) == expected->size;
        bool done = has_room(folder, expected, file, error) &&
                    (whole || fetch_all(url, access, file, expected, &progress, error));
        progress_end(&progress);
        if (done && !check_download(incomplete, expected, error))
            unlink(incomplete); /* wrong bytes are of no use to another try */
        else if (done && (fsync(fileno(file)) != 0 || rename(incomplete, path) != 0))
            error_set(error, "%s: cannot write: %s", path, strerror(errno));
    }
    if (there)
        check_download(path, expected, error);
    if (file && (there || (error->kind && file_length(file) == 0))) /* nothing in it to go on with */
        unlink(incomplete);
    if (file)
        fclose(file);
    free(incomplete);
    free(folder);
    return !error->kind;
}
