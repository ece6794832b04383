/* Distortions: what a measurement of the distorted signal says must be what was asked for. */
#include "unit.h"
#include "waves.h"

#include "audio/distort.h"

#include <math.h>

enum { RATE = 16000, SECONDS = 8, COUNT = RATE * SECONDS };

static const double PI = 3.14159265358979323846;

static struct signal tone(double hertz, double amplitude)
{
    struct signal signal = {mem_zero(COUNT, sizeof(float)), COUNT, RATE};

    for (int i = 0; i < COUNT; i++)
        signal.samples[i] = (float)(amplitude * sin(2 * PI * hertz * i / RATE));
    return signal;
}

/* Several tones, louder and softer by turns: as much like speech as a test needs. */
static struct signal voice(void)
{
    struct signal signal = tone(220, 0.2), other = tone(910, 0.15), high = tone(2750, 0.05);

    for (int i = 0; i < COUNT; i++)
        signal.samples[i] = (signal.samples[i] + other.samples[i] + high.samples[i]) *
                            (float)(0.6 + 0.4 * sin(2 * PI * 3 * i / RATE));
    signal_free(&other);
    signal_free(&high);
    return signal;
}

static double power(const float *samples, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sum / (double)count;
}

/* How alike two signals are, from 0 to 1. */
static double correlation(const float *a, const float *b, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum / (double)count / sqrt(power(a, count) * power(b, count));
}

static void distort(const char *words, struct audio_cache *cache, struct signal *signal, uint64_t seed)
{
    struct error error = {0};
    struct distortion *distortion = distortion_open(words, cache, &error);

    assert_good(distortion, error);
    assert_string_equal(distortion_words(distortion), words);
    assert_good(distortion_apply(distortion, signal, seed, &error), error);
    distortion_close(distortion);
}

/* The signal-to-noise ratio that the distorted signal has, by its likeness to the clean one. */
static double snr_of(const char *words, struct audio_cache *cache, uint64_t seed)
{
    struct signal clean = voice(), noisy = voice();

    distort(words, cache, &noisy, seed);
    assert_int_equal(noisy.count, COUNT);
    assert_float_equal(power(noisy.samples, COUNT) / power(clean.samples, COUNT), 1, 1e-3);
    double alike = correlation(clean.samples, noisy.samples, COUNT);
    signal_free(&clean);
    signal_free(&noisy);
    return 10 * log10(alike * alike / (1 - alike * alike));
}

static void test_noise(void **state)
{
    double least = 100, most = -100;

    (void)state;
    for (int snr = -5; snr <= 30; snr += 5) {
        char words[32];
        snprintf(words, sizeof words, "noise:%ddB", snr);
        assert_float_equal(snr_of(words, NULL, 1), snr, 0.3);
    }
    assert_true(snr_of("noise:10", NULL, 1) == snr_of("noise:10dB", NULL, 1));
    assert_true(snr_of("noise:10", NULL, 1) != snr_of("noise:10", NULL, 2));
    for (uint64_t seed = 0; seed < 40; seed++) {
        double snr = snr_of("noise:0..20dB", NULL, seed);
        least = fmin(least, snr);
        most = fmax(most, snr);
    }
    assert_true(least > -0.4 && least < 4 && most > 16 && most < 20.4);
}

static void test_noise_from_a_folder(void **state)
{
    struct error error = {0};
    struct audio_cache *cache = audio_cache_open(unit_path("cache"), RATE, "sinc_fastest", "mean", &error);
    char *words = mem_format("noise:5dB:%s", unit_path("noises"));

    (void)state;
    assert_good(cache, error);
    assert_error(distortion_open(words, cache, &error), error, "no folder");
    error = (struct error){0};
    assert_good(folder_make(unit_path("noises/deep"), &error), error);
    assert_error(distortion_open(words, cache, &error), error, "no recordings in");
    assert_true(
        write_wave(unit_path("noises/deep/a.wav"), RATE, 1, RATE, 4321, SF_FORMAT_WAV | SF_FORMAT_FLOAT));
    assert_float_equal(snr_of(words, cache, 3), 5, 0.3); /* shorter than the signal: repeated */
    free(words);
    audio_cache_close(cache);
}

