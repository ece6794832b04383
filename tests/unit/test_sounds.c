/* What recordings sound like: fingerprints, levels, channels, long recordings piece by piece, sizes in
 * headers. */
#include "unit.h"
#include "waves.h"

#include "audio/audio.h"
#include "audio/fingerprint.h"
#include "base/random.h"
#include "corpus/same_sound.h"

#define WAV_16 (SF_FORMAT_WAV | SF_FORMAT_PCM_16)

/* Something like speech: a pitch that glides, three formants that jump every 90 ms, pauses, hiss. */
static void make_speech(struct signal *signal, int rate, double seconds, uint64_t speaker)
{
    struct random_stream stream = random_stream(speaker, RANDOM_SPEAKERS, 0);
    const size_t count = (size_t)(seconds * rate), step = (size_t)rate * 9 / 100;
    double phase = 0, pitch = 120, formants[3] = {500, 1200, 2400}, loud = 0.3;

    *signal = (struct signal){mem_zero(count, sizeof(float)), count, rate};
    for (size_t t = 0; t < count; t++) {
        if (t % step == 0) {
            pitch = 90 + 120 * random_uniform(&stream);
            formants[0] = 300 + 500 * random_uniform(&stream);
            formants[1] = 900 + 1000 * random_uniform(&stream);
            loud = random_uniform(&stream) < 0.2 ? 0.002 : 0.1 + 0.3 * random_uniform(&stream);
        }
        double sum = 0;
        phase += 6.283185307179586 * pitch / rate;
        for (int h = 1; h <= 18; h++) {
            double gain = 0.02;
            for (int f = 0; f < 3; f++)
                gain += exp(-pow((h * pitch - formants[f]) / 150, 2));
            sum += gain * sin(h * phase);
        }
        signal->samples[t] = (float)(loud * sum / 6 + 1e-4 * (random_uniform(&stream) - 0.5));
    }
}

/* A copy of a signal at another rate and level, with silence before and after it. */
static void copy_signal(struct signal *copy, const struct signal *from, int rate, double gain, double silence)
{
    struct error error = {0};
    const size_t before = (size_t)(silence * from->rate);

    *copy = (struct signal){mem_zero(from->count + 2 * before, sizeof(float)), from->count + 2 * before,
                            from->rate};
    for (size_t i = 0; i < from->count; i++)
        copy->samples[before + i] = (float)(gain * (double)from->samples[i]);
    assert_good(audio_resample(copy, rate, "sinc_medium", &error), error);
}

static void test_fingerprints(void **state)
{
    static const struct {
        int rate;
        double gain, silence;
    } copies[] = {{48000, 1, 0}, {16000, 1, 0}, {22050, 0.1, 0}, {8000, 1, 0}, {44100, 3, 0.7}};
    enum { SPEAKERS = 12 };
    struct fingerprint prints[SPEAKERS], copy_print, none;
    struct signal speech, copy;

    (void)state;
    for (uint64_t s = 0; s < SPEAKERS; s++) {
        make_speech(&speech, 48000, 2.5, s);
        fingerprint_make(&speech, &prints[s]);
        assert_true(prints[s].seconds > 1 && prints[s].seconds < 3);
        for (size_t c = 0; c < sizeof copies / sizeof copies[0]; c++) {
            copy_signal(&copy, &speech, copies[c].rate, copies[c].gain, copies[c].silence);
            fingerprint_make(&copy, &copy_print);
            if (!fingerprint_same(&prints[s], &copy_print) || !fingerprint_same(&copy_print, &prints[s]))
                fail_msg("speaker %d: copy %zu is not known again", (int)s, c);
            signal_free(&copy);
        }
        signal_free(&speech);
        for (uint64_t other = 0; other < s; other++)
            assert_false(fingerprint_same(&prints[s], &prints[other]));
    }
    make_speech(&speech, 16000, 0.4, 1); /* too short to tell */
    fingerprint_make(&speech, &none);
    assert_true(none.seconds == 0 && !fingerprint_same(&none, &none));
    signal_free(&speech);
}

