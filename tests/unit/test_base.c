/* Text, CSV, numbers, random numbers, files, the environment of processes. */
#include "unit.h"

#include "base/csv.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/processor.h"
#include "base/random.h"
#include "base/strings.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/yaml.h"
#include "config/config.h"
#include "config/dist_env.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void test_error_keeps_the_first(void **state)
{
    struct error error = {0};

    (void)state;
    assert_false(error_usage(&error, "first\nline"));
    assert_false(error_set(&error, "second"));
    assert_string_equal(error.message, "first line");
    assert_int_equal(error_exit_status(&error), 2);
    error_prefix(&error, "file");
    assert_string_equal(error.message, "file: first line");
    assert_int_equal(error_exit_status(&error), 2);
}

static void test_numbers(void **state)
{
    static const double values[] = {0, 0.1, 1.0 / 3, 1e-4, -2.5e300, 5e-324, 0.1 + 0.2};
    static const char *const bad[] = {"", "x", "1x", "0x10", "nan", "inf", "1e999", " 1", "1 "};
    char buffer[TEXT_NUMBER_SIZE];
    long long integer;
    double number;

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(text_to_number(text_from_number(buffer, values[i]), &number));
        assert_true(number == values[i]);
    }
    assert_string_equal(text_from_number(buffer, 0.1), "0.1");
    assert_string_equal(text_from_number(buffer, 20), "20");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_to_number(bad[i], &number));
        assert_false(text_to_integer(bad[i], &integer));
    }
    assert_true(text_to_integer("-12", &integer) && integer == -12);
    assert_false(text_to_integer("99999999999999999999", &integer));
}

static void test_csv_round_trip(void **state)
{
    static const char *const fields[] = {"plain", "with,comma", "with \"quotes\"", "two\nlines", ""};
    struct text text = {0}, field = {0};
    bool last = false;

    (void)state;
    for (int i = 0; i < 5; i++) {
        csv_add_field(&text, fields[i]);
        text_add(&text, i < 4 ? "," : "\r\n");
    }
    const char *cursor = text.text;
    for (int i = 0; i < 5; i++) {
        assert_true(csv_next_field(&cursor, ',', &field, &last));
        assert_string_equal(field.text, fields[i]);
        assert_int_equal(last, i == 4);
    }
    assert_false(csv_next_field(&cursor, ',', &field, &last));
    text_free(&text);
    text_free(&field);
}

static void test_html_is_escaped(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_html(&text, "<a href=\"x\">'&");
    assert_string_equal(text.text, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    text_free(&text);
}

static void test_base64(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},        {"f", "Zg=="},          {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "//79"}}; /* RFC 4648 */

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct text text = {0};
        text_add_bytes(&text, "", 0);
        text_add_base64(&text, pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(text.text, pairs[i][1]);
        text_free(&text);
    }
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("same", "same"), 0);
}

/* numpy.random.RandomState(101): the first outputs and a permutation. */
static void test_numpy_random(void **state)
{
    struct numpy_random random;
    size_t order[10];

    (void)state;
    numpy_random_seed(&random, 5489); /* the reference implementation's own seed and first outputs */
    assert_int_equal(numpy_random_next(&random), 3499211612u);
    assert_int_equal(numpy_random_next(&random), 581869302u);
    numpy_random_seed(&random, 101);
    numpy_random_permutation(&random, order, 10);
    static const size_t expected[10] = {8, 2, 0, 4, 9, 3, 5, 7, 6, 1};
    assert_memory_equal(order, expected, sizeof expected);
}

static void test_random_streams(void **state)
{
    struct random_stream a = random_stream(1, RANDOM_ORDER, 0), b = random_stream(1, RANDOM_ORDER, 0);
    struct random_stream other = random_stream(1, RANDOM_MASK, 0);
    int counts[5] = {0};

    (void)state;
    assert_true(random_next(&a) == random_next(&b));
    assert_true(random_next(&a) != random_next(&other));
    for (int i = 0; i < 5000; i++)
        counts[random_below(&a, 5)]++;
    for (int i = 0; i < 5; i++)
        assert_in_range(counts[i], 850, 1150); /* 1000, six standard deviations either way */
}

