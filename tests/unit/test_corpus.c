/* Indexing a folder of RAVDESS clips: fields, copies, broken files, what changed. */
#include "corpora.h"

#include "corpus/label_names.h"

#include <sys/stat.h>
#include <utime.h>

static void index_again(struct fixture *f)
{
    struct error error = {0};

    assert_good(corpus_index(&f->settings.corpora, &f->corpus, 2, f->catalogue, f->cache, &f->scan, &error),
                error);
}

static int set_up(void **state)
{
    if (fixture_set_up(state) != 0)
        return -1;
    put_clip("Actor_01/03-01-05-01-02-01-01.wav", 8000, 200);
    put_clip("deep/er/03-01-04-02-01-02-12.wav", 4000, 300);
    return 0;
}

static void test_fields(void **state)
{
    struct fixture *f = *state;
    struct clip_list clips = {0};
    struct error error = {0};

    index_again(f);
    assert_int_equal(f->scan.clips, 2);
    assert_float_equal(f->scan.seconds_of_audio, 0.75, 1e-9);
    assert_true(clips_read(f->catalogue, f->scan.corpus, CLIPS_USABLE, &clips, &error));
    const struct clip *sad = &clips.clips[0], *angry = &clips.clips[1];
    assert_string_equal(sad->path, "deep/er/03-01-04-02-01-02-12.wav");
    assert_string_equal(sad->label, "sad");
    assert_string_equal(sad->sex, "female");
    assert_string_equal(sad->speaker, "12");
    assert_string_equal(sad->text, "Kids are talking by the door");
    assert_string_equal(sad->intensity, "strong");
    assert_string_equal(angry->label, "angry");
    assert_string_equal(angry->sex, "male");
    assert_string_equal(angry->text, "Dogs are sitting by the door");
    assert_int_equal(angry->frames, 8000);
    clip_list_free(&clips);
}

static void test_unchanged_files_are_not_opened(void **state)
{
    struct fixture *f = *state;

    index_again(f);
    assert_int_equal(f->scan.decoded, 2);
    index_again(f);
    assert_int_equal(f->scan.decoded, 0);
    put_clip("Actor_01/03-01-05-01-02-01-01.wav", 9000, 250); /* changed */
    index_again(f);
    assert_int_equal(f->scan.decoded, 1);
    assert_float_equal(f->scan.seconds_of_audio, 13000.0 / 16000, 1e-9);
    assert_int_equal(unlink(unit_path("corpus/deep/er/03-01-04-02-01-02-12.wav")), 0);
    index_again(f);
    assert_int_equal(f->scan.gone, 1);
    assert_int_equal(f->scan.clips, 1);
}

static void test_copies(void **state)
{
    struct fixture *f = *state;

    put_clip("again/Actor_01/03-01-05-01-02-01-01.wav", 8000, 200); /* the very same content */
    put_clip("other/03-01-04-02-01-02-12.wav", 4000, 310);          /* same name, other content */
    index_again(f);
    assert_int_equal(f->scan.clips, 2);
    assert_int_equal(f->scan.copies, 1);
    assert_int_equal(f->scan.broken, 1);
    /* When the first goes, its copy takes its place, without being opened. */
    assert_int_equal(unlink(unit_path("corpus/Actor_01/03-01-05-01-02-01-01.wav")), 0);
    index_again(f);
    assert_int_equal(f->scan.decoded, 0);
    assert_int_equal(f->scan.copies, 0);
    assert_int_equal(f->scan.clips, 2);
}

