/* Digests and checksums: see digest.h. */
#include "base/digest.h"

#include "base/files.h"
#include "base/memory.h"

#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* What git puts before a file's content, with its final NUL, and SHA-1 goes over both. */
static size_t git_head(char head[32], size_t size)
{
    return (size_t)snprintf(head, 32, "blob %zu", size) + 1;
}

static void digest(enum digest_kind kind, const void *bytes, size_t size, char hex[DIGEST_HEX_SIZE])
{
    const struct nettle_hash *const hashes[] = {
        [DIGEST_SHA256] = &nettle_sha256, [DIGEST_MD5] = &nettle_md5, [DIGEST_GIT] = &nettle_sha1};
    const struct nettle_hash *hash = hashes[kind];
    void *context = mem_zero(1, hash->context_size);
    uint8_t result[SHA256_DIGEST_SIZE]; /* the longest of them */
    char head[32];

    hash->init(context);
    if (kind == DIGEST_GIT)
        hash->update(context, git_head(head, size), (const uint8_t *)head);
    hash->update(context, size, bytes);
    hash->digest(context, hash->digest_size, result);
    for (size_t i = 0; i < hash->digest_size; i++)
        snprintf(hex + 2 * i, 3, "%02x", result[i]);
    free(context);
}

void digest_bytes(const void *bytes, size_t size, char hex[SHA256_HEX_SIZE])
{
    digest(DIGEST_SHA256, bytes, size, hex);
}

bool digest_file(const char *path, char hex[SHA256_HEX_SIZE], struct error *error)
{
    return digest_file_as(DIGEST_SHA256, path, hex, error);
}

bool digest_file_as(enum digest_kind kind, const char *path, char hex[DIGEST_HEX_SIZE], struct error *error)
{
    struct file_map map;

    if (!file_map_open(&map, path, error))
        return false;
    digest(kind, map.bytes ? (const void *)map.bytes : "", map.size, hex);
    file_map_close(&map);
    return true;
}

uint32_t checksum(const void *bytes, size_t size)
{
    return checksum_more(0, bytes, size);
}

uint32_t checksum_more(uint32_t before, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(before, bytes, size);
}
