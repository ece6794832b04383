/* Decoding, resampling, normalising, the cache; every kind of broken file. */
#include "unit.h"
#include "waves.h"

#include "audio/audio.h"
#include "audio/foreign.h"
#include "base/digest.h"
#include "base/random.h"

#include <samplerate.h>

enum {
    WAV16 = SF_FORMAT_WAV | SF_FORMAT_PCM_16,
    WAV_FLOAT = SF_FORMAT_WAV | SF_FORMAT_FLOAT,
    FLAC16 = SF_FORMAT_FLAC | SF_FORMAT_PCM_16
};

static void test_downmix(void **state)
{
    struct audio_facts facts;
    struct signal mono, stereo;
    struct error error = {0};

    (void)state;
    assert_true(write_wave(unit_path("m.wav"), 8000, 1, 4000, 200, WAV_FLOAT));
    assert_true(write_wave(unit_path("s.wav"), 8000, 2, 4000, 200, WAV_FLOAT));
    assert_good(audio_decode(unit_path("m.wav"), CHANNEL_MEAN, &facts, &mono, &error), error);
    assert_good(audio_decode(unit_path("s.wav"), CHANNEL_MEAN, &facts, &stereo, &error), error);
    assert_int_equal(facts.channels, 2);
    assert_int_equal(facts.frames, 4000);
    assert_true(facts.duration == 0.5);
    assert_int_equal(stereo.count, 4000);
    /* channels of amplitude 0.5 and 0.25 average to 0.75 of the first; the noise is the same on both */
    assert_float_equal(stereo.samples[10] - 0.75f * mono.samples[10], 0.0f, 0.006f);
    signal_free(&mono);
    signal_free(&stereo);
}

static void put(const char *path, const void *bytes, size_t size)
{
    struct error error = {0};

    assert_true(file_write(path, bytes, size, &error));
}

/* A long recording, which is read in pieces, is not called truncated where reading stops. */
static void check_long_nan(void)
{
    enum { FRAMES = 310 * 4000 };
    SF_INFO info = {.samplerate = 4000, .channels = 1, .format = WAV_FLOAT};
    float *samples = mem_zero(FRAMES, sizeof *samples);
    struct error error = {0}, reason = {0};
    struct audio_facts facts;
    SNDFILE *file = sf_open(unit_path("long.wav"), SFM_WRITE, &info);
    struct audio_cache *cache = audio_cache_open(unit_path("cache"), 4000, "sinc_fastest", "mean", &error);

    assert_good(cache, error);
    samples[7] = (float)NAN;
    sf_writef_float(file, samples, FRAMES);
    sf_close(file);
    free(samples);
    assert_false(audio_cache_make(cache, unit_path("long.wav"),
                                  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &facts,
                                  &reason, &error));
    assert_non_null(strstr(reason.message, "NaN"));
    audio_cache_close(cache);
}

