/* Sound files: WAV, FLAC and whatever else libsndfile takes, through our decoding. */
#include "fuzz.h"

#include "audio/audio.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audio_facts facts = {0};
    struct signal signal = {0};
    struct error error = {0};
    bool done = audio_decode_bytes(data, size, CHANNEL_MEAN, &facts, &signal, &error);

    fuzz_check(done, &error);
    for (size_t i = 0; done && i < signal.count; i++)
        if (!isfinite(signal.samples[i]))
            abort();
    signal_free(&signal);
    return 0;
}