/* A room whose impulse response is a file: the direct sound, and half of it 50 ms later. */
static void test_room_from_a_folder(void **state)
{
    enum { BEFORE = 20, LATER = RATE / 20 };
    struct error error = {0};
    struct audio_cache *cache = audio_cache_open(unit_path("cache"), RATE, "sinc_fastest", "mean", &error);
    char *words = mem_format("room:1s:%s", unit_path("rooms"));
    float response[BEFORE + LATER + 1] = {0};
    SF_INFO info = {.samplerate = RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    struct signal clean = voice(), there = voice();

    (void)state;
    response[BEFORE] = 0.8F;
    response[BEFORE + LATER] = 0.4F;
    assert_good(folder_make(unit_path("rooms"), &error), error);
    SNDFILE *file = sf_open(unit_path("rooms/hall.wav"), SFM_WRITE, &info);
    assert_int_equal(sf_writef_float(file, response, BEFORE + LATER + 1), BEFORE + LATER + 1);
    sf_close(file);
    distort(words, cache, &there, 1);
    assert_int_equal(there.count, COUNT);
    assert_float_equal(power(there.samples, COUNT) / power(clean.samples, COUNT), 1, 1e-3);
    const float factor = there.samples[LATER / 2] / clean.samples[LATER / 2];
    for (int i = 0; i < COUNT; i += 7) {
        float late = i < LATER ? 0 : 0.5F * clean.samples[i - LATER];
        assert_float_equal(there.samples[i], factor * (clean.samples[i] + late), 1e-3);
    }
    /* A file that is no sound, found when the folder is read or when it is drawn. */
    assert_good(file_write(unit_path("rooms/hall.wav"), "damaged", 7, &error), error);
    folder_remove(unit_path("cache"), &error);
    struct distortion *distortion = distortion_open(words, cache, &error);
    assert_false(distortion && distortion_apply(distortion, &there, 1, &error));
    assert_non_null(strstr(error.message, "hall.wav"));
    distortion_close(distortion);
    signal_free(&clean);
    signal_free(&there);
    free(words);
    audio_cache_close(cache);
}

/* Whatever the scale of a folder's recordings, as loud as floats go and as soft. */
static void test_scales(void **state)
{
    static const double peaks[] = {1e-38, 1e-20, 0.5, 32768, 1e17};
    struct error error = {0};
    struct audio_cache *cache = audio_cache_open(unit_path("cache"), RATE, "sinc_fastest", "mean", &error);

    (void)state;
    for (size_t i = 0; i < sizeof peaks / sizeof peaks[0]; i++) {
        char name[32], words[2][160];
        float sound[2000];
        SF_INFO info = {.samplerate = 8000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
        snprintf(name, sizeof name, "scale%zu", i);
        assert_good(folder_make(unit_path(name), &error), error);
        for (int t = 0; t < 2000; t++)
            sound[t] = (float)(peaks[i] * sin(0.9 * t + 1e-3 * t * t));
        char *path = path_join(unit_path(name), "a.wav");
        SNDFILE *file = sf_open(path, SFM_WRITE, &info);
        assert_int_equal(sf_writef_float(file, sound, 2000), 2000);
        sf_close(file);
        free(path);
        snprintf(words[0], sizeof words[0], "noise:-30dB:%s", unit_path(name));
        snprintf(words[1], sizeof words[1], "room:1s:%s", unit_path(name));
        for (int w = 0; w < 2; w++) {
            struct signal clean = voice(), signal = voice();
            distort(words[w], cache, &signal, 1);
            assert_float_equal(power(signal.samples, COUNT) / power(clean.samples, COUNT), 1, 1e-3);
            signal_free(&clean);
            signal_free(&signal);
        }
    }
    audio_cache_close(cache);
}

/* Silence stays silence, and nothing stays nothing. */
static void test_no_sound(void **state)
{
    static const char *const words[] = {"noise:10dB", "room:0.5s", "telephone", "band:300-3400",
                                        "gain:-20dB", "pitch:2st", "mp3:64"};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct signal silence = {mem_zero(COUNT, sizeof(float)), COUNT, RATE}, nothing = {NULL, 0, RATE};
        distort(words[i], NULL, &silence, 1);
        assert_int_equal(silence.count, COUNT);
        for (int k = 0; k < COUNT; k++)
            assert_true(fabsf(silence.samples[k]) < 1e-3F);
        distort(words[i], NULL, &nothing, 1);
        assert_int_equal(nothing.count, 0);
        signal_free(&silence);
    }
}

/* An impulse in a room: the energy that is still to come falls by 60 dB in the time asked for. */
static void test_room(void **state)
{
    (void)state;
    for (int tenths = 2; tenths <= 10; tenths += 4) {
        struct signal signal = {mem_zero(COUNT, sizeof(float)), COUNT, RATE};
        char words[32];
        double left[2] = {0}; /* dB, at 10 % and 40 % of the time */
        signal.samples[100] = 1;
        snprintf(words, sizeof words, "room:0.%ds", tenths);
        if (tenths == 10)
            snprintf(words, sizeof words, "room:1s");
        distort(words, NULL, &signal, 5);
        assert_int_equal(signal.count, COUNT);
        assert_float_equal(power(signal.samples, COUNT) * COUNT, 1, 1e-3);
        for (int which = 0; which < 2; which++) {
            size_t from = 100 + 40 + (size_t)((which ? 0.04 : 0.01) * tenths * RATE);
            left[which] = 10 * log10(power(signal.samples + from, COUNT - from) * (double)(COUNT - from));
        }
        assert_float_equal(left[0] - left[1], 60 * 0.3, 1);
        assert_true(signal.samples[99] == 0 && signal.samples[101] == 0); /* nothing before 2.5 ms */
        signal_free(&signal);
    }
}

/* By how many dB a tone is weakened. */
static double loss_of(const char *words, double hertz)
{
    struct signal signal = tone(hertz, 0.3), other = tone(1000, 0.3), kept = tone(hertz, 0.3);

    for (int i = 0; i < COUNT; i++)
        signal.samples[i] += other.samples[i];
    distort(words, NULL, &signal, 1);
    double in = 0, reference = 0, in_cosine = 0, reference_cosine = 0;
    for (int i = RATE; i < COUNT - RATE; i++) { /* by its Fourier coefficient, against that of 1 kHz */
        in += (double)signal.samples[i] * sin(2 * PI * hertz * i / RATE);
        in_cosine += (double)signal.samples[i] * cos(2 * PI * hertz * i / RATE);
        reference += (double)signal.samples[i] * sin(2 * PI * 1000 * i / RATE);
        reference_cosine += (double)signal.samples[i] * cos(2 * PI * 1000 * i / RATE);
    }
    signal_free(&signal);
    signal_free(&other);
    signal_free(&kept);
    return 20 * log10(hypot(reference, reference_cosine) / hypot(in, in_cosine));
}

static void test_bands(void **state)
{
    static const char *const words[] = {"telephone", "band:300-3400"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_float_equal(loss_of(words[i], 500), 0, 0.2);
        assert_float_equal(loss_of(words[i], 3000), 0, 0.2);
        assert_true(loss_of(words[i], 150) > 30);
        assert_true(loss_of(words[i], 5000) > 30);
    }
    assert_float_equal(loss_of("band:100-6000Hz", 5000), 0, 0.2);
    assert_true(loss_of("band:100-6000Hz", 7000) > 30);
}

static void test_telephone_has_few_steps(void **state)
{
    struct signal clean = voice(), call = voice();

    (void)state;
    distort("band:300-3400", NULL, &clean, 1);
    distort("telephone", NULL, &call, 1);
    double alike = correlation(clean.samples, call.samples, COUNT);
    double snr = 10 * log10(alike * alike / (1 - alike * alike));
    assert_true(snr > 28 && snr < 42); /* that of 8 bits of mu-law is 38 dB at best */
    signal_free(&clean);
    signal_free(&call);
}

static void test_gain(void **state)
{
    struct signal clean = tone(100, 0.5), soft = tone(100, 0.5), loud = tone(100, 0.5);

    (void)state;
    distort("gain:-20dB", NULL, &soft, 1);
    distort("gain:20dB", NULL, &loud, 1);
    for (int i = 0; i < COUNT; i++) {
        assert_float_equal(soft.samples[i], clean.samples[i] * 0.1F, 1e-6);
        assert_float_equal(loud.samples[i], fminf(fmaxf(clean.samples[i] * 10, -1), 1), 1e-5);
    }
    signal_free(&clean);
    signal_free(&soft);
    signal_free(&loud);
}

/* Of a tone: how often it crosses zero upwards, a second. */
static double frequency_of(const struct signal *signal)
{
    int crossings = 0;

    for (int i = RATE; i < COUNT - RATE; i++)
        crossings += signal->samples[i] < 0 && signal->samples[i + 1] >= 0;
    return (double)crossings / (SECONDS - 2);
}

static void test_pitch(void **state)
{
    static const struct {
        const char *words;
        double semitones;
    } shifts[] = {{"pitch:12st", 12},
                  {"pitch:4.5st", 4.5},
                  {"pitch:-3", -3},
                  {"pitch:-12st", -12},
                  {"pitch:0.1st", 0.1}};

    (void)state;
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        struct signal clean = tone(300, 0.3), shifted = tone(300, 0.3), spoken = voice(), high = voice();
        double wanted = 300 * pow(2, shifts[i].semitones / 12);
        distort(shifts[i].words, NULL, &shifted, 1);
        assert_int_equal(shifted.count, COUNT);
        assert_int_equal(shifted.rate, RATE);
        assert_float_equal(frequency_of(&shifted), wanted, 0.002 * wanted);
        assert_float_equal(power(shifted.samples, COUNT), power(clean.samples, COUNT),
                           0.02 * power(clean.samples, COUNT));
        distort(shifts[i].words, NULL, &high, 1); /* louder and softer by turns, as before */
        for (int second = 0; second < SECONDS; second++) {
            double was = power(spoken.samples + second * RATE, RATE),
                   is = power(high.samples + second * RATE, RATE);
            assert_true(is > 0.6 * was && is < 1.4 * was);
        }
        signal_free(&clean);
        signal_free(&shifted);
        signal_free(&spoken);
        signal_free(&high);
    }
}

