/* Corpora with tables of their own: published ones, audformat's databases, Kaldi's folders. */
#include "corpora.h"

#include "base/text.h"

#include <sys/stat.h>

/* The clips as "path|label|speaker|sex|text|part", a line for each. */
static void expect_clips(const struct fixture *f, const char *expected)
{
    struct text found = {0};

    text_add_bytes(&found, "", 0);
    for (size_t i = 0; i < f->clips.count; i++) {
        const struct clip *clip = &f->clips.clips[i];
        const char *const words[] = {clip->path, clip->label, clip->speaker,
                                     clip->sex,  clip->text,  clip->part};
        for (int w = 0; w < 6; w++)
            text_add(&found, "%s%s", w ? "|" : "", words[w] ? words[w] : "");
        text_add(&found, "\n");
    }
    assert_string_equal(found.text, expected);
    text_free(&found);
}

static void test_msp_podcast(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    for (int i = 1; i <= 6; i++) {
        char name[40];
        snprintf(name, sizeof name, "Audios/MSP-PODCAST_000%d_0001.wav", i);
        put_clip(name, 3200 + 10 * i, 200);
    }
    put_text("Labels/labels_consensus.csv", "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
                                            "MSP-PODCAST_0001_0001.wav,N,4.2,4,3.5,10,Male,Train\n"
                                            "MSP-PODCAST_0002_0001.wav,A,5.2,2,5.5,11,Female,Development\n"
                                            "MSP-PODCAST_0003_0001.wav,X,4.2,4,3.5,12,Male,Train\n"
                                            "MSP-PODCAST_0004_0001.wav,H,4.2,6,3.5,Unknown,Female,Test1\n"
                                            "MSP-PODCAST_0005_0001.wav,S,4.2,6,3.5,14,Female,Test2\n"
                                            "MSP-PODCAST_0006_0001.wav,O,4.2,6,3.5,15,Unknown,Test1\n");
    assert_good(index_as(f, "msp-podcast", &error), error);
    expect_clips(f, "Audios/MSP-PODCAST_0001_0001.wav|neutral|10|male||train\n"
                    "Audios/MSP-PODCAST_0002_0001.wav|anger|11|female||validation\n"
                    "Audios/MSP-PODCAST_0004_0001.wav|happiness||female||test\n"
                    "Audios/MSP-PODCAST_0006_0001.wav|other|15|||test\n");
    assert_int_equal(f->scan.broken, 1);
    f->settings.corpora.task = REGRESSION;
    f->settings.corpora.labels = "valence, arousal";
    assert_good(index_as(f, "msp-podcast", &error), error);
    assert_int_equal(f->clips.count, 5);
    assert_string_equal(f->clips.clips[1].label, "2;5.2");
    put_text("Labels/labels_consensus.csv", "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
                                            "MSP-PODCAST_0001_0001.wav,N,high,4,3.5,10,Male,Train\n"
                                            "MSP-PODCAST_0002_0001.wav,A,5.2,2,5.5,,,\n");
    assert_good(index_as(f, "msp-podcast", &error), error);
    assert_int_equal(f->clips.count, 1);
    assert_int_equal(f->scan.broken, 1);
    assert_null(f->clips.clips[0].speaker);
    f->settings.corpora.labels = "anger";
    assert_error(index_as(f, "msp-podcast", &error), error, "it has arousal, valence, dominance");
    error = (struct error){0};
    f->settings.corpora.labels = "";
    assert_error(index_as(f, "msp-podcast", &error), error, "needs corpus.labels");
    error = (struct error){0};
    f->settings.corpora.task = SINGLE_LABEL;
    put_text("Labels/labels_consensus.csv", "FileName,EmoClass\na.wav,N\n");
    assert_error(index_as(f, "msp-podcast", &error), error, "labels_consensus.csv:1: there is no column");
    error = (struct error){0};
    folder_remove(unit_path("corpus/Labels"), &error);
    assert_error(index_as(f, "msp-podcast", &error), error, "no Labels/labels_consensus.csv");
}

