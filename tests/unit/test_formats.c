/* Corpora beside RAVDESS: labels in file names, in folders, in a list; stretches of files; labels mapped. */
#include "corpora.h"

#include "base/npz.h"

#include "base/csv.h"
#include "corpus/features.h"
#include "corpus/split/split.h"

#include <math.h>
#include <utime.h>

static void write_list(const char *text)
{
    struct error error = {0};

    assert_good(file_write(unit_path("list.csv"), text, strlen(text), &error), error);
}

static int set_up(void **state)
{
    int status = fixture_set_up(state);
    struct fixture *f = *state;

    f->corpus.file = unit_path("list.csv");
    return status;
}

static void check(const struct clip *clip, const char *path, const char *label, const char *speaker,
                  const char *sex, const char *text)
{
    assert_string_equal(clip->path, path);
    assert_string_equal(clip->label, label);
    const char *const values[][2] = {{clip->speaker, speaker}, {clip->sex, sex}, {clip->text, text}};
    for (size_t i = 0; i < 3; i++) {
        if (values[i][1])
            assert_string_equal(values[i][0] ? values[i][0] : "NULL", values[i][1]);
        else
            assert_null(values[i][0]);
    }
}

static void test_names(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("wav/03a01Fa.wav", 4000, 200);
    put_clip("wav/16b10Wb.wav", 4000, 210);
    put_clip("wav/readme.wav", 4000, 220);
    assert_good(index_as(f, "emodb", &error), error);
    assert_int_equal(f->clips.count, 2);
    assert_int_equal(f->scan.broken, 1); /* a name outside the scheme */
    check(&f->clips.clips[0], "wav/03a01Fa.wav", "happiness", "03", "male",
          "Der Lappen liegt auf dem Eisschrank.");
    check(&f->clips.clips[1], "wav/16b10Wb.wav", "anger", "16", "female",
          "Die wird auf dem Platz sein, wo wir sie immer hinlegen.");

    struct error cleared = {0};
    folder_remove(unit_path("corpus"), &cleared);
    put_clip("DC/sa01.wav", 4000, 200);
    put_clip("JK/sa01.wav", 4000, 210); /* the same name of another speaker is another clip */
    put_clip("KL_su03.wav", 4000, 220);
    assert_good(index_as(f, "savee", &error), error);
    assert_int_equal(f->clips.count, 3);
    check(&f->clips.clips[0], "DC/sa01.wav", "sadness", "DC", "male", NULL);
    check(&f->clips.clips[1], "JK/sa01.wav", "sadness", "JK", "male", NULL);
    check(&f->clips.clips[2], "KL_su03.wav", "surprise", "KL", "male", NULL);

    folder_remove(unit_path("corpus"), &cleared);
    put_clip("1001_DFA_ANG_XX.wav", 4000, 200);
    assert_good(index_as(f, "crema-d", &error), error);
    check(&f->clips.clips[0], "1001_DFA_ANG_XX.wav", "anger", "1001", NULL, "Don't forget a jacket.");

    folder_remove(unit_path("corpus"), &cleared);
    put_clip("OAF_happy/OAF_back_happy.wav", 4000, 200);
    assert_good(index_as(f, "tess", &error), error);
    check(&f->clips.clips[0], "OAF_happy/OAF_back_happy.wav", "happiness", "OAF", "female",
          "Say the word back.");
}

