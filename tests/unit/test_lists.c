/* Lists as people have them: separators, encodings, headings, missing values, times, parts, paths; and
 * folders. */
#include "corpora.h"

#include "corpus/list_values.h"
#include "corpus/vote_shares.h"
#include "store/splits.h"

#include <math.h>
#include <sys/stat.h>

/* What a list should come to.  {root}, {home} in the text: the corpus' folder, and HOME. */
struct list_case {
    const char *name, *text;
    size_t size; /* of text with NULs in it; 0: up to its end */
    const char *columns, *part_map, *votes;
    size_t usable, broken;
    const char *first; /* "path|label|speaker|part" of the first usable clip */
    const char *error; /* or what the message holds */
};

#define UTF16_TEXT "\xff\xfep\0a\0t\0h\0,\0l\0a\0b\0e\0l\0\r\0\n\0a\0.\0w\0a\0v\0,\0x\0\r\0\n\0"
#define UTF16_BIG "\xfe\xff\0p\0a\0t\0h\0;\0l\0a\0b\0e\0l\0\n\0a\0.\0w\0a\0v\0;\0\xe9\0\n"
#define NUL_TEXT "path,label\na.wav,x\nb.wav,\0x\n"

static const struct list_case CASES[] = {
    {"tabs", "path\tlabel\tspeaker\na.wav\tx\tann\nb.wav\ty\tben\n", .usable = 2, .first = "a.wav|x|ann|"},
    {"bars", "path|label\na.wav|x\n", .usable = 1, .first = "a.wav|x||"},
    {"semicolons", "path;label\na.wav;x,y\n", .usable = 1, .first = "a.wav|x,y||"},
    {"separators in quotes", "path,label,\"a;b;c;d\"\na.wav,x,\n", .usable = 1, .first = "a.wav|x||"},
    {"carriage returns", "path,label\ra.wav,x\rb.wav,y\r", .usable = 2, .first = "a.wav|x||"},
    {"a mark", "\xef\xbb\xbfpath,label\r\na.wav,x\r\n", .usable = 1, .first = "a.wav|x||"},
    {"UTF-16", UTF16_TEXT, .size = sizeof UTF16_TEXT - 1, .usable = 1, .first = "a.wav|x||"},
    {"UTF-16, big end first", UTF16_BIG, .size = sizeof UTF16_BIG - 1, .usable = 1,
     .first = "a.wav|\xc3\xa9||"},
    {"blanks", "path , label, speaker\na.wav,  x , ann\n", .usable = 1, .first = "a.wav|x|ann|"},
    {"blanks before quotes", "path, label\na.wav, \"x, y\"\n", .usable = 1, .first = "a.wav|x, y||"},
    {"line breaks in quotes", "path,label,text\na.wav,x,\"one\ntwo\"\nb.wav,y,\n", .usable = 2,
     .first = "a.wav|x||"},
    {"JSON lines",
     "{\"key\":\"1\",\"wav\":\"a.wav\",\"emotion\":\"x\",\"speaker\":\"s\"}\n\n{\"wav\":\"b.wav\","
     "\"emotion\":\"y\"}\n",
     .usable = 2, .first = "a.wav|x|s|"},
    {"JSON lines, numbers and nulls", "{\"file\":\"a.wav\",\"label\":1,\"start\":0.01,\"end\":null}\n",
     .usable = 1, .first = "a.wav#t=0.01|1||"},
    {"a JSON array", "[{\"path\": \"a.wav\",\n \"label\": \"x\"}]", .usable = 1, .first = "a.wav|x||"},
    {"damaged JSON", "{\"path\":\"a.wav\",\"label\":\"x\"}\n{\"path\":\n",
     .error = "list.csv:2: expected a JSON object"},
    {"JSON lines that lack a path", "{\"path\":\"a.wav\",\"label\":\"x\"}\n{\"label\":\"y\"}\n",
     .error = "list.csv:2: \"\": expected the path"},
    {"usual names", "FileName,EmoClass,SpkrID,Split_Set\na.wav,x,7,Train\n", .usable = 1,
     .first = "a.wav|x|7|train"},
    {"other usual names", "audio_path,Emotion,speaker_id,gender,transcription\na.wav,x,7,F,hello\n",
     .usable = 1, .first = "a.wav|x|7|"},
    {"names with blanks", "File Name,The label, really\na.wav,x,\n",
     .columns = "path=\"File Name\" label=\"The label\"", .usable = 1, .first = "a.wav|x||"},
    {"names with commas", "path,\"label, final\"\na.wav,x\n", .columns = "label=\"label, final\"",
     .usable = 1, .first = "a.wav|x||"},
    {"the name beats the guess", "file,path,label\nx.wav,a.wav,x\n", .usable = 1, .first = "a.wav|x||"},
    {"two columns of a name", "path,label,label\na.wav,x,y\n",
     .error = "list.csv:1: columns 2 and 3 are both called \"label\""},
    {"two columns that nobody asks for", "path,label,,\na.wav,x,1,2\n", .usable = 1, .first = "a.wav|x||"},
    {"a NUL", NUL_TEXT, .size = sizeof NUL_TEXT - 1, .error = "list.csv:3: a NUL byte"},
    {"a quote left open", "path,label\na.wav,x\nb.wav,\"y\n",
     .error = "list.csv:3: a quote is opened and never closed"},
    {"a quote inside a field", "path,label\na.wav,5\" pipe\n", .usable = 1, .first = "a.wav|5\" pipe||"},
    {"a short row after line breaks", "path,label,text\na.wav,x,\"1\n2\n3\"\nb.wav,y\n",
     .error = "list.csv:5: 2 fields"},
    {"nan", "path,label\na.wav,nan\nb.wav,NaN\nc.wav,\nd.wav,x\n", .usable = 1, .broken = 3,
     .first = "d.wav|x||"},
    {"unknown speakers", "path,label,speaker\na.wav,x,Unknown\nb.wav,y,ann\n", .usable = 2,
     .first = "a.wav|x||"},
    {"parts", "path,label,part\na.wav,x,Train\nb.wav,x,DEV\nc.wav,x,testing\n", .usable = 3,
     .first = "a.wav|x||train"},
    {"mapped parts", "path,label,part\na.wav,x,Development\nb.wav,x,Test1\nc.wav,x,Test2\n",
     .part_map = "development=validation, Test1=test, test2=-", .usable = 2, .first = "a.wav|x||validation"},
    {"parts that nothing has", "path,label,part\na.wav,x,train\n", .part_map = "holdout=test",
     .error = "corpus.part_map: no row of"},
    {"unknown parts", "path,label,part\na.wav,x,A\n", .error = "corpus.part_map=A=test"},
    {"a set that is no part", "path,label,set\na.wav,x,train\nb.wav,x,A\n", .usable = 2,
     .first = "a.wav|x||"},
    {"a fold that is no part", "path,label,split\na.wav,x,1\n", .usable = 1, .first = "a.wav|x||"},
    {"JSON objects on one line", "{\"path\":\"a.wav\",\"label\":\"x\"}{\"path\":\"b.wav\"}\n",
     .error = "list.csv:1: expected a JSON object, alone"},
    {"lists and objects in JSON", "{\"path\":\"a.wav\",\"label\":[\"x\",\"y\"],\"text\":{\"a\":1}}\n",
     .usable = 1, .first = "a.wav|x;y||"},
    {"line breaks in JSON", "[{\"path\":\"a.wav\",\"label\":\"x\\ny\\rz\"}]", .usable = 1,
     .first = "a.wav|x y z||"},
    {"JSON lines of Windows and of old Macs",
     "{\"path\":\"a.wav\",\"label\":\"x\"}\r\n\r\n{\"path\":\"b.wav\",\"label\":\"y\"}", .usable = 2,
     .first = "a.wav|x||"},
    {"blanks behind JSON", "{\"path\":\"a.wav\",\"label\":\"x\"} \t\n", .usable = 1, .first = "a.wav|x||"},
    {"a JSON array cut short", "[{\"path\":\"a.wav\",\"label\":\"x\"},", .error = "list.csv: damaged JSON"},
    {"a NUL in a JSON array", "[{\"path\":\"a.wav\\u0000\",\"label\":\"x\"}]", .error = "a NUL inside"},
    {"JSON of no object", "{\"path\":\"a.wav\",\"label\":\"x\"}\n[1]\n",
     .error = "list.csv:2: expected a JSON object"},
    {"missing values of paths", "path,label\n,x\n", .error = "list.csv:2: "},
    {"four numbers of a time", "path,label,start,end\na.wav,x,0:0:0:1,\n", .error = "no stretch"},
    {"days without hours", "path,label,start,end\na.wav,x,0 days 5,\n", .error = "no stretch"},
    {"endless times", "path,label,start,end\na.wav,x,0,inf\n", .error = "no stretch"},
    {"a key twice in a line",
     "{\"path\":\"a.wav\",\"label\":\"x\"}\n{\"path\":\"b.wav\",\"label\":\"x\",\"label\":\"y\"}\n",
     .error = "list.csv:2: \"label\" stands twice in one object"},
    {"a key twice in an array's object", "[{\"path\":\"a.wav\",\"path\":\"b.wav\",\"label\":\"x\"}]",
     .error = "list.csv:1: \"path\" stands twice in one object"},
    {"two JSON arrays", "[{\"path\":\"a.wav\",\"label\":\"x\"}][]", .error = "more than one array"},
    {"an array of numbers", "[{\"path\":\"a.wav\",\"label\":\"x\"}, 5]",
     .error = "element 2: expected an object"},
    {"an empty field at the end", "path,label,speaker\na.wav,x,", .usable = 1, .first = "a.wav|x||"},
    {"Latin-1", "path,label\na.wav,x\nb.wav,z\xe4rt\n", .error = "list.csv:3: not UTF-8"},
    {"half a surrogate", "path,label\na.wav,\xed\xa0\x80\n", .error = "list.csv:2: not UTF-8"},
    {"a NUL in JSON", "{\"path\":\"a.wav\\u0000x\",\"label\":\"x\"}\n", .error = "list.csv:1: a NUL inside"},
    {"a part mapped twice", "path,label,part\na.wav,x,A\n", .part_map = "A=train, a=test",
     .error = "\"a\" stands there twice"},
    {"a column named twice", "path,label,x\na.wav,x,y\n", .columns = "label=x label=label",
     .error = "label= stands there twice"},
    {"votes of two parts", "path,label,part\na.wav,x,train\na.wav,x,test\nb.wav,y,\nb.wav,y,dev\n",
     .votes = "majority", .usable = 1, .broken = 1, .first = "b.wav|y||validation"},
    {"no column for the part", "path,label,set\na.wav,x,A\n", .columns = "part=", .usable = 1,
     .first = "a.wav|x||"},
    {"an open end", "path,label,start,end\na.wav,x,0.05,\n", .usable = 1, .first = "a.wav#t=0.05|x||"},
    {"timedeltas",
     "file,start,end,emotion\na.wav,0 days 00:00:00.050000,0 days 00:00:00.1,x\nb.wav,0 days,NaT,y\n",
     .usable = 2, .first = "a.wav#t=0.05,0.1|x||"},
    {"timedeltas, an open end",
     "file,start,end,emotion\na.wav,0 days 00:00:00.050000,0 days 00:00:00.1,x\nb.wav,0 days "
     "00:00:00,NaT,y\n",
     .usable = 2, .first = "a.wav#t=0.05,0.1|x||"},
    {"hours and minutes", "path,label,start,end\na.wav,x,0:00:00.05,00:00.1\n", .usable = 1,
     .first = "a.wav#t=0.05,0.1|x||"},
    {"an end before the start", "path,label,start,end\na.wav,x,1,0:00.5\n",
     .error = "no stretch from \"1\" to \"0:00.5\" s"},
    {"absolute paths", "path,label\n{root}/a.wav,x\n", .usable = 1, .first = "a.wav|x||"},
    {"dots", "path,label\n./sub/../a.wav,x\n", .usable = 1, .first = "a.wav|x||"},
    {"the home", "path,label\n~/a.wav,x\n", .usable = 1, .first = "a.wav|x||"},
    {"backslashes", "path,label\nsub\\e.wav,x\n", .usable = 1, .first = "sub/e.wav|x||"},
    {"another normal form", "path,label\nm\xc3\xbcller.wav,x\na.wav,y\n", .usable = 2, .first = "a.wav|y||"},
    {"another normal form without ending", "path,label\nm\xc3\xbcller,x\n", .usable = 1,
     .first = "mu\xcc\x88ller.wav|x||"},
    {"names without endings", "path,label\nsub/e,x\na,y\n", .usable = 2, .first = "a.wav|y||"},
    {"votes in rows", "path,label\na.wav,x\na.wav,y\nb.wav,x\na.wav,x\nb.wav,y\n", .votes = "majority",
     .usable = 1, .broken = 1, .first = "a.wav|x||"},
    {"votes that all agree", "path,label\na.wav,x\na.wav,y\na.wav,x\nb.wav,y\nb.wav,y\n",
     .votes = "all_agree", .usable = 1, .broken = 1, .first = "b.wav|y||"},
    {"votes in columns", "path,x,y\na.wav,3,2\nb.wav,0.5,0.5\nc.wav,0,1\n", .votes = "majority", .usable = 2,
     .broken = 1, .first = "a.wav|x||"},
    {"rows of several annotators, and no votes", "path,label\na.wav,x\na.wav,y\n",
     .error = "listed twice (corpus.votes"},
    {"paths that are not there", "path,label\n/etc/none.wav,x\na.wav,y\n", .usable = 1, .broken = 1,
     .first = "a.wav|y||"},
};