static void test_broken_files(void **state)
{
    struct error error = {0};
    struct signal signal;
    size_t size;

    (void)state;
    put(unit_path("empty.wav"), "", 0);
    assert_error(audio_decode(unit_path("empty.wav"), CHANNEL_MEAN, NULL, &signal, &error), error,
                 "empty file");
    put(unit_path("text.wav"), "this is not audio at all", 24);
    assert_error(audio_decode(unit_path("text.wav"), CHANNEL_MEAN, NULL, &signal, &error), error,
                 "not audio");
    assert_error(audio_decode(unit_path("absent.wav"), CHANNEL_MEAN, NULL, &signal, &error), error,
                 "unreadable");
    assert_true(write_wave(unit_path("zero.wav"), 8000, 1, 0, 1, WAV16));
    assert_error(audio_decode(unit_path("zero.wav"), CHANNEL_MEAN, NULL, &signal, &error), error,
                 "zero frames");

    assert_true(write_wave(unit_path("whole.wav"), 8000, 1, 4000, 200, WAV16));
    error = (struct error){0};
    char *bytes = file_read(unit_path("whole.wav"), &size, &error);
    put(unit_path("cut.wav"), bytes, size / 2);
    free(bytes);
    assert_error(audio_decode(unit_path("cut.wav"), CHANNEL_MEAN, NULL, &signal, &error), error, "truncated");
    assert_true(write_wave(unit_path("whole.flac"), 8000, 1, 40000, 200, FLAC16));
    error = (struct error){0};
    bytes = file_read(unit_path("whole.flac"), &size, &error);
    put(unit_path("cut.flac"), bytes, size / 2);
    bytes[21] &= (char)0xf0; /* STREAMINFO's 36 bits of how many samples there are: unknown, as from a pipe */
    memset(bytes + 22, 0, 4);
    put(unit_path("piped.flac"), bytes, size);
    free(bytes);
    if (foreign_is_there()) {
        assert_good(audio_decode(unit_path("piped.flac"), CHANNEL_MEAN, NULL, &signal, &error), error);
        assert_int_equal(signal.count, 40000);
        signal_free(&signal);
    }
    assert_error(audio_decode(unit_path("cut.flac"), CHANNEL_MEAN, NULL, &signal, &error), error,
                 "truncated");

    SF_INFO info = {.samplerate = 8000, .channels = 1, .format = WAV_FLOAT};
    float samples[100] = {0};
    SNDFILE *file = sf_open(unit_path("silent.wav"), SFM_WRITE, &info);
    sf_writef_float(file, samples, 100);
    sf_close(file);
    assert_error(audio_decode(unit_path("silent.wav"), CHANNEL_MEAN, NULL, &signal, &error), error, "silent");
    samples[7] = (float)NAN;
    file = sf_open(unit_path("nan.wav"), SFM_WRITE, &info);
    sf_writef_float(file, samples, 100);
    sf_close(file);
    assert_error(audio_decode(unit_path("nan.wav"), CHANNEL_MEAN, NULL, &signal, &error), error, "NaN");
    check_long_nan();
}

/* Whole fractions of the rate are made by our own loop: it must give what libsamplerate gives. */
/* Samples near FLT_MAX are finite, but what a filter or a model makes of them is not. */
static void test_too_loud(void **state)
{
    enum { FRAMES = 20000 };
    static float samples[FRAMES];
    SF_INFO info = {.samplerate = 44100, .channels = 1, .format = WAV_FLOAT};
    struct error error = {0}, reason = {0};
    struct audio_facts facts;
    char hash[SHA256_HEX_SIZE];

    (void)state;
    for (int t = 0; t < FRAMES; t++)
        samples[t] = sin(t / 7.0) > 0 ? 3.4e38F : -3.4e38F;
    SNDFILE *file = sf_open(unit_path("loud.wav"), SFM_WRITE, &info);
    sf_writef_float(file, samples, FRAMES);
    sf_close(file);
    struct audio_cache *cache = audio_cache_open(unit_path("loud-cache"), 16000, "sinc_best", "mean", &error);
    assert_true(audio_digest(unit_path("loud.wav"), NULL, hash, &error));
    audio_cache_make(cache, unit_path("loud.wav"), hash, &facts, &reason, &error);
    assert_non_null(strstr(reason.message, "which is no sample"));
    audio_cache_close(cache);
}

/* The share of the signal's energy at a frequency (Goertzel). */
static double share_at(const struct signal *signal, double frequency)
{
    const double w = 6.283185307179586 * frequency / signal->rate;
    double real = 0, imaginary = 0, energy = 0;

    for (size_t t = 0; t < signal->count; t++) {
        double x = (double)signal->samples[t];
        real += x * cos(w * (double)t);
        imaginary += x * sin(w * (double)t);
        energy += x * x;
    }
    return 2 * (real * real + imaginary * imaginary) / ((double)signal->count * energy);
}