static void test_files(void **state)
{
    struct error error = {0};
    char *path = unit_path("a/b/file"), *folder = unit_path("a/b"), *link = unit_path("link");
    struct file_writer writer;
    size_t size;

    (void)state;
    assert_error(file_write(path, "x", 1, &error), error, "cannot write");
    error = (struct error){0};
    assert_true(folder_make(folder, &error));
    assert_true(file_write(path, "first", 5, &error));
    assert_true(file_writer_open(&writer, path, true, &error));
    file_writer_put(&writer, "second", 6);
    file_writer_discard(&writer);
    char *content = file_read(path, &size, &error);
    assert_string_equal(content, "first"); /* a write that was given up leaves the old file */
    free(content);
    struct strings names = {0};
    assert_true(folder_list(&names, folder, &error));
    assert_int_equal(names.count, 1); /* and nothing beside it */
    strings_free(&names);
    /* A name that another host with this process's number writes under, too, is left alone. */
    for (int n = 0; n < 100; n++) {
        char *taken = mem_format("%s.tmp-%ld-%d", path, (long)getpid(), n);
        FILE *file = fopen(taken, "w");
        fputs("another's", file);
        fclose(file);
        free(taken);
    }
    assert_good(file_write(path, "third", 5, &error), error);
    content = file_read(path, &size, &error);
    assert_string_equal(content, "third");
    free(content);
    assert_true(folder_list(&names, folder, &error));
    assert_int_equal(names.count, 101);
    strings_free(&names);
    assert_error(folder_make("/proc/none/deeper", &error), error, "/proc/none: cannot make the folder");
    error = (struct error){0};
    assert_true(link_replace("a", link, &error) && link_replace("a/b", link, &error));
    assert_true(path_is_folder(link));
    assert_true(folder_remove(unit_path("a"), &error));
    assert_false(path_exists(path));
}

static void test_file_errors(void **state)
{
    struct error error = {0};
    char *file = unit_path("errors/file"), *below = unit_path("errors/file/below"),
         *folder = unit_path("errors");
    char block[BUFSIZ * 4] = {0};
    struct file_writer writer;
    struct file_map map;
    struct strings names = {0};

    (void)state;
    assert_true(folder_make(folder, &error) && file_write(file, "x", 1, &error));
    assert_error(file_read(folder, NULL, &error), error, "errors");
    assert_error(file_read(below, NULL, &error), error, "Not a directory");
    assert_error(file_map_open(&map, folder, &error), error, "not a regular file");
    assert_error(file_map_open(&map, below, &error), error, "Not a directory");
    assert_error(folder_make(file, &error), error, "cannot make the folder");
    assert_error(folder_make(below, &error), error, "cannot make the folder");
    assert_error(folder_sync(below, &error), error, "Not a directory");
    assert_error(folder_remove(below, &error), error, "Not a directory");
    assert_error(folder_list(&names, file, &error), error, "Not a directory");
    assert_error(folder_clean_up(file, 0, &error), error, "Not a directory");
    assert_error(folder_check_free(file, &error), error, "is there already");
    assert_error(folder_check_free(folder, &error), error, "not empty");
    assert_error(folder_begin(below, &error), error, "Not a directory");
    assert_error(link_replace("x", below, &error), error, "cannot link to x");
    assert_error(link_replace("x", folder, &error), error, "cannot link to x"); /* a folder stays */
    assert_error(folder_remove("/proc/version", &error), error, "cannot remove");
    error = (struct error){0};
    assert_true(folder_remove(unit_path("errors/nothing"), &error));
    assert_good(folder_check_free(unit_path("errors/nothing"), &error), error);

    /* A device is written to as it is; its being full is told once. */
    assert_true(file_writer_open(&writer, "/dev/full", true, &error));
    file_writer_put(&writer, block, sizeof block);
    file_writer_put(&writer, block, sizeof block);
    assert_error(file_writer_commit(&writer, &error), error, "/dev/full: cannot write: No space left");
    assert_true(path_exists("/dev/full"));
    assert_true(file_writer_open(&writer, "/dev/null", false, (error = (struct error){0}, &error)));
    file_writer_discard(&writer);

    /* What takes the place of a folder that is not empty is thrown away. */
    char *begun = unit_path("begun");
    assert_good(folder_begin(begun, &error), error);
    assert_error(folder_finish(begun, folder, true, &error), error, "cannot write");
    assert_false(path_exists(begun));
}

/* Left-over temporary files go once they are old; what only looks alike stays. */
static void test_sweep(void **state)
{
    struct error error = {0};
    char *folder = unit_path("swept"), *other = unit_path("swept/a.tmp-notes"), *left;
    struct file_writer writer;
    struct strings names = {0};

    (void)state;
    assert_true(folder_make(folder, &error) && file_write(other, "x", 1, &error));
    assert_true(file_writer_open(&writer, unit_path("swept/b"), false, &error));
    left = mem_string(writer.temporary);
    fclose(writer.stream); /* as if killed here */
    free(writer.path);
    free(writer.temporary);
    assert_good(folder_clean_up(folder, 1e6, &error), error);
    assert_true(path_exists(left));
    assert_good(folder_clean_up(folder, 0, &error), error);
    assert_false(path_exists(left));
    assert_true(folder_list(&names, folder, &error));
    assert_int_equal(names.count, 1);
    strings_free(&names);
    free(left);
}

