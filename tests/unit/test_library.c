/* The library as a host sees it: settings that are one model's own, silence, forked processes, several
 * threads, no memory. */
#include "unit.h"

#include "base/log.h"
#include "lib/emotrain.h"
#include "model/model.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { LABELS = 3, SAMPLES = 24000, RATE = 16000, CALLS = 8 };

static const char CONFIG[] =
    "{\"model_type\": \"cnn\", \"channels\": [4, 6, 8], \"bands\": 20, \"window\": 0.02,"
    " \"hop\": 0.01, \"head_size\": 12}";
static float sound[SAMPLES];

/* The thread sanitizer does not know libgomp's barriers: there, one thread each. */
#ifdef __SANITIZE_THREAD__
enum { SEVERAL = 1 };
#else
enum { SEVERAL = 2 };
#endif

/* All processors, where that can be looked at. */
static const struct emotrain_settings ordinary = {.threads = SEVERAL > 1 ? 0 : 1};

/* The folder of a model. */
static const char *model_folder(void)
{
    static const char *folder;
    struct error error = {0};
    struct settings settings = *settings_default();
    struct strings labels = {0};

    if (folder)
        return folder;
    folder = unit_path("model");
    settings.model.kind = "cnn";
    for (int k = 0; k < LABELS; k++)
        strings_add(&labels, ((const char *[]){"angry", "happy", "sad"})[k]);
    assert_good(file_write(unit_path("cnn.json"), CONFIG, strlen(CONFIG), &error), error);
    const struct model_source source = {
        .path = unit_path("cnn.json"), .settings = &settings, .labels = &labels, .device = ET_CPU, .seed = 5};
    bool hushed = log_hush(true);
    struct model *model = model_open(&source, &error);
    log_hush(hushed);
    assert_good(model, error);
    assert_good(folder_make(folder, &error) && model_save(model, folder, &error), error);
    model_close(model);
    strings_free(&labels);
    for (int i = 0; i < SAMPLES; i++)
        sound[i] = 0.3F * sinf((float)i * 0.05F) + 0.1F * sinf((float)i * 0.31F);
    return folder;
}

