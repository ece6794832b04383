/* Models of the hub and its cache: see hub.h. */
#include "hub/hub.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"
#include "hub/download.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char ENDPOINT[] = "https://huggingface.co";
/* Weights of a model, the first that there are: as one file, or as shards that an index names. */
static const struct {
    const char *whole, *index;
} WEIGHTS[] = {{"model.safetensors", "model.safetensors.index.json"},
               {"pytorch_model.bin", "pytorch_model.bin.index.json"},
               {"wav2vec2.ckpt", NULL}};

/* Beside wav2vec2.ckpt in SpeechBrain's layout. */
static const char *const SPEECHBRAIN[] = {"model.ckpt", "hyperparams.yaml", "label_encoder.txt"};

enum { WEIGHTS_COUNT = sizeof WEIGHTS / sizeof WEIGHTS[0] };
enum { COMMIT_LENGTH = 40, SHA256_LENGTH = 64 };

/* A model of the hub, and where the cache has it. */
struct repository {
    char *name;   /* OWNER/NAME */
    char *inside; /* "SUBFOLDER/", where the model is in one of the repository's; else empty */
    const char *revision;
    char *folder;   /* models--OWNER--NAME */
    char *commit;   /* NULL: not known yet */
    char *snapshot; /* of that commit; NULL likewise */
    const char *endpoint;
    char *token;
};

/* ---- names ---- */

static bool is_hexadecimal(const char *text, size_t length)
{
    return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

/* Letters, digits and "._-", no leading dot: safe as a file's name, too. */
static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return false;
    return length > 0 && length < 128 && text[0] != '.';
}

/* Plain names with slashes between them: a revision, or a model with its subfolder. */
static bool is_plain_path(const char *text)
{
    size_t length = strcspn(text, "/");

    return is_plain(text, length) && (text[length] == '\0' || is_plain_path(text + length + 1));
}

bool hub_is_name(const char *text)
{
    const char *slash = strchr(text, '/');
    char *owner = slash ? mem_format("%.*s", (int)(slash - text), text) : NULL;
    bool is = slash && is_plain_path(text) && !path_exists(text) && !path_exists(owner);

    free(owner);
    return is;
}

/* ---- the cache ---- */

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* HF_HOME, or where it is by default; caller frees. */
static char *hub_home(void)
{
    const char *home = set_variable("HF_HOME"), *cache = set_variable("XDG_CACHE_HOME"),
               *user = getenv("HOME");

    if (home)
        return mem_string(home);
    return cache ? path_join(cache, "huggingface") : path_join(user ? user : "/", ".cache/huggingface");
}

static char *cache_folder(void)
{
    const char *cache = set_variable("HF_HUB_CACHE");

    cache = cache ? cache : set_variable("HUGGINGFACE_HUB_CACHE");
    char *home = hub_home(), *folder = cache ? mem_string(cache) : path_join(home, "hub");
    free(home);
    return folder;
}

/* The first line of a file; NULL where there is none; caller frees. */
static char *first_line(const char *path)
{
    struct error ignored = {0};
    char *text = path_exists(path) ? file_read(path, NULL, &ignored) : NULL;

    if (text)
        text[strcspn(text, "\r\n")] = '\0';
    return text;
}

static char *find_token(void)
{
    const char *token = set_variable("HF_TOKEN"), *file = set_variable("HF_TOKEN_PATH");

    if (token)
        return mem_format("%.*s", (int)strcspn(token, " \r\n"), token);
    char *home = hub_home(), *path = file ? mem_string(file) : path_join(home, "token");
    char *line = first_line(path);
    free(home);
    free(path);
    return line;
}

static bool is_offline(void)
{
    const char *offline = set_variable("HF_HUB_OFFLINE");

    return offline && strchr("1TtYyOo", offline[0]) && strcasecmp(offline, "off") != 0;
}

static void set_commit(struct repository *r, const char *commit)
{
    char *relative = mem_format("snapshots/%s", commit);

    free(r->commit);
    free(r->snapshot);
    r->commit = mem_string(commit);
    r->snapshot = path_join(r->folder, relative);
    free(relative);
}

static char *reference_path(const struct repository *r)
{
    return mem_format("%s/refs/%s", r->folder, r->revision);
}

static bool repository_open(struct repository *r, const char *name, const char *revision, struct error *error)
{
    const char *slash = strchr(name, '/'), *endpoint = set_variable("HF_ENDPOINT");
    int owner = (int)(slash - name), own = (int)strcspn(slash + 1, "/");
    const char *inside = slash + 1 + own;
    char *cache = cache_folder(), *folder = mem_format("models--%.*s--%.*s", owner, name, own, slash + 1);

    *r = (struct repository){.name = mem_format("%.*s", owner + 1 + own, name),
                             .inside = *inside ? mem_format("%s/", inside + 1) : mem_string(""),
                             .revision = revision,
                             .folder = path_join(cache, folder),
                             .endpoint = endpoint ? endpoint : ENDPOINT,
                             .token = find_token()};
    free(cache);
    free(folder);
    if (!is_plain_path(revision))
        return error_usage(error, "%s: a revision is a branch, tag or commit, not \"%s\"", name, revision);
    char *path = reference_path(r),
         *commit = is_hexadecimal(revision, COMMIT_LENGTH) ? mem_string(revision) : first_line(path);
    if (commit && is_hexadecimal(commit, COMMIT_LENGTH))
        set_commit(r, commit);
    free(path);
    free(commit);
    return true;
}

