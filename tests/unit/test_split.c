/* Splits: scikit-learn's, by speaker, predefined. */
#include "unit.h"

#include "base/text.h"
#include "config/settings.h"
#include "corpus/split/split.h"

/* A list of made-up clips, sorted by name. */
static void add_clip(struct clip_list *clips, const char *name, const char *label, const char *speaker,
                     const char *sex)
{
    clip_list_add(clips,
                  &(struct clip){.path = name, .name = name, .label = label, .speaker = speaker, .sex = sex});
}

static void check_part(const char *expected, const struct split *split, enum part part, const char *head)
{
    struct text text = {0};

    text_add_bytes(&text, "", 0);
    for (size_t i = 0; i < split->counts[part]; i++)
        text_add(&text, "%s%zu", i ? " " : "", split->clips[part][i]);
    if (strcmp(text.text, expected) != 0)
        fail_msg("%s: the %s part is %s, not %s", head, PART_NAMES[part], text.text, expected);
    text_free(&text);
}

static void configure(struct split_settings *split, const char *head)
{
    char kind[16], first[32], second[32], third[32];

    if (sscanf(head, "%15s %31s %31s %31s", kind, first, second, third) == 4) {
        split->folds = atoll(first);
        split->fold = atoll(second);
        split->seed = atoll(third);
    } else {
        split->test = atof(first);
        split->seed = atoll(second);
    }
}

static void check_case(const char *head, const char *letters, const char *train, const char *test)
{
    struct settings settings = *settings_default();
    struct clip_list clips = {0};
    struct split split;
    struct error error = {0};

    for (size_t i = 0; letters[i]; i++) {
        char name[32], label[2] = {letters[i], '\0'};
        snprintf(name, sizeof name, "clip%04zu", i);
        add_clip(&clips, name, label, NULL, NULL);
    }
    configure(&settings.split, head);
    bool done = split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error);
    if (strcmp(test, "error") == 0) {
        assert_false(done);
    } else {
        assert_good(done, error);
        check_part(train, &split, PART_TRAIN, head);
        check_part(test, &split, PART_TEST, head);
        split_free(&split);
    }
    clip_list_free(&clips);
}

static void test_scikit_learn(void **state)
{
    struct error error = {0};
    char *text = file_read(unit_golden("sklearn_splits.txt"), NULL, &error), *rest = text;
    int cases = 0;

    (void)state;
    assert_good(text, error);
    for (char *head; (head = strsep(&rest, "\n")) && *head; cases++) {
        char *letters = strsep(&rest, "\n"), *train = strsep(&rest, "\n"), *test = strsep(&rest, "\n");
        check_case(head, letters, train, test);
    }
    assert_int_equal(cases, 60);
    free(text);
}

static struct clip_list made_up(int speakers)
{
    static const char *const labels[] = {"angry", "happy", "sad"};
    struct clip_list clips = {0};

    for (int i = 0; i < speakers * 6; i++) {
        char name[16], speaker[8];
        snprintf(name, sizeof name, "clip%04d", i);
        snprintf(speaker, sizeof speaker, "%02d", i % speakers);
        add_clip(&clips, name, labels[i / speakers % 3], speaker, i % 2 ? "male" : "female");
    }
    return clips;
}

static void test_errors(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(5);
    struct split split;
    struct error error = {0};

    (void)state;
    clips.clips[29].label = "only one";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "the label \"only one\" has only 1 clip left");
    clips.clips[29].label = "sad";
    settings.split.test = 2;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "should hold at least one of each");
    settings.split.test = 30;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "would leave the train part empty");
    settings.split.test = 1.5;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "a fraction below 1 or a whole number");
    settings.split.test = 0;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.test must be above 0");
    settings.split.folds = 3;
    settings.split.fold = 3;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.fold must be below");
    settings.split.folds = 1;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.folds must be 0");
    settings.split.fold = 0;
    settings.split.folds = 12; /* of 10 clips at most in a class */
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.folds");
    settings.split.protocol = "speaker";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "more than the 5 speakers");
    settings.split.folds = 0;
    settings.split.test = 0.2;
    for (size_t i = 0; i < clips.count; i++)
        clips.clips[i].speaker = "only one";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "needs at least 2 speakers, here is 1");
    settings.split.protocol = "random";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "there is stratified, speaker, predefined");
    clip_list_free(&clips);
}

