/*
 * Corpora that come with tables of their own: where the table lies, which columns say what, where a row's
 * recording is.  To add one, add rows to TABLES and its format to FORMATS in corpus.c.
 *
 * Sources: MSP-Podcast (Lotfian and Busso, 2019), MELD (Poria et al., 2019), CREMA-D's votes on the voice
 * alone (Cao et al., 2014), CMU-MOSEI (Zadeh et al., 2018) as MMSA lists it (Mao et al., 2022),
 * Emozionalmente (Catania et al., 2023).
 */
#include "base/csv.h"
#include "base/files.h"
#include "base/text.h"
#include "config/config.h"
#include "corpus/list_values.h"
#include "corpus/numbers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_PLACES = 4 };

/* What a code in a table means; "": nothing, the row is left out. */
struct code {
    const char *code, *meaning;
};

/* A table.  In templates {Column} stands for a row's value, {Column:4} for its first four characters. */
struct table {
    const char *corpus;
    const char *files[MOST_PLACES];                  /* where the table may be, below the root */
    const char *paths[MOST_PLACES];                  /* where a row's recording may be: templates */
    const char *label, *speaker, *sex, *text, *part; /* templates; NULL: not known */
    const char *all_in;                              /* the part of all its rows; NULL: as `part` says */
    struct number_column {
        const char *name, *column;
    } numbers[MOST_NUMBERS];           /* for model.task=regression: what corpus.labels may name */
    const struct code *labels, *parts; /* ended by a NULL code; NULL: the value itself, in small letters */
};

static const struct code MSP_LABELS[] = {
    {"A", "anger"},   {"S", "sadness"},  {"H", "happiness"}, {"U", "surprise"}, {"F", "fear"},
    {"D", "disgust"}, {"C", "contempt"}, {"N", "neutral"},   {"O", "other"},    {NULL, NULL}};
static const struct code MSP_PARTS[] = {{"Train", "train"},
                                        {"Development", "validation"},
                                        {"Validation", "validation"},
                                        {"Test1", "test"},
                                        {"Test2", ""},
                                        {"Test3", ""},
                                        {NULL, NULL}};
static const struct code CREMA_LABELS[] = {{"A", "anger"},     {"D", "disgust"}, {"F", "fear"},
                                           {"H", "happiness"}, {"N", "neutral"}, {"S", "sadness"},
                                           {NULL, NULL}};
static const struct code MOSEI_PARTS[] = {
    {"train", "train"}, {"valid", "validation"}, {"test", "test"}, {NULL, NULL}};

#define MELD(place, folder, of_part)                                                                         \
    {                                                                                                        \
        .corpus = "meld", .files = {place "_sent_emo.csv", place "/" place "_sent_emo.csv"},                 \
        .paths = {folder "/dia{Dialogue_ID}_utt{Utterance_ID}.mp4",                                          \
                  place "/" folder "/dia{Dialogue_ID}_utt{Utterance_ID}.mp4",                                \
                  folder "/dia{Dialogue_ID}_utt{Utterance_ID}.wav",                                          \
                  place "/" folder "/dia{Dialogue_ID}_utt{Utterance_ID}.wav"},                               \
        .label = "{Emotion}", .speaker = "{Speaker}", .text = "{Utterance}", .all_in = (of_part)             \
    }

static const struct table TABLES[] = {
    {.corpus = "msp-podcast",
     .files = {"Labels/labels_consensus.csv", "labels_consensus.csv", "Labels/Labels/labels_consensus.csv"},
     .paths = {"Audios/{FileName}", "Audio/{FileName}", "Audios/Audios/{FileName}", "{FileName}"},
     .label = "{EmoClass}",
     .speaker = "{SpkrID}",
     .sex = "{Gender}",
     .part = "{Split_Set}",
     .numbers = {{"arousal", "EmoAct"}, {"valence", "EmoVal"}, {"dominance", "EmoDom"}},
     .labels = MSP_LABELS,
     .parts = MSP_PARTS},
    MELD("train", "train_splits", "train"),
    MELD("dev", "dev_splits_complete", "validation"),
    MELD("test", "output_repeated_splits_test", "test"),
    {.corpus = "crema-d-votes",
     .files = {"processedResults/summaryTable.csv", "summaryTable.csv"},
     .paths = {"AudioWAV/{FileName}.wav", "AudioMP3/{FileName}.mp3", "{FileName}.wav"},
     .label = "{VoiceVote}",
     .speaker = "{FileName:4}",
     .labels = CREMA_LABELS},
    {.corpus = "cmu-mosei",
     .files = {"label.csv"},
     .paths = {"Raw/{video_id}/{clip_id}.mp4", "Raw/{video_id}/{clip_id}.wav"},
     .label = "{annotation}",
     .speaker = "{video_id}",
     .text = "{text}",
     .part = "{mode}",
     .numbers = {{"sentiment", "label"}},
     .parts = MOSEI_PARTS},
    {.corpus = "emozionalmente",
     .files = {"metadata/samples.csv", "samples.csv"},
     .paths = {"audio/{file_name}", "{file_name}"},
     .label = "{emotion_expressed}",
     .speaker = "{actor}"},
};

