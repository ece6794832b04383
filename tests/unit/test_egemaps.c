/* eGeMAPS on signals whose predictions are known; openSMILE's own numbers are compared by
 * tests/cli/egemaps.sh.
 */
#include "unit.h"

#include "audio/egemaps/egemaps.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

static float value_of(const float *values, const char *name)
{
    for (int k = 0; k < EGEMAPS_COUNT; k++)
        if (strcmp(EGEMAPS_NAMES[k], name) == 0)
            return values[k];
    fail_msg("no functional %s", name);
    return 0;
}

/* A voice: harmonics of f0 that fall off, for `seconds`. */
static void add_voice(struct signal *signal, double from, double seconds, double f0, double amplitude)
{
    size_t first = (size_t)(from * signal->rate), last = (size_t)((from + seconds) * signal->rate);

    for (size_t t = first; t < last && t < signal->count; t++)
        for (int h = 1; h <= 20; h++)
            signal->samples[t] += (float)(amplitude / h * sin(2 * PI * f0 * h * (double)t / signal->rate));
}

static struct signal silence(double seconds)
{
    size_t count = (size_t)(seconds * EGEMAPS_RATE);

    return (struct signal){mem_zero(count, sizeof(float)), count, EGEMAPS_RATE};
}

static void test_voice(void **state)
{
    struct signal signal = silence(2);
    float values[EGEMAPS_COUNT], louder[EGEMAPS_COUNT];
    struct error error = {0};

    (void)state;
    add_voice(&signal, 0, 2, 200, 0.05);
    assert_good(egemaps(&signal, values, &error), error);
    double semitones = 12 * log2(200 / 27.5);
    assert_true(fabs((double)value_of(values, "F0semitoneFrom27.5Hz_sma3nz_amean") - semitones) < 0.1);
    assert_true(value_of(values, "F0semitoneFrom27.5Hz_sma3nz_stddevNorm") < 0.001F);
    assert_true(value_of(values, "jitterLocal_sma3nz_amean") < 0.001F); /* every period is like the last */
    assert_true(value_of(values, "shimmerLocaldB_sma3nz_amean") < 0.05F);
    assert_true(value_of(values, "HNRdBACF_sma3nz_amean") > 10);
    /* harmonic 2 over harmonic 3 of amplitudes 1/2 and 1/3 */
    assert_true(fabs((double)value_of(values, "logRelF0-H1-H2_sma3nz_amean") - 20 * log10(1.5)) < 0.5);
    assert_true(value_of(values, "alphaRatioV_sma3nz_amean") < 0); /* more below 1 kHz than above */

    for (size_t t = 0; t < signal.count; t++)
        signal.samples[t] *= 2;
    assert_good(egemaps(&signal, louder, &error), error);
    double gain =
        (double)(value_of(louder, "equivalentSoundLevel_dBp") - value_of(values, "equivalentSoundLevel_dBp"));
    assert_true(fabs(gain - 20 * log10(2)) < 1e-3);
    double loudness =
        (double)value_of(louder, "loudness_sma3_amean") / (double)value_of(values, "loudness_sma3_amean");
    assert_true(fabs(loudness - pow(4, 0.33)) < 1e-3); /* power to the 0.33 */
    signal_free(&signal);
}

/* The same voice at every rate: what is measured in Hz, dB and seconds stays; frames are as long. */
static void test_rates(void **state)
{
    float at_16[EGEMAPS_COUNT], values[EGEMAPS_COUNT];
    struct error error = {0};
    struct signal signal = silence(1);

    (void)state;
    add_voice(&signal, 0, 1, 150, 0.05);
    assert_good(egemaps(&signal, at_16, &error), error);
    signal_free(&signal);
    static const int rates[] = {8000, 11025, 22050, 24414, 44100, 48000, 96000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        size_t count = (size_t)rates[i];
        signal = (struct signal){mem_zero(count, sizeof(float)), count, rates[i]};
        add_voice(&signal, 0, 1, 150, 0.05);
        assert_good(egemaps(&signal, values, &error), error);
        static const char *const steady[] = {"F0semitoneFrom27.5Hz_sma3nz_amean",
                                             "logRelF0-H1-H2_sma3nz_amean", "alphaRatioV_sma3nz_amean",
                                             "equivalentSoundLevel_dBp"};
        for (size_t k = 0; k < sizeof steady / sizeof steady[0]; k++) {
            double a = (double)value_of(at_16, steady[k]), b = (double)value_of(values, steady[k]);
            if (fabs(a - b) > 0.05 * fabs(a) + 0.1)
                fail_msg("%s: %g at 16 kHz, %g at %d Hz", steady[k], a, b, rates[i]);
        }
        signal_free(&signal);
    }
}

static void test_segments(void **state)
{
    struct signal signal = silence(3);
    float values[EGEMAPS_COUNT];
    struct error error = {0};

    (void)state;
    add_voice(&signal, 0.5, 0.5, 150, 0.05);
    add_voice(&signal, 1.8, 0.5, 150, 0.05);
    assert_good(egemaps(&signal, values, &error), error);
    assert_true(fabs((double)value_of(values, "VoicedSegmentsPerSec") * 2.94 - 2) < 0.05);
    assert_true(fabs((double)value_of(values, "MeanVoicedSegmentLengthSec") - 0.5) < 0.1);
    assert_true(value_of(values, "StddevVoicedSegmentLengthSec") < 0.05F);
    signal_free(&signal);
}

static void test_no_voice(void **state)
{
    struct signal signal = silence(1);
    float values[EGEMAPS_COUNT];
    struct error error = {0};

    (void)state;
    assert_good(egemaps(&signal, values, &error), error); /* digital silence */
    for (int k = 0; k < EGEMAPS_COUNT; k++)
        assert_true(isfinite(values[k]));
    assert_true(value_of(values, "F0semitoneFrom27.5Hz_sma3nz_amean") == 0);
    assert_true(value_of(values, "VoicedSegmentsPerSec") == 0);
    for (size_t t = 0; t < signal.count; t++) /* a tone whose pitch stays undecided to its end */
        signal.samples[t] = (float)(0.5 * sin(2 * PI * 704 * (double)t / signal.rate));
    signal.count = 4000;
    assert_good(egemaps(&signal, values, &error), error);
    for (int k = 0; k < EGEMAPS_COUNT; k++)
        assert_true(isfinite(values[k]));
    signal.count = 900; /* no frame of 60 ms */
    assert_error(egemaps(&signal, values, &error), error, "0.06 s");
    signal.count = EGEMAPS_RATE;
    signal.rate = 8001;
    assert_error(egemaps(&signal, values, &error), error, "8000 Hz, or from 11000");
    signal.count = 960; /* exactly one */
    signal.rate = EGEMAPS_RATE;
    error = (struct error){0};
    assert_good(egemaps(&signal, values, &error), error);
    signal_free(&signal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_voice), cmocka_unit_test(test_segments),
                                       cmocka_unit_test(test_rates), cmocka_unit_test(test_no_voice)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
