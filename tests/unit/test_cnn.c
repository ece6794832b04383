/* The convolutional network: its spectrogram against NumPy's, padding, saving, running statistics;
 * augmentation. */
#include "batches.h"
#include "unit.h"

#include "base/csv.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "model/layers/log_mel.h"
#include "model/model.h"
#include "train/augment.h"

#include <math.h>

enum { LABELS = 3, WIDTH = 9000 };

static const char CONFIG[] =
    "{\"model_type\": \"cnn\", \"channels\": [4, 6, 8], \"bands\": 20, \"window\": 0.02,"
    " \"hop\": 0.01, \"head_size\": 12}";
static const char OTHER_CONFIG[] =
    "{\"model_type\": \"cnn\", \"channels\": [4, 6, 8], \"bands\": 20, \"window\": 0.02, \"hop\": 0.01,"
    " \"head_size\": 0, \"convolutions\": 1, \"input_norm\": \"bands\"}";

static void test_log_mel(void **state)
{
    struct error error = {0};
    struct et_scope *scope = et_scope_open(NULL);
    struct log_mel mel = {.window = 400, .hop = 160, .bands = 40, .floor = 0.01};
    const int64_t shape[2] = {1, 4000};
    float samples[4000];
    char *text = file_read(unit_golden("log_mel.csv"), NULL, &error);
    const char *cursor = text;
    struct text field = {0};
    bool last;

    (void)state;
    assert_good(text, error);
    for (int i = 0; i < 4000; i++) {
        double t = i / 16000.0, turn = 2 * 3.14159265358979323846;
        samples[i] = (float)(0.5 * sin(turn * 440 * t) + 0.25 * sin(turn * (200 + 300 * t) * t));
    }
    log_mel_start(&mel, 16000, 50, 8000, scope, ET_CPU);
    assert_int_equal(log_mel_frames(&mel, 4000), 23);
    assert_int_equal(log_mel_frames(&mel, 399), 0);
    struct et_tensor *x = log_mel(&mel, scope, et_from_data(scope, samples, ET_FLOAT32, shape, 2, ET_CPU));
    float found[23 * 40];
    et_read(scope, x, found, 23 * 40);
    assert_good(et_scope_close(scope, &error), error);
    for (int i = 0; i < 23 * 40; i++) {
        double expected = 0;
        assert_true(csv_next_field(&cursor, ',', &field, &last) && text_to_number(field.text, &expected));
        if (fabs((double)found[i] - expected) > 2e-4)
            fail_msg("frame %d, band %d: %g, not %g", i / 40, i % 40, (double)found[i], expected);
    }
    text_free(&field);
    free(text);
}

/* ---- the model ---- */

static struct model *open_model(const char *path, const struct settings *settings, struct error *error)
{
    struct strings labels = {0};

    *error = (struct error){0};
    log_quiet(true);
    for (int k = 0; k < LABELS; k++) {
        char name[] = {(char)('a' + k), '\0'};
        strings_add(&labels, name);
    }
    struct model_source source = {
        .path = path, .settings = settings, .labels = settings ? &labels : NULL, .device = ET_CPU, .seed = 5};
    struct model *model = model_open(&source, error);
    strings_free(&labels);
    return model;
}

static struct settings cnn_settings(const char *pooling)
{
    struct settings settings = *settings_default();

    settings.model.kind = "cnn";
    settings.model.pooling = pooling;
    return settings;
}

static char *write_config(const char *text)
{
    struct error error = {0};
    char *path = unit_path("cnn.json");

    assert_good(file_write(path, text, strlen(text), &error), error);
    return path;
}

static char *config_file(void)
{
    return write_config(CONFIG);
}

/* A few training passes, so that the running statistics are not those it began with. */
static void warm_up(struct model *model, const struct batch *batch)
{
    float logits[8 * LABELS];

    for (int i = 0; i < 3; i++)
        batch_outputs(model, batch, true, logits);
}