/* Sizes in a WAV file's header that say less than the file holds, or more, but not of its samples. */
static void test_wrong_sizes(void **state)
{
    static const struct {
        size_t at;
        uint32_t value; /* 0: eight more than it is */
        bool is_zero;
    } cases[] = {
        {4, 0, false}, {4, 0, true}, {40, 0, true}, {40, 0xffffffffu, false}, {4, 0xffffffffu, false}};
    struct error error = {0};
    struct signal signal;
    size_t size;

    (void)state;
    assert_true(write_wave(unit_path("sizes.wav"), 8000, 1, 4000, 200, WAV16));
    char *bytes = file_read(unit_path("sizes.wav"), &size, &error);
    assert_memory_equal(bytes + 36, "data", 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *changed = mem_alloc(size);
        uint32_t value = cases[i].value;
        memcpy(changed, bytes, size);
        if (!value && !cases[i].is_zero)
            value = (uint32_t)size;
        memcpy(changed + cases[i].at, &value, sizeof value);
        put(unit_path("wrong.wav"), changed, size);
        assert_good(audio_decode(unit_path("wrong.wav"), CHANNEL_MEAN, NULL, &signal, &error), error);
        assert_int_equal(signal.count, 4000);
        signal_free(&signal);
        free(changed);
    }
    put(unit_path("cut.wav"), bytes, size - 2000); /* samples are missing for certain */
    assert_error(audio_decode(unit_path("cut.wav"), CHANNEL_MEAN, NULL, &signal, &error), error, "truncated");
    free(bytes);
}

/* Two channels whose mean would be silence, or half as loud as the one that has sound. */
static void test_lost_channels(void **state)
{
    enum { FRAMES = 4000 };
    struct error error = {0};
    struct audio_facts facts;
    struct signal signal;

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        static float samples[FRAMES][2];
        SF_INFO info = {.samplerate = 8000, .channels = 2, .format = WAV_FLOAT};
        for (int t = 0; t < FRAMES; t++) {
            samples[t][1] = (float)(0.5 * sin(0.2 * t));
            samples[t][0] = kind == 0 ? -samples[t][1] : kind == 1 ? 0 : samples[t][1];
        }
        SNDFILE *file = sf_open(unit_path("two.wav"), SFM_WRITE, &info);
        sf_writef_float(file, samples[0], FRAMES);
        sf_close(file);
        assert_good(audio_decode(unit_path("two.wav"), CHANNEL_MEAN, &facts, &signal, &error), error);
        assert_int_equal(signal.count, FRAMES);
        assert_int_equal(facts.one_channel, kind < 2);
        assert_float_equal(fabs((double)signal.samples[100]), fabs(0.5 * sin(20)), 1e-6);
        signal_free(&signal);
        char *stretch = mem_format("%s#t=0.1", unit_path("two.wav"));
        assert_good(audio_decode(stretch, CHANNEL_MEAN, NULL, &signal, &error), error);
        assert_int_equal(signal.count, FRAMES - 800);
        assert_float_equal(fabs((double)signal.samples[100]), fabs(0.5 * sin(180)), 1e-6);
        signal_free(&signal);
        free(stretch);
    }
}

/* What libsndfile does not read, or not rightly: tests/golden/make_sounds.sh.  Where FFmpeg's libraries were
 * not there when emotrain was built, all but the MP3 are refused. */