static void test_meld(void **state)
{
    static const char heading[] = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n";
    struct fixture *f = *state;
    struct error error = {0};
    char *train =
             mem_format("%s1,\"Oh, my God\",Joey,joy,positive,0,0\n2,No,Ross,Neutral,neutral,0,1\n", heading),
         *test = mem_format("%s1,Why?,Rachel,surprise,negative,12,3\n", heading);

    put_clip("train/train_splits/dia0_utt0.wav", 3200, 200);
    put_clip("train/train_splits/dia0_utt1.wav", 3210, 200);
    put_clip("output_repeated_splits_test/dia12_utt3.wav", 3220, 200);
    put_text("train/train_sent_emo.csv", train);
    put_text("test_sent_emo.csv", test);
    assert_good(index_as(f, "meld", &error), error);
    expect_clips(f, "output_repeated_splits_test/dia12_utt3.wav|surprise|Rachel||Why?|test\n"
                    "train/train_splits/dia0_utt0.wav|joy|Joey||Oh, my God|train\n"
                    "train/train_splits/dia0_utt1.wav|neutral|Ross||No|train\n");
    free(train);
    free(test);
}

static void test_other_tables(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("AudioWAV/1001_DFA_ANG_XX.wav", 3200, 200);
    put_clip("AudioWAV/1002_DFA_HAP_XX.wav", 3210, 200);
    put_text("processedResults/summaryTable.csv", "\"\",\"FileName\",\"VoiceVote\",\"VoiceLevel\"\n"
                                                  "\"1\",\"1001_DFA_ANG_XX\",\"N\",\"60\"\n"
                                                  "\"2\",\"1002_DFA_HAP_XX\",\"H:N\",\"50\"\n");
    assert_good(index_as(f, "crema-d-votes", &error), error);
    expect_clips(f, "AudioWAV/1001_DFA_ANG_XX.wav|neutral|1001|||\n");
    put_clip("Raw/abc/3.wav", 3220, 200);
    put_text("label.csv", "video_id,clip_id,text,label,annotation,mode\nabc,3,fine,0.6666,Positive,valid\n");
    assert_good(index_as(f, "cmu-mosei", &error), error);
    expect_clips(f, "Raw/abc/3.wav|positive|abc||fine|validation\n");
    put_clip("audio/17.wav", 3230, 200);
    put_text("metadata/samples.csv", "file_name,actor,emotion_expressed\n17.wav,ann,joy\n");
    assert_good(index_as(f, "emozionalmente", &error), error);
    expect_clips(f, "audio/17.wav|joy|ann|||\n");
    f->settings.corpora.task = REGRESSION;
    f->settings.corpora.labels = "arousal";
    assert_error(index_as(f, "emozionalmente", &error), error, "has no numbers");
}

static void test_msp_improv(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("Audio/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav", 3200, 200);
    put_clip("Audio/session6/S04S/R/MSP-IMPROV-S04S-M06-R-MF02.wav", 3210, 200);
    put_text("Evalution.txt", "UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:2.571429 ; V:3.000000 ; D:3.000000 ;\n"
                              "session1; Neutral; x; A:2 ; V:3 ; D:3 ;\n\n"
                              "UTD-IMPROV-S04S-M06-R-MF02.avi; X; A:1.5; V:2.5; D:3.5;\r\n");
    assert_good(index_as(f, "msp-improv", &error), error);
    expect_clips(f, "Audio/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav|neutral|F01|female||\n");
    f->settings.corpora.task = REGRESSION;
    f->settings.corpora.labels = "dominance,arousal";
    assert_good(index_as(f, "msp-improv", &error), error);
    assert_int_equal(f->clips.count, 2);
    assert_string_equal(f->clips.clips[1].label, "3.5;1.5");
    f->settings.corpora.labels = "dominance,mood";
    assert_error(index_as(f, "msp-improv", &error), error, "mood");
    f->settings.corpora.labels = "dominance";
    error = (struct error){0};
    put_text("Evalution.txt", "UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:2.571429 ; V:3.000000 ; D:nan ;\n"
                              "UTD-IMPROV-S04S-M06-R-MF02.avi; X; A:1.5; V:2.5; D:3.5;\n"
                              "UTD-IMPROV-.avi; X; A:1.5; V:2.5;\n");
    assert_good(index_as(f, "msp-improv", &error), error);
    assert_int_equal(f->clips.count, 1);
    put_text("Evalution.txt", "nothing\n");
    assert_error(index_as(f, "msp-improv", &error), error, "no line of a turn");
    error = (struct error){0};
    assert_int_equal(remove(unit_path("corpus/Evalution.txt")), 0);
    assert_error(index_as(f, "msp-improv", &error), error, "no Evalution.txt in");
}