/* The case's text as a file. */
static void write_case(const struct list_case *c, const char *name)
{
    struct error error = {0};
    struct text text = {0};
    const char *at = c->text, *mark;

    while (!c->size && (mark = strstr(at, "{root}"))) {
        text_add(&text, "%.*s%s", (int)(mark - at), at, unit_path("corpus"));
        at = mark + strlen("{root}");
    }
    text_add_bytes(&text, at, c->size ? c->size : strlen(at));
    assert_good(file_write(unit_path(name), text.text, text.length, &error), error);
    text_free(&text);
}

static void check_case(struct fixture *f, const struct list_case *c)
{
    struct error error = {0};

    f->corpus.columns = c->columns ? c->columns : "";
    f->corpus.part_map = c->part_map ? c->part_map : "";
    f->corpus.votes = c->votes ? c->votes : "none";
    f->settings.corpora.labels = c->votes && strstr(c->text, ",x,y") ? "x, y" : "";
    bool done = index_as(f, "list", &error);
    if (c->error) {
        if (done || !strstr(error.message, c->error))
            fail_msg("%s: \"%s\" does not hold \"%s\"", c->name, done ? "no error" : error.message, c->error);
        return;
    }
    if (!done)
        fail_msg("%s: %s", c->name, error.message);
    if (f->clips.count != c->usable || f->scan.broken != c->broken)
        fail_msg("%s: %zu usable and %zu broken", c->name, f->clips.count, f->scan.broken);
    const struct clip *clip = &f->clips.clips[0];
    char *first = mem_format("%s|%s|%s|%s", clip->path, clip->label, clip->speaker ? clip->speaker : "",
                             clip->part ? clip->part : "");
    if (strcmp(first, c->first) != 0)
        fail_msg("%s: \"%s\" is not \"%s\"", c->name, first, c->first);
    free(first);
}