static bool note(void *context, const char *relative, const struct stat *facts, struct error *error)
{
    text_add(context, "%s %d\n", relative, facts ? (int)facts->st_size : -1);
    return strcmp(path_base(relative), "stop") != 0 || error_set(error, "stopped");
}

/* By name within each folder; links are followed, but not in circles; a link to nothing has no facts. */
static void test_walk(void **state)
{
    struct error error = {0};
    struct text seen = {0};
    char *root = unit_path("walk");

    (void)state;
    assert_good(folder_make(unit_path("walk/b/deep"), &error), error);
    assert_good(folder_make(unit_path("elsewhere"), &error), error);
    assert_good(file_write(unit_path("walk/c"), "123", 3, &error), error);
    assert_good(file_write(unit_path("walk/a"), "1", 1, &error), error);
    assert_good(file_write(unit_path("walk/b/deep/x"), "12", 2, &error), error);
    assert_good(file_write(unit_path("elsewhere/y"), "", 0, &error), error);
    assert_int_equal(symlink("..", unit_path("walk/b/loop")), 0);
    assert_int_equal(symlink(".", unit_path("walk/here")), 0);
    assert_int_equal(symlink("../elsewhere", unit_path("walk/link")), 0);
    assert_int_equal(symlink("nothing", unit_path("walk/none")), 0);
    assert_good(folder_walk(root, note, &seen, &error), error);
    assert_string_equal(seen.text, "a 1\nb/deep/x 2\nc 3\nlink/y 0\nnone -1\n");
    assert_good(file_write(unit_path("walk/b/stop"), "", 0, &error), error);
    assert_error(folder_walk(root, note, &seen, &error), error, "stopped");
    assert_error(folder_walk(unit_path("walk/gone"), note, &seen, &error), error, "No such file");
    assert_error(folder_walk(unit_path("walk/a"), note, &seen, &error), error, "Not a directory");

    /* What is removed does not lead elsewhere. */
    error = (struct error){0};
    assert_good(folder_remove(root, &error), error);
    assert_false(path_exists(root));
    assert_true(path_exists(unit_path("elsewhere/y")));
    text_free(&seen);
}

