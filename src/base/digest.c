/* Digests and checksums: see digest.h. */
#include "base/digest.h"

#include "base/files.h"
#include "base/memory.h"

#include <errno.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* What git puts before a file's content, with its final NUL, and SHA-1 goes over both. */
static size_t git_head(char head[32], size_t size)
{
    return (size_t)snprintf(head, 32, "blob %zu", size) + 1;
}

/* A digest under way. */
struct digest {
    const struct nettle_hash *hash;
    void *context;
};

/* `size`: of all that will come. */
static void digest_start(struct digest *d, enum digest_kind kind, size_t size)
{
    static const struct nettle_hash *const hashes[] = {
        [DIGEST_SHA256] = &nettle_sha256, [DIGEST_MD5] = &nettle_md5, [DIGEST_GIT] = &nettle_sha1};
    char head[32];

    d->hash = hashes[kind];
    d->context = mem_zero(1, d->hash->context_size);
    d->hash->init(d->context);
    if (kind == DIGEST_GIT)
        d->hash->update(d->context, git_head(head, size), (const uint8_t *)head);
}

static void digest_end(struct digest *d, char hex[DIGEST_HEX_SIZE])
{
    uint8_t result[SHA256_DIGEST_SIZE]; /* the longest of them */

    d->hash->digest(d->context, d->hash->digest_size, result);
    for (size_t i = 0; i < d->hash->digest_size; i++)
        snprintf(hex + 2 * i, 3, "%02x", result[i]);
    free(d->context);
}

void digest_bytes(const void *bytes, size_t size, char hex[SHA256_HEX_SIZE])
{
    struct digest d;

    digest_start(&d, DIGEST_SHA256, size);
    d.hash->update(d.context, size, bytes);
    digest_end(&d, hex);
}

bool digest_file(const char *path, char hex[SHA256_HEX_SIZE], struct error *error)
{
    return digest_file_as(DIGEST_SHA256, path, hex, error);
}

bool digest_file_as(enum digest_kind kind, const char *path, char hex[DIGEST_HEX_SIZE], struct error *error)
{
    enum { BLOCK = 1 << 18 };
    struct stat facts;
    struct digest d;
    int file = file_open(path, error);
    ssize_t got = 0;
    off_t read_so_far = 0;

    if (file < 0)
        return false;
    if (fstat(file, &facts) != 0) {
        error_set(error, "%s: %s", path, strerror(errno));
        close(file);
        return false;
    }
    unsigned char *block = mem_zero(BLOCK, 1);
    digest_start(&d, kind, (size_t)facts.st_size);
    while ((got = read(file, block, BLOCK)) > 0) { /* not mapped: it may shrink under us */
        d.hash->update(d.context, (size_t)got, block);
        read_so_far += got;
    }
    if (got < 0)
        error_set(error, "%s: %s", path, strerror(errno));
    else if (read_so_far != facts.st_size)
        error_set(error, "%s: changed while it was read", path);
    digest_end(&d, hex);
    free(block);
    close(file);
    return !error->kind;
}

uint32_t checksum(const void *bytes, size_t size)
{
    return checksum_more(0, bytes, size);
}

uint32_t checksum_more(uint32_t before, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(before, bytes, size);
}