/* How alike a codec leaves a voice, wherever its delay puts it. */
static double kept_by(const char *words)
{
    struct signal clean = voice(), coded = voice();
    double best = 0;

    distort(words, NULL, &coded, 1);
    assert_int_equal(coded.count, COUNT);
    for (size_t delay = 0; delay < 2400; delay++)
        best = fmax(best, fabs(correlation(clean.samples + RATE, coded.samples + RATE + delay, RATE)));
    signal_free(&clean);
    signal_free(&coded);
    return best;
}

static void test_codecs(void **state)
{
    static const char *const words[2][2] = {{"mp3:128", "mp3:8"}, {"opus:64", "opus:6"}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        double many = kept_by(words[i][0]), few = kept_by(words[i][1]);
        assert_true(many > 0.99 && few < many && few > 0.3);
    }
}

static void test_words(void **state)
{
    static const char *const bad[][2] = {
        {"nois:10", "no distortion \"nois:10\": there is noise:10dB"},
        {"noise", "expected noise:10dB"},
        {"noise:", "expected noise:10dB"},
        {"noise:loud", "expected noise:10dB"},
        {"noise:20..10", "expected noise:10dB"},
        {"noise:10kHz", "expected noise:10dB"},
        {"noise:1e9", "expected noise:10dB"},
        {"noise:nan", "expected noise:10dB"},
        {"room:0", "expected room:0.5s"},
        {"telephone:3", "expected telephone"},
        {"mp3:4", "expected mp3:16"},
        {"band:300", "expected band:300-3400"},
        {"band:3400-300", "expected band:300-3400"},
        {"gain:3:a", "expected gain:-20dB"},
        {"noise:5..x", "expected noise:10dB"},
        {"noise:5..", "expected noise:10dB"},
        {"noise:0.00000000000000000000000000000000000000000000000000000000000000001", "expected noise:10dB"},
        {"band:300-x", "expected band:300-3400"},
        {"pitch:13", "expected pitch:-2..2st"}};
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_error(distortion_open(bad[i][0], NULL, &error), error, bad[i][1]);
    distortion_close(NULL);
    struct distortion *high = distortion_open("band:9000-12000", NULL, &error); /* above half of 16 kHz */
    struct signal clean = {0};
    error = (struct error){0};
    high = high ? high : distortion_open("band:9000-12000", NULL, &error);
    clean.samples = mem_zero(1600, sizeof *clean.samples);
    clean.count = 1600;
    clean.rate = 16000;
    clean.samples[3] = 0.5f;
    assert_error(distortion_apply(high, &clean, 1, &error), error, "has nothing above 8000 Hz");
    signal_free(&clean);
    distortion_close(high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise),  cmocka_unit_test(test_noise_from_a_folder),
        cmocka_unit_test(test_room),   cmocka_unit_test(test_room_from_a_folder),
        cmocka_unit_test(test_scales), cmocka_unit_test(test_no_sound),
        cmocka_unit_test(test_bands),  cmocka_unit_test(test_gain),
        cmocka_unit_test(test_pitch),  cmocka_unit_test(test_telephone_has_few_steps),
        cmocka_unit_test(test_codecs), cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