static void test_validation(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(10);
    struct split split;
    struct error error = {0};

    (void)state;
    settings.split.validation = 0.1;
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_TEST], 12);
    assert_int_equal(split.counts[PART_VALIDATION], 6);
    assert_int_equal(split.counts[PART_TRAIN], 42);
    bool seen[60] = {false};
    for (int part = 0; part < PART_COUNT; part++) {
        for (size_t i = 0; i < split.counts[part]; i++) {
            assert_false(seen[split.clips[part][i]]);
            seen[split.clips[part][i]] = true;
        }
    }
    assert_int_equal(split.speakers, 10);
    assert_true(split.shared_speakers > 0);
    assert_int_equal(split_selection_part(&split), PART_VALIDATION);
    split_free(&split);
    settings.split.validation = 50;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "would leave the train part of 48 empty");
    settings.split.validation = 60;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "would leave the train part empty");
    settings.split.validation = 2; /* fewer than classes */
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "should hold at least one of each");
    clip_list_free(&clips);
}

/* Parts that the corpus names: validation comes out of the training part, by speaker where the test part has
 * others. */
static void test_validation_of_given_parts(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(10);
    struct split split;
    struct error error = {0};

    (void)state;
    settings.split.protocol = "predefined";
    settings.split.validation = 0.2;
    for (size_t i = 0; i < clips.count; i++)
        clips.clips[i].part = i % 10 < 2 ? "test" : "train"; /* the first two speakers */
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_TEST], 12);
    assert_int_equal(split.counts[PART_VALIDATION], 12); /* two speakers, all their clips */
    for (size_t i = 0; i < split.counts[PART_VALIDATION]; i++)
        for (size_t j = 0; j < split.counts[PART_TRAIN]; j++)
            assert_string_not_equal(clips.clips[split.clips[PART_VALIDATION][i]].speaker,
                                    clips.clips[split.clips[PART_TRAIN][j]].speaker);
    split_free(&split);
    clips.clips[59].part = "test"; /* of a speaker that trains: clip by clip */
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_VALIDATION], 12);
    assert_int_equal(split.counts[PART_TRAIN], 35);
    split_free(&split);
    clips.clips[0].part = "validation";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "there is a validation part of 1 clips already");
    clip_list_free(&clips);
}

static void fix_part(struct clip_list *clips, size_t first, size_t last, const char *part)
{
    for (size_t i = first; i < last; i++) {
        clips->clips[i].part = part;
        clips->clips[i].part_is_fixed = part != NULL;
    }
}

/* Corpora that belong to one part: the rest is divided, or all is given. */
static void test_fixed_parts(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(10);
    struct split split;
    struct error error = {0};

    (void)state;
    settings.split.validation = 6;
    fix_part(&clips, 30, 60, "test");
    settings.split.test = 0;
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_TEST], 30);
    assert_int_equal(split.counts[PART_TRAIN], 24);
    split_free(&split);
    settings.split.folds = 3;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "the test part is given");
    settings.split.folds = 0;
    fix_part(&clips, 0, 10, "validation");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "there is a validation part of 10 clips already");
    settings.split.validation = 0;
    fix_part(&clips, 10, 30, "train");
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_VALIDATION], 10);
    assert_int_equal(split.counts[PART_TRAIN], 20);
    split_free(&split);
    fix_part(&clips, 0, 60, "test");
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_error(split_trains(&settings.split, &split, &error), error, "gives no clip to the train part");
    split_free(&split);
    clip_list_free(&clips);
}

/* Of several labels at once, rare combinations are divided together. */
static void test_rare_combinations(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(10);
    struct split split;
    struct error error = {0};

    (void)state;
    settings.model.task = MULTI_LABEL;
    settings.corpora.task = MULTI_LABEL;
    clips.clips[0].label = "angry;sad"; /* one alone goes with the first class */
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_TEST], 12);
    split_free(&split);
    for (size_t i = 0; i < 8; i++) /* eight of them make a class of their own */
        clips.clips[i].label = i % 2 ? "angry;sad" : "happy;sad";
    clips.clips[8].label = "";
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_TEST], 12);
    split_free(&split);
    clip_list_free(&clips);
}

static void test_speaker(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(10);
    struct split split, again;
    struct error error = {0};

    (void)state;
    settings.split.protocol = "speaker";
    settings.split.validation = 0.2;
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_TEST], 12); /* two of ten speakers */
    assert_int_equal(split.counts[PART_VALIDATION], 12);
    assert_int_equal(split.shared_speakers, 0);
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &again, &error), error);
    assert_memory_equal(split.clips[PART_TEST], again.clips[PART_TEST], 12 * sizeof(size_t));
    size_t female = 0;
    for (size_t i = 0; i < 12; i++)
        female += strcmp(clips.clips[split.clips[PART_TEST][i]].sex, "female") == 0;
    assert_int_equal(female, 6); /* one of each sex, as in the whole */
    split_free(&split);
    split_free(&again);

    settings.split.validation = 0;
    settings.split.folds = 5;
    settings.split.fold = 1;
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    for (size_t i = 0; i < split.counts[PART_TEST]; i++) {
        const char *speaker = clips.clips[split.clips[PART_TEST][i]].speaker;
        assert_true(strcmp(speaker, "02") == 0 || strcmp(speaker, "03") == 0);
    }
    split_free(&split);
    clips.clips[3].speaker = NULL;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "clip0003 has no speaker");
    clip_list_free(&clips);
}

