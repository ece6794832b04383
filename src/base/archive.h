/* ZIP archives, by libzip. */
#ifndef EMOTRAIN_BASE_ARCHIVE_H
#define EMOTRAIN_BASE_ARCHIVE_H

#include "base/error.h"

#include <zip.h>

/* Opens an archive for reading, as file_open opens files.  NULL, with an error, where that does not; NULL
 * alone where the file is no archive.  Caller zip_discards. */
zip_t *archive_open(const char *path, struct error *error);

#endif
