/* Archives of Zenodo records: fetched, checked against the record's published MD5, unpacked. */
#ifndef EMOTRAIN_HUB_ZENODO_H
#define EMOTRAIN_HUB_ZENODO_H

#include "base/error.h"

#include <stdbool.h>

/* Fetches the file `archive` of a record, a zip, and unpacks it into `folder`, which must be absent or empty;
 * with EMOTRAIN_ZENODO from another server than https://zenodo.org. */
bool zenodo_unpack(const char *record, const char *archive, const char *folder, struct error *error);

/* Unpacks a zip into a folder that is absent or empty: nothing is written outside of it, links and other
 * special entries are refused, and a failure leaves it as it was. */
bool zip_unpack(const char *path, const char *folder, struct error *error);

#endif