static void test_broken_files_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct clip_list clips = {0};
    struct error error = {0};

    put_clip("hello.wav", 4000, 200);
    put_clip("03-01-09-01-01-01-01.wav", 4000, 200);
    assert_true(file_write(unit_path("corpus/03-01-01-01-01-01-01.wav"), "", 0, &error));
    assert_int_equal(symlink("/nowhere", unit_path("corpus/03-01-02-01-01-01-01.wav")), 0);
    assert_true(file_write(unit_path("corpus/notes.txt"), "x", 1, &error));
    assert_int_equal(mkdir(unit_path("corpus/empty"), 0777), 0);
    put_clip(".03-01-05-01-02-01-01.wav", 4000, 200); /* hidden */
    put_clip("03-01-05-01-02-01-01.ogg", 4000, 200);  /* of no known kind */
    index_again(f);
    assert_int_equal(f->scan.files, 6); /* notes.txt is none of them */
    assert_int_equal(f->scan.broken, 4);
    assert_int_equal(f->scan.clips, 2);
    assert_true(clips_read(f->catalogue, f->scan.corpus, CLIPS_ALL, &clips, &error));
    for (size_t i = 0; i < clips.count; i++) {
        const struct clip *clip = &clips.clips[i];
        if (strcmp(clip->name, "03-01-01-01-01-01-01") == 0)
            assert_string_equal(clip->defect, "empty file");
        if (strcmp(clip->name, "03-01-02-01-01-01-01") == 0)
            assert_string_equal(clip->defect, "a link to a file that is not there");
        if (strcmp(clip->name, "03-01-09-01-01-01-01") == 0)
            assert_string_equal(clip->defect, "name outside the scheme: emotion 09 is not 01 to 08");
    }
    clip_list_free(&clips);
    f->settings.corpora.strict = true;
    assert_error(corpus_index(&f->settings.corpora, &f->corpus, 2, f->catalogue, f->cache, &f->scan, &error),
                 error, "4 broken files");
}

/* A link back to a folder above is not followed, and copies are not made of it. */
static void test_link_loop(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(symlink("..", unit_path("corpus/deep/loop")), 0);
    assert_int_equal(symlink(".", unit_path("corpus/here")), 0);
    index_again(f);
    assert_int_equal(f->scan.files, 2);
}

static void test_labels(void **state)
{
    struct fixture *f = *state;
    struct clip_list clips = {0};
    struct strings labels = {0};
    struct error error = {0};

    put_clip("03-01-01-01-01-01-02.wav", 4000, 220);
    index_again(f);
    f->settings.corpora.labels = "sad, angry";
    assert_good(corpus_clips(&f->settings.corpora, &f->corpus, f->catalogue, f->scan.corpus, &clips, &error),
                error);
    assert_int_equal(clips.count, 2);
    assert_good(corpus_labels(&f->settings.corpora, &clips, &labels, &error), error);
    assert_string_equal(labels.items[0], "sad"); /* the configuration's order */
    strings_free(&labels);
    f->settings.corpora.labels = "sad,sad";
    assert_error(corpus_labels(&f->settings.corpora, &clips, &labels, &error), error, "twice");
    strings_free(&labels);
    clip_list_free(&clips);
    f->settings.corpora.labels = ",";
    assert_error(corpus_clips(&f->settings.corpora, &f->corpus, f->catalogue, f->scan.corpus, &clips, &error),
                 error, "names no label");
    f->settings.corpora.labels = "joy";
    assert_error(corpus_clips(&f->settings.corpora, &f->corpus, f->catalogue, f->scan.corpus, &clips, &error),
                 error, "no usable clip");
    clip_list_free(&clips);
    f->settings.corpora.labels = "sad,angry,joy";
    assert_good(corpus_clips(&f->settings.corpora, &f->corpus, f->catalogue, f->scan.corpus, &clips,
                             (error = (struct error){0}, &error)),
                error);
    assert_error(corpus_labels(&f->settings.corpora, &clips, &labels, &error), error,
                 "no clip of the corpus has the label");
    strings_free(&labels);
    f->settings.corpora.labels = "";
    clips.count = 1;
    assert_error(corpus_labels(&f->settings.corpora, &clips, &labels, &error), error, "is only sad");
    strings_free(&labels);
    f->settings.model.task = MULTI_LABEL;
    f->settings.corpora.task = MULTI_LABEL;
    clips.clips[0].label = "";
    assert_error(corpus_labels(&f->settings.corpora, &clips, &labels, &error), error, "here are none");
    strings_free(&labels);
    clip_list_free(&clips);
    static const char *const maps[] = {"=sad", "sad=", "sad"};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        f->corpus.label_map = maps[i];
        assert_error(
            corpus_clips(&f->settings.corpora, &f->corpus, f->catalogue, f->scan.corpus, &clips, &error),
            error, "corpus.label_map");
        clip_list_free(&clips);
    }
    f->corpus.kind = "folders";
    f->corpus.root = unit_path("corpus/deep/er/03-01-04-02-01-02-12.wav");
    assert_error(corpus_index(&f->settings.corpora, &f->corpus, 2, f->catalogue, f->cache, &f->scan, &error),
                 error, "corpus.root: no folder");
    f->corpus.kind = "ravdess";
    f->corpus.root = "/nowhere/at/all";
    assert_error(corpus_index(&f->settings.corpora, &f->corpus, 2, f->catalogue, f->cache, &f->scan, &error),
                 error, "corpus.root: no folder");
}