/* Copies a database that audformat wrote (tests/golden/make_audformat.py) into the corpus' folder. */
static void put_database(const char *name)
{
    struct error error = {0};
    struct strings files = {0};
    char *folder = mem_format("%s/%s", unit_golden("audformat"), name);

    folder_remove(unit_path("corpus"), &error);
    assert_good(folder_list(&files, folder, &error), error);
    for (size_t i = 0; i < files.count; i++) {
        char *path = path_join(folder, files.items[i]), *text = file_read(path, NULL, &error);
        put_text(files.items[i], text);
        free(text);
        free(path);
    }
    strings_free(&files);
    free(folder);
}

static void test_audformat(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_database("small");
    for (int i = 0; i < 6; i++) {
        char name[20];
        snprintf(name, sizeof name, "wav/%02d.wav", i);
        put_clip(name, 3200 + 10 * i, 200);
    }
    assert_good(index_as(f, "audformat", &error), error);
    expect_clips(f, "wav/00.wav|anger|3|male|eins, zwei|train\nwav/01.wav|neutral|3|male|b|train\n"
                    "wav/02.wav|happiness|8|female|c|train\nwav/03.wav|anger|8|female|d|validation\n"
                    "wav/04.wav|neutral|3|male|e|test\nwav/05.wav|anger|8|female|f|test\n");
    f->corpus.columns = "table=emotion.categories.test.gold_standard";
    assert_good(index_as(f, "audformat", &error), error);
    assert_int_equal(f->clips.count, 2);
    f->corpus.columns = "label=speaker";
    assert_good(index_as(f, "audformat", &error), error);
    assert_string_equal(f->clips.clips[5].label, "8");
    f->corpus.columns = "label=mood";
    assert_error(index_as(f, "audformat", &error), error, "no table has labels");
    error = (struct error){0};
    f->corpus.columns = "";
    put_text("db.emotion.categories.test.gold_standard.csv", "file,emotion\nwav/00.wav,neutral\n");
    assert_error(index_as(f, "audformat", &error), error, "two tables say different labels or parts");
    error = (struct error){0};
    assert_true(rename(unit_path("corpus/db.files.csv"), unit_path("corpus/db.files.parquet")) == 0);
    assert_error(index_as(f, "audformat", &error), error, "only tables in CSV are read");
}

static void test_audformat_segments(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_database("segments");
    put_clip("a.wav", 48000, 200);
    put_clip("b.wav", 16000, 210);
    assert_good(index_as(f, "audformat", &error), error);
    expect_clips(f, "a.wav#t=0,1.25|angry|ann|female||\na.wav#t=1.5,2.5|calm|ann|female||\n"
                    "b.wav|calm|bob|male||\n");
    f->settings.corpora.task = REGRESSION;
    f->settings.corpora.labels = "arousal";
    assert_good(index_as(f, "audformat", &error), error);
    assert_string_equal(f->clips.clips[2].label, "0.25");
    folder_remove(unit_path("corpus"), &error);
    folder_make(unit_path("corpus"), &error);
    assert_error(index_as(f, "audformat", &error), error, "no db.yaml");
}