static void test_fingerprint_text(void **state)
{
    struct fingerprint print = {.seconds = 1.25F, .bits = {1, UINT64_MAX, 0xabcdef}}, read;
    char text[FINGERPRINT_TEXT_SIZE];
    static const char *const bad[] = {"", "3fa00000", NULL};

    (void)state;
    fingerprint_write(&print, text);
    fingerprint_read(&read, text);
    assert_true(read.seconds == print.seconds);
    assert_memory_equal(print.bits, read.bits, sizeof print.bits);
    text[20] = 'x';
    fingerprint_read(&read, text);
    assert_true(read.seconds == 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fingerprint_read(&read, bad[i]);
        assert_true(read.seconds == 0);
    }
}

/* The catalogue's clips: by content and by fingerprint, each to the first. */
static void test_same_sound(void **state)
{
    struct fingerprint one = {.seconds = 2, .bits = {1, 2, 3}}, near = one, far = one;
    char texts[3][FINGERPRINT_TEXT_SIZE];
    struct clip_list clips = {0};
    size_t first[6];

    (void)state;
    near.bits[5] = 0xffff;                   /* 16 of 1024 bits */
    memset(far.bits, 0x0f, sizeof far.bits); /* half of them */
    fingerprint_write(&one, texts[0]);
    fingerprint_write(&near, texts[1]);
    fingerprint_write(&far, texts[2]);
    clip_list_add(&clips, &(struct clip){.path = "a", .sha256 = "11", .fingerprint = texts[0]});
    clip_list_add(&clips, &(struct clip){.path = "b", .sha256 = "22", .fingerprint = texts[2]});
    clip_list_add(&clips, &(struct clip){.path = "c", .sha256 = "33", .fingerprint = texts[1]});
    clip_list_add(&clips, &(struct clip){.path = "d", .sha256 = "22"});
    clip_list_add(&clips, &(struct clip){.path = "e"}); /* not opened */
    clip_list_add(&clips, &(struct clip){.path = "f"});
    same_sound_find(&clips, 2, first);
    static const size_t expected[] = {0, 1, 0, 1, 4, 5};
    assert_memory_equal(first, expected, sizeof expected);
    assert_int_equal(same_sound_count(&clips, first), 2);
    clip_list_free(&clips);
}

static void test_measures(void **state)
{
    enum { COUNT = 16000 };
    struct signal signal = {mem_zero(COUNT, sizeof(float)), COUNT, 16000};
    struct sound sound;

    (void)state;
    for (int t = 0; t < COUNT; t++) /* a tone of half scale, then nearly nothing */
        signal.samples[t] = (float)((t < COUNT / 2 ? 0.5 : 0.0005) * sin(0.3 * t));
    sound_measure(&signal, &sound);
    assert_true(fabsf(sound.level - -12.04F) < 0.05F); /* -9.03 of the tone, half of the time */
    assert_true(fabsf(sound.peak - -6.02F) < 0.01F);
    assert_true(fabsf(sound.silence - 0.5F) < 0.03F);
    assert_true(fabsf(sound.snr - 60) < 0.5F);
    assert_true(sound.clipped == 0);
    for (int t = 0; t < 160; t++)
        signal.samples[t] = 1;
    sound_measure(&signal, &sound);
    assert_true(fabsf(sound.clipped - 0.01F) < 1e-6F && fabsf(sound.peak) < 1e-4F);
    signal.count = 3; /* shorter than a frame */
    sound_measure(&signal, &sound);
    assert_true(isfinite(sound.level) && isfinite(sound.snr));
    signal_free(&signal);
}