static void repository_close(struct repository *r)
{
    free(r->name);
    free(r->inside);
    free(r->folder);
    free(r->commit);
    free(r->snapshot);
    free(r->token);
}

/* Where the snapshot has a file of the model; caller frees. */
static char *file_path(const struct repository *r, const char *name)
{
    return mem_format("%s/%s%s", r->snapshot, r->inside, name);
}

static bool has_file(const struct repository *r, const char *name)
{
    char *path = file_path(r, name);
    bool there = path_exists(path);

    free(path);
    return there;
}

/* The shards that an index names, each a plain name; an error where one is none. */
static bool list_shards(const struct repository *r, const char *index, struct strings *names,
                        struct error *error)
{
    char *path = file_path(r, index);
    cJSON *json = json_read(path, error);
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(json, "weight_map"), *item = NULL;

    cJSON_ArrayForEach(item, map)
    {
        if (!cJSON_IsString(item) || !is_plain(item->valuestring, strlen(item->valuestring)))
            error_set(error, "%s: \"%s\" is not in a file beside it", path, item->string);
        else
            strings_add_new(names, item->valuestring);
    }
    if (json && names->count == 0)
        error_set(error, "%s: names no files", path);
    cJSON_Delete(json);
    free(path);
    return !error->kind;
}

static bool has_shards(const struct repository *r, const char *index)
{
    struct strings shards = {0};
    struct error ignored = {0};
    bool complete = has_file(r, index) && list_shards(r, index, &shards, &ignored);

    for (size_t i = 0; i < shards.count; i++)
        complete = complete && has_file(r, shards.items[i]);
    strings_free(&shards);
    return complete;
}

/* Whether the cache has all that a model needs. */
static bool has_speechbrain(const struct repository *r)
{
    bool has = true;

    for (int i = 0; i < 3; i++)
        has = has && has_file(r, SPEECHBRAIN[i]);
    return has;
}

static bool is_complete(const struct repository *r)
{
    bool complete = false;

    if (!r->snapshot)
        return false;
    if (!has_file(r, "config.json"))
        return has_file(r, "config.yaml") && has_file(r, "model.pt");
    for (int i = 0; i < WEIGHTS_COUNT && !complete; i++)
        complete = WEIGHTS[i].index ? has_file(r, WEIGHTS[i].whole) || has_shards(r, WEIGHTS[i].index)
                                    : has_file(r, WEIGHTS[i].whole) && has_speechbrain(r);
    return complete;
}

/* ---- fetching ---- */

static bool refused(const struct repository *r, const char *file, long status, struct error *error)
{
    if (status == 401 || status == 403)
        return error_set(
            error,
            "%s at %s needs a token that may read it (the server answers %ld): set HF_TOKEN, and accept the "
            "model's terms on its page",
            r->name, r->endpoint, status);
    if (status == 404)
        return error_set(error, "%s at %s: no %s at revision \"%s\"", r->name, r->endpoint, file,
                         r->revision);
    return error_set(error, "%s at %s: the server answers %ld for %s", r->name, r->endpoint, status, file);
}

/* Takes note of the commit that the server speaks of; all files are to be of one. */
static bool take_commit(struct repository *r, const char *commit, struct error *error)
{
    if (!is_hexadecimal(commit, COMMIT_LENGTH))
        return error_set(error, "%s at %s: the server does not say which commit this is: is it a hub?",
                         r->name, r->endpoint);
    set_commit(r, commit);
    return true;
}

/* Puts a file into the snapshot: a link to its blob, which is named after its digest. */
static bool keep_file(const struct repository *r, const char *url, const char *file,
                      const struct remote *remote, const struct access *access, struct error *error)
{
    size_t length = strlen(remote->etag);
    bool sha256 = is_hexadecimal(remote->etag, SHA256_LENGTH),
         git = is_hexadecimal(remote->etag, COMMIT_LENGTH);
    const struct expected expected = {file, remote->size, sha256 ? DIGEST_SHA256 : DIGEST_GIT,
                                      sha256 || git ? remote->etag : NULL};

    if (!is_plain(remote->etag, length))
        return error_set(error, "%s at %s: %s has no usable ETag", r->name, r->endpoint, file);
    struct text target = {0};
    char *blob = mem_format("%s/blobs/%s", r->folder, remote->etag), *link = file_path(r, file),
         *folder = path_folder(link);

    for (const char *c = r->inside; *c; c++)
        if (*c == '/')
            text_add(&target, "../");
    text_add(&target, "../../blobs/%s", remote->etag);
    bool done = (path_exists(blob) || download(url, access, blob, &expected, error)) &&
                folder_make(folder, error) && link_replace(target.text, link, error);
    free(blob);
    text_free(&target);
    free(link);
    free(folder);
    return done;
}

