/* What a corpus' recordings are like, from clips whose numbers are known. */
#include "unit.h"

#include "report/quality.h"

/* A clip of two seconds at -20 dBFS. */
static void add_clip(struct clip_list *clips, const char *path, const char *label, const char *speaker)
{
    clip_list_add(clips, &(struct clip){.path = path,
                                        .name = path,
                                        .sha256 = "00",
                                        .rate = 16000,
                                        .channels = 1,
                                        .duration = 2,
                                        .level = -20,
                                        .peak = -6,
                                        .snr = 40,
                                        .silence = 0.1,
                                        .label = label,
                                        .speaker = speaker});
}

/* Twenty clips of two labels; a bit unlike one another, so that there is a spread. */
static void add_clips(struct clip_list *clips)
{
    for (int i = 0; i < 20; i++) {
        char path[16];
        snprintf(path, sizeof path, "%02d.wav", i);
        add_clip(clips, path, i % 4 ? "calm" : "angry", i % 2 ? "ann" : "bob");
        clips->clips[i].level += 0.1 * i;
        clips->clips[i].duration += 0.01 * i;
    }
}

/* The page of text; caller frees. */
static char *text_of(enum task task, const struct clip_list *clips, const size_t *first)
{
    size_t *none = mem_zero(clips->count + 1, sizeof *none);
    struct text text = {0}, page = {0};

    for (size_t i = 0; i < clips->count; i++)
        none[i] = i;
    cJSON *json = quality_json("corpus <blink>", task, clips, first ? first : none);
    quality_text(json, &text);
    quality_html(json, &page);
    assert_null(strstr(page.text, "<blink>"));
    assert_null(strstr(page.text, "nan"));
    assert_null(strstr(text.text, "nan"));
    cJSON_Delete(json);
    text_free(&page);
    free(none);
    return text.text;
}

static void expect_text(enum task task, const struct clip_list *clips, const size_t *first,
                        const char *const *wanted)
{
    char *text = text_of(task, clips, first);

    for (; *wanted; wanted++)
        if (!strstr(text, *wanted))
            fail_msg("\"%s\" is not in:\n%s", *wanted, text);
    free(text);
}

#define EXPECT(task, clips, first, ...)                                                                      \
    expect_text(task, clips, first, (const char *const[]){__VA_ARGS__, NULL})

static void test_plain(void **state)
{
    struct clip_list clips = {0};

    (void)state;
    add_clips(&clips);
    EXPECT(SINGLE_LABEL, &clips, NULL, "speakers: 2, of 10 to 10 clips (median 10)\n", "16000 Hz (20 clips)",
           "angry", "calm");
    char *text = text_of(SINGLE_LABEL, &clips, NULL);
    assert_null(strstr(text, "unusual"));
    assert_null(strstr(text, "clipped"));
    assert_null(strstr(text, "same sound"));
    free(text);
    clip_list_free(&clips);
}

static void test_unusual(void **state)
{
    struct clip_list clips = {0};

    (void)state;
    add_clips(&clips);
    for (int i = 0; i < 5; i++) {
        clips.clips[i].level = -70 - i;
        clips.clips[i].clipped = 0.01;
    }
    clips.clips[7].duration = 60;
    clips.clips[8].rate = 44100;
    clips.clips[9].channels = 2;
    EXPECT(SINGLE_LABEL, &clips, NULL,
           "unusual level: 04.wav (-74.0 dBFS), 03.wav (-73.0 dBFS), 02.wav (-72.0 dBFS), ...\n",
           "unusual duration: 07.wav (60.00 s)\n", "16000 Hz (19 clips), 44100 Hz (1 clip)",
           "channels: 1 (19 clips), 2 (1 clip)",
           "at full scale, or more): 5 clips: 00.wav, 01.wav, 02.wav, ...\n");
    for (int i = 1; i < 5; i++)
        clips.clips[i].clipped = 0;
    EXPECT(SINGLE_LABEL, &clips, NULL, "or more): 1 clip: 00.wav\n");
    clip_list_free(&clips);
}

static void test_copies(void **state)
{
    struct clip_list clips = {0};
    size_t first[20];

    (void)state;
    add_clips(&clips);
    for (size_t i = 0; i < 20; i++) {
        first[i] = i;
        clips.clips[i].part = i < 10 ? "train" : "test";
    }
    first[4] = 0; /* of one label, one speaker, one part */
    EXPECT(SINGLE_LABEL, &clips, first, "same sound under another name: 1 clip: 00.wav and 04.wav\n");
    first[5] = first[12] = first[13] = 0;
    EXPECT(
        SINGLE_LABEL, &clips, first,
        "4 clips, 2 with another label, 2 with another speaker, 2 in another part: 00.wav and 04.wav; 00.wav "
        "and 05.wav; 00.wav and 12.wav; ...\n",
        "train", "test");
    clip_list_free(&clips);
}

static void test_unknown(void **state)
{
    struct clip_list clips = {0};

    (void)state;
    EXPECT(SINGLE_LABEL, &clips, NULL, "speakers: not known\n");
    add_clips(&clips);
    clips.clips[3].speaker = clips.clips[4].speaker = NULL;
    EXPECT(SINGLE_LABEL, &clips, NULL, "; not known of 2 clips\n");
    for (int i = 0; i < 20; i++)
        clips.clips[i].speaker = NULL;
    EXPECT(SINGLE_LABEL, &clips, NULL, "speakers: not known\n", "16000 Hz (20 clips)");
    for (int i = 0; i < 20; i++)
        clips.clips[i].sha256 = NULL;
    char *text = text_of(SINGLE_LABEL, &clips, NULL);
    assert_null(strstr(text, "sample rates"));
    free(text);
    clip_list_free(&clips);
}

/* Numbers have no table of labels; of several labels each counts. */
static void test_tasks(void **state)
{
    struct clip_list clips = {0};

    (void)state;
    add_clips(&clips);
    for (int i = 0; i < 20; i++)
        clips.clips[i].label = i % 3 ? "joy;surprise" : i % 2 ? "joy" : "";
    char *text = text_of(MULTI_LABEL, &clips, NULL), *at = strstr(text, "joy");
    assert_non_null(at);
    assert_int_equal(atoi(at + strlen("joy")), 16);
    at = strstr(text, "surprise");
    assert_non_null(at);
    assert_int_equal(atoi(at + strlen("surprise")), 13);
    free(text);
    for (int i = 0; i < 20; i++)
        clips.clips[i].label = "0.5;0.25";
    text = text_of(REGRESSION, &clips, NULL);
    assert_null(strstr(text, "0.25"));
    free(text);
    clip_list_free(&clips);
}

/* Names as long as they come, and more labels than have medians. */
static void test_many_labels(void **state)
{
    struct clip_list clips = {0};

    (void)state;
    for (int i = 0; i < 70; i++) {
        char path[16], label[64];
        snprintf(path, sizeof path, "%02d.wav", i);
        snprintf(label, sizeof label, "%02d of a very long name of a label that goes on \xc3", i);
        add_clip(&clips, path, label, "ann");
        clips.clips[i].rate = 8000 + i;
    }
    EXPECT(SINGLE_LABEL, &clips, NULL, "00 of a very long", "69 of a very long");
    char *text = text_of(SINGLE_LABEL, &clips, NULL);
    assert_null(strstr(text, "median s"));
    free(text);
    clip_list_free(&clips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_unusual), cmocka_unit_test(test_copies),
        cmocka_unit_test(test_unknown), cmocka_unit_test(test_tasks),   cmocka_unit_test(test_many_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