static void put_clips(void)
{
    put_clip("mu\xcc\x88ller.wav", 3230, 230);
    static const char *const names[] = {"a.wav", "b.wav", "c.wav", "d.wav", "sub/e.wav"};

    for (int i = 0; i < 5; i++)
        put_clip(names[i], 3200, 200 + 20 * i);
}

static void test_cases(void **state)
{
    struct fixture *f = *state;

    put_clips();
    setenv("HOME", unit_path("corpus"), 1);
    f->corpus.file = unit_path("list.csv");
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        write_case(&CASES[i], "list.csv");
        check_case(f, &CASES[i]);
    }
}

/* Votes are kept, follow corpus.label_map and a changed list, and become shares. */
static void test_votes(void **state)
{
    static const struct list_case rows = {"rows", "path,label\na.wav,x\na.wav,y\na.wav,x\na.wav,z\n",
                                          .votes = "majority", .usable = 1, .first = "a.wav|x||"},
                                  more = {"more", "path,label\na.wav,x\na.wav,y\na.wav,x\na.wav,x\n",
                                          .votes = "majority", .usable = 1, .first = "a.wav|x||"},
                                  both = {"both", "path,x,y\na.wav,3,0\na.wav,0,3\na.wav,0,3\n",
                                          .votes = "majority", .usable = 1, .first = "a.wav|y||"},
                                  columns = {"columns", "path,x,y\na.wav,3,0.5\n", .votes = "majority",
                                             .usable = 1, .first = "a.wav|x||"};
    struct fixture *f = *state;
    struct strings labels = {0};
    double shares[3];

    put_clips();
    f->corpus.file = unit_path("list.csv");
    write_case(&rows, "list.csv");
    check_case(f, &rows);
    assert_string_equal(f->clips.clips[0].votes, "{\"x\":2,\"y\":1,\"z\":1}");
    f->corpus.label_map = "z=y";
    check_case(f, &rows);
    assert_string_equal(f->clips.clips[0].votes, "{\"x\":2,\"y\":2}");
    f->corpus.label_map = "z=-";
    check_case(f, &rows);
    assert_string_equal(f->clips.clips[0].votes, "{\"x\":2,\"y\":1}");
    f->corpus.label_map = "";
    write_case(&more, "list.csv");
    check_case(f, &more);
    assert_string_equal(f->clips.clips[0].votes, "{\"x\":3,\"y\":1}");
    write_case(&columns, "list.csv");
    check_case(f, &columns);
    assert_string_equal(f->clips.clips[0].votes, "{\"x\":3,\"y\":0.5}");

    write_case(&both, "list.csv");
    check_case(f, &both);
    assert_string_equal(f->clips.clips[0].votes, "{\"x\":3,\"y\":6}");

    strings_add(&labels, "y");
    strings_add(&labels, "none");
    strings_add(&labels, "x");
    assert_true(votes_shares("{\"x\":2,\"y\":1,\"other\":5}", &labels, shares));
    assert_float_equal(shares[0], 1.0 / 3, 1e-12);
    assert_float_equal(shares[1], 0, 0);
    assert_float_equal(shares[2], 2.0 / 3, 1e-12);
    assert_false(votes_shares("{\"other\":5}", &labels, shares));
    assert_false(votes_shares(NULL, &labels, shares));
    assert_false(votes_shares("no object", &labels, shares));
    strings_free(&labels);
}