static void test_folders_and_map(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("joy/1.wav", 4000, 200);
    put_clip("deep/elation/1.wav", 4000, 210);
    put_clip("anger/1.wav", 4000, 220);
    put_clip("noise/1.wav", 4000, 230);
    assert_good(index_as(f, "folders", &error), error);
    assert_int_equal(f->clips.count, 4);
    check(&f->clips.clips[1], "deep/elation/1.wav", "elation", NULL, NULL, NULL);
    f->corpus.label_map = "joy=happy, elation=happy, anger=joy, noise=-";
    assert_good(index_as(f, "folders", &error), error);
    assert_int_equal(f->clips.count, 3);
    check(&f->clips.clips[0], "anger/1.wav", "joy", NULL, NULL, NULL); /* renamed once, not on to happy */
    check(&f->clips.clips[1], "deep/elation/1.wav", "happy", NULL, NULL, NULL);
    f->corpus.label_map = "sorrow=sad";
    assert_error(index_as(f, "folders", &error), error, "no clip of the corpus has the label \"sorrow\"");
    f->corpus.label_map = "joy";
    assert_error(index_as(f, "folders", &error), error, "expected name=other");
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    struct signal signal;

    put_clip("a.wav", 32000, 200);
    put_clip("sub/b.wav", 8000, 300);
    write_list("\xef\xbb\xbf"
               "file,emotion,speaker,part,start,end,remark\n"
               "a.wav,angry,ann,train,0,0.5,x\r\n"
               "a.wav,sad,ann,test,0.75,2,\"quoted, with comma\"\n"
               "sub/b.wav,sad,ben,train,,,\n"
               "gone.wav,sad,ben,train,,,\n"
               "sub/b.wav,,ben,train,0.1,0.2,no label\n");
    f->corpus.columns = "path=file, label=emotion";
    assert_good(index_as(f, "list", &error), error);
    assert_int_equal(f->scan.files, 5);
    assert_int_equal(f->scan.broken, 2);
    assert_int_equal(f->clips.count, 3);
    check(&f->clips.clips[0], "a.wav#t=0,0.5", "angry", "ann", NULL, NULL);
    check(&f->clips.clips[1], "a.wav#t=0.75,2", "sad", "ann", NULL, NULL);
    assert_float_equal(f->clips.clips[1].duration, 1.25, 1e-9);
    assert_string_equal(f->clips.clips[1].part, "test");
    assert_string_not_equal(f->clips.clips[0].sha256, f->clips.clips[1].sha256);

    /* The stretch's samples are the file's. */
    struct signal whole;
    char *path = mem_format("%s/a.wav", unit_path("corpus"));
    char *stretch = mem_format("%s#t=0.75,2", path);
    assert_good(audio_decode(path, CHANNEL_MEAN, NULL, &whole, &error), error);
    assert_good(corpus_signal(f->cache, stretch, f->clips.clips[1].sha256, 0, false, &signal, &error), error);
    assert_int_equal(signal.count, 20000);
    assert_memory_equal(signal.samples, whole.samples + 12000, 20000 * sizeof *signal.samples);
    signal_free(&signal);
    signal_free(&whole);
    free(stretch);
    free(path);

    /* Unchanged: nothing is opened.  A new label is seen without a new file.
     */
    assert_good(index_as(f, "list", &error), error);
    assert_int_equal(f->scan.decoded, 0);
    write_list("file,emotion,start,end\na.wav,calm,0,0.5\n");
    assert_good(index_as(f, "list", &error), error);
    assert_int_equal(f->clips.count, 1);
    assert_string_equal(f->clips.clips[0].label, "calm");
}

static void test_parts(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    struct split split;

    put_clip("a.wav", 8000, 200);
    put_clip("b.wav", 8000, 300);
    put_clip("c.wav", 8000, 400);
    write_list("path,label,part\na.wav,x,train\nb.wav,y,train\nc.wav,x,test\n");
    f->settings.split.protocol = "predefined";
    assert_good(index_as(f, "list", &error), error);
    assert_good(split_make(&f->settings.split, f->settings.model.task, &f->clips, NULL, NULL, &split, &error),
                error);
    assert_int_equal(split.counts[PART_TRAIN], 2);
    assert_int_equal(split.counts[PART_TEST], 1);
    assert_string_equal(f->clips.clips[split.clips[PART_TEST][0]].path, "c.wav");
    split_free(&split);
}

