/* Configurations: INI files, --set, lists, further corpora, paths, and what is printed. */
#include "unit.h"

#include "base/files.h"
#include "base/handlers.h"
#include "config/config.h"
#include "config/load.h"
#include "config/paths.h"
#include "corpus/corpus.h"
#include "eval/metrics.h"
#include "model/model.h"
#include "train/schedule.h"

#include <math.h>
#include <unistd.h>

static struct config *read_config(const char *text, struct error *error)
{
    char *path = unit_path("test.ini");
    struct config *config = config_new();

    *error = (struct error){0};
    assert_true(file_write(path, text, strlen(text), error));
    if (config_read(config, path, error))
        return config;
    config_free(config);
    return NULL;
}

static void test_config(void **state)
{
    struct error error;
    struct config *config = read_config("[train]\n  epochs = 7\n; a comment\n[model]\npooling=max\n", &error);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config_settings(config)->train.epochs, 7);
    assert_string_equal(config_text(config, "model.pooling"), "max");
    assert_int_equal(config_settings(config)->train.batch_size, 2);
    assert_true(config_set(config, "--set", "train.epochs=3", &error));
    assert_int_equal(config_settings(config)->train.epochs, 3);

    char *printed = config_print(config, NULL), *path = unit_path("printed.ini");
    assert_true(file_write(path, printed, strlen(printed), &error));
    struct config *again = config_new();
    assert_good(config_read(again, path, &error), error);
    char *twice = config_print(again, NULL);
    assert_string_equal(printed, twice);
    free(printed);
    free(twice);
    config_free(again);
    config_free(config);
}

static void test_config_errors(void **state)
{
    static const char *const cases[][2] = {
        {"[train]\nepoch = 1\n",
         "test.ini:2: unknown key train.epoch; the nearest known one is train.epochs"},
        {"[trian]\nepochs = 1\n", "test.ini:2: unknown section [trian]; the nearest known one is [train]"},
        {"[train]\nepochs = two\n", "test.ini:2: train.epochs must be a whole number, not \"two\""},
        {"[train]\nepochs = -1\n", "train.epochs must be from 0"},
        {"[train]\nepochs = 1\nepochs = 2\n", "test.ini:3: train.epochs is given twice"},
        {"[train]\nshuffle = maybe\n", "train.shuffle must be yes or no"},
        {"[run]\nprecision = float8\n", "run.precision must be one of auto|float32|bfloat16|float16"},
        {"epochs = 1\n", "test.ini:1: \"epochs\" stands before any [section]"},
        {"[run]\ndatabase =\n", "run.database must not be empty"},
        {"[train]\nwhat is this\n", "test.ini:2: expected [section], key=value or a comment"},
        {"[train]\nwhat is this\nepochs = 2\n[run]\nseed = 1\n", "test.ini:2: expected [section]"},
        {"[corpus]\n[train\nepochs = 2\n", "test.ini:2: [train: expected [section]"},
        {"[corpus]\n[train] epochs = 7\n", "test.ini:2: [train] epochs = 7: expected [section]"},
        {"[corpus]\rroot = x\r", "expected [section]"},
        {"[corpus.a2345678901234567890123456789012345678901234567890]\nroot = x\n", "up to 49 characters"},
        {"[train]\naccumulate = 2\n", "train.accumulate; it is called train.gradient_accumulation_steps"},
        {"[train]\nlr = 2\n", "train.lr; it is called train.learning_rate"},
        {"[model]\nkind = wav2vec2\n", "wav2vec2 is an encoder"},
        {"[model]\npooling = median\n", "model.pooling must be one of mean|sum|max"},
        {"[corpus_2]\nroot = x\n", "a further corpus is [corpus.NAME]"},
        {"[corpus.other]\nlabels = x\n", "stands in [corpus], once for all corpora"},
        {"[corpus.a b]\nroot = x\n", "a corpus' name has letters"},
    };
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(read_config(cases[i][0], &error));
        if (!strstr(error.message, cases[i][1]))
            fail_msg("\"%s\" does not hold \"%s\"", error.message, cases[i][1]);
        assert_int_equal(error_exit_status(&error), 2);
    }
    struct config *config = config_new();
    assert_error(config_read(config, "/nonexistent.ini", &error), error,
                 "cannot read the configuration /nonexistent.ini");
    assert_error(config_set(config, "--set", "train", &error), error, "expected section.key=value");
    assert_error(config_set(config, "--set", "run.name=a ;b", &error), error, "run.name");
    static const char *const refused[] = {"=a.b",
                                          "train=epochs.3",
                                          "run.name=a\t;b",
                                          "run.name=;a",
                                          "run.name= a",
                                          "run.name=a ",
                                          "run.name=\ta",
                                          "run.name=a\nb",
                                          "run.name=a\rb",
                                          "split.test=half",
                                          "split.test=-1",
                                          "train.epochs=1e99",
                                          "run.seed=99999999999999999999",
                                          "model.task=",
                                          "train.shuffle=perhaps",
                                          "run.precision=float"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_error(config_set(config, "--set", refused[i], &error), error, "--set");
    assert_error(config_read(config, unit_scratch(), &error), error, "is a folder");
    assert_error(config_read_text(config, "here", ".", "[run]\nname = a\nname = b\n", &error), error,
                 "here:3");
    error = (struct error){0};
    assert_true(config_read_text(config, "here", ".", "", &error));
    config_free(config);
}