/* Standard error into a file; give what is returned to read_stderr. */
static int catch_stderr(void)
{
    int before = dup(STDERR_FILENO), file = open(unit_path("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0666);

    fflush(stderr);
    dup2(file, STDERR_FILENO);
    close(file);
    return before;
}

/* What came since; caller frees. */
static char *read_stderr(int before)
{
    struct error error = {0};

    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    return file_read(unit_path("stderr"), NULL, &error);
}

static void classify(struct emotrain *model, float outputs[LABELS])
{
    struct emotrain_error error;

    if (!emotrain_classify(model, sound, SAMPLES, RATE, outputs, &error))
        fail_msg("%s", error.message);
}

/* A loud model and a silent one beside it: each keeps to its own settings, and the host's thread stays as it
 * was. */
static void test_settings_are_a_models_own(void **state)
{
    const struct emotrain_settings loud = {.verbose = true, .threads = 1000000},
                                   silent = {.threads = 1000000};
    struct emotrain_error error;
    float outputs[LABELS];
    int threads = et_get_threads(), before = catch_stderr();

    (void)state;
    struct emotrain *a = emotrain_open(model_folder(), &loud, &error);
    char *said = read_stderr(before);
    assert_non_null(a);
    assert_non_null(strstr(said, "run.threads=1000000"));
    free(said);
    before = catch_stderr();
    struct emotrain *b = emotrain_open(model_folder(), &silent, &error);
    if (SEVERAL > 1) { /* these two have all processors */
        classify(b, outputs);
        classify(a, outputs);
    }
    assert_null(emotrain_open("/nowhere", &silent, &error));
    said = read_stderr(before);
    assert_string_equal(said, "");
    free(said);
    assert_int_equal(et_get_threads(), threads);
    emotrain_close(a);
    emotrain_close(b);
}

/* One of several threads that classify by themselves. */
struct worker {
    pthread_t thread;
    int threads;
    float outputs[CALLS][LABELS];
};

static void *work(void *context)
{
    struct worker *worker = context;
    const struct emotrain_settings settings = {.threads = worker->threads};
    struct emotrain_error error;
    struct emotrain *model = emotrain_open(model_folder(), &settings, &error);

    for (int i = 0; model && i < CALLS; i++)
        if (!emotrain_classify(model, sound, SAMPLES, RATE, worker->outputs[i], &error))
            worker->outputs[i][0] = (float)NAN;
    emotrain_close(model);
    return NULL;
}

/* The numbers of a model with one thread do not depend on what other threads of the host do. */
static void test_threads(void **state)
{
    struct worker workers[4] = {{.threads = 1}, {.threads = SEVERAL}, {.threads = 1}, {.threads = SEVERAL}};

    (void)state;
    model_folder();
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < 4; i++) {
        assert_true(workers[i].outputs[0][0] > 0);
        for (int n = 0; n < CALLS; n++)
            assert_memory_equal(workers[i].outputs[n], workers[i % 2].outputs[0],
                                sizeof workers[i].outputs[n]);
    }
}

/* Runs a function in a forked process, which may take 20 seconds; returns its exit status. */
static int in_child(int (*run)(struct emotrain *model), struct emotrain *model)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        alarm(20);
        _exit(run(model));
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int use_after_fork(struct emotrain *model)
{
    struct emotrain_error error;
    float outputs[LABELS];

    if (emotrain_classify(model, sound, SAMPLES, RATE, outputs, &error) ||
        !strstr(error.message, "was forked"))
        return 1;
    return emotrain_open(model_folder(), &ordinary, &error) || !strstr(error.message, "was forked") ? 2 : 0;
}

static void test_fork(void **state)
{
    struct emotrain_error error;
    float before[LABELS], after[LABELS];
    struct emotrain *model = emotrain_open(model_folder(), &ordinary, &error);

    (void)state;
    classify(model, before);
    assert_int_equal(in_child(use_after_fork, model), 0);
    classify(model, after);
    assert_memory_equal(before, after, sizeof before);
    emotrain_close(model);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which need the room themselves */
/* Memory that is not there is an error of the call; the host lives on.  In a process of its own, which opens
 * first. */
static void test_no_memory(void **state)
{
    struct emotrain_error error;
    struct rlimit before, limit;
    size_t count = (size_t)1 << 28; /* samples: 1 GiB */
    float outputs[LABELS], *silence = calloc(count, sizeof *silence);
    struct emotrain *model = emotrain_open(model_folder(), &ordinary, &error);
    long long pages = 0;

    (void)state;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%lld", &pages), 1);
    fclose(file);
    getrlimit(RLIMIT_AS, &before);
    limit = before;
    limit.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + ((rlim_t)256 << 20);
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    bool done = emotrain_classify(model, silence, count, RATE, outputs, &error);
    setrlimit(RLIMIT_AS, &before);
    free(silence);
    assert_false(done);
    assert_non_null(strstr(error.message, "out of memory"));
    emotrain_close(model);
    model = emotrain_open(model_folder(), &ordinary, &error);
    classify(model, outputs);
    emotrain_close(model);
}
#else
static void test_no_memory(void **state)
{
    (void)state;
    skip();
}
#endif

/* Samples and settings that mean nothing. */
static bool count_window(void *context, double start, double end, const float *outputs)
{
    (void)start, (void)end, (void)outputs;
    ++*(int *)context;
    return true;
}

/* Windows that a classification of two seconds takes. */
static int count_windows(const char *folder, double window_seconds, double expected)
{
    const struct emotrain_settings settings = {.threads = 1, .window_seconds = window_seconds};
    struct emotrain_error error;
    struct emotrain *model = emotrain_open(folder, &settings, &error);
    static float samples[32000];
    float outputs[LABELS];
    int count = 0;

    assert_non_null(model);
    assert_float_equal(emotrain_window_seconds(model), expected, 1e-12);
    emotrain_on_window(model, count_window, &count);
    memcpy(samples, sound, sizeof samples < sizeof sound ? sizeof samples : sizeof sound);
    assert_true(emotrain_classify(model, samples, 32000, 16000, outputs, &error));
    emotrain_close(model);
    return count;
}

/* What the caller does not say is as the model was trained. */
static void test_windows_of_the_model(void **state)
{
    struct error error = {0};
    char *path = path_join(model_folder(), "preprocessor_config.json"), *folder = unit_path("windowed");

    (void)state;
    assert_int_equal(count_windows(model_folder(), 0, 0), 1);
    assert_int_equal(count_windows(model_folder(), 0.5, 0.5), 4);
    assert_good(folder_make(folder, &error), error);
    const char *const names[] = {"config.json", "model.safetensors"};
    for (int i = 0; i < 2; i++) {
        char *from = path_join(model_folder(), names[i]), *to = path_join(folder, names[i]);
        assert_int_equal(symlink(from, to), 0);
        free(from);
        free(to);
    }
    char *text = file_read(path, NULL, &error);
    assert_non_null(text);
    char *at = strstr(text, "\"emotrain_max_seconds\":\t0");
    assert_non_null(at);
    at[strlen("\"emotrain_max_seconds\":\t")] = '1';
    char *to = path_join(folder, "preprocessor_config.json");
    assert_good(file_write(to, text, strlen(text), &error), error);
    assert_int_equal(count_windows(folder, 0, 1), 2);
    assert_int_equal(count_windows(folder, 0.5, 0.5), 4);
    assert_int_equal(count_windows(folder, DBL_MAX, 0), 1);
    free(to);
    free(text);
    free(path);
}

static void test_refusals(void **state)
{
    const struct emotrain_settings endless = {.window_seconds = INFINITY}, unknown = {.precision = "float99"};
    const float bad[3] = {0, NAN, 0};
    struct emotrain_error error;
    float outputs[LABELS];
    struct emotrain *model = emotrain_open(model_folder(), &ordinary, &error);

    (void)state;
    assert_false(emotrain_classify(model, bad, 3, RATE, outputs, &error));
    assert_int_equal(error.status, 2);
    assert_non_null(strstr(error.message, "sample 1 is nan"));
    assert_false(emotrain_classify(model, sound, 0, RATE, outputs, &error));
    assert_false(emotrain_classify(model, sound, 0, RATE, outputs, NULL)); /* nobody is told why */
    assert_false(emotrain_classify(model, NULL, 100, RATE, outputs, &error));
    assert_string_equal(error.message, "nothing to predict from: NULL");
    assert_false(emotrain_classify_file(model, NULL, outputs, &error));
    assert_false(emotrain_classify_bytes(model, NULL, 100, outputs, &error));
    assert_false(emotrain_classify(model, sound, 100, RATE, NULL, &error));
    assert_string_equal(error.message, "no place for predictions: NULL");
    assert_false(emotrain_classify(NULL, sound, 100, RATE, outputs, &error));
    assert_string_equal(error.message, "no model: NULL");
    assert_null(emotrain_open(NULL, NULL, &error));
    assert_string_equal(error.message, "no directory of a model: NULL");
    assert_null(emotrain_open("/none", NULL, NULL));
    static const double accuracies[] = {-1, 2, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        double threshold, share;
        assert_false(emotrain_reject(model, accuracies[i], &threshold, &share, &error));
        assert_int_equal(error.status, 2);
        assert_non_null(strstr(error.message, "an accuracy is from 0 to 1, not"));
    }
    assert_false(emotrain_classify_text(model, "hello", outputs, &error));
    assert_non_null(strstr(error.message, "takes sounds"));
    assert_null(emotrain_open(model_folder(), &endless, &error));
    assert_non_null(strstr(error.message, "window_seconds"));
    assert_null(emotrain_open(model_folder(), &unknown, &error));
    assert_non_null(strstr(error.message, "precision \"float99\""));
    const struct emotrain_settings wrong[] = {{.channel = "middle"}, {.resampler = "best"}};
    for (int i = 0; i < 2; i++) {
        assert_null(emotrain_open("/none", &wrong[i], &error)); /* before a model is looked for */
        assert_int_equal(error.status, 2);
        assert_non_null(strstr(error.message, i ? "\"best\"" : "\"middle\""));
    }
    emotrain_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_a_models_own),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_windows_of_the_model),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
