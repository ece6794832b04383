/* Entries of the audio cache, as a disk may give them back: a signal or functionals that are refused, and not
 * made again, as there is no file to make them of. */
#include "fuzz.h"

#include "audio/audio.h"
#include "audio/egemaps/egemaps.h"
#include "base/files.h"

static const char HASH[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void put(const struct audio_cache *cache, const char *ending, const uint8_t *data, size_t size)
{
    struct error error = {0};
    char *path = audio_cache_entry(cache, HASH, ending), *folder = path_folder(path);

    if (!folder_make(folder, &error))
        abort();
    fuzz_write(path, NULL, 0, data, size);
    free(folder);
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct audio_cache *cache;
    struct signal signal = {0};
    struct error error = {0}, none = {0};
    float values[EGEMAPS_COUNT];

    if (!cache && !(cache = audio_cache_open(fuzz_folder(), 16000, "sinc_fastest", "mean", &error)))
        abort();
    put(cache, "pcm", data, size);
    put(cache, "egemaps", data, size);
    fuzz_check(audio_cache_load(cache, "/nowhere", HASH, 0, &signal, &error), &error);
    fuzz_check(audio_cache_functionals(cache, "/nowhere", HASH, 0, values, &none), &none);
    signal_free(&signal);
    return 0;
}