/* Paths beside the list, where they are not below corpus.root. */
static void test_paths_beside_the_list(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    static const struct list_case beside = {"beside", "file_name,label\nsub/e.wav,x\n", .usable = 1,
                                            .first = "sub/e.wav|x||"};

    put_clips();
    write_case(&beside, "corpus/metadata.csv");
    f->corpus.file = unit_path("corpus/metadata.csv");
    check_case(f, &beside);
    assert_good(folder_make(unit_path("elsewhere"), &error), error);
    f->corpus.root = unit_path("elsewhere"); /* then clips are known by their absolute paths */
    char *first = mem_format("%s/sub/e.wav|x||", unit_path("corpus"));
    const struct list_case absolute = {"absolute", beside.text, .usable = 1, .first = first};
    check_case(f, &absolute);
    free(first);
}

static void test_seconds(void **state)
{
    static const struct {
        const char *text;
        double seconds;
        bool good;
    } cases[] = {{"1.5", 1.5, true},
                 {"0 days", 0, true},
                 {"1 day", 86400, true},
                 {"1:02.5", 62.5, true},
                 {"1:00:01", 3601, true},
                 {"1 days 00:00:01", 86401, true},
                 {"1 day, 0:00:01", 86401, true},
                 {"days", 0, false},
                 {"1:2:3:4", 0, false},
                 {"1:-2", 0, false},
                 {"soon", 0, false}};
    double seconds;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(value_to_seconds(cases[i].text, &seconds), cases[i].good);
        assert_true(!cases[i].good || fabs(seconds - cases[i].seconds) < 1e-9);
    }
}