/* Tables that lack a column, rows that name nothing, what several tables say together. */
static void test_audformat_rows(void **state)
{
    static const char *const rows[][2] = {
        {"path,emotion\na.wav,calm\n", "db.emo.csv:1: there is no column \"file\""},
        {"file,speaker\na.wav,ann\n", "db.emo.csv:1: there is no column \"emotion\""},
        {"file,start,end,emotion,speaker\n,,,calm,ann\n",
         "db.emo.csv:2: \"\" from \"\" to \"\" is no recording"},
        {"file,start,end,emotion,speaker\na.wav,0 days 00:00:02,0 days 00:00:01,calm,ann\n",
         "is no recording"},
        {"file,emotion,speaker\na.wav,calm\n", "db.emo.csv:2: 2 fields"}};
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("a.wav", 48000, 200);
    put_clip("b.wav", 16000, 210);
    put_text("db.yaml", "schemes: {speaker: {labels: {ann: {sex: female}, bob: {other: 1}}}, feeling: {}}\n"
                        "splits: {one: {type: train}}\n"
                        "tables:\n"
                        "  emo: {columns: {emotion: {scheme_id: feeling}, speaker: {scheme_id: speaker}}}\n"
                        "  said: {columns: {text: {}, sex: {}}}\n");
    put_text("db.said.csv", "file,text,sex\na.wav,good morning,\nb.wav,,male\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_text("db.emo.csv", rows[i][0]);
        assert_error(index_as(f, "audformat", &error), error, rows[i][1]);
    }
    error = (struct error){0};
    put_text("db.emo.csv", "file,emotion,speaker\na.wav,calm,ann\nb.wav,,bob\n");
    assert_good(index_as(f, "audformat", &error), error);
    expect_clips(
        f, "a.wav|calm|ann|female|good morning|\n"); /* by the scheme of speakers, and by another table */
    assert_int_equal(f->scan.broken, 1);
    put_text("db.emo.csv", "file,emotion,speaker\na.wav,calm,ann\nb.wav,angry,Unknown\n");
    assert_good(index_as(f, "audformat", &error), error);
    assert_null(f->clips.clips[1].speaker);
    assert_string_equal(f->clips.clips[1].sex, "male");
    f->corpus.columns = "label=feeling";
    assert_good(index_as(f, "audformat", &error), error);
    assert_int_equal(f->clips.count, 2);
    f->corpus.columns = "speaker=x";
    assert_error(index_as(f, "audformat", &error), error,
                 "of corpus.kind=audformat there is label and table");
    f->corpus.columns = "";
    f->settings.corpora.task = REGRESSION;
    f->settings.corpora.labels = "arousal, valence";
    assert_error(index_as(f, "audformat", &error), error, "corpus.labels the columns of numbers");
    f->settings.corpora.labels = "";
    assert_error(index_as(f, "audformat", &error), error, "corpus.labels");
    f->settings.corpora.labels = "arousal, valence";
    put_text("db.yaml", "tables: {emo: {columns: {arousal: {}, valence: {}}}}\n");
    put_text("db.emo.csv", "file,arousal,valence\na.wav,1,-0.5\nb.wav,0.5,x\n");
    error = (struct error){0};
    assert_good(index_as(f, "audformat", &error), error);
    expect_clips(f, "a.wav|1;-0.5||||\n");
    assert_int_equal(f->scan.broken, 1);
}

/* Speakers by a table of their own, facts of files and of their stretches, and what none of them says. */
static void test_audformat_facts(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("a.wav", 48000, 200);
    put_clip("b.wav", 16000, 210);
    put_clip("c.wav", 16000, 220);
    put_text("db.yaml", "schemes: {speaker: {labels: people}, other: {labels: nowhere}}\n"
                        "misc_tables: {people: {columns: {gender: {}}}}\n"
                        "splits: {one: {type: train}, two: {}, test: {}}\n"
                        "tables:\n"
                        "  emo: {split_id: one, columns: {emotion: {}}}\n"
                        "  more: {split_id: two, columns: {emotion: {}}}\n"
                        "  last: {split_id: test, columns: {emotion: {}}}\n"
                        "  aside: {columns: {emotion: {}}}\n"
                        "  files: {columns: {speaker: {scheme_id: speaker}}}\n"
                        "  said: {columns: {text: {}, speaker: {scheme_id: other}}}\n");
    put_text("db.people.csv", "speaker,gender\nann,female\nbob,male\n");
    put_text("db.emo.csv", "file,start,end,emotion\na.wav,0 days 00:00:00,0 days 00:00:01,calm\n"
                           "a.wav,0 days 00:00:01,0 days 00:00:02,angry\n");
    put_text("db.more.csv", "file,emotion\nb.wav,calm\n");
    put_text("db.last.csv", "file,emotion\nc.wav,calm\n");
    put_text("db.aside.csv", "file,emotion\nc.wav,angry\n");
    put_text("db.files.csv", "file,speaker\na.wav,ann\nb.wav,bob\nc.wav,eve\n");
    put_text("db.said.csv",
             "file,start,end,text,speaker\na.wav,0 days 00:00:01,0 days 00:00:02,no!,\nb.wav,,,yes,bob\n");
    assert_good(index_as(f, "audformat", &error), error);
    expect_clips(f, "a.wav#t=0,1|calm|ann|female||train\na.wav#t=1,2|angry|ann|female|no!|train\n"
                    "b.wav|calm|bob|male|yes|\nc.wav|calm|eve|||test\n");
    assert_int_equal(remove(unit_path("corpus/db.people.csv")), 0);
    assert_good(index_as(f, "audformat", &error), error);
    assert_null(f->clips.clips[0].sex);
    put_text("db.people.csv", "speaker,age\nann,30\n");
    assert_good(index_as(f, "audformat", &error), error);
    assert_null(f->clips.clips[0].sex);
    put_text("db.people.csv", "speaker,gender\nann,\"fem\n");
    assert_error(index_as(f, "audformat", &error), error, "db.people.csv:2: a quote is opened");
    error = (struct error){0};
    put_text("db.people.csv", "speaker,gender\n");
    put_text("db.more.csv", "file,emotion\nc.wav,calm\n");
    assert_error(index_as(f, "audformat", &error), error, "two tables say different labels or parts");
    error = (struct error){0};
    put_text("db.more.csv", "file,emotion\n");
    put_text("db.emo.csv", "file,emotion\n");
    put_text("db.last.csv", "file,emotion\n");
    assert_error(index_as(f, "audformat", &error), error, "no table has labels");
}