/* A value of any length, with blanks and signs that begin comments at the places where the reader cuts lines.
 */
static void test_long_values(void **state)
{
    struct error error = {0};

    (void)state;
    for (int length = 100; length < 700; length += 7) {
        struct text value = {0}, file = {0};
        for (int i = 0; (int)value.length < length; i++)
            text_add(&value, "%s%d", i % 5 == 0 ? "x " : i % 7 == 0 ? "#" : i % 11 == 0 ? ";" : "=", i);
        text_add(&file, "# %s\n[corpus]\n# %s\nnote = %*s%s  ; a comment\n# not: %s\nstrict = yes\n",
                 value.text, value.text, length, "", value.text, value.text);
        struct config *config = read_config(file.text, &error);
        assert_non_null(config);
        assert_string_equal(config_settings(config)->corpora.note, value.text);
        assert_true(config_settings(config)->corpora.strict);
        config_free(config);
        text_free(&value);
        text_free(&file);
    }
}

static void test_lists(void **state)
{
    struct error error = {0};
    struct config *config = read_config(
        "[sweep]\ngrid = a.b=1,2 c.d=3\ngrid = e.f=4\n[corpus]\nlabels = x, y\nlabels = z\n", &error);

    (void)state;
    assert_non_null(config);
    assert_string_equal(config_settings(config)->sweep.grid, "a.b=1,2 c.d=3 e.f=4");
    assert_string_equal(config_settings(config)->corpora.labels, "x, y,z");
    assert_true(config_set(config, "--set", "corpus.labels=p,q", &error));
    assert_string_equal(config_settings(config)->corpora.labels, "p,q");
    assert_true(config_set(config, "--set", "corpus.labels=r", &error)); /* the last one wins */
    assert_string_equal(config_settings(config)->corpora.labels, "r");
    const char *rest = " p,, q r ,";
    char *first = list_next(&rest, ','), *second = list_next(&rest, ',');
    assert_string_equal(first, "p");
    assert_string_equal(second, "q r");
    assert_null(list_next(&rest, ','));
    free(first);
    free(second);
    config_free(config);
}