static void test_foreign_files(void **state)
{
    static const char *const names[] = {"tone.mp3", "tone.m4a",  "tone.mp4",
                                        "tone.aac", "tone.webm", "tone.wma"};
    struct error error = {0};
    struct audio_facts facts;
    struct signal signal;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = mem_format("%s/%s", unit_golden("sounds"), names[i]);
        if (i > 0 && !foreign_is_there()) {
            assert_error(audio_decode(path, CHANNEL_MEAN, NULL, &signal, &error), error,
                         "FFmpeg's libraries are not here");
        } else {
            assert_good(audio_decode(path, CHANNEL_MEAN, &facts, &signal, &error), error);
            double seconds = (double)signal.count / signal.rate;
            assert_true(fabs(seconds - 0.6) < 0.14); /* AAC and MP3 fill their last block, and the first */
            assert_true(fabs(facts.duration - seconds) < 1e-9);
            assert_true(share_at(&signal, 440) > 0.8);
            signal_free(&signal);
        }
        free(path);
    }
    put(unit_path("list.m3u8"), "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", 30);
    assert_error(audio_decode(unit_path("list.m3u8"), CHANNEL_MEAN, NULL, &signal, &error), error,
                 "not audio");
    if (foreign_is_there()) { /* libsndfile alone takes half of it */
        char *path = mem_format("%s/vbr.mp3", unit_golden("sounds"));
        error = (struct error){0};
        assert_good(audio_decode(path, CHANNEL_MEAN, &facts, &signal, &error), error);
        assert_true(fabs(facts.duration - 2) < 0.2);
        signal_free(&signal);
        free(path);
    }
}

static void test_decimate(void **state)
{
    static const struct {
        const char *name;
        int converter;
    } converters[] = {{"sinc_best", SRC_SINC_BEST_QUALITY},
                      {"sinc_medium", SRC_SINC_MEDIUM_QUALITY},
                      {"sinc_fastest", SRC_SINC_FASTEST}};
    struct error error = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int factor = 2; factor <= 6; factor++) {
            long count = 20000 + factor + i, room = count;
            float *noise = mem_zero((size_t)count, sizeof *noise), *out = mem_zero((size_t)room, sizeof *out);
            struct random_stream stream = random_stream(1, RANDOM_ORDER, (uint64_t)factor);
            for (long n = 0; n < count; n++)
                noise[n] = (float)(random_uniform(&stream) - 0.5);
            SRC_DATA data = {.data_in = noise,
                             .data_out = out,
                             .input_frames = count,
                             .output_frames = room,
                             .src_ratio = 1.0 / factor};
            assert_int_equal(src_simple(&data, converters[i].converter, 1), 0);
            struct signal signal = {noise, (size_t)count, 8000 * factor};
            assert_good(audio_resample(&signal, 8000, converters[i].name, &error), error);
            assert_int_equal(signal.count, data.output_frames_gen);
            for (size_t n = 0; n < signal.count; n++)
                assert_float_equal(signal.samples[n], out[n], 6e-8);
            signal_free(&signal);
            free(out);
        }
    }
}

static void test_resample(void **state)
{
    struct error error = {0};
    struct signal signal;

    (void)state;
    assert_true(write_wave(unit_path("r.wav"), 48000, 1, 48000, 1000, WAV_FLOAT));
    assert_good(audio_decode(unit_path("r.wav"), CHANNEL_MEAN, NULL, &signal, &error), error);
    assert_good(audio_resample(&signal, 16000, "sinc_best", &error), error);
    assert_int_equal(signal.rate, 16000);
    assert_in_range(signal.count, 15998, 16002);
    double worst = 0; /* the sine survives: compare the middle with the sine itself */
    for (size_t t = 4000; t < 12000; t++) {
        double expected = 0.5 * sin(6.283185307 * 1000 * (double)t / 16000);
        worst = fmax(worst, fabs((double)signal.samples[t] - expected));
    }
    assert_true(worst < 0.03); /* the noise that the file holds */
    assert_error(audio_resample(&signal, 8000, "nearest", &error), error, "audio.resampler");
    signal_free(&signal);
}