/* Folders of parts above or below those of labels; equal stems; what is no recording. */
static void test_folders(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("train/happy/1.wav", 3200, 200);
    put_clip("Test/sad/1.wav", 3200, 220);
    put_clip("sad/dev/2.wav", 3200, 240);
    put_clip("happy/1.wav", 3200, 260);
    assert_true(
        write_wave(unit_path("corpus/happy/1.flac"), 16000, 1, 3200, 280, SF_FORMAT_FLAC | SF_FORMAT_PCM_16));
    put_clip("test/3.wav", 3200, 300);
    assert_int_equal(mkfifo(unit_path("corpus/happy/pipe.wav"), 0600), 0);
    assert_int_equal(symlink("nowhere.wav", unit_path("corpus/happy/link.wav")), 0);
    put_clip(".git/happy/1.wav", 3200, 320);
    put_clip("happy/.hidden/1.wav", 3200, 340);
    const char *pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    assert_good(file_write(unit_path("corpus/happy/lfs.wav"), pointer, strlen(pointer), &error), error);
    assert_good(index_as(f, "folders", &error), error);
    assert_int_equal(f->clips.count, 5);
    assert_int_equal(f->scan.broken, 4); /* test/3.wav has no label */
    for (size_t i = 0; i < f->clips.count; i++) {
        const struct clip *clip = &f->clips.clips[i];
        const char *part = strstr(clip->path, "train/")  ? "train"
                           : strstr(clip->path, "Test/") ? "test"
                           : strstr(clip->path, "dev/")  ? "validation"
                                                         : NULL;
        assert_string_equal(clip->label, strstr(clip->path, "happy") ? "happy" : "sad");
        assert_true(part ? clip->part && strcmp(part, clip->part) == 0 : !clip->part);
    }
    assert_good(index_as(f, "folders", &error), error); /* and nothing changes */
    assert_int_equal(f->clips.count, 5);
}