static void test_corpora(void **state)
{
    struct error error = {0};
    struct config *config = read_config(
        "[corpus]\nroot = /a\n[corpus.wild]\nroot = /b\nkind = folders\n[corpus.third]\nroot = /c\n", &error);
    struct config_entry entry;
    size_t i = 0, headings = 0;

    (void)state;
    assert_non_null(config);
    const struct corpora_settings *corpora = &config_settings(config)->corpora;
    assert_int_equal(corpora->count, 3);
    assert_string_equal(corpora->items[1].name, "wild");
    assert_string_equal(corpora->items[1].kind, "folders");
    assert_string_equal(corpora->items[2].root, "/c");
    assert_string_equal(corpora->items[2].part, "split"); /* a default */
    assert_true(config_set(config, "--set", "corpus.third.part=test", &error));
    assert_string_equal(corpora->items[2].part, "test");
    assert_string_equal(config_text(config, "corpus.wild.root"), "/b");
    assert_null(config_text(config, "corpus.none.root"));
    assert_non_null(setting_find("corpus.any.root"));
    assert_null(setting_find("corpus.any.labels"));
    while (config_entry(config, i, &entry)) /* every entry reads back by its name */
        assert_ptr_equal(config_text(config, entry.name), entry.value), i++;
    assert_int_equal(i, SETTINGS_COUNT + 2 * 9);

    char *printed = config_print(config, NULL);
    for (const char *at = printed; (at = strstr(at, "[corpus")); at++)
        headings++;
    assert_int_equal(headings, 3);
    struct config *again = config_new(), *copy = config_copy(config);
    assert_good(config_read_text(again, "printed", ".", printed, &error), error);
    assert_int_equal(config_settings(again)->corpora.count, 3);
    assert_string_equal(config_settings(copy)->corpora.items[2].part, "test");
    free(printed);
    config_free(again);
    config_free(copy);
    config_free(config);
}

/* Each section stands once in what is printed. */
static void test_sections_once(void **state)
{
    struct config *config = config_new();
    char *printed = config_print(config, NULL);

    (void)state;
    for (const char *at = printed; (at = strstr(at, "\n[")); at++) {
        char heading[64];
        snprintf(heading, sizeof heading, "%.*s", (int)strcspn(at + 1, "\n") + 1, at);
        assert_null(strstr(at + 1, heading));
    }
    free(printed);
    config_free(config);
}

static void check_path(const char *path, const char *folder, const char *expected)
{
    const struct setting *setting = setting_find("corpus.root");
    char *resolved = setting_resolve(setting, path, folder);

    assert_string_equal(resolved, expected);
    free(resolved);
}

static void test_paths(void **state)
{
    struct error error = {0};
    static const char *const relative[][3] = {{"/a/b/data", "/a/b/runs/x", "../../data"},
                                              {"/a/b", "/a/b/c", ".."},
                                              {"/a/b", "/a/b", "."},
                                              {"/a/bc", "/a/b", "../bc"},
                                              {"/a/b/c", "/a", "b/c"}};

    (void)state;
    check_path("data", "configs", "configs/data");
    check_path("../data", "configs", "data");
    check_path("../../data", "configs", "../data");
    check_path("../data", "/x/configs", "/x/data");
    check_path("./data/./a//b", "configs", "configs/data/a/b");
    check_path("/data", "configs", "/data");
    check_path("data", ".", "data");
    check_path("data", NULL, "data");
    check_path("..", "configs", ".");
    for (size_t i = 0; i < sizeof relative / sizeof relative[0]; i++) {
        char *path = path_relative(relative[i][0], relative[i][1]);
        assert_string_equal(path, relative[i][2]);
        free(path);
    }

    /* A name of the hub stays one; a file beside the configuration is found. */
    assert_true(folder_make(unit_path("configs"), &error));
    assert_true(file_write(unit_path("configs/model.json"), "{}", 2, &error));
    static const char text[] = "[model]\npretrained = model.json\n[corpus]\nroot = ../data\n";
    assert_true(file_write(unit_path("configs/a.ini"), text, strlen(text), &error));
    struct config *config = config_new();
    assert_good(config_read(config, unit_path("configs/a.ini"), &error), error);
    assert_string_equal(config_settings(config)->model.pretrained, unit_path("configs/model.json"));
    assert_string_equal(config_settings(config)->corpora.items[0].root, unit_path("data"));
    assert_true(config_set(config, "--set", "model.pretrained=owner/name", &error));
    assert_string_equal(config_settings(config)->model.pretrained, "owner/name");
    char *printed = config_print(config, NULL);
    assert_non_null(strstr(printed, "pretrained = owner/name\n"));
    free(printed);
    config_free(config);
}