static void test_bad_lists(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    static const char *const lists[][2] = {
        {"", "empty"},
        {"path,speaker\na.wav,x\n", "no column \"label\""},
        {"path,label\na.wav\n", "list.csv:2: 1 fields where the heading names 2"},
        {"path,label,start,end\na.wav,x,2,1\n", "no stretch from \"2\" to \"1\" s"},
        {"path,label,start,end\na.wav,x,soon,1\n", "no stretch"},
        {"path,label,start,end\na.wav,x,0,late\n", "no stretch"},
        {"path,label,start,end\na.wav,x,-1,1\n", "no stretch"},
        {"path,label\n,x\n", "expected the path of a recording"},
        {"path,label,part\na.wav,x,trial\n", "no part \"trial\""},
        {"path,label\na.wav,x\na.wav,y\n", "a.wav is listed twice"},
    };

    put_clip("a.wav", 8000, 200);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        write_list(lists[i][0]);
        assert_error(index_as(f, "list", &error), error, lists[i][1]);
    }
    write_list("path,label\na.wav,x\n");
    f->corpus.columns = "place=x";
    assert_error(index_as(f, "list", &error), error, "corpus.columns");
    f->corpus.columns = "speaker=who";
    assert_error(index_as(f, "list", &error), error, "no column \"who\"");
}

static void test_stretches(void **state)
{
    double start, end;
    static const struct {
        const char *path, *file;
        double start, end;
    } cases[] = {{"a.wav#t=1.5,3", "a.wav", 1.5, 3},      {"a#t=1,2.wav", "a#t=1,2.wav", 0, 0},
                 {"a.wav#t=3,1", "a.wav#t=3,1", 0, 0},    {"a.wav", "a.wav", 0, 0},
                 {"a.wav#t=1.5", "a.wav", 1.5, INFINITY}, {"a.wav#t=x", "a.wav#t=x", 0, 0},
                 {"a#t=1,2#t=0,7", "a#t=1,2", 0, 7}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *file = audio_file_of(cases[i].path, &start, &end);
        assert_string_equal(file, cases[i].file);
        assert_true(start == cases[i].start && end == cases[i].end);
        free(file);
    }
}

/* Train labels: one clip is happy, one has none of the affects alone. */
static void put_emoreact(const char *train_labels, const char *train_names)
{
    put_text("Labels/train_labels.text", train_labels);
    put_text("Labels/Train_names.txt", train_names);
    put_text("Labels/val_labels.text", "\n");
    put_text("Labels/Val_names.txt", "");
    put_text("test_labels.txt", "1,0,0,0,0,0,0,0,2\r\n"); /* not in Labels, other ending */
    put_text("test_names.txt", "c.mp4\r\n");
}

static void test_emoreact(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    static const char *const bad[][3] = {
        {"0,0,0,0,1,0,0,0,4\n", "a.mp4\nb.mp4\n", "fewer lines than"},
        {"0,0,0,0,1,0,0,0,4\n0,0,0,0,1,0,0,0,4\n", "a.mp4\n", "more lines than"},
        {"0,0,0,0,1,0,0,0\n", "a.mp4\n", "expected 9 numbers"},
        {"0,0,0,0,1,0,0,0,4,4\n", "a.mp4\n", "expected 9 numbers"},
        {"0,0,0,0,x,0,0,0,4\n", "a.mp4\n", "expected 9 numbers"},
        {"0,0,0,0,2,0,0,0,4\n", "a.mp4\n", "must be 0 or 1"}};

    assert_error(index_as(f, "emoreact", &error), error, "no train_labels.text in");
    put_clip("Audio/Train/a.wav", 4000, 200);
    put_clip("Audio/train/b.wav", 4000, 300);
    put_clip("Audio/Test/c.wav", 4000, 400);
    put_emoreact("0,0,0,0,1,0,0,0,4\n\n1 1 0 0 0 0 0 0 4\n", "a.mp4\nb\n");
    error = (struct error){0};
    assert_good(index_as(f, "emoreact", &error), error);
    assert_int_equal(f->scan.files, 3);
    assert_int_equal(f->clips.count, 2); /* b has two affects: not one label */
    assert_string_equal(f->clips.clips[0].part, "test");
    f->settings.model.task = MULTI_LABEL;
    f->settings.corpora.task = MULTI_LABEL;
    assert_good(index_as(f, "emoreact", &error), error);
    assert_int_equal(f->clips.count, 3);
    f->settings.model.task = REGRESSION;
    f->settings.corpora.task = REGRESSION;
    assert_good(index_as(f, "emoreact", &error), error);
    assert_string_equal(f->clips.clips[0].label, "2");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_emoreact(bad[i][0], bad[i][1]);
        assert_error(index_as(f, "emoreact", &error), error, bad[i][2]);
    }
    put_emoreact("0,0,0,0,1,0,0,0,4\n", "gone.mp4\n"); /* a clip without sound is left out, and named */
    error = (struct error){0};
    assert_good(index_as(f, "emoreact", &error), error);
    assert_int_equal(f->scan.broken, 1);
}