static void test_paths(void **state)
{
    static const char *const cases[][3] = {{"/x", "/", "/x"},
                                           {"x", ".", "x"},
                                           {"a/.hidden", "a", "a/.hidden"},
                                           {"a.b/c", "a.b", "a.b/c"},
                                           {"a/b.tar.gz", "a", "a/b.tar"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = path_folder(cases[i][0]), *stem = path_stem(cases[i][0]);
        assert_string_equal(folder, cases[i][1]);
        assert_string_equal(stem, cases[i][2]);
        free(folder);
        free(stem);
    }
}

/* Whether two values mean the same, by the setting's type. */
static void test_same_value(void **state)
{
    static const struct {
        const char *name, *a, *b;
        bool same;
    } cases[] = {{"train.shuffle", "yes", "true", true}, {"train.shuffle", "yes", "no", false},
                 {"train.shuffle", "yes", "", false},    {"train.shuffle", "maybe", "yes", false},
                 {"train.epochs", "07", "7", true},      {"train.epochs", "7", "8", false},
                 {"train.epochs", "7", "seven", false},  {"split.test", "0.5", "5e-1", true},
                 {"split.test", "x", "0.5", false},      {"model.pooling", "mean", "max", false},
                 {"model.pooling", "max", "max", true}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(setting_same_value(setting_find(cases[i].name), cases[i].a, cases[i].b),
                         cases[i].same);
}

static void test_csv_errors(void **state)
{
    static const char *const cases[][2] = {{"", "empty"},
                                           {"a,b\n1\n", "csv:2: 1 fields where the heading names 2"},
                                           {"a;b\n1;2;3\n", "csv:2: 3 fields"},
                                           {"a;b,c\n1;2,3,4\n", "csv:2: 3 fields"}};
    struct error error = {0};
    struct csv csv;
    struct text wide = {0};

    (void)state;
    assert_error(csv_open(&csv, unit_path("no.csv"), &error), error, "no.csv");
    csv_close(&csv);
    error = (struct error){0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(file_write(unit_path("bad.csv"), cases[i][0], strlen(cases[i][0]), &error));
        bool opened = csv_open(&csv, unit_path("bad.csv"), &error);
        while (opened && csv_next(&csv, &error))
            ;
        if (!strstr(error.message, cases[i][1]))
            fail_msg("\"%s\" does not hold \"%s\"", error.message, cases[i][1]);
        csv_close(&csv);
        error = (struct error){0};
    }
    for (int i = 0; i < 10001; i++)
        text_add(&wide, "%d,", i);
    text_add(&wide, "\n1\n");
    assert_true(file_write(unit_path("wide.csv"), wide.text, wide.length, &error));
    assert_error(csv_open(&csv, unit_path("wide.csv"), &error) && csv_next(&csv, &error), error, "wide.csv");
    csv_close(&csv);
    text_free(&wide);

    /* Empty lines and a field's own quotes; a single column may be empty. */
    const char *good = "a;b\n\n\"x;\"\"y\"\"\";2\n\n";
    assert_true(file_write(unit_path("good.csv"), good, strlen(good), (error = (struct error){0}, &error)));
    assert_good(csv_open(&csv, unit_path("good.csv"), &error) && csv_next(&csv, &error), error);
    assert_string_equal(csv_field(&csv, 0), "x;\"y\"");
    assert_false(csv_next(&csv, &error));
    assert_int_equal(error.kind, ERROR_NONE);
    csv_close(&csv);
}

static void test_digest(void **state)
{
    char hex[SHA256_HEX_SIZE];

    (void)state;
    digest_bytes("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(checksum("123456789", 9), 0xcbf43926u);
    struct error error = {0};
    assert_true(file_write(unit_path("abc"), "abc", 3, &error));
    assert_true(digest_file_as(DIGEST_MD5, unit_path("abc"), hex, &error));
    assert_string_equal(hex, "900150983cd24fb0d6963f7d28e17f72");
    assert_true(digest_file_as(DIGEST_GIT, unit_path("abc"), hex, &error)); /* as git hash-object says */
    assert_string_equal(hex, "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f");
}

static void test_json_errors(void **state)
{
    struct error error = {0};
    int64_t value = 5;

    (void)state;
    assert_null(json_parse("{\n\"a\": }", 8, "file.json", &error));
    assert_non_null(strstr(error.message, "file.json:2: not valid JSON"));
    static const char *const twice[] = {"{\"a\": 1, \"b\": 2, \"a\": 1}",
                                        "{\"b\": [{}, {\"a\": {}, \"a\": {}}]}",
                                        "{\"b\": {\"c\": {\"a\": 1, \"a\": 2}}, \"d\": 3}"};
    for (size_t i = 0; i < 3; i++) {
        error = (struct error){0};
        assert_null(json_parse(twice[i], strlen(twice[i]), "file.json", &error));
        assert_string_equal(error.message, "file.json: \"a\" stands twice in one object");
    }
    error = (struct error){0};
    cJSON *json = json_parse("{\"a\": 1.5, \"b\": null}", 21, "file.json", &error);
    assert_non_null(json);
    assert_true(json_integer(json, "b", &value, &error) && value == 5);
    assert_error(json_integer(json, "a", &value, &error), error, "\"a\" must be a whole number");
    cJSON_Delete(json);

    double number;
    bool target;
    const char *text;
    const char *mixed = "{\"n\": 1e300, \"t\": \"x\", \"b\": true}";
    json = json_parse(mixed, strlen(mixed), "file.json", &error);
    assert_error(json_integer(json, "n", &value, &error), error, "\"n\"");
    assert_error(json_integer(json, "t", &value, &error), error, "\"t\"");
    assert_error(json_number(json, "t", &number, &error), error, "\"t\"");
    assert_error(json_bool(json, "n", &target, &error), error, "\"n\"");
    assert_error(json_string(json, "b", &text, &error), error, "\"b\"");
    cJSON_Delete(json);
    assert_error(json_parse("[1]", 3, "file.json", &error), error, "file.json");
    assert_error(json_read(unit_path("no.json"), &error), error, "no.json");
}

static atomic_int calls;

static bool count_call(void *context, size_t item)
{
    int *seen = context;

    seen[item]++;
    atomic_fetch_add(&calls, 1);
    return true;
}

static void test_parallel_for(void **state)
{
    int seen[1000] = {0};

    (void)state;
    assert_true(parallel_for(1000, 4, count_call, seen));
    assert_int_equal(calls, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    assert_true(processor_count() >= 1);
}

/* Sets "NAME=VALUE" for each, and nothing else that tells a env. */
static void set_environment(const char *const *settings)
{
    static const char *const known[] = {"RANK",
                                        "WORLD_SIZE",
                                        "LOCAL_RANK",
                                        "LOCAL_WORLD_SIZE",
                                        "MASTER_ADDR",
                                        "MASTER_PORT",
                                        "OMPI_COMM_WORLD_RANK",
                                        "OMPI_COMM_WORLD_SIZE",
                                        "OMPI_COMM_WORLD_LOCAL_RANK",
                                        "OMPI_COMM_WORLD_LOCAL_SIZE",
                                        "PMI_RANK",
                                        "PMI_SIZE",
                                        "MPI_LOCALRANKID",
                                        "MPI_LOCALNRANKS",
                                        "SLURM_PROCID",
                                        "SLURM_STEP_NUM_TASKS",
                                        "SLURM_LOCALID",
                                        "SLURM_JOB_ID",
                                        "SLURM_NTASKS",
                                        "SLURM_STEP_TASKS_PER_NODE",
                                        "SLURM_LAUNCH_NODE_IPADDR",
                                        "TORCHELASTIC_USE_AGENT_STORE"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        unsetenv(known[i]);
    for (; *settings; settings++) {
        char *copy = mem_string(*settings);
        char *equals = strchr(copy, '=');
        *equals = '\0';
        setenv(copy, equals + 1, 1);
        free(copy);
    }
}

static void test_dist_env(void **state)
{
    struct dist_env env;
    struct error error = {0};

    (void)state;
    set_environment((const char *const[]){NULL});
    assert_true(dist_env_read(&env, &error));
    assert_true(env.world_size == 1 && env.rank == 0 && !env.launched);
    set_environment((const char *const[]){"RANK=3", "WORLD_SIZE=4", "LOCAL_RANK=1", "LOCAL_WORLD_SIZE=2",
                                          "MASTER_ADDR=node1", "MASTER_PORT=1234",
                                          "TORCHELASTIC_USE_AGENT_STORE=True", NULL});
    assert_true(dist_env_read(&env, &error));
    assert_true(env.rank == 3 && env.world_size == 4 && env.local_rank == 1 && env.local_size == 2);
    assert_true(env.port == 1234 && env.external_store && strcmp(env.address, "node1") == 0);
    assert_int_equal(dist_env_threads(&env, 1), 1);
    assert_true(dist_env_threads(&env, 0) >= 1 && dist_env_threads(&env, 0) <= (processor_count() + 1) / 2);

    /* One host needs no address. */
    set_environment((const char *const[]){"OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=2",
                                          "OMPI_COMM_WORLD_LOCAL_RANK=1", "OMPI_COMM_WORLD_LOCAL_SIZE=2",
                                          NULL});
    assert_true(dist_env_read(&env, &error));
    assert_true(env.rank == 1 && strcmp(env.address, "127.0.0.1") == 0 && !env.external_store);

    /* Slurm: within srun only, and its job's own port. */
    set_environment((const char *const[]){"SLURM_PROCID=0", "SLURM_NTASKS=4", NULL});
    assert_true(dist_env_read(&env, &error) && env.world_size == 1);
    set_environment((const char *const[]){"SLURM_PROCID=5", "SLURM_STEP_NUM_TASKS=6", "SLURM_LOCALID=2",
                                          "SLURM_STEP_TASKS_PER_NODE=3(x2)", "SLURM_JOB_ID=20007",
                                          "SLURM_LAUNCH_NODE_IPADDR=10.0.0.9", NULL});
    assert_true(dist_env_read(&env, &error));
    assert_true(env.rank == 5 && env.local_rank == 2 && env.local_size == 3 && env.port == 15007);
    assert_string_equal(env.address, "10.0.0.9");

    /* What is set but empty is not set; what a starter says in a way unknown here is one task. */
    set_environment((const char *const[]){"SLURM_PROCID=1", "SLURM_STEP_NUM_TASKS=2",
                                          "SLURM_STEP_TASKS_PER_NODE=many",
                                          "MASTER_ADDR=", "SLURM_LAUNCH_NODE_IPADDR=10.0.0.9",
                                          "SLURM_LOCALID=", "TORCHELASTIC_USE_AGENT_STORE=False", NULL});
    setenv("TORCHELASTIC_RESTART_COUNT", "2", 1);
    assert_good(dist_env_read(&env, &error), error);
    assert_true(env.rank == 1 && env.local_size == 1 && !env.external_store);
    assert_string_equal(env.address, "10.0.0.9");
    assert_string_equal(env.attempt, "2");
    unsetenv("TORCHELASTIC_RESTART_COUNT");
    static const char *const bad[] = {"LOCAL_WORLD_SIZE=3", "LOCAL_RANK=7", "MASTER_PORT=0",
                                      "MASTER_PORT=70000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        set_environment((const char *const[]){"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=node1", bad[i], NULL});
        assert_error(dist_env_read(&env, &error), error, bad[i]);
    }

    set_environment((const char *const[]){"RANK=4", "WORLD_SIZE=4", NULL});
    assert_error(dist_env_read(&env, &error), error, "RANK=4");
    set_environment((const char *const[]){"RANK=0", "WORLD_SIZE=many", NULL});
    assert_error(dist_env_read(&env, &error), error, "WORLD_SIZE=many");
    set_environment((const char *const[]){"RANK=0", "WORLD_SIZE=4", "LOCAL_WORLD_SIZE=2", NULL});
    assert_error(dist_env_read(&env, &error), error, "MASTER_ADDR");
    set_environment((const char *const[]){NULL});
}

static bool is_intel(void)
{
    char *text = file_read("/proc/cpuinfo", &(size_t){0}, &(struct error){0});
    bool intel = text && strstr(text, "GenuineIntel") != NULL;

    free(text);
    return intel;
}

/* oneDNN that is kept from a processor's products has none of bfloat16. */
static void test_held_back_processor(void **state)
{
    static const char *const names[] = {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"};
    bool before = processor_has_bfloat16(), gains = processor_gains_by_bfloat16();

    (void)state;
    for (int i = 0; i < 2; i++) {
        setenv(names[i], "avx2", 1);
        assert_false(processor_has_bfloat16() || processor_gains_by_bfloat16());
        setenv(names[i], "AVX512_CORE_AMX", 1);
        assert_true(processor_has_bfloat16() == before && processor_gains_by_bfloat16() == gains);
        setenv(names[i], "avx512_core_bf16", 1); /* AMD's gain by it, Intel's by tiles only */
        assert_true(processor_has_bfloat16() == before);
        assert_true(processor_gains_by_bfloat16() == (before && !is_intel()));
        unsetenv(names[i]);
    }
}

/* What a spreadsheet would run is no formula any more; numbers and other names stay. */
static void test_csv_formulas(void **state)
{
    static const char *const cases[][3] = {{"=1+1", "'=1+1", "./=1+1"},
                                           {"@a", "'@a", "./@a"},
                                           {"-x.wav", "'-x.wav", "./-x.wav"},
                                           {"-2.5", "-2.5", "-2.5"},
                                           {"+3", "+3", "+3"},
                                           {"a=b", "a=b", "a=b"},
                                           {"", "", ""},
                                           {"=a,b", "\"'=a,b\"", "\"./=a,b\""}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text name = {0}, path = {0};
        text_add_bytes(&name, "", 0);
        text_add_bytes(&path, "", 0);
        csv_add_name(&name, cases[i][0]);
        csv_add_path(&path, cases[i][0]);
        assert_string_equal(name.text, cases[i][1]);
        assert_string_equal(path.text, cases[i][2]);
        text_free(&name);
        text_free(&path);
    }
}

/* Memory that is not there leads where the caller said. */
static void test_no_memory(void **state)
{
    jmp_buf out;
    volatile int escaped = 0;

    (void)state;
    assert_null(mem_escape(&out));
    if (setjmp(out) == 0)
        free(mem_zero(SIZE_MAX / 2, 8));
    else
        escaped++;
    assert_ptr_equal(mem_escape(NULL), &out);
    assert_int_equal(escaped, 1);
}

/* Columns are as wide as characters are many. */
static void test_columns(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_column(&text, "ab", 4);
    text_add_column(&text, "\xc3\x96\xe2\x98\x83", 4);
    text_add_column(&text, "\xc3\x96", -3);
    text_add_column(&text, "longer", 3);
    text_add_column(&text, "longer", -3);
    text_add_column(&text, "", 2);
    assert_string_equal(text.text, "  ab  \xc3\x96\xe2\x98\x83\xc3\x96  longerlonger  ");
    text_free(&text);
}

/* What becomes of a text in one of the encodings; NULL: an error that holds `reason`. */
static void check_utf8(const char *bytes, size_t size, const char *expected, const char *reason)
{
    struct error error = {0};
    char *copy = mem_alloc(size + 1);

    memcpy(copy, bytes, size);
    copy[size] = '\0';
    char *text = text_to_utf8(copy, size, "list.csv", &error);
    if (expected && (!text || strcmp(text, expected) != 0))
        fail_msg("\"%s\" is not \"%s\"", text ? text : error.message, expected);
    if (!expected && (text || !strstr(error.message, reason)))
        fail_msg("\"%s\" does not hold \"%s\"", text ? text : error.message, reason);
    free(text);
}

#define CHECK_UTF8(bytes, expected, reason) check_utf8(bytes, sizeof(bytes) - 1, expected, reason)

static void test_encodings(void **state)
{
    static const char *const not_utf8[] = {"\x80",          "\xc1\x80",         "\xc3",
                                           "\xc3z",         "\xe0\x9f\x80",     "\xe2\x82",
                                           "\xe2z\x80",     "\xed\xa0\x80",     "\xf0\x8f\x80\x80",
                                           "\xf0\x9f\x8e",  "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                           "\xf1\x80z\x80", "\xf1\x80\x80z",    "\xff"};
    static const char *const utf8[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf1\x80\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};

    (void)state;
    for (size_t i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++)
        check_utf8(not_utf8[i], strlen(not_utf8[i]), NULL, "list.csv:1: not UTF-8");
    for (size_t i = 0; i < sizeof utf8 / sizeof utf8[0]; i++)
        check_utf8(utf8[i], strlen(utf8[i]), utf8[i], NULL);
    CHECK_UTF8("\xef\xbb\xbf"
               "a",
               "a", NULL);
    CHECK_UTF8("a\r\nb\rc\n\xff", NULL, "list.csv:4: not UTF-8");
    CHECK_UTF8("a\nb\0c", NULL, "list.csv:2: a NUL");
    CHECK_UTF8("\xff\xfe"
               "a\0\xd6\0",
               "a\xc3\x96", NULL);
    CHECK_UTF8("\xfe\xff\0a\0\xd6", "a\xc3\x96", NULL);
    CHECK_UTF8("\xff\xfe"
               "\x3c\xd8\xb5\xdf",
               "\xf0\x9f\x8e\xb5", NULL);
    CHECK_UTF8("\xff\xfe"
               "a\0\x3c\xd8",
               NULL, "damaged UTF-16 at byte");
    CHECK_UTF8("\xff\xfe"
               "a\0b",
               NULL, "damaged UTF-16 at byte");
    CHECK_UTF8("\xff\xfe"
               "a\0\0\0",
               NULL, "a NUL");
    char *composed = utf8_composed("mu\xcc\x88ller"), *decomposed = utf8_decomposed("m\xc3\xbcller");
    assert_string_equal(composed, "m\xc3\xbcller");
    assert_string_equal(decomposed, "mu\xcc\x88ller");
    free(composed);
    free(decomposed);
    assert_null(utf8_composed("m\xffller"));
}

/* A child process writes to a terminal; what that got.  Caller frees. */
static char *on_terminal(void (*write_there)(void))
{
    struct text got = {0};
    char block[512];
    ssize_t count;
    int own = posix_openpt(O_RDWR | O_NOCTTY), status;

    assert_true(own >= 0 && grantpt(own) == 0 && unlockpt(own) == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int there = open(ptsname(own), O_RDWR | O_NOCTTY), log = dup(STDERR_FILENO);
        dup2(there, STDOUT_FILENO);
        dup2(there, STDERR_FILENO);
        write_there();
        fflush(NULL);
        dup2(log, STDERR_FILENO); /* for what a sanitizer says at the end */
        exit(0);
    }
    text_add_bytes(&got, "", 0);
    for (bool over = false; !over;) {
        struct pollfd ready = {own, POLLIN, 0};
        over = waitpid(child, &status, WNOHANG) == child; /* then what is left is read once more */
        while (poll(&ready, 1, 50) > 0 && (ready.revents & POLLIN) &&
               (count = read(own, block, sizeof block)) > 0)
            text_add_bytes(&got, block, (size_t)count);
    }
    assert_int_equal(status, 0);
    close(own);
    return got.text;
}

static void print_names(void)
{
    terminal_protect();
    printf("plain\n");
    printf("\x1b[2J escaped\n");
    fwrite("a NUL \0.\n", 1, 9, stdout);
    static const char *const halves[][2] = {
        {"two \xc3", "\x96\n"}, {"three \xe2\x98", "\x83\n"}, {"four \xf0\x9f", "\x8e\xb5\n"}};
    for (int i = 0; i < 3; i++) {
        printf("%s", halves[i][0]);
        fflush(stdout);
        printf("%s", halves[i][1]);
    }
    printf("broken \xff.\n");
}

/* Names on a terminal: no raw control characters, characters whole also where they were written in halves. */
static void test_terminal(void **state)
{
    char *shown = on_terminal(print_names);

    (void)state;
    assert_string_equal(shown, "plain\r\n\xef\xbf\xbd[2J escaped\r\na NUL \xef\xbf\xbd.\r\ntwo \xc3\x96\r\n"
                               "three \xe2\x98\x83\r\nfour \xf0\x9f\x8e\xb5\r\nbroken \xef\xbf\xbd.\r\n");
    free(shown);
}

static void draw_progress(void)
{
    struct progress progress;

    progress_start(&progress, "step", "clip", 0, 1000000);
    progress.started -= 10;
    progress.drawn -= 10;
    progress_update(&progress, 10, "loss 1");
    progress_update(&progress, 11, NULL); /* too soon */
    progress.drawn -= 10;
    progress_update(&progress, 900000, NULL);
    log_warn("something");
    progress.drawn -= 10;
    progress_update(&progress, 900000, NULL);
    progress_end(&progress);
}

/* Progress on a terminal is one line, drawn over itself; other lines stand above it. */
static void test_progress(void **state)
{
    char *shown = on_terminal(draw_progress);
    const char *at = strstr(shown, "step 10/1000000"), *second = at ? strstr(at, "\r\033[K") : NULL;

    (void)state;
    assert_non_null(at);
    assert_non_null(strstr(at, ":")); /* hours are left */
    assert_non_null(strstr(at, "left  loss 1"));
    assert_non_null(second);
    assert_null(strstr(shown, "step 11/"));
    assert_non_null(strstr(second, "step 900000/1000000"));
    assert_non_null(strstr(second, "\r\033[Kwarning: something\r\n"));
    free(shown);
}

/* YAML as JSON prints it; an error holds `reason`. */
static void check_yaml(const char *yaml, const char *expected, const char *reason)
{
    struct error error = {0};
    const char *path = unit_path("db.yaml");

    assert_good(file_write(path, yaml, strlen(yaml), &error), error);
    cJSON *json = yaml_read(path, &error);
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;
    if (expected && (!text || strcmp(text, expected) != 0))
        fail_msg("\"%s\" is not \"%s\"", text ? text : error.message, expected);
    if (!expected && (text || !strstr(error.message, reason)))
        fail_msg("\"%s\" does not hold \"%s\"", text ? text : error.message, reason);
    cJSON_free(text);
    cJSON_Delete(json);
}

static void test_yaml(void **state)
{
    struct text text = {0};
    struct error error = {0};

    (void)state;
    check_yaml("a: 1\nb: [x, 2.5, true, false, null, ~, '']\nc: {d: '3'}\n",
               "{\"a\":1,\"b\":[\"x\",2.5,true,false,null,null,\"\"],\"c\":{\"d\":\"3\"}}", NULL);
    check_yaml("a: &x [1]\nb: *x\n", "{\"a\":[1],\"b\":[1]}", NULL);
    check_yaml("? [a, b]\n: 1\nc: 2\n", "{\"c\":2}", NULL); /* JSON has no such names */
    check_yaml("a: [1\n", NULL, "db.yaml: line ");
    check_yaml("\ta: 1\n", NULL, "db.yaml: line ");
    check_yaml("a: *none\n", NULL, "db.yaml: ");
    check_yaml("[1, 2]\n", NULL, "no mapping of names to values");
    check_yaml("word\n", NULL, "no mapping of names to values");
    check_yaml("", NULL, "no mapping of names to values");
    assert_error(yaml_read(unit_path("none.yaml"), &error), error, "none.yaml");
    text_add(&text, "a: [");
    for (int i = 0; i < 30000; i++)
        text_add(&text, "1,");
    text_add(&text, "1]\n");
    check_yaml(text.text, NULL, "more than 20000 values");
    text_free(&text);
    /* Aliases that grow without end, and nesting. */
    text_add(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++)
        text_add(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1,
                 i - 1);
    check_yaml(text.text, NULL, "more than 20000 values");
    text_free(&text);
    for (int i = 0; i < 1100000; i++)
        text_add_bytes(&text, "#", 1);
    check_yaml(text.text, NULL, "are more than a configuration has");
    text_free(&text);
    text_add(&text, "a: ");
    for (int i = 0; i < 40; i++)
        text_add(&text, "[");
    for (int i = 0; i < 40; i++)
        text_add(&text, "]");
    check_yaml(text.text, NULL, "or 32 levels of them");
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_keeps_the_first),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_csv_round_trip),
        cmocka_unit_test(test_csv_formulas),
        cmocka_unit_test(test_held_back_processor),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_html_is_escaped),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_numpy_random),
        cmocka_unit_test(test_random_streams),
        cmocka_unit_test(test_same_value),
        cmocka_unit_test(test_csv_errors),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_file_errors),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_json_errors),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_parallel_for),
        cmocka_unit_test(test_dist_env),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