/* Runs are found from the folders below them. */
static void test_runs_above(void **state)
{
    struct error error = {0};
    const struct strings none = {0};
    char *here = getcwd(NULL, 0);

    (void)state;
    assert_true(folder_make(unit_path("project/runs"), &error) &&
                folder_make(unit_path("project/a/b"), &error));
    assert_true(file_write(unit_path("project/runs/emotrain.db"), "", 0, &error));
    assert_int_equal(chdir(unit_path("project/a/b")), 0);
    struct config *config = config_load(NULL, &none, &error);
    assert_non_null(config);
    assert_string_equal(config_settings(config)->run.directory, "../../runs");
    assert_string_equal(config_settings(config)->run.database, "../../runs/emotrain.db");
    config_free(config);
    assert_int_equal(chdir(unit_path("project")), 0);
    config = config_load(NULL, &none, &error);
    assert_string_equal(config_settings(config)->run.directory, "runs");
    config_free(config);
    assert_int_equal(chdir(here), 0);
    free(here);
}

/* A default that was given is not one that nobody gave, in copies too. */
static void test_given(void **state)
{
    struct error error = {0};
    struct config *config = config_new();

    (void)state;
    assert_false(config_is_given(config, "audio.channel"));
    config_choose(config, "audio.channel", "left");
    assert_false(config_is_given(config, "audio.channel"));
    assert_good(config_set(config, "--set", "audio.channel=mean", &error), error);
    assert_good(config_read_text(config, "text", "/", "[corpus.b]\nroot = b\n[train]\nepochs = 7\n", &error),
                error);
    struct config *copy = config_copy(config);
    const struct config *const both[] = {config, copy};
    for (int i = 0; i < 2; i++) {
        assert_true(config_is_given(both[i], "audio.channel"));
        assert_true(config_is_given(both[i], "train.epochs"));
        assert_true(config_is_given(both[i], "corpus.b.root"));
        assert_false(config_is_given(both[i], "corpus.b.kind"));
        assert_false(config_is_given(both[i], "corpus.root"));
        assert_false(config_is_given(both[i], "corpus.c.root"));
    }
    config_free(copy);
    config_free(config);
}

/* What was printed is read back whole, and not otherwise, wherever it is cut. */
static void test_read_back(void **state)
{
    struct error error = {0};
    struct config *config = config_new();
    char *text = config_print(config, "/"), *path = unit_path("back.ini");
    size_t length = strlen(text);

    (void)state;
    for (size_t cut = 0; cut <= length; cut += cut + 97 < length ? 97 : 1) {
        struct config *back = config_new();
        const char *newest = strstr(text, "\nmodels =") + strlen("\nmodels ="); /* older files end here */
        error = (struct error){0};
        assert_true(file_write(path, text, cut, &error));
        bool read = config_read_back(back, path, &error);
        bool whole = cut > 0 && text[cut - 1] == '\n' && text + cut > newest;
        if (read != whole)
            fail_msg("cut at %zu of %zu: %s", cut, length, read ? "read" : error.message);
        config_free(back);
    }
    free(text);
    config_free(config);
}

static void count_difference(void *context, const struct setting *setting, const char *name, const char *a,
                             const char *b)
{
    size_t *count = context;

    (void)setting;
    (void)name;
    assert_string_not_equal(a, b);
    ++*count;
}

static void test_compare(void **state)
{
    struct error error = {0};
    struct config *a = config_new(), *b = config_new();
    size_t count = 0;

    (void)state;
    assert_true(config_set(a, "--set", "train.learning_rate=0.0001", &error)); /* as 1e-4 */
    assert_true(config_set(b, "--set", "train.epochs=9", &error));
    assert_true(config_set(b, "--set", "corpus.more.root=/x",
                           &error)); /* kind, root, votes and part: only b has them */
    config_compare(a, b, count_difference, &count);
    assert_int_equal(count, 5);
    config_free(a);
    config_free(b);
}