/* Labels in columns of their own. */
static void test_label_columns(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("a.wav", 8000, 200);
    put_clip("b.wav", 8000, 300);
    f->settings.model.task = MULTI_LABEL;
    f->settings.corpora.task = MULTI_LABEL;
    f->settings.corpora.labels = "joy,anger";
    write_list("path,joy,anger\na.wav,1,0\nb.wav,1,1\n");
    assert_good(index_as(f, "list", &error), error);
    assert_string_equal(f->clips.clips[0].label, "joy");
    write_list("path,joy,anger\na.wav,1,0\nb.wav,0.5,1\n");
    assert_error(index_as(f, "list", &error), error, "neither 0 nor 1");
    write_list("path,joy,anger\na.wav,1,0\nb.wav,much,1\n");
    assert_error(index_as(f, "list", &error), error, "\"much\" is no number");
    write_list("path,joy\na.wav,1\n");
    assert_error(index_as(f, "list", &error), error, "no column \"label\"");
    write_list("path,labels\na.wav,joy;anger\nb.wav,\n"); /* none of the labels is a prediction too */
    error = (struct error){0};
    assert_good(index_as(f, "list", &error), error);
    assert_int_equal(f->clips.count, 2);
    f->settings.model.task = REGRESSION;
    f->settings.corpora.task = REGRESSION;
    f->settings.corpora.labels = "valence";
    write_list("path,label\na.wav,0.5\nb.wav,high\n");
    assert_good(index_as(f, "list", &error), error);
    struct strings labels = {0};
    assert_error(corpus_labels(&f->settings.corpora, &f->clips, &labels, &error), error, "high");
    strings_free(&labels);
    f->corpus.file = "";
    assert_error(index_as(f, "list", &error), error, "needs corpus.file");
}

/* A label with a tab would be refused with the model that was trained on it. */
static void test_labels_of_controls(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    struct strings labels = {0};

    put_clip("a.wav", 8000, 200);
    put_clip("b.wav", 8000, 300);
    write_list("path,label\na.wav,one\tword\nb.wav,sad\n");
    assert_good(index_as(f, "list", &error), error);
    assert_error(corpus_labels(&f->settings.corpora, &f->clips, &labels, &error), error,
                 "holds control characters");
    strings_free(&labels);
}

static struct features *open_features(const char *text, struct error *error)
{
    assert_true(file_write(unit_path("features.csv"), text, strlen(text), error));
    return features_open(unit_path("features.csv"), error);
}