/* A table being read. */
struct reading {
    const struct table *table;
    const char *root;
    const struct corpora_settings *corpora;
    struct csv csv;
    struct list_places places;
    const char *path;             /* of the recordings: the template under which the first one is */
    size_t numbers[MOST_NUMBERS]; /* of regression: columns, in the order of corpus.labels */
    size_t number_count;
};

/* ---- templates ---- */

/* One {Column} or {Column:4} of a template at *at, which moves behind it; false: there is no such column. */
static bool add_column(const struct csv *csv, const char **at, struct text *out, struct error *error)
{
    const char *end = strchr(*at, '}'), *colon = memchr(*at, ':', (size_t)(end - *at));
    char *name = mem_format("%.*s", (int)((colon ? colon : end) - *at - 1), *at + 1);
    size_t column = csv_column(csv, name);
    int most = colon ? atoi(colon + 1) : -1;

    if (column == csv->columns)
        error_usage(error, "%s:1: there is no column \"%s\" in this table", csv->path, name);
    else if (most >= 0)
        text_add(out, "%.*s", most, csv_field(csv, column));
    else
        text_add(out, "%s", csv_field(csv, column));
    free(name);
    *at = end + 1;
    return !error->kind;
}

/* The template for the row; caller frees; NULL where there is none, or with an error. */
static char *fill(const struct csv *csv, const char *template, struct error *error)
{
    struct text out = {0};

    if (!template)
        return NULL;
    text_add_bytes(&out, "", 0);
    for (const char *at = template; *at && !error->kind;) {
        if (*at == '{')
            add_column(csv, &at, &out, error);
        else
            text_add_bytes(&out, at++, 1);
    }
    if (error->kind)
        text_free(&out);
    return out.text;
}

/* The same as a code of the table; missing values are NULL. */
static char *fill_known(const struct csv *csv, const char *template, const struct code *codes,
                        struct error *error)
{
    char *value = fill(csv, template, error);

    if (value && value_is_missing(value)) {
        free(value);
        return NULL;
    }
    for (; value && codes && codes->code; codes++)
        if (strcasecmp(codes->code, value) == 0) {
            free(value);
            return mem_string(codes->meaning);
        }
    if (value && codes) { /* no code of the table's: the annotators did not agree */
        free(value);
        return NULL;
    }
    return value;
}

/* ---- rows ---- */

/* The template under which the row's recording is; NULL: it is nowhere. */
static const char *find_path(const struct reading *r, struct error *error)
{
    for (size_t p = 0; p < MOST_PLACES && r->table->paths[p]; p++) {
        char *path = fill(&r->csv, r->table->paths[p], error),
             *whole = path ? path_join(r->root, path) : NULL;
        bool is_there = whole && path_exists(whole);
        free(whole);
        free(path);
        if (is_there)
            return r->table->paths[p];
    }
    return NULL;
}

/* The row's recording, mostly where the one before it was; where it is nowhere, at the first place.  Caller
 * frees; NULL with an error. */
static char *row_path(struct reading *r, struct error *error)
{
    char *path = fill(&r->csv, r->path ? r->path : r->table->paths[0], error),
         *whole = path ? path_join(r->root, path) : NULL;
    const char *place = whole && path_exists(whole) ? NULL : find_path(r, error);

    free(whole);
    if (place) {
        r->path = place;
        free(path);
        path = fill(&r->csv, place, error);
    }
    if (!path || error->kind)
        return path;
    char *found = list_path(&r->places, path);
    free(path);
    return found ? found : mem_string("");
}