/* Each speaker a fold, and the published folds, which are RAVDESS'. */
static void test_folds_of_speakers(void **state)
{
    static const char *const third[] = {"08", "09", "19", "23"}; /* EmoBox's fold 3 */
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(25);
    struct split split;
    struct error error = {0};
    size_t tested = 0;

    (void)state;
    settings.split.folds = SETTING_WORD;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "needs split.protocol=speaker");
    settings.split.protocol = "speaker";
    settings.split.fold = 24;
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.folds, 25);
    assert_int_equal(split.counts[PART_TEST], 6);
    split_free(&split);

    settings.split.protocol = "emobox";
    settings.split.folds = 0;
    settings.split.fold = 2;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "RAVDESS' actors 01 to 24");
    for (size_t i = 0; i < clips.count; i++)
        clips.clips[i].speaker = strcmp(clips.clips[i].speaker, "00") == 0 ? "24" : clips.clips[i].speaker;
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.folds, 6);
    assert_int_equal(split.shared_speakers, 0);
    for (size_t i = 0; i < split.counts[PART_TEST]; i++)
        for (size_t k = 0; k < 4; k++)
            tested += strcmp(clips.clips[split.clips[PART_TEST][i]].speaker, third[k]) == 0;
    assert_int_equal(tested, split.counts[PART_TEST]);
    assert_int_equal(tested, 24);
    split_free(&split);
    settings.split.folds = 5;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "has 6 folds");
    clip_list_free(&clips);
}

static void try_csv(struct split_settings *split, const char *csv)
{
    struct error error = {0};

    assert_true(file_write(unit_path("split.csv"), csv, strlen(csv), &error));
    split->file = unit_path("split.csv");
}

static void test_predefined(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = made_up(2);
    struct split split;
    struct error error = {0};

    (void)state;
    settings.split.protocol = "predefined";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "needs split.file");
    try_csv(&settings.split,
            "note,part,name\r\n,test,clip0003\r\n\"a, b\",train,clip0000\r\n,train,\"clip0007\"\n\n");
    error = (struct error){0};
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    check_part("0 7", &split, PART_TRAIN, "predefined");
    check_part("3", &split, PART_TEST, "predefined");
    assert_int_equal(split.left_out, 9);
    split_free(&split);
    try_csv(&settings.split, "name,part\nclip0000,train\nclip0001,tset\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.csv:3: no part \"tset\"");
    try_csv(&settings.split, "name,part\nclip9999,train\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.csv:2: no usable clip");
    try_csv(&settings.split, "name,part\nclip0000,train\nclip0000,test\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.csv:3: clip \"clip0000\" is given twice");
    try_csv(&settings.split, "name,part\nclip0000\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.csv:2: 1 fields where the heading names 2");
    error = (struct error){0};
    clips.clips[1].name = "clip0000"; /* of another corpus, all for training: the row is not about it */
    clips.clips[1].part = "train";
    clips.clips[1].part_is_fixed = true;
    try_csv(&settings.split, "name,part\nclip0000,test\n");
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    check_part("0", &split, PART_TEST, "predefined");
    split_free(&split);
    clips.clips[1].part_is_fixed = false;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.csv:2: several clips are called \"clip0000\"");
    clips.clips[1].name = "clip0001";
    clips.clips[1].part = NULL;
    error = (struct error){0};
    clips.clips[3].path = "deep/clip0003.wav";
    try_csv(&settings.split, "path,part\ndeep/clip0003.wav,test\nclip0000,train\n");
    bool by_path = split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error);
    if (by_path)
        split_free(&split);
    try_csv(&settings.split, "path,part\nnowhere.wav,test\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "no usable clip \"nowhere.wav\"");
    try_csv(&settings.split, "name,note\nclip0000,train\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "expected a row of column names");
    settings.split.file = unit_path("no.csv");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.file");
    assert_int_equal(error_exit_status(&error), 2);
    settings.split.file = "";
    clips.clips[5].part = "trial"; /* as a corpus itself might say */
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "trial");
    try_csv(&settings.split, "file,part\nclip0000,train\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "expected a row of column names");
    try_csv(&settings.split, "name,part\nclip0000,train\n");
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "gives no clip to the test part");
    clip_list_free(&clips);
}

