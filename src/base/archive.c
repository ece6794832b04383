/* ZIP archives: see archive.h. */
#include "base/archive.h"

#include "base/files.h"

#include <unistd.h>

zip_t *archive_open(const char *path, struct error *error)
{
    int code = 0, descriptor = file_open(path, error);
    zip_t *archive = descriptor >= 0 ? zip_fdopen(descriptor, 0, &code) : NULL;

    if (descriptor >= 0 && !archive)
        close(descriptor);
    return archive;
}
