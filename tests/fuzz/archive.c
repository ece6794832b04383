/* A zip as it is unpacked from a record that was downloaded: what it holds stays in its folder, or nothing
 * does. */
#include "fuzz.h"

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "hub/zenodo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char inside[64], beside[64];
    struct fuzz_file file = fuzz_file_open(data, size);
    struct strings names = {0};
    struct error error = {0}, none = {0};

    if (!inside[0]) {
        log_quiet(true);
        snprintf(inside, sizeof inside, "%s/a/b", fuzz_folder());
        snprintf(beside, sizeof beside, "%s/a", fuzz_folder());
        if (!folder_make(beside, &none))
            abort();
    }
    bool done = zip_unpack(file.path, inside, &error);
    fuzz_check(done, &error);
    fuzz_file_close(&file);
    if (!folder_list(&names, fuzz_folder(), &none) || names.count != 1) /* a */
        abort();
    strings_free(&names);
    if (!folder_list(&names, beside, &none) || names.count != (done ? 1 : 0)) /* b, where it was unpacked */
        abort();
    strings_free(&names);
    if (!folder_remove(inside, &none))
        abort();
    return 0;
}