/* Corpora by their file names: "path|label|speaker|sex" of each. */
static void test_named_corpora(void **state)
{
    static const char *const cases[][2] = {{"tess", "OA_bite_neutral.wav|neutral|OAF|female"},
                                           {"esd", "0011/Angry/train/0011_000351.wav|anger|0011|"},
                                           {"emovo", "f1/gio-f1-b2.wav|happiness|f1|female"},
                                           {"cafe", "01-C-1-1.wav|anger|01|"},
                                           {"nemo", "SB0_surprised_12.wav|surprised|SB0|"},
                                           {"shemo", "female/F01W02.wav|surprise|F01|female"},
                                           {"urdu", "Angry/SM1_F1_A001.wav|anger|SM1|male"},
                                           {"subesco", "F_02_MONIKA_S_1_NEUTRAL_5.wav|neutral|F_02|female"},
                                           {"jl", "male2_encouraging_10a_1.wav|encouraging|male2|"},
                                           {"enterface", "s12_su_5.wav|surprise|12|"},
                                           {"mesd", "Anger_F_A_abajo.wav|anger||female"},
                                           {"emov-db", "bea/amused/amused_1-15_0001.wav|amused|bea|female"},
                                           {"aesdd", "anger/a01 (1).wav|anger|1|"},
                                           {"baved", "0/0-m-21-0-1-105.wav|normal|0|male"},
                                           {"asvp-esd", "03-01-06-01-01-02-02-01-02-01.wav|fear|02|"}};
    struct fixture *f = *state;
    struct error error = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *expected = cases[i][1];
        char *path = mem_format("%.*s", (int)strcspn(expected, "|"), expected);
        folder_remove(unit_path("corpus"), &error);
        put_clip(path, 3200, 200);
        if (!index_as(f, cases[i][0], &error))
            fail_msg("%s: %s", cases[i][0], error.message);
        const struct clip *clip = &f->clips.clips[0];
        char *found = mem_format("%s|%s|%s|%s", clip->path, clip->label, clip->speaker ? clip->speaker : "",
                                 clip->sex ? clip->sex : "");
        assert_string_equal(found, expected);
        free(found);
        free(path);
    }
}