/* A file whose three channels hold 0.1, 0.4 and 0.2. */
static void test_channels(void **state)
{
    static const struct {
        const char *channel;
        double value;
    } cases[] = {{"mean", 0.7 / 3}, {"loudest", 0.4}, {"left", 0.1}, {"right", 0.4}, {"3", 0.2}};
    static const char *const bad[] = {"", "0", "-1", "1.5", "middle", "1025"};
    enum { FRAMES = 4000 };
    static float samples[3 * FRAMES];
    SF_INFO info = {.samplerate = 16000, .channels = 3, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    struct error error = {0};
    struct audio_facts facts;
    struct signal signal;
    int channel;

    (void)state;
    for (int t = 0; t < FRAMES; t++)
        for (int c = 0; c < 3; c++)
            samples[3 * t + c] = (t % 2 ? 1.0F : -1.0F) * (c == 0 ? 0.1F : c == 1 ? 0.4F : 0.2F);
    SNDFILE *file = sf_open(unit_path("three.wav"), SFM_WRITE, &info);
    assert_true(file && sf_writef_float(file, samples, FRAMES) == FRAMES);
    sf_close(file);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_good(audio_channel_find(cases[i].channel, &channel, &error), error);
        assert_good(audio_decode(unit_path("three.wav"), channel, &facts, &signal, &error), error);
        assert_true(fabs((double)signal.samples[1] - cases[i].value) < 1e-6);
        assert_int_equal(signal.count, FRAMES);
        assert_int_equal(facts.channels, 3);
        assert_false(facts.one_channel);
        signal_free(&signal);
    }
    assert_error(audio_decode(unit_path("three.wav"), 4, NULL, &signal, &error), error,
                 "no channel 4 among its 3");
    error = (struct error){0};
    assert_true(write_wave(unit_path("one.wav"), 16000, 1, 2000, 200, WAV_16));
    assert_good(audio_decode(unit_path("one.wav"), 2, NULL, &signal, &error), error); /* it has one */
    signal_free(&signal);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_error(audio_channel_find(bad[i], &channel, &error), error, "audio.channel");
}

/* A recording longer than a piece comes out as if it were resampled at once. */
static void check_long(int rate, int seconds, int channels)
{
    struct error error = {0}, reason = {0};
    struct audio_facts facts;
    struct signal whole, pieces, head;
    char hash[SHA256_HEX_SIZE];
    char *path = unit_path("long.wav"), *folder = unit_path("long-cache");

    assert_true(write_wave(path, rate, channels, rate * seconds + 123, 330, WAV_16));
    struct audio_cache *cache = audio_cache_open(folder, 4000, "sinc_fastest", "mean", &error);
    assert_true(cache && audio_digest(path, NULL, hash, &error));
    assert_good(audio_cache_make(cache, path, hash, &facts, &reason, &error), reason);
    assert_int_equal(facts.frames, rate * seconds + 123);
    assert_true(facts.sound.level < 0 && facts.sound.level > -20);
    assert_good(audio_cache_load(cache, path, hash, 0, &pieces, &error), error);
    assert_good(audio_cache_load(cache, path, hash, 1.5, &head, &error), error);
    assert_good(audio_decode(path, CHANNEL_MEAN, NULL, &whole, &error) &&
                    audio_resample(&whole, 4000, "sinc_fastest", &error),
                error);
    assert_int_equal(pieces.count, whole.count);
    assert_int_equal(head.count, 6000);
    assert_memory_equal(head.samples, pieces.samples, 6000 * sizeof(float));
    for (size_t i = 0; i < whole.count; i++)
        if (fabsf(whole.samples[i] - pieces.samples[i]) > 2e-6F)
            fail_msg("%d Hz: sample %zu is %g, not %g", rate, i, (double)pieces.samples[i],
                     (double)whole.samples[i]);
    signal_free(&whole);
    signal_free(&pieces);
    signal_free(&head);
    audio_cache_close(cache);
}

static void test_long_recordings(void **state)
{
    (void)state;
    check_long(8000, 700, 1); /* a whole fraction of the rate */
    check_long(5512, 650, 2); /* and not */
    check_long(8000, 302, 1); /* just a piece, and 123 frames of another */
}

