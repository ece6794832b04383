/* SHA-256 of files, for content hashes, others that servers publish (libnettle), and CRC-32 for torn-write
 * checks (zlib). */
#ifndef EMOTRAIN_BASE_DIGEST_H
#define EMOTRAIN_BASE_DIGEST_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX_SIZE = 65, DIGEST_HEX_SIZE = SHA256_HEX_SIZE };

/* DIGEST_GIT: SHA-1 as git names a file's content by. */
enum digest_kind { DIGEST_SHA256, DIGEST_MD5, DIGEST_GIT };

bool digest_file_as(enum digest_kind kind, const char *path, char hex[DIGEST_HEX_SIZE], struct error *error);

bool digest_file(const char *path, char hex[SHA256_HEX_SIZE], struct error *error);
void digest_bytes(const void *bytes, size_t size, char hex[SHA256_HEX_SIZE]);
uint32_t checksum(const void *bytes, size_t size);                       /* CRC-32 */
uint32_t checksum_more(uint32_t before, const void *bytes, size_t size); /* of what was before and these */

#endif