/* What RAVDESS has as sound and as a video's sound is one performance; TESS's second copy counts once. */
static void test_performances(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("03-01-03-01-01-01-01.wav", 3200, 200);
    put_clip("01-01-03-01-01-01-01.wav", 3210, 200);
    put_clip("01-01-04-01-01-01-01.wav", 3210, 230); /* the video's alone */
    for (int again = 0; again < 2; again++) {
        assert_good(index_as(f, "ravdess", &error), error);
        assert_int_equal(f->clips.count, 2);
        assert_int_equal(f->scan.copies, 1);
        assert_string_equal(f->clips.clips[1].path, "03-01-03-01-01-01-01.wav");
    }
    folder_remove(unit_path("corpus"), &error);
    put_clip("TESS/OAF_back_happy.wav", 3200, 200);
    put_clip("TESS/again/OAF_back_happy.wav", 3200, 200);
    assert_good(index_as(f, "tess", &error), error);
    assert_int_equal(f->clips.count, 1);
    assert_int_equal(f->scan.copies, 1);
}

static void test_iemocap(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};

    put_clip("Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav", 3200, 200);
    put_clip("Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M000.wav", 3200, 210);
    put_clip("Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M001.wav", 3200, 220);
    put_text("Session1/dialog/EmoEvaluation/Ses01F_impro01.txt",
             "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
             "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.0000]\n"
             "C-E2:\tNeutral;\t()\n"
             "[10.0100 - 11.3925]\tSes01F_impro01_M000\tfru\t[2.0000, 3.5000, 3.0000]\n"
             "[12.0 - 13.5]\tSes01F_impro01_M001\txxx\t[2.0, 3.5, 3.0]\n");
    put_text("Session1/dialog/transcriptions/Ses01F_impro01.txt",
             "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\r\nSes01F_impro01_M000 "
             "[010.0100-011.3925]: Yeah.\r\n");
    assert_good(index_as(f, "iemocap", &error), error);
    assert_int_equal(f->clips.count, 2);
    assert_int_equal(f->scan.broken, 1);
    const struct clip *clip = &f->clips.clips[0], *other = &f->clips.clips[1];
    assert_string_equal(clip->label, "neutral");
    assert_string_equal(clip->speaker, "Ses01F");
    assert_string_equal(clip->text, "Excuse me.");
    assert_string_equal(other->label, "frustration");
    assert_string_equal(other->speaker, "Ses01M");
    assert_string_equal(other->sex, "male");
    f->settings.corpora.task = MULTI_LABEL;
    assert_good(index_as(f, "iemocap", &error), error);
    assert_int_equal(f->clips.count, 3);
    f->settings.corpora.task = REGRESSION;
    assert_good(index_as(f, "iemocap", &error), error);
    assert_int_equal(f->clips.count, 3);
    f->settings.corpora.task = SINGLE_LABEL;
    folder_remove(unit_path("corpus"), &error);
    put_text("Session1/dialog/EmoEvaluation/Ses01F_impro01.txt", "nothing\n");
    assert_error(index_as(f, "iemocap", &error), error, "no Session1/dialog/EmoEvaluation");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cases, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_paths_beside_the_list, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_votes, fixture_set_up, fixture_tear_down),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test_setup_teardown(test_folders, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_named_corpora, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_performances, fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_iemocap, fixture_set_up, fixture_tear_down)};

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