/* Files cut short, by what their headers promise. */
static void test_cut_files(void **state)
{
    static const struct {
        const char *name;
        int format;
    } formats[] = {{"cut.wav", WAV_16},
                   {"cut.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
                   {"cut.au", SF_FORMAT_AU | SF_FORMAT_PCM_16},
                   {"cut.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16},
                   {"cut.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16},
                   {"cut.rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16},
                   {"cut.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16},
                   {"cut.iff", SF_FORMAT_SVX | SF_FORMAT_PCM_16}};

    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct error error = {0};
        struct signal signal;
        char *path = unit_path(formats[i].name);
        assert_true(write_wave(path, 16000, 1, 16000, 200, formats[i].format));
        assert_good(audio_decode(path, CHANNEL_MEAN, NULL, &signal, &error), error);
        signal_free(&signal);
        assert_int_equal(truncate(path, 20000), 0);
        assert_error(audio_decode(path, CHANNEL_MEAN, NULL, &signal, &error), error, "truncated");
    }
}

/* Numbers without a header are no sound, whatever format FFmpeg may see in them (AMR without its first line).
 */
static void test_no_header(void **state)
{
    enum { COUNT = 96000 };
    static double samples[COUNT];
    struct error error = {0};
    struct signal signal;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        samples[i] = 0.3 * sin(i * 0.05) + 0.1 * sin(i * 0.31);
    assert_true(file_write(unit_path("raw.raw"), samples, sizeof samples, &error));
    assert_error(audio_decode(unit_path("raw.raw"), CHANNEL_MEAN, NULL, &signal, &error), error, "not audio");
}

/* A recorder that was cut off leaves a header without sizes: on disk and in memory all that follows counts.
 */
static void test_unfinished(void **state)
{
    struct error error = {0};
    struct signal signal;
    size_t size;
    char *path = unit_path("unfinished.wav");

    (void)state;
    assert_true(write_wave(path, 16000, 1, 8000, 200, WAV_16));
    char *bytes = file_read(path, &size, &error);
    assert_non_null(bytes);
    memset(bytes + 4, 0, 4);
    memset(bytes + 40, 0, 4);
    assert_good(file_write(path, bytes, size, &error), error);
    assert_good(audio_decode(path, CHANNEL_MEAN, NULL, &signal, &error), error);
    assert_int_equal(signal.count, 8000);
    signal_free(&signal);
    assert_good(audio_decode_bytes(bytes, size, CHANNEL_MEAN, NULL, &signal, &error), error);
    assert_int_equal(signal.count, 8000);
    signal_free(&signal);
    assert_error(audio_decode_bytes(bytes, 44, CHANNEL_MEAN, NULL, &signal, &error), error, "");
    free(bytes);
}

/* Stretches that end with the file, give or take how their list rounds, and channels that are not there. */
static void test_stretches(void **state)
{
    static const struct {
        const char *stretch;
        size_t count; /* 0: refused */
    } cases[] = {{"#t=0.5", 8000},  {"#t=0.5,1", 8000}, {"#t=0.5,1.005", 8000},
                 {"#t=0.5,1.1", 0}, {"#t=1,1.005", 0},  {"#t=2", 0}};
    struct error error = {0};
    struct signal signal;

    (void)state;
    assert_true(write_wave(unit_path("whole.wav"), 16000, 2, 16000, 200, WAV_16));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = mem_format("%s%s", unit_path("whole.wav"), cases[i].stretch);
        error = (struct error){0};
        bool done = audio_decode(path, CHANNEL_MEAN, NULL, &signal, &error);
        if (done != (cases[i].count > 0) || (done && signal.count != cases[i].count))
            fail_msg("%s: %s", cases[i].stretch, done ? "taken" : error.message);
        assert_true(done || strstr(error.message, "no stretch from"));
        if (done)
            signal_free(&signal);
        free(path);
    }
    error = (struct error){0};
    assert_good(audio_decode(unit_path("whole.wav"), CHANNEL_LOUDEST, NULL, &signal, &error), error);
    signal_free(&signal);
    assert_error(audio_decode(unit_path("whole.wav"), 3, NULL, &signal, &error), error,
                 "no channel 3 among its 2");
    assert_error(audio_decode(unit_scratch(), CHANNEL_MEAN, NULL, &signal, &error), error,
                 "not a regular file");
}

/* W64 as a program writes it that cannot go back to put sizes right: the largest there are. */
static void test_streamed_w64(void **state)
{
    static const unsigned char largest[8] = {255, 255, 255, 255, 255, 255, 255, 127};
    struct error error = {0};
    struct signal signal;
    size_t size, at = 0;
    char *path = unit_path("streamed.w64");

    (void)state;
    assert_true(write_wave(path, 16000, 1, 8000, 200, SF_FORMAT_W64 | SF_FORMAT_PCM_16));
    char *bytes = file_read(path, &size, &error);
    assert_non_null(bytes);
    while (memcmp(bytes + at, "data", 4) != 0)
        at += 8;
    memcpy(bytes + at + 16, largest, 8);
    assert_good(file_write(path, bytes, size, &error), error);
    if (audio_decode(path, CHANNEL_MEAN, NULL, &signal, &error)) {
        assert_int_equal(signal.count, 8000);
        signal_free(&signal);
    } else {
        assert_null(
            strstr(error.message, "promises more")); /* what libsndfile makes of it is its own affair */
    }
    free(bytes);
}

/* Writes the WAV file that `from` is with a chunk of `size` bytes before its samples, and cut to `keep` of
 * these. */
static void write_with_chunk(const char *from, const char *to, uint32_t size, size_t keep)
{
    enum { BEFORE = 36, HEADER = 8 };
    size_t whole;
    struct error error = {0};
    char *text = file_read(from, &whole, &error);
    unsigned char chunk[HEADER] = {'j',
                                   'u',
                                   'n',
                                   'k',
                                   (unsigned char)size,
                                   (unsigned char)(size >> 8),
                                   (unsigned char)(size >> 16),
                                   (unsigned char)(size >> 24)};
    FILE *file = fopen(to, "wb");

    assert_non_null(text);
    assert_memory_equal(text + BEFORE, "data", 4);
    assert_non_null(file);
    fwrite(text, 1, BEFORE, file);
    fwrite(chunk, 1, HEADER, file);
    for (uint32_t i = 0; i < size + size % 2; i++)
        fputc(0, file);
    fwrite(text + BEFORE, 1, HEADER + keep, file);
    assert_int_equal(fclose(file), 0);
    free(text);
}

/* Samples that begin far behind the file's start: pictures and tables stand before them in some files. */
static void test_late_samples(void **state)
{
    static const uint32_t sizes[] = {0, 1, 70000, 70001, 3000000};
    char *plain = unit_path("plain.wav"), *late = unit_path("late.wav");

    (void)state;
    assert_true(write_wave(plain, 16000, 1, 16000, 200, WAV_16));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct error error = {0};
        struct signal signal;
        write_with_chunk(plain, late, sizes[i], 32000);
        assert_good(audio_decode(late, CHANNEL_MEAN, NULL, &signal, &error), error);
        assert_int_equal(signal.count, 16000);
        signal_free(&signal);
        write_with_chunk(plain, late, sizes[i], 20000);
        assert_error(audio_decode(late, CHANNEL_MEAN, NULL, &signal, &error), error, "truncated");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_samples), cmocka_unit_test(test_streamed_w64),
        cmocka_unit_test(test_unfinished),   cmocka_unit_test(test_stretches),
        cmocka_unit_test(test_fingerprints), cmocka_unit_test(test_fingerprint_text),
        cmocka_unit_test(test_same_sound),   cmocka_unit_test(test_measures),
        cmocka_unit_test(test_channels),     cmocka_unit_test(test_long_recordings),
        cmocka_unit_test(test_cut_files),    cmocka_unit_test(test_no_header),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