/* A recording whose mean channel is silent is taken by one of its channels, and that is said. */
static void test_opposite_channels(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    float samples[2 * 3200];
    SF_INFO info = {.samplerate = 16000, .channels = 2, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};

    for (int t = 0; t < 3200; t++) {
        samples[2 * t] = (float)(0.5 * sin(0.1 * t));
        samples[2 * t + 1] = -samples[2 * t];
    }
    for (int i = 0; i < 12; i++) { /* files of other kinds: the first endings are named */
        char name[32];
        snprintf(name, sizeof name, "happy/note.x%d", i);
        put_text(name, "x");
    }
    for (int i = 0; i < 2; i++) {
        char *path = mem_format("%s/happy/%d.wav", unit_path("corpus"), i);
        SNDFILE *file = sf_open(path, SFM_WRITE, &info);
        assert_int_equal(sf_writef_float(file, samples, 3200 - i), 3200 - i);
        sf_close(file);
        free(path);
        assert_good(index_as(f, "folders", &error), error);
        assert_int_equal(f->scan.decoded, 1); /* each is opened once */
    }
    assert_int_equal(f->clips.count, 2);
    assert_true(f->clips.clips[1].level > -12 &&
                f->clips.clips[1].level < -6); /* of one channel's sine, not of the mean */
}

/* Conditions on clips, of a corpus with several labels too. */
static void test_filter(void **state)
{
    static const char *const bad[][2] = {{"mood=x", "corpus.filter"},
                                         {"label", "corpus.filter"},
                                         {"label=", "corpus.filter"},
                                         {"label=x", "no clip of the corpus has the label \"x\""},
                                         {"speaker=ann|eve", "no clip of the corpus has the speaker \"eve\""},
                                         {"sex=female", "no clip of the corpus has the sex \"female\""}};
    struct fixture *f = *state;
    struct error error = {0};
    struct text many = {0};

    put_clip("a.wav", 3200, 200);
    put_clip("b.wav", 3210, 210);
    put_clip("c.wav", 3220, 220);
    put_text("list.csv", "path,label,speaker\na.wav,joy;surprise,ann\nb.wav,joy,bob\nc.wav,anger,\n");
    f->corpus.file = unit_path("corpus/list.csv");
    f->settings.corpora.task = MULTI_LABEL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        f->corpus.filter = bad[i][0];
        assert_error(index_as(f, "list", &error), error, bad[i][1]);
    }
    for (int i = 0; i < 17; i++)
        text_add(&many, "%slabel=joy", i ? "," : "");
    f->corpus.filter = many.text;
    assert_error(index_as(f, "list", &error), error, "more than 16 conditions");
    error = (struct error){0};
    f->corpus.filter = "label=joy|surprise";
    assert_good(index_as(f, "list", &error), error);
    assert_int_equal(f->clips.count, 2);
    f->corpus.filter = "label=joy, speaker=bob";
    assert_good(index_as(f, "list", &error), error);
    assert_int_equal(f->clips.count, 1);
    assert_string_equal(f->clips.clips[0].path, "b.wav");
    f->corpus.filter = "none";
    assert_good(index_as(f, "list", &error), error);
    assert_int_equal(f->clips.count, 3);
    text_free(&many);
}

