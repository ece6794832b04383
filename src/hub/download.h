/*
 * Files over HTTP, by libcurl: resumed where a connection breaks, checked by length and digest, whole or not
 * there.
 */
#ifndef EMOTRAIN_HUB_DOWNLOAD_H
#define EMOTRAIN_HUB_DOWNLOAD_H

#include "base/digest.h"
#include "base/text.h"

#include <stdint.h>

/* Who asks: the token is sent to the endpoint's host only, and never printed.  Either may be NULL. */
struct access {
    const char *endpoint, *token;
};

/* What a server says of a file before it is fetched. */
struct remote {
    long status;     /* HTTP's */
    int64_t size;    /* -1: it does not say */
    char etag[160];  /* as it is to be kept: without quotes */
    char commit[64]; /* of the hub's repository; "" elsewhere */
};

/* Asks for the headers of a URL, of the hub's own prediction where it points elsewhere for the file itself. A
 * status that is no success is not an error. */
bool remote_look(const char *url, const struct access *access, struct remote *remote, struct error *error);

/* The body of a small prediction.  NULL on error, and where the status is no success. */
char *remote_text(const char *url, const struct access *access, size_t most, size_t *size,
                  struct error *error);

/* What a file must be. */
struct expected {
    const char *title; /* what the user knows it as */
    int64_t size;      /* -1: unknown */
    enum digest_kind kind;
    const char *digest; /* hexadecimal; NULL: unknown */
};

/*
 * Fetches a URL to `path`.  What was fetched so far stands in PATH.incomplete, and is gone on with, in this
 * call or a later one; two processes that fetch one file take turns.  Fails, leaving no file, where length or
 * digest are not as expected.
 */
bool download(const char *url, const struct access *access, const char *path, const struct expected *expected,
              struct error *error);

#endif