static void test_padding_changes_no_answer(void **state)
{
    static const char *const poolings[] = {
        "mean", "sum", "max", "first", "last", "statistics", "attention", "attentive_statistics", "mean+max"};
    const int64_t lengths[4] = {3000, 8200, 1700, 4097}; /* odd numbers of frames among them */

    (void)state;
    for (size_t p = 0; p < 2 * sizeof poolings / sizeof poolings[0]; p++) {
        struct settings settings = cnn_settings(poolings[p / 2]);
        struct error error;
        struct model *model =
            open_model(p % 2 ? write_config(OTHER_CONFIG) : config_file(), &settings, &error);
        assert_good(model, error);
        struct batch together = make_batch(lengths, 4, WIDTH, 0.7f);
        warm_up(model, &together);
        check_padding_changes_nothing(model, &together);
        free_batch(&together);
        model_close(model);
    }
}

static void test_saved_model_answers_the_same(void **state)
{
    const int64_t lengths[2] = {5000, 3000};
    struct settings settings = cnn_settings("attention");
    struct error error;
    struct model *model = open_model(config_file(), &settings, &error);
    struct batch batch = make_batch(lengths, 2, WIDTH, 0);
    float before[2 * LABELS], after[2 * LABELS], fresh[2 * LABELS];

    (void)state;
    assert_good(model, error);
    batch_outputs(model, &batch, false, fresh);
    warm_up(model, &batch);
    batch_outputs(model, &batch, false, before);
    assert_true(fabsf(before[0] - fresh[0]) > 1e-6f); /* training passes move the running statistics */
    assert_good(folder_make(unit_path("saved"), &error), error);
    assert_good(model_save(model, unit_path("saved"), &error), error);
    model_close(model);
    model = open_model(unit_path("saved"), NULL, &error); /* all from its own config.json */
    assert_good(model, error);
    assert_string_equal(model->kind->name, "cnn");
    batch_outputs(model, &batch, false, after);
    assert_memory_equal(before, after, sizeof before);
    model_close(model);
    free_batch(&batch);
}

/* As many labels, but other ones: the layer that tells them apart begins anew, the rest goes on. */
static void test_other_labels_start_anew(void **state)
{
    static const char *const parts[] = {"classifier.dense.weight", "classifier.out_proj.weight",
                                        "classifier.out_proj.bias"};
    struct settings settings = cnn_settings("mean");
    struct error error;
    struct strings labels = {0};
    struct model *model = open_model(config_file(), &settings, &error);

    (void)state;
    assert_good(model, error);
    assert_good(folder_make(unit_path("other"), &error), error);
    assert_good(model_save(model, unit_path("other"), &error), error);
    model_close(model);
    for (int k = 0; k < LABELS; k++)
        strings_add(&labels, ((const char *[]){"x", "y", "z"})[k]);
    const struct model_source source = {
        .path = unit_path("other"), .settings = &settings, .labels = &labels, .device = ET_CPU, .seed = 5};
    model = model_open(&source, &error);
    assert_good(model, error);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(model->parameters.items[parameters_index(&model->parameters, parts[i])].loaded,
                         i == 0);
    model_close(model);
    strings_free(&labels);
}

static void test_bad_configurations(void **state)
{
    static const char *const bad[][2] = {
        {"{\"model_type\": \"wav2vec2\"}", "\"model_type\" is \"wav2vec2\", not \"cnn\""},
        {"{\"model_type\": \"cnn\", \"channels\": []}", "\"channels\" is empty"},
        {"{\"model_type\": \"cnn\", \"channels\": [0]}", "1 to 8 numbers"},
        {"{\"model_type\": \"cnn\", \"channels\": [1,1,1,1,1,1,1,1,1]}", "1 to 8 numbers"},
        {"{\"model_type\": \"cnn\", \"bands\": 8}", "\"bands\" from 16"},
        {"{\"model_type\": \"cnn\", \"hop\": 0.5}", "\"hop\""},
        {"{\"model_type\": \"cnn\", \"high\": 9000}", "8000 Hz"},
        {"{\"model_type\": \"cnn\", \"head_size\": -1}", "\"head_size\""},
        {"{\"model_type\": \"cnn\", \"convolutions\": 0}", "\"convolutions\""},
        {"{\"model_type\": \"cnn\", \"input_norm\": \"none\"}", "\"clip\" or \"bands\""},
        {"{\"model_type\": \"cnn\", \"mask_time_length\": 0}", "above 0"},
    };
    struct settings settings = cnn_settings("mean");
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(file_write(unit_path("bad.json"), bad[i][0], strlen(bad[i][0]), &error));
        assert_error(open_model(unit_path("bad.json"), &settings, &error), error, bad[i][1]);
    }
    settings.model.freeze = "encoder";
    assert_error(open_model(config_file(), &settings, &error), error, "nothing pretrained");
}

