#include "base/digest.h"

#include "base/files.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <zlib.h>

void digest_bytes(const void *bytes, size_t size, char hex[SHA256_HEX_SIZE])
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

bool digest_file(const char *path, char hex[SHA256_HEX_SIZE], struct error *error)
{
    struct file_map map;

    if (!file_map_open(&map, path, error))
        return false;
    digest_bytes(map.bytes ? (const void *)map.bytes : "", map.size, hex);
    file_map_close(&map);
    return true;
}

uint32_t checksum(const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(0, bytes, size);
}