/* What names a split: all that changes it, and nothing that the user left alone. */
static void test_description(void **state)
{
    struct settings settings = *settings_default();
    struct corpus_settings corpora[2] = {settings.corpora.items[0], settings.corpora.items[0]};
    char *plain = split_describe(&settings.split, &settings.corpora), *other;

    (void)state;
    settings.corpora.items = corpora;
    settings.corpora.count = 1;
    corpora[0].part_map = "dev=validation";
    other = split_describe(&settings.split, &settings.corpora);
    assert_string_not_equal(plain, other);
    free(plain);
    plain = other;
    corpora[0].filter = "sex=female";
    other = split_describe(&settings.split, &settings.corpora);
    assert_string_not_equal(plain, other);
    free(plain);
    plain = other;
    corpora[1].name = "more";
    corpora[1].part_map = "dev=-";
    corpora[1].filter = "sex=male";
    settings.corpora.count = 2;
    other = split_describe(&settings.split, &settings.corpora);
    assert_non_null(strstr(other, " corpus.more: "));
    assert_non_null(strstr(other, " part_map=dev=- filter=sex=male"));
    assert_ptr_equal(strstr(other, plain), other); /* what was there already stands first */
    free(plain);
    free(other);
}

/* Labels that a part lacks do not stop a split, many of them neither. */
static void test_missing_labels(void **state)
{
    struct settings settings = *settings_default();
    struct clip_list clips = {0};
    struct split split;
    struct error error = {0};

    (void)state;
    for (int i = 0; i < 30; i++) {
        char name[16], label[16];
        snprintf(name, sizeof name, "clip%04d", i);
        snprintf(label, sizeof label, "label%02d", i % 15);
        add_clip(&clips, name, label, i < 15 ? "ann" : i < 28 ? "bob" : "cem", NULL);
    }
    settings.split.protocol = "speaker";
    settings.split.test_speakers = "cem";
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_TEST], 2);
    assert_int_equal(split.counts[PART_TRAIN], 28);
    split_free(&split);
    settings.split.validation_speakers = "ann";
    assert_good(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error);
    assert_int_equal(split.counts[PART_VALIDATION], 15);
    split_free(&split);
    settings.split.test_speakers = "cem, eve";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "eve");
    settings.split.test_speakers = "cem";
    settings.split.folds = 2;
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.test_speakers and split.folds exclude each other");
    settings.split.folds = 0;
    settings.split.protocol = "stratified";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.test_speakers");
    settings.split.test_speakers = "";
    assert_error(split_make(&settings.split, settings.model.task, &clips, NULL, NULL, &split, &error), error,
                 "split.validation_speakers");
    clip_list_free(&clips);
}

/* Clips that sound alike, in two parts: the training part loses them, or they are counted. */
static void test_copies(void **state)
{
    /* clips 0 to 3 train, 4 and 5 validate, 6 to 8 test; 1 sounds like 7, 2 and 8 like 4, 3 and 5 alike */
    static const size_t first[] = {0, 1, 2, 3, 2, 3, 6, 1, 2};
    size_t parts[PART_COUNT][4] = {
        [PART_TRAIN] = {0, 1, 2, 3}, [PART_VALIDATION] = {4, 5}, [PART_TEST] = {6, 7, 8}};
    struct split split = {.counts = {[PART_TRAIN] = 4, [PART_VALIDATION] = 2, [PART_TEST] = 3}};

    (void)state;
    for (int part = 0; part < PART_COUNT; part++)
        split.clips[part] = parts[part];
    size_t example;
    assert_int_equal(split_count_shared(&split, first, 9, &example), 2);
    check_part("0 1 2 3", &split, PART_TRAIN, "kept");
    assert_int_equal(split_drop_shared(&split, first, 9, &example), 4);
    check_part("0", &split, PART_TRAIN, "dropped");
    check_part("5", &split, PART_VALIDATION, "dropped");
    check_part("6 7 8", &split, PART_TEST, "dropped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scikit_learn),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_validation),
        cmocka_unit_test(test_speaker),
        cmocka_unit_test(test_folds_of_speakers),
        cmocka_unit_test(test_predefined),
        cmocka_unit_test(test_validation_of_given_parts),
        cmocka_unit_test(test_fixed_parts),
        cmocka_unit_test(test_rare_combinations),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_missing_labels),
        cmocka_unit_test(test_copies),
    };

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