static void test_features(void **state)
{
    static const char *const bad[][2] = {
        {"", "empty"},
        {"name,a\n", "no row"},
        {"name,a\nx,word\n", "no column of numbers"},
        {"name\nx\n", "no column of numbers"},
        {"name,a\nx,1\ny,word\n", "features.csv:3: a: \"word\" is no number"},
        {"name,a\nx,1\ny,1e39\n", "\"1e39\" is beyond float32's range"},
        {"name,a,b\nx,nan,1\ny,1,1\n", "features.csv:2: a: \"nan\" is no number"},
        {"name,a,b\nx,,1\ny,1,1\n", "features.csv:2: a: \"\" is no number"},
        {"name,a,b\nx,1,1\ny,-inf,1\n", "features.csv:3: a: \"-inf\" is no number"},
        {"name,a\nx,1\nx,2\n", "x has two rows"},
        {"name,a\nx,1,2\n", "3 fields"}};
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_error(open_features(bad[i][0], &error), error, bad[i][1]);
    assert_error(features_open(unit_path("none.csv"), &error), error, "none.csv");
    error = (struct error){0};
    /* As openSMILE writes them: quoted names, a time that is no feature.  Keys are paths, their ends, or
     * names. */
    struct features *f = open_features(
        "name;frameTime;a;note;b;end\n'a/x.wav';0;1;;2;\n/root/b/y.wav;0;3;n;4;\nz;0;5;n;6;\n", &error);
    assert_non_null(f);
    assert_int_equal(features_names(f)->count, 2);
    assert_true(features_row(f, "/root", "a/x.wav", "x")[1] == 2);
    assert_true(features_row(f, "/root/deep", "a/x.wav", "x")[0] == 1);
    assert_true(features_row(f, "/root", "b/y.wav", "y")[0] == 3);
    assert_true(features_row(f, "/root", "c/z.wav", "z")[1] == 6);
    assert_null(features_row(f, "/root", "c/w.wav", "w"));
    features_close(f);
    features_close(NULL);
}

/* An archive with some of the arrays; NULL or a count of 0: without that one. */
static struct features *open_archive(const float *values, size_t dims, const size_t *shape, size_t paths,
                                     size_t names, struct error *error)
{
    struct npz_writer *writer = npz_create();
    struct strings path = {0}, name = {0};
    char text[16];

    for (size_t i = 0; i < paths; i++) {
        snprintf(text, sizeof text, "%zu.wav", i);
        strings_add(&path, text);
    }
    for (size_t i = 0; i < names; i++) {
        snprintf(text, sizeof text, "f%zu", i);
        strings_add(&name, text);
    }
    if (values)
        npz_add_floats(writer, "features", values, dims, shape);
    if (paths)
        npz_add_texts(writer, "paths", &path);
    if (names)
        npz_add_texts(writer, "names", &name);
    assert_true(npz_commit(writer, unit_path("features.npz"), error));
    strings_free(&path);
    strings_free(&name);
    return features_open(unit_path("features.npz"), error);
}

static void test_archives_of_features(void **state)
{
    const float values[8] = {1, 2, 3, 4, 5, 6, 7, 8}, infinite[2] = {1, (float)INFINITY};
    const size_t two[] = {2, 4}, layers[] = {2, 2, 2}, flat[] = {8}, one[] = {1, 2}, none[] = {0, 4};
    struct error error = {0};

    (void)state;
    struct features *f = open_archive(values, 2, two, 2, 4, &error);
    assert_good(f, error);
    assert_string_equal(features_names(f)->items[3], "f3");
    assert_true(features_row(f, "/root", "1.wav", "1")[2] == 7);
    features_close(f);
    f = open_archive(values, 3, layers, 2, 0, &error); /* several layers, and no names */
    assert_good(f, error);
    assert_string_equal(features_names(f)->items[3], "3");
    features_close(f);
    assert_error(open_archive(values, 2, two, 2, 3, &error), error, "3 names of 4 features");
    assert_error(open_archive(values, 2, two, 3, 0, &error), error, "\"paths\" as many texts");
    assert_error(open_archive(values, 1, flat, 8, 0, &error), error, "\"paths\" as many texts");
    assert_error(open_archive(values, 2, none, 0, 0, &error), error, "no arrays \"features\" and \"paths\"");
    assert_error(open_archive(NULL, 0, NULL, 2, 0, &error), error, "no arrays \"features\" and \"paths\"");
    assert_error(open_archive(infinite, 2, one, 1, 0, &error), error, "0.wav: a feature is no finite number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_folders_and_map, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_list, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_parts, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_bad_lists, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_emoreact, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_label_columns, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_labels_of_controls, set_up, fixture_tear_down),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_archives_of_features),
        cmocka_unit_test(test_stretches),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
