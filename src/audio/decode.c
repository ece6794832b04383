/* Sound files to samples in memory, and what is done to them there. */
#include "audio/audio.h"

#include "audio/reader.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

static const double MOST_SECONDS = 3 * 3600; /* of a recording in memory */

void signal_free(struct signal *signal)
{
    free(signal->samples);
    *signal = (struct signal){0};
}

bool audio_channel_find(const char *name, int *channel, struct error *error)
{
    static const struct {
        const char *name;
        int channel;
    } names[] = {{"mean", CHANNEL_MEAN}, {"loudest", CHANNEL_LOUDEST}, {"left", 1}, {"right", 2}};
    double number;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_equal(names[i].name, name)) {
            *channel = names[i].channel;
            return true;
        }
    if (!text_to_number(name, &number) || number < 1 || number > MAX_CHANNELS || number != floor(number))
        return error_usage(
            error, "audio.channel: \"%s\": expected mean, left, right, loudest or a number from 1", name);
    *channel = (int)number;
    return true;
}

/* Reads all of an open file, and closes it. */
static bool decode(struct reader *reader, bool open, struct audio_facts *facts, struct signal *signal,
                   struct error *error)
{
    size_t capacity = 0;

    *signal = (struct signal){0};
    if (open && (double)reader->info.frames > MOST_SECONDS * reader->info.samplerate)
        open = error_set(error,
                         "%.1f h long: %.0f h at most are taken at once; PATH#t=START,END names a stretch",
                         (double)reader->info.frames / reader->info.samplerate / 3600, MOST_SECONDS / 3600);
    if (open) {
        do {
            signal->count = 0;
            reader_read(reader, (size_t)reader->info.frames, signal, &capacity);
        } while (reader_again(reader));
        open = reader_check(reader, error);
    }
    if (facts)
        *facts = reader->facts;
    reader_close(reader);
    if (!open)
        signal_free(signal);
    return open;
}

bool audio_decode(const char *path, int channel, struct audio_facts *facts, struct signal *signal,
                  struct error *error)
{
    struct reader reader;
    bool open = reader_open(&reader, path, channel, error);

    return decode(&reader, open, facts, signal, error);
}

bool audio_decode_bytes(const void *bytes, size_t size, int channel, struct audio_facts *facts,
                        struct signal *signal, struct error *error)
{
    struct reader reader;
    bool open = reader_open_bytes(&reader, bytes, size, channel, error);

    return decode(&reader, open, facts, signal, error);
}

const double SIGNAL_VARIANCE_FLOOR = 1e-7;

void signal_normalize(struct signal *signal)
{
    double mean = 0, variance = 0, count = (double)signal->count;

    for (size_t i = 0; i < signal->count; i++)
        mean += (double)signal->samples[i];
    mean /= count;
    for (size_t i = 0; i < signal->count; i++) {
        double d = (double)signal->samples[i] - mean;
        variance += d * d;
    }
    double scale = 1 / sqrt(variance / count + SIGNAL_VARIANCE_FLOOR);
    for (size_t i = 0; i < signal->count; i++)
        signal->samples[i] = (float)(((double)signal->samples[i] - mean) * scale);
}

size_t signal_most(double seconds, int rate, size_t count)
{
    double limit = ceil(seconds * rate);

    return seconds > 0 && limit < (double)count ? (size_t)limit : count;
}

bool audio_is_sound(float sample)
{
    const float largest = 1e18F;

    return fabsf(sample) <= largest; /* NaN is not */
}

void signal_prepare(struct signal *signal, double seconds, bool normalize)
{
    signal->count = signal_most(seconds, signal->rate, signal->count);
    if (normalize)
        signal_normalize(signal);
}
