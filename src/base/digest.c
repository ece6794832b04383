#include "base/digest.h"

#include "base/files.h"

#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <zlib.h>

static void write_hex(const uint8_t *digest, size_t size, char *hex)
{
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void digest_bytes(const void *bytes, size_t size, char hex[SHA256_HEX_SIZE])
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, sizeof digest, digest);
    write_hex(digest, sizeof digest, hex);
}

static void digest_md5(const void *bytes, size_t size, char *hex)
{
    struct md5_ctx context;
    uint8_t digest[MD5_DIGEST_SIZE];

    md5_init(&context);
    md5_update(&context, size, bytes);
    md5_digest(&context, sizeof digest, digest);
    write_hex(digest, sizeof digest, hex);
}

static void digest_git(const void *bytes, size_t size, char *hex)
{
    struct sha1_ctx context;
    uint8_t digest[SHA1_DIGEST_SIZE];
    char head[32];
    int length = snprintf(head, sizeof head, "blob %zu", size);

    sha1_init(&context);
    sha1_update(&context, (size_t)length + 1, (const uint8_t *)head); /* with its final NUL */
    sha1_update(&context, size, bytes);
    sha1_digest(&context, sizeof digest, digest);
    write_hex(digest, sizeof digest, hex);
}

bool digest_file(const char *path, char hex[SHA256_HEX_SIZE], struct error *error)
{
    return digest_file_as(DIGEST_SHA256, path, hex, error);
}

bool digest_file_as(enum digest_kind kind, const char *path, char hex[DIGEST_HEX_SIZE], struct error *error)
{
    void (*const digests[])(const void *, size_t, char *) = {
        [DIGEST_SHA256] = digest_bytes, [DIGEST_MD5] = digest_md5, [DIGEST_GIT] = digest_git};
    struct file_map map;

    if (!file_map_open(&map, path, error))
        return false;
    digests[kind](map.bytes ? (const void *)map.bytes : "", map.size, hex);
    file_map_close(&map);
    return true;
}

uint32_t checksum(const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(0, bytes, size);
}