/* ---- augmentation ---- */

static struct signal sine(size_t count)
{
    struct signal signal = {mem_zero(count, sizeof(float)), count, 16000};

    for (size_t t = 0; t < count; t++)
        signal.samples[t] = (float)sin(0.05 * (double)t);
    return signal;
}

static void test_augmentation(void **state)
{
    const struct augment_settings none = {0}, speed = {.speed = 0.2}, shift = {.shift = 0.05},
                                  noise = {.noise = 1, .noise_snr = 20};
    struct signal before = sine(8000), signal = sine(8000), again = sine(8000);

    (void)state;
    augment_signal(&none, &signal, 7, 0);
    assert_memory_equal(signal.samples, before.samples, 8000 * sizeof(float));
    augment_signal(&speed, &signal, 7, 3);
    augment_signal(&speed, &again, 7, 3); /* the same draw; another place, another draw */
    assert_int_equal(signal.count, again.count);
    assert_memory_equal(signal.samples, again.samples, signal.count * sizeof(float));
    assert_true(signal.count != 8000 && signal.count > 6600 && signal.count < 10100);
    double factor = 7999.0 / (double)(signal.count - 1); /* samples are the sine at another speed */
    for (size_t t = 0; t + 10 < signal.count; t += 100)
        assert_true(fabs((double)signal.samples[t] - sin(0.05 * factor * (double)t)) < 0.02);
    signal_free(&signal);
    signal = sine(8000);
    augment_signal(&shift, &signal, 7, 1);
    size_t moved = 0;
    for (size_t d = 0; d <= 800 && !moved; d++) /* later or earlier by d samples */
        moved = memcmp(signal.samples + d, before.samples, (8000 - d) * sizeof(float)) == 0 ||
                        memcmp(signal.samples, before.samples + d, (8000 - d) * sizeof(float)) == 0
                    ? d
                    : 0;
    assert_true(moved > 0);
    signal_free(&signal);
    signal = sine(8000);
    augment_signal(&noise, &signal, 7, 2);
    double power = 0, hiss = 0;
    for (size_t t = 0; t < 8000; t++) {
        double d = (double)signal.samples[t] - (double)before.samples[t];
        power += (double)before.samples[t] * (double)before.samples[t];
        hiss += d * d;
    }
    double snr = 10 * log10(power / hiss);
    assert_true(snr > 19.5 && snr < 50.5);
    signal_free(&before);
    signal_free(&signal);
    signal_free(&again);
}

static void test_mixup(void **state)
{
    const int64_t lengths[3] = {1000, 5000, 9000};
    const struct augment_settings mix = {.mixup = 0.4};
    struct batch batch = make_batch(lengths, 3, WIDTH, 0), before = make_batch(lengths, 3, WIDTH, 0);
    double mean = 0;

    (void)state;
    double share = augment_mix(&mix, &batch, 11);
    assert_true(share > 0 && share < 1);
    assert_int_equal(augment_partner(0, 3), 2);
    assert_int_equal(batch.lengths[0], 9000);
    assert_int_equal(batch.lengths[1], 5000); /* the middle one is its own partner */
    for (int64_t t = 0; t < WIDTH; t += 97) {
        double a = (double)before.samples[t], b = (double)before.samples[2 * WIDTH + t];
        assert_true(fabs((double)batch.samples[t] - (share * a + (1 - share) * b)) < 1e-6);
        assert_true(fabs((double)batch.samples[2 * WIDTH + t] - (share * b + (1 - share) * a)) < 1e-6);
        assert_true(batch.samples[WIDTH + t] == before.samples[WIDTH + t]);
    }
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct batch small = {.count = 2, .width = 1, .samples = before.samples, .lengths = before.lengths};
        mean += augment_mix(&mix, &small, seed) / 500;
    }
    assert_true(fabs(mean - 0.5) < 0.06); /* Beta(a, a) is symmetric */
    free_batch(&batch);
    free_batch(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_mel),
        cmocka_unit_test(test_padding_changes_no_answer),
        cmocka_unit_test(test_saved_model_answers_the_same),
        cmocka_unit_test(test_other_labels_start_anew),
        cmocka_unit_test(test_bad_configurations),
        cmocka_unit_test(test_augmentation),
        cmocka_unit_test(test_mixup),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