/* Numbers that are left to config.json. */
static void test_unset(void **state)
{
    const struct settings *s = settings_default();

    (void)state;
    assert_true(isnan(s->model.hidden_dropout) && strcmp(s->linear.C, "auto") == 0);
    assert_int_equal(s->model.mask_time_length, SETTING_UNSET);
    assert_int_equal(s->model.apply_spec_augment, TRI_UNSET);
    assert_true(s->train.learning_rate == 1e-4 && s->train.shuffle && s->split.test == 0.2);
    assert_int_equal(s->run.precision, PRECISION_AUTO);
}

/* The names in the table are those that the handlers have, and no others. */
static void check_choices(const char *name, const void *(*find)(const char *name, struct error *error))
{
    const struct setting *setting = setting_find(name);
    char *copy = mem_string(setting->choices), *rest = copy;
    struct error error = {0};

    for (char *choice; (choice = strsep(&rest, "|"));)
        assert_good(find(choice, &error), error);
    find("", &error); /* the error lists what there is */
    const char *list = strstr(error.message, "there is ");
    assert_non_null(list);
    size_t choices = 1, known = 1;
    for (const char *c = setting->choices; *c; c++)
        choices += *c == '|';
    for (const char *c = list; (c = strstr(c, ", ")); c++)
        known++;
    assert_int_equal(choices, known);
    free(copy);
}

static const void *find_model(const char *name, struct error *error)
{
    return model_kind_find(name, error);
}

static const void *find_pooling(const char *name, struct error *error)
{
    return pooling_find(name, error);
}

static const void *find_schedule(const char *name, struct error *error)
{
    return schedule_find(name, error);
}

static const void *find_format(const char *name, struct error *error)
{
    return corpus_format_find(name, error);
}

static void test_choices(void **state)
{
    const struct setting *metric = setting_find("eval.best_metric");

    (void)state;
    check_choices("model.kind", find_model);
    check_choices("model.pooling", find_pooling);
    check_choices("train.lr_scheduler", find_schedule);
    check_choices("corpus.kind", find_format);
    for (enum metric m = 0; m < METRIC_COUNT; m++)
        assert_true(setting_choice(metric->choices, METRICS[m].name) >= 0);
}

/* The configurations that come with the program are read, and what they name lies beside them. */
static void test_shipped(void **state)
{
    static const char *const folders[] = {EMOTRAIN_TESTS "/../configs", EMOTRAIN_TESTS "/../configs/sweeps"};
    struct error error = {0};
    int count = 0;

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct strings names = {0};
        assert_true(folder_list(&names, folders[f], &error));
        for (size_t i = 0; i < names.count; i++) {
            char *path = path_join(folders[f], names.items[i]);
            struct config *config = config_new();
            if (text_ends(path, ".ini")) {
                assert_good(config_read(config, path, &error), error);
                const char *pretrained = config_settings(config)->model.pretrained,
                           *models = config_settings(config)->compare.models;
                assert_true(!text_ends(pretrained, ".json") || path_exists(pretrained));
                for (char *model; (model = list_next(&models, ' ')); free(model)) {
                    model[strcspn(model, ":")] = '\0'; /* before a setting of its own */
                    assert_true(path_exists(model));
                }
                count++;
            }
            config_free(config);
            free(path);
        }
        strings_free(&names);
    }
    assert_true(count > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),      cmocka_unit_test(test_config_errors),
        cmocka_unit_test(test_long_values), cmocka_unit_test(test_lists),
        cmocka_unit_test(test_corpora),     cmocka_unit_test(test_sections_once),
        cmocka_unit_test(test_paths),       cmocka_unit_test(test_runs_above),
        cmocka_unit_test(test_given),       cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_compare),     cmocka_unit_test(test_unset),
        cmocka_unit_test(test_choices),     cmocka_unit_test(test_shipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