/* In place; NULL stays NULL. */
static char *in_small_letters(char *text)
{
    for (char *c = text; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return text;
}

/* The label, or the numbers; NULL: the row has none. */
static char *row_label(struct reading *r, struct error *error)
{
    double values[MOST_NUMBERS];
    struct text numbers = {0};

    if (r->corpora->task != REGRESSION) {
        char *label = fill_known(&r->csv, r->table->label, r->table->labels, error);
        return in_small_letters(label); /* "Neutral" of one part is "neutral" of another */
    }
    for (size_t k = 0; k < r->number_count; k++)
        if (!text_to_number(csv_trimmed(&r->csv, r->numbers[k]), &values[k]))
            return NULL;
    target_print(REGRESSION, NULL, r->number_count, values, &numbers);
    return numbers.text;
}

static bool add_row(struct reading *r, struct clip_list *found, struct error *error)
{
    const struct table *table = r->table;

    char *path = row_path(r, error), *label = row_label(r, error),
         *speaker = fill(&r->csv, table->speaker, error), *sex = fill_known(&r->csv, table->sex, NULL, error),
         *text = fill_known(&r->csv, table->text, NULL, error),
         *part = table->all_in ? mem_string(table->all_in)
                               : fill_known(&r->csv, table->part, table->parts, error);
    in_small_letters(sex);
    if (path && !error->kind && !(part && !*part)) {
        char *name = path_stem(path);
        clip_list_add(found,
                      &(struct clip){.path = path,
                                     .name = name,
                                     .label = label,
                                     .speaker = speaker && !speaker_is_unknown(speaker) ? speaker : NULL,
                                     .sex = sex && !speaker_is_unknown(sex) ? sex : NULL,
                                     .text = text,
                                     .part = part,
                                     .defect = label                            ? NULL
                                               : r->corpora->task == REGRESSION ? "no number"
                                               : table->labels ? "no label on which the annotators agree"
                                                               : "no label"});
        free(name);
    }
    free(path);
    free(label);
    free(speaker);
    free(sex);
    free(text);
    free(part);
    return !error->kind;
}

/* ---- tables ---- */

/* Which columns corpus.labels means for regression. */
static bool find_numbers(struct reading *r, struct error *error)
{
    const char *names[MOST_NUMBERS];
    struct number_choice choice;

    for (size_t n = 0; n < MOST_NUMBERS; n++)
        names[n] = r->table->numbers[n].name;
    if (!numbers_choose(&choice, r->corpora, r->table->corpus, names, error))
        return false;
    r->number_count = choice.count;
    for (size_t k = 0; k < choice.count; k++) {
        const char *column = r->table->numbers[choice.of[k]].column;
        r->numbers[k] = csv_column(&r->csv, column);
        if (r->numbers[k] == r->csv.columns)
            return error_usage(error, "%s:1: there is no column \"%s\" in this table", r->csv.path, column);
    }
    return true;
}

static bool read_table(struct reading *r, const char *file, struct clip_list *found, struct error *error)
{
    bool done = csv_open(&r->csv, file, error) && find_numbers(r, error);

    while (done && csv_next(&r->csv, error))
        done = add_row(r, found, error);
    csv_close(&r->csv);
    return done && !error->kind;
}

/* The table's file where it is; caller frees; NULL: nowhere. */
static char *find_table(const struct table *table, const char *root)
{
    for (size_t f = 0; f < MOST_PLACES && table->files[f]; f++) {
        char *path = path_join(root, table->files[f]);
        if (path_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

static bool list_tables(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                        struct clip_list *found, struct error *error)
{
    char *root = corpus_root(corpus, error);
    struct reading r = {.root = root, .corpora = corpora, .places = {.root = root, .beside = root}};
    const struct table *first = NULL;
    size_t read = 0;
    bool done = root != NULL;

    for (size_t t = 0; done && t < sizeof TABLES / sizeof TABLES[0]; t++) {
        if (strcmp(TABLES[t].corpus, corpus->kind) != 0)
            continue;
        first = first ? first : &TABLES[t];
        char *file = find_table(&TABLES[t], root);
        r.table = &TABLES[t];
        r.path = NULL;
        if (file) {
            done = read_table(&r, file, found, error);
            read++;
        }
        free(file);
    }
    if (done && read == 0)
        done = error_usage(error, "corpus.kind=%s: no %s in %s", corpus->kind,
                           first ? first->files[0] : "table", root);
    free(root);
    return done;
}

#define TABLED(id, text, facts, terms)                                                                       \
    {                                                                                                        \
        .name = (id), .summary = (text), .about = (facts), .licence = (terms), .list = list_tables           \
    }

const struct corpus_format CORPUS_MSP_PODCAST =
    TABLED("msp-podcast", "MSP-Podcast: Labels/labels_consensus.csv, Audios/; test is Test1",
           "English podcasts, some 150,000 to 260,000 recordings by release; on request, "
           "lab-msp.com/MSP/MSP-Podcast.html",
           "by agreement with UT Dallas (Lotfian and Busso, 2019)");
const struct corpus_format CORPUS_MELD =
    TABLED("meld", "MELD: train_sent_emo.csv, dev_ and test_, and the videos' folders",
           "English, the series Friends, 13,000 utterances; Poria et al., 2019; affective-meld.github.io",
           "GPL 3.0 of the annotations (its repository)");
const struct corpus_format CORPUS_CREMA_D_VOTES =
    TABLED("crema-d-votes", "CREMA-D with what listeners heard: processedResults/summaryTable.csv, VoiceVote",
           "as crema-d, without the recordings whose listeners did not agree", "ODbL 1.0");
const struct corpus_format CORPUS_CMU_MOSEI =
    TABLED("cmu-mosei", "CMU-MOSEI as MMSA lists it: label.csv, Raw/VIDEO/CLIP.mp4",
           "English, YouTube, 23,000 segments; Zadeh et al., 2018; github.com/thuiar/MMSA", NULL);
const struct corpus_format CORPUS_EMOZIONALMENTE = TABLED(
    "emozionalmente", "Emozionalmente: metadata/samples.csv, audio/",
    "Italian, 431 speakers, 6902 recordings; Catania et al., 2023; zenodo.org/record/6569824", "CC BY 4.0");
