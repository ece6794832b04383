/* Archives of Zenodo records: see zenodo.h. */
#include "hub/zenodo.h"

#include "base/files.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "hub/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

static const char ENDPOINT[] = "https://zenodo.org";
static const uint64_t MOST_TIMES = 200; /* what an archive may grow to, against its own size */
enum { MOST_RECORD = 16 << 20, MD5_LENGTH = 32 };

/* ---- unpacking ---- */

/* A relative path whose parts are names. */
static bool is_inside(const char *name)
{
    if (name[0] == '/' || strchr(name, '\\'))
        return false;
    for (const char *part = name; part && *part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length <= 2 && strncmp(part, "..", length) == 0))
            return false;
    }
    return *name != '\0';
}

/* Whether an entry is neither a file nor a folder. */
static bool is_special(struct zip *archive, zip_uint64_t i)
{
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;

    zip_file_get_external_attributes(archive, i, 0, &system, &attributes);
    mode_t mode = (mode_t)(attributes >> 16);
    return system == ZIP_OPSYS_UNIX && (mode & S_IFMT) != 0 && !S_ISREG(mode) && !S_ISDIR(mode);
}

static bool write_entry(struct zip *archive, const zip_stat_t *facts, const char *path, struct error *error)
{
    zip_file_t *entry = zip_fopen_index(archive, facts->index, 0);
    struct file_writer writer;
    char block[65536];
    zip_int64_t got = -1;
    zip_uint64_t written = 0;
    char *folder = path_folder(path);
    bool open = entry && folder_make(folder, error) && file_writer_open(&writer, path, false, error);

    while (open && (got = zip_fread(entry, block, sizeof block)) > 0 && written <= facts->size) {
        file_writer_put(&writer, block, (size_t)got);
        written += (zip_uint64_t)got;
    }
    if (!error->kind && (!entry || got < 0 || written != facts->size))
        error_set(error, "%s: damaged in the archive", facts->name);
    if (open && error->kind)
        file_writer_discard(&writer);
    else if (open)
        file_writer_commit(&writer, error);
    if (entry)
        zip_fclose(entry);
    free(folder);
    return !error->kind;
}

static bool unpack_entry(struct zip *archive, zip_uint64_t i, const char *folder, uint64_t *left,
                         struct error *error)
{
    zip_stat_t facts;

    if (zip_stat_index(archive, i, 0, &facts) != 0 || !(facts.valid & ZIP_STAT_NAME) ||
        !(facts.valid & ZIP_STAT_SIZE))
        return error_set(error, "entry %llu of the archive is damaged", (unsigned long long)i);
    if (!is_inside(facts.name) || is_special(archive, i))
        return error_set(error,
                         "the archive's \"%.200s\" would not be a file inside the folder: not unpacked",
                         facts.name);
    if (facts.size > *left)
        return error_set(error, "the archive's \"%.200s\" is larger than it can be: not unpacked",
                         facts.name);
    *left -= facts.size;
    char *path = path_join(folder, facts.name);
    bool done = facts.name[strlen(facts.name) - 1] == '/' ? folder_make(path, error)
                                                          : write_entry(archive, &facts, path, error);
    free(path);
    return done;
}

static bool unpack_all(const char *path, struct zip *archive, const char *folder, struct error *error)
{
    struct stat whole = {0};
    zip_int64_t count = zip_get_num_entries(archive, 0);
    uint64_t left = stat(path, &whole) == 0 ? (uint64_t)whole.st_size * MOST_TIMES : 0;
    struct progress progress;
    bool done = true;

    progress_start(&progress, "unpack", "file", 0, (size_t)count);
    for (zip_int64_t i = 0; done && i < count; i++) {
        done = unpack_entry(archive, (zip_uint64_t)i, folder, &left, error);
        progress_update(&progress, (size_t)i + 1, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted; nothing was unpacked");
    }
    progress_end(&progress);
    return done;
}

/* All files of the folder, and what else its disk has not written yet. */
static bool disk_sync(const char *folder, struct error *error)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = descriptor >= 0 && syncfs(descriptor) == 0;

    if (!done)
        error_set(error, "%s: cannot write: %s", folder, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return done;
}

bool zip_unpack(const char *path, const char *folder, struct error *error)
{
    char *temporary = mem_format("%s.unpacking", folder);
    int code = 0;
    struct zip *archive = folder_check_free(folder, error) ? zip_open(path, ZIP_RDONLY, &code) : NULL;

    if (!archive && !error->kind)
        error_set(error, "%s: not a zip archive", path);
    bool done = archive && folder_begin(temporary, error) &&
                (unpack_all(path, archive, temporary, error) || error_prefix(error, "%s", path));
    if (archive)
        zip_discard(archive);
    done = done && disk_sync(temporary, error); /* the archive is removed, once it is unpacked */
    done = folder_finish(temporary, folder, done, error);
    free(temporary);
    return done;
}

/* ---- records ---- */

/* What a record says of one of its files. */
struct published {
    char md5[MD5_LENGTH + 1];
    int64_t size;
};

static bool find_file(const cJSON *record, const char *archive, const char *url, struct published *file,
                      struct error *error)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(record, "files"))
    {
        const cJSON *key = cJSON_GetObjectItemCaseSensitive(item, "key"),
                    *checksum = cJSON_GetObjectItemCaseSensitive(item, "checksum"),
                    *size = cJSON_GetObjectItemCaseSensitive(item, "size");
        if (!cJSON_IsString(key) || strcmp(key->valuestring, archive) != 0 || !cJSON_IsString(checksum) ||
            strncmp(checksum->valuestring, "md5:", 4) != 0 ||
            strlen(checksum->valuestring) != 4 + MD5_LENGTH || !cJSON_IsNumber(size) ||
            size->valuedouble < 0 || size->valuedouble > 1e15)
            continue;
        memcpy(file->md5, checksum->valuestring + 4, MD5_LENGTH + 1);
        file->size = (int64_t)size->valuedouble;
        return true;
    }
    return error_set(error, "%s: the record publishes no MD5 of %s", url, archive);
}

static bool read_record(const char *url, const char *archive, struct published *file, struct error *error)
{
    size_t size = 0;
    char *text = remote_text(url, NULL, MOST_RECORD, &size, error);
    cJSON *json = text ? json_parse(text, size, url, error) : NULL;
    bool found = json && find_file(json, archive, url, file, error);

    cJSON_Delete(json);
    free(text);
    return found;
}

bool zenodo_unpack(const char *record, const char *archive, const char *folder, struct error *error)
{
    const char *other = getenv("EMOTRAIN_ZENODO"), *endpoint = other && *other ? other : ENDPOINT;
    char *api = mem_format("%s/api/records/%s", endpoint, record),
         *url = mem_format("%s/records/%s/files/%s?download=1", endpoint, record, archive);
    char *zip = mem_format("%s.fetching.zip", folder);
    struct published file = {0};
    bool done = folder_check_free(folder, error) && read_record(api, archive, &file, error);

    if (done) {
        const struct expected expected = {archive, file.size, DIGEST_MD5, file.md5};
        log_info("fetching %s, %.0f MB, from %s", archive, 1e-6 * (double)file.size, endpoint);
        done = download(url, NULL, zip, &expected, error) && zip_unpack(zip, folder, error);
        if (done)
            unlink(zip);
    }
    free(api);
    free(url);
    free(zip);
    return done;
}