/* A clip whose name is none of the scheme's, in every way. */
static void test_names(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "03-01-05-01-02-01",    "3-01-05-01-02-01-01",  "03-01-05-01-02-01-01-01",
        "03-01-05-01-02-01-25", "03-01-05-01-02-01-00", "03-01-05-01-02-01-1x",
        "03_01_05_01_02_01_01", "04-01-05-01-02-01-01", "03-01-05-01-02-01-011"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *name = mem_format("names/%s.wav", names[i]);
        put_clip(name, 4000 + (int)i, 200);
        free(name);
    }
    index_again(f);
    assert_int_equal(f->scan.broken, sizeof names / sizeof names[0]);
    assert_int_equal(f->scan.clips, 2);
}

/* The same content under another name is told, and kept; a folder without clips is told. */
static void test_warnings(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("03-01-06-01-02-01-01.wav", 8000, 200);
    put_clip("03-01-07-01-02-01-01.wav", 8000, 200);
    index_again(f);
    assert_int_equal(f->scan.clips, 4);
    folder_remove(unit_path("corpus"), &error);
    folder_make(unit_path("corpus"), &error);
    index_again(f);
    assert_int_equal(f->scan.files, 0);
    assert_int_equal(f->scan.gone, 4);
}

/* ---- labels ---- */

static void test_labels_of_one_emotion(void **state)
{
    static const char *const same[][2] = {{"ang", "angry"},
                                          {"Anger", "angry"},
                                          {"ANGRY", "angry"},
                                          {"5 = happy", "happy"},
                                          {"05_happy", "happy"},
                                          {"Wut", "angry"},
                                          {"female_sad", "sad"},
                                          {"pleasant surprise", "surprised"},
                                          {"neu", "neutral"},
                                          {"fear", "fearful"},
                                          {"<unk>", "unknown"},
                                          {"\xe7\x94\x9f\xe6\xb0\x94", "angry"},
                                          {"\xe7\x94\x9f\xe6\xb0\x94/angry", "angry"},
                                          {"exc", "excited"},
                                          {" sadness ", "sad"}};
    static const char *const none[] = {"", "a", "W", "5", "positive", "shy", "_", "/", "3 = "};

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *emotion = emotion_of_label(same[i][0]);
        if (!emotion || strcmp(emotion, same[i][1]) != 0)
            fail_msg("\"%s\" is %s, not %s", same[i][0], emotion ? emotion : "nothing", same[i][1]);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (emotion_of_label(none[i]))
            fail_msg("\"%s\" is %s", none[i], emotion_of_label(none[i]));
}

static void test_labels_are_matched(void **state)
{
    struct strings labels = {0};

    (void)state;
    strings_add(&labels, "neu");
    strings_add(&labels, "hap");
    strings_add(&labels, "joy");
    strings_add(&labels, "Calm");
    assert_int_equal(label_of_same_emotion(&labels, "neutral"), 0);
    assert_int_equal(label_of_same_emotion(&labels, "joy"), 2);   /* the very word */
    assert_int_equal(label_of_same_emotion(&labels, "calm"), 3);  /* in another case */
    assert_int_equal(label_of_same_emotion(&labels, "happy"), 4); /* two mean it: neither is meant for sure */
    assert_int_equal(label_of_same_emotion(&labels, "angry"), 4);
    strings_free(&labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_of_one_emotion),
        cmocka_unit_test(test_labels_are_matched),
        cmocka_unit_test_setup_teardown(test_fields, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_unchanged_files_are_not_opened, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_copies, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_broken_files_are_left_out, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_link_loop, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_labels, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_warnings, set_up, fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