/* Headers that are other than they should be, and pipes in place of tables. */
static void test_damaged(void **state)
{
    static const char *const headers[] = {"tables: [a, b]\n",
                                          "tables: {emo: {columns: [emotion, speaker]}}\n",
                                          "tables: {emo: []}\n", "tables: {}\n", "schemes: {}\n"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct error error = {0};
        put_text("db.yaml", headers[i]);
        assert_error(index_as(f, "audformat", &error), error, "db.yaml: ");
    }
    static const struct {
        const char *kind, *file;
    } files[] = {{"audformat", "db.yaml"},
                 {"msp-improv", "Evalution.txt"},
                 {"kaldi", "wav.scp"},
                 {"meld", "test_sent_emo.csv"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct error error = {0};
        char *path = mem_format("%s/%s", unit_path("corpus"), files[i].file);
        folder_remove(unit_path("corpus"), &error);
        folder_make(unit_path("corpus"), &error);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_error(index_as(f, files[i].kind, &error), error, "not a regular file");
        free(path);
    }
}

static void test_kaldi(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("audio/r1.wav", 48000, 200);
    put_clip("audio/u3.wav", 16000, 210);
    put_text("train/wav.scp", "r1 audio/r1.wav\nr2 sox x.wav -t wav - |\n");
    put_text("train/segments", "u1 r1 0.5 1.5\nu2 r1 1.50 -1\nu9 r2 0 1\n");
    put_text("train/utt2emo", "u1 angry\nu2 calm\nu9 calm\nu0 calm\n");
    put_text("train/utt2spk", "u1 ann\nu2 bob\n");
    put_text("train/spk2gender", "ann f\nbob m\n");
    put_text("train/text", "u1 good morning to you\nu2\n");
    put_text("test/wav.scp", "u3 audio/u3.wav\r\n");
    put_text("test/emotion", "u3 angry\r\n");
    assert_good(index_as(f, "kaldi", &error), error);
    expect_clips(f, "audio/r1.wav#t=0.5,1.5|angry|ann|female|good morning to you|train\n"
                    "audio/r1.wav#t=1.5|calm|bob|male||train\naudio/u3.wav|angry||||test\n");
    assert_int_equal(f->scan.broken, 2); /* a command, and one that wav.scp does not have */
    put_text("train/segments", "u1 r1 0.5 1.5\nu2 r1 0.5 1.5\n");
    assert_error(index_as(f, "kaldi", &error), error, "audio/r1.wav#t=0.5,1.5 is listed twice");
    error = (struct error){0};
    put_text("train/utt2emo", "u1 angry\nu1 calm\n");
    assert_error(index_as(f, "kaldi", &error), error, "\"u1\" stands there twice");
    error = (struct error){0};
    put_text("train/utt2emo", "u1\n");
    assert_error(index_as(f, "kaldi", &error), error, "utt2emo:1: nothing follows \"u1\"");
    error = (struct error){0};
    assert_true(remove(unit_path("corpus/train/utt2emo")) == 0);
    assert_error(index_as(f, "kaldi", &error), error, "no utt2emo with labels");
    f->settings.corpora.task = REGRESSION;
    assert_error(index_as(f, "kaldi", &error), error, "model.task=regression needs numbers");
    f->settings.corpora.task = SINGLE_LABEL;
    error = (struct error){0};
    folder_remove(unit_path("corpus"), &error);
    put_clip("audio/u1.wav", 16000, 200);
    assert_error(index_as(f, "kaldi", &error), error, "no wav.scp in");
    /* All utterances beside the parts': what the parts say stands; sexes that are none are not known. */
    error = (struct error){0};
    put_text("all/wav.scp", "u1 audio/u1.wav\n");
    put_text("all/utt2emo", "u1 calm\n");
    put_text("train/wav.scp", "u1 audio/u1.wav\n");
    put_text("train/utt2emo", "u1 calm\n");
    put_text("train/utt2spk", "u1 ann\n");
    put_text("train/spk2gender", "ann x\n");
    assert_good(index_as(f, "kaldi", &error), error);
    assert_int_equal(f->clips.count, 1);
    assert_string_equal(f->clips.clips[0].part, "train");
    assert_null(f->clips.clips[0].sex);
    put_text("all/utt2emo", "u1 angry\n");
    assert_error(index_as(f, "kaldi", &error), error, "listed twice");
    error = (struct error){0};
    put_text("all/utt2emo", "u1 calm\n");
    put_text("all/segments", "u1 u1 0.5\n");
    assert_good(index_as(f, "kaldi", &error), error);
    assert_int_equal(f->scan.broken, 1); /* no end */
    folder_remove(unit_path("corpus/all"), &error);
    folder_remove(unit_path("corpus/train"), &error);
    put_text("wav.scp", "u1 audio/u1.wav\n");
    put_text("utt2emo", "u1 calm\n");
    assert_good(index_as(f, "kaldi", &error), error);
    expect_clips(f, "audio/u1.wav|calm||||\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_msp_podcast, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_meld, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_other_tables, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_msp_improv, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_audformat, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_audformat_segments, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_audformat_rows, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_audformat_facts, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_opposite_channels, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_filter, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_kaldi, fixture_set_up, fixture_tear_down)};

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