/* A revision as one part of a URL's path: "refs/pr/1" has slashes; caller frees. */
static char *quote(const char *revision)
{
    struct text text = {0};

    for (; *revision; revision++) {
        if (*revision == '/')
            text_add(&text, "%%2F");
        else
            text_add_bytes(&text, revision, 1);
    }
    return text.text;
}

/* Fetches one file; *there: whether the hub has it, or NULL where it must. */
static bool fetch_file(struct repository *r, const char *file, bool *there, struct error *error)
{
    const struct access access = {r->endpoint, r->token};
    char *revision = quote(r->commit ? r->commit : r->revision);
    char *url = mem_format("%s/%s/resolve/%s/%s%s", r->endpoint, r->name, revision, r->inside, file);
    struct remote remote;
    bool done = remote_look(url, &access, &remote, error);

    if (there)
        *there = done && remote.status != 404;
    if (done && (!there || *there)) {
        done = remote.status >= 200 && remote.status < 400 ? r->commit || take_commit(r, remote.commit, error)
                                                           : refused(r, file, remote.status, error);
        done = done && keep_file(r, url, file, &remote, &access, error);
    }
    free(revision);
    free(url);
    return done;
}

static bool fetch_shards(struct repository *r, const char *index, struct error *error)
{
    struct strings shards = {0};
    bool done = list_shards(r, index, &shards, error);

    for (size_t i = 0; done && i < shards.count; i++)
        done = fetch_file(r, shards.items[i], NULL, error);
    strings_free(&shards);
    return done;
}

static bool fetch_speechbrain(struct repository *r, struct error *error)
{
    bool done = true;

    for (int i = 0; done && i < 3; i++)
        done = fetch_file(r, SPEECHBRAIN[i], NULL, error);
    return done;
}

static bool fetch_weights(struct repository *r, struct error *error)
{
    bool there = false;

    for (int i = 0; i < WEIGHTS_COUNT; i++) {
        if (!fetch_file(r, WEIGHTS[i].whole, &there, error))
            return false;
        if (there)
            return WEIGHTS[i].index || fetch_speechbrain(r, error);
        if (!WEIGHTS[i].index)
            break;
        if (!fetch_file(r, WEIGHTS[i].index, &there, error))
            return false;
        if (there)
            return fetch_shards(r, WEIGHTS[i].index, error);
    }
    return error_set(
        error, "%s at %s: no model.safetensors or pytorch_model.bin at revision \"%s\", nor shards of one",
        r->name, r->endpoint, r->revision);
}

/* What a model directory has: config.json and weights, or in FunASR's layout config.yaml, model.pt,
 * tokens.txt. */
static bool fetch_files(struct repository *r, struct error *error)
{
    bool there = false, optional;

    if (!fetch_file(r, "config.json", &there, error))
        return false;
    if (there)
        return fetch_file(r, "preprocessor_config.json", &optional, error) &&
               fetch_file(r, "training_clips.txt", &optional, error) && fetch_weights(r, error);
    if (!fetch_file(r, "config.yaml", &there, error))
        return false;
    if (!there)
        return refused(r, "config.json", 404, error);
    return fetch_file(r, "tokens.txt", &optional, error) && fetch_file(r, "model.pt", NULL, error);
}

static bool fetch(struct repository *r, struct error *error)
{
    char *path = reference_path(r), *folder = path_folder(path);

    free(r->commit);
    r->commit = is_hexadecimal(r->revision, COMMIT_LENGTH) ? mem_string(r->revision) : NULL;
    log_info("%s: fetching revision %s from %s into %s", r->name, r->revision, r->endpoint, r->folder);
    bool done = fetch_files(r, error);
    if (done && r->commit &&
        strcmp(r->revision, r->commit) != 0) /* last: it says that the snapshot is whole */
        done = folder_make(folder, error) && file_write(path, r->commit, strlen(r->commit), error);
    free(path);
    free(folder);
    return done;
}

char *hub_model(const char *name, const char *revision, bool renew, char **commit, struct error *error)
{
    struct repository r;
    bool done = repository_open(&r, name, revision, error), cached = done && is_complete(&r);

    if (done && is_offline() && !cached)
        done = error_set(error, "%s: revision \"%s\" is not in the cache (%s), and HF_HUB_OFFLINE is set",
                         name, revision, r.folder);
    else if (done && !is_offline() && (!cached || renew))
        done = fetch(&r, error);
    char *folder = done ? file_path(&r, "") : NULL;
    if (folder) /* without the slash at its end */
        folder[strlen(folder) - 1] = '\0';
    if (done && commit)
        *commit = mem_string(r.commit);
    repository_close(&r);
    return folder;
}