/* What the page plays is what was decoded, to 16 bits; a file in memory decodes as one on disk. */
static void test_encode(void **state)
{
    struct error error = {0};
    struct signal signal, back;
    struct audio_facts facts;
    size_t size;
    char *path = unit_path("encode.wav");

    (void)state;
    assert_true(write_wave(path, 16000, 1, 5000, 440, SF_FORMAT_WAV | SF_FORMAT_FLOAT));
    assert_good(audio_decode(path, CHANNEL_MEAN, NULL, &signal, &error), error);
    signal.samples[7] = 1.5F; /* beyond full scale: clipped, not wrapped */
    void *flac = audio_encode(&signal, &size, &error);
    assert_good(flac, error);
    assert_memory_equal(flac, "fLaC", 4);
    assert_good(audio_decode_bytes(flac, size, CHANNEL_MEAN, &facts, &back, &error), error);
    assert_int_equal(back.count, 5000);
    assert_int_equal(facts.rate, 16000);
    assert_true(back.samples[7] > 0.99F);
    signal.samples[7] = back.samples[7];
    for (size_t i = 0; i < 5000; i++)
        assert_true(fabsf(signal.samples[i] - back.samples[i]) <= 1.01F / 32768);
    signal_free(&back);
    assert_error(audio_decode_bytes(flac, 60, CHANNEL_MEAN, NULL, &back, &error), error, "");
    assert_error(
        audio_decode_bytes("RIFF\xff\0\0\0WAVEdata\x40\0\0\0", 20, CHANNEL_MEAN, NULL, &back, &error), error,
        "truncated");
    assert_error(audio_decode_bytes(NULL, 0, CHANNEL_MEAN, NULL, &back, &error), error, "empty");
    free(flac);
    signal_free(&signal);
}

static void test_normalize(void **state)
{
    float samples[4] = {1, 2, 3, 6};
    struct signal signal = {samples, 4, 16000};
    double sum = 0, squares = 0;

    (void)state;
    signal_normalize(&signal);
    for (int i = 0; i < 4; i++) {
        sum += (double)samples[i];
        squares += (double)samples[i] * (double)samples[i];
    }
    assert_true(fabs(sum) < 1e-6 && fabs(squares / 4 - 1) < 1e-6);
}

static void test_cache(void **state)
{
    struct error error = {0};
    struct audio_cache *cache = audio_cache_open(unit_path("cache"), 16000, "sinc_fastest", "mean", &error);
    char hash[SHA256_HEX_SIZE], *path = unit_path("c.wav");
    struct signal first, second;
    size_t size;

    (void)state;
    assert_non_null(cache);
    assert_true(write_wave(path, 22050, 1, 11025, 300, WAV16));
    assert_true(digest_file(path, hash, &error));
    assert_good(audio_cache_load(cache, path, hash, 0, &first, &error), error);

    /* The cache predictions without the file; a damaged entry is made again from it. */
    assert_int_equal(rename(path, unit_path("away.wav")), 0);
    assert_good(audio_cache_load(cache, path, hash, 0, &second, &error), error);
    assert_int_equal(first.count, second.count);
    assert_memory_equal(first.samples, second.samples, first.count * sizeof(float));
    signal_free(&second);
    assert_int_equal(rename(unit_path("away.wav"), path), 0);
    char *entry = mem_format("%s/%.2s/%s-16000-sinc_fastest.pcm", unit_path("cache"), hash, hash);
    char *bytes = file_read(entry, &size, &error);
    bytes[size / 2] ^= 1;
    put(entry, bytes, size);
    assert_good(audio_cache_load(cache, path, hash, 0, &second, &error), error);
    assert_memory_equal(first.samples, second.samples, first.count * sizeof(float));
    signal_free(&second);
    put(entry, bytes, size / 3);
    free(bytes);

    /* A file that changed since it was indexed is not taken for the old one. */
    assert_true(write_wave(path, 22050, 1, 11025, 400, WAV16));
    assert_error(audio_cache_load(cache, path, hash, 0, &second, &error), error,
                 "changed since it was indexed");
    free(entry);
    signal_free(&first);
    audio_cache_close(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_loud),      cmocka_unit_test(test_wrong_sizes),
        cmocka_unit_test(test_lost_channels), cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_downmix),       cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_resample),      cmocka_unit_test(test_decimate),
        cmocka_unit_test(test_encode),        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_cache),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
