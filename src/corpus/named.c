/*
 * Corpora whose labels and speakers stand in their file names: a table of patterns.  To add one, add a row to
 * NAMINGS and its format to FORMATS in corpus.c.
 *
 * Sources: EmoDB (Burkhardt et al., 2005), SAVEE (Haq and Jackson, 2009), CREMA-D (Cao et al., 2014), TESS
 * (Dupuis and Pichora-Fuller, 2010), ESD (Zhou et al., 2021), EMOVO (Costantini et al., 2014), CaFE (Gournay
 * et al., 2018), nEMO (Christop, 2024), ShEMO (Mohamad Nezami et al., 2019), URDU (Latif et al., 2018),
 * SUBESCO (Sultana et al., 2021), JL-Corpus (James et al., 2018), eNTERFACE'05 (Martin et al., 2006), MESD
 * (Duville et al., 2021), EmoV-DB (Adigwe et al., 2018), AESDD (Vryzas et al., 2018), BAVED (Aouf, 2019),
 * ASVP-ESD (Landry et al., 2020).
 */
#include "base/files.h"
#include "base/text.h"
#include "corpus/corpus.h"
#include "corpus/label_names.h"
#include "corpus/list_values.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GROUPS = 6 };

/* What a code in a name means. */
struct code {
    const char *code, *meaning;
};

struct naming {
    const char *name, *pattern; /* of the path without its ending, POSIX extended */
    const char *example;        /* for messages */
    int speaker, label, text;   /* groups of the pattern; 0: none */
    const struct code *labels;  /* by code; ended by a NULL code; NULL: the code itself, in small letters */
    const struct code *texts;   /* by code */
    const struct code *sexes;   /* by speaker, or where sex_group is set by its code */
    const char *sex;            /* of all speakers, where sexes is NULL */
    int sex_group;
    const struct code *speakers; /* other codes of a speaker */
};

static const struct code EMODB_LABELS[] = {{"W", "anger"},   {"L", "boredom"},   {"E", "disgust"},
                                           {"A", "fear"},    {"F", "happiness"}, {"T", "sadness"},
                                           {"N", "neutral"}, {NULL, NULL}};
static const struct code EMODB_SEXES[] = {
    {"03", "male"},   {"08", "female"}, {"09", "female"}, {"10", "male"},   {"11", "male"}, {"12", "male"},
    {"13", "female"}, {"14", "female"}, {"15", "male"},   {"16", "female"}, {NULL, NULL}};
static const struct code EMODB_TEXTS[] = {
    {"a01", "Der Lappen liegt auf dem Eisschrank."},
    {"a02", "Das will sie am Mittwoch abgeben."},
    {"a04", "Heute abend k\xc3\xb6nnte ich es ihm sagen."},
    {"a05", "Das schwarze St\xc3\xbc"
            "ck Papier befindet sich da oben neben dem Holzst\xc3\xbc"
            "ck."},
    {"a07", "In sieben Stunden wird es soweit sein."},
    {"b01", "Was sind denn das f\xc3\xbcr T\xc3\xbcten, die da unter dem Tisch stehen?"},
    {"b02", "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter."},
    {"b03", "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht."},
    {"b09", "Ich will das eben wegbringen und dann mit Karl was trinken gehen."},
    {"b10", "Die wird auf dem Platz sein, wo wir sie immer hinlegen."},
    {NULL, NULL}};

static const struct code SAVEE_LABELS[] = {{"a", "anger"},     {"d", "disgust"}, {"f", "fear"},
                                           {"h", "happiness"}, {"n", "neutral"}, {"sa", "sadness"},
                                           {"su", "surprise"}, {NULL, NULL}};

static const struct code CREMA_LABELS[] = {{"ANG", "anger"},     {"DIS", "disgust"}, {"FEA", "fear"},
                                           {"HAP", "happiness"}, {"NEU", "neutral"}, {"SAD", "sadness"},
                                           {NULL, NULL}};
static const struct code CREMA_TEXTS[] = {{"IEO", "It's eleven o'clock."},
                                          {"TIE", "That is exactly what happened."},
                                          {"IOM", "I'm on my way to the meeting."},
                                          {"IWW", "I wonder what this is about."},
                                          {"TAI", "The airplane is almost full."},
                                          {"MTI", "Maybe tomorrow it will be cold."},
                                          {"IWL", "I would like a new alarm clock."},
                                          {"ITH", "I think I have a doctor's appointment."},
                                          {"DFA", "Don't forget a jacket."},
                                          {"ITS", "I think I've seen this before."},
                                          {"TSI", "The surface is slick."},
                                          {"WSI", "We'll stop in a couple of minutes."},
                                          {NULL, NULL}};

static const struct code TESS_LABELS[] = {
    {"angry", "anger"},     {"disgust", "disgust"}, {"fear", "fear"},   {"happy", "happiness"},
    {"neutral", "neutral"}, {"sad", "sadness"},     {"ps", "surprise"}, {NULL, NULL}};

/* TESS has one file whose name lacks a letter. */
static const struct code TESS_SPEAKERS[] = {{"OA", "OAF"}, {NULL, NULL}};

static const struct code M_OR_F[] = {
    {"M", "male"}, {"F", "female"}, {"m", "male"}, {"f", "female"}, {NULL, NULL}};

static const struct code ESD_LABELS[] = {{"Angry", "anger"}, {"Happy", "happiness"},   {"Neutral", "neutral"},
                                         {"Sad", "sadness"}, {"Surprise", "surprise"}, {NULL, NULL}};

static const struct code EMOVO_LABELS[] = {{"dis", "disgust"}, {"gio", "happiness"}, {"neu", "neutral"},
                                           {"pau", "fear"},    {"rab", "anger"},     {"sor", "surprise"},
                                           {"tri", "sadness"}, {NULL, NULL}};
static const struct code EMOVO_TEXTS[] = {
    {"b1", "Gli operai si alzano presto."},
    {"b2", "I vigili sono muniti di pistola."},
    {"b3", "La cascata fa molto rumore."},
    {"l1", "L'autunno prossimo Tony partir\xc3\xa0 per la Spagna nella prima met\xc3\xa0 di ottobre."},
    {"l2", "Ora prendo la felpa di l\xc3\xa0 ed esco per fare una passeggiata."},
    {"l3", "Un attimo dopo s'\xc3\xa8 incamminato ... ed \xc3\xa8 inciampato."},
    {"l4", "Vorrei il numero telefonico del Signor Piatti."},
    {"n1", "La casa forte vuole col pane."},
    {"n2", "La forza trova il passo e l'aglio rosso."},
    {"n3", "Il gatto sta scorrendo nella pera."},
    {"n4", "Insalata pastasciutta coscia d'agnello limoncello."},
    {"n5", "Uno quarantatr\xc3\xa9 dieci mille cinquantasette venti."},
    {"d1", "Sabato sera cosa far\xc3\xa0?"},
    {"d2", "Porti con te quella cosa?"},
    {NULL, NULL}};

static const struct code CAFE_LABELS[] = {{"C", "anger"},   {"D", "disgust"}, {"J", "happiness"},
                                          {"N", "neutral"}, {"P", "fear"},    {"S", "surprise"},
                                          {"T", "sadness"}, {NULL, NULL}};
static const struct code CAFE_TEXTS[] = {{"1", "Un cheval fou dans mon jardin."},
                                         {"2", "Deux \xc3\xa2nes aigris au pelage brun."},
                                         {"3", "Trois cygnes aveugles au bord du lac."},
                                         {"4", "Quatre vieilles truies \xc3\xa9l\xc3\xa9phantesques."},
                                         {"5", "Cinq pumas fiers et passionn\xc3\xa9s."},
                                         {"6", "Six ours aimants domestiqu\xc3\xa9s."},
                                         {NULL, NULL}};

static const struct code SHEMO_LABELS[] = {{"A", "anger"},   {"F", "fear"},    {"H", "happiness"},
                                           {"N", "neutral"}, {"S", "sadness"}, {"W", "surprise"},
                                           {NULL, NULL}};

static const struct code SUBESCO_LABELS[] = {
    {"ANGRY", "anger"},     {"DISGUST", "disgust"}, {"FEAR", "fear"},         {"HAPPY", "happiness"},
    {"NEUTRAL", "neutral"}, {"SAD", "sadness"},     {"SURPRISE", "surprise"}, {NULL, NULL}};

static const struct code ENTERFACE_LABELS[] = {{"an", "anger"},     {"di", "disgust"}, {"fe", "fear"},
                                               {"ha", "happiness"}, {"sa", "sadness"}, {"su", "surprise"},
                                               {NULL, NULL}};

static const struct code EMOV_SEXES[] = {
    {"bea", "female"}, {"jenie", "female"}, {"josh", "male"}, {"sam", "male"}, {NULL, NULL}};

static const struct code AESDD_LABELS[] = {{"a", "anger"},     {"d", "disgust"}, {"f", "fear"},
                                           {"h", "happiness"}, {"s", "sadness"}, {NULL, NULL}};

static const struct code BAVED_LABELS[] = {{"0", "low"}, {"1", "normal"}, {"2", "high"}, {NULL, NULL}};

/* ASVP-ESD: modality, channel, emotion, intensity, statement, actor, age, source, language ... */
static const struct code ASVP_LABELS[] = {{"01", "boredom"},  {"02", "neutral"},  {"03", "happiness"},
                                          {"04", "sadness"},  {"05", "anger"},    {"06", "fear"},
                                          {"07", "disgust"},  {"08", "surprise"}, {"09", "excitement"},
                                          {"10", "pleasure"}, {"11", "pain"},     {"12", "disappointment"},
                                          {"13", "breath"},   {NULL, NULL}};

static const struct naming NAMINGS[] = {
    {.name = "emodb",
     .pattern = "(^|/)([0-9]{2})([ab][0-9]{2})([WLEAFTN])[a-z]?$",
     .example = "03a01Fa",
     .speaker = 2,
     .label = 4,
     .text = 3,
     .labels = EMODB_LABELS,
     .texts = EMODB_TEXTS,
     .sexes = EMODB_SEXES},
    {.name = "savee",
     .pattern = "(^|/)(DC|JE|JK|KL)[/_](sa|su|a|d|f|h|n)[0-9]{2}$",
     .example = "DC/sa01 or DC_sa01",
     .speaker = 2,
     .label = 3,
     .labels = SAVEE_LABELS,
     .sex = "male"},
    {.name = "crema-d",
     .pattern = "(^|/)([0-9]{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)$",
     .example = "1001_DFA_ANG_XX",
     .speaker = 2,
     .label = 4,
     .text = 3,
     .labels = CREMA_LABELS,
     .texts = CREMA_TEXTS},
    {.name = "tess",
     .pattern = "(^|/)(OAF|OA|YAF)_([a-z]+)_(angry|disgust|fear|happy|neutral|ps|sad)$",
     .example = "OAF_back_angry",
     .speaker = 2,
     .label = 4,
     .text = 3,
     .labels = TESS_LABELS,
     .sex = "female",
     .speakers = TESS_SPEAKERS},
    {.name = "esd",
     .pattern = "(^|/)(Angry|Happy|Neutral|Sad|Surprise)/(.*/)?([0-9]{4})_[0-9]{6}$",
     .example = "0011/Angry/0011_000351",
     .speaker = 4,
     .label = 2,
     .labels = ESD_LABELS},
    {.name = "emovo",
     .pattern = "(^|/)(dis|gio|neu|pau|rab|sor|tri)-(([fm])[123])-([bdln][1-5])$",
     .example = "gio-f1-b2",
     .speaker = 3,
     .label = 2,
     .text = 5,
     .labels = EMOVO_LABELS,
     .texts = EMOVO_TEXTS,
     .sexes = M_OR_F,
     .sex_group = 4},
    {.name = "cafe",
     .pattern = "(^|/)([0-9]{2})-([CDJNPST])-[12]-([1-6])$",
     .example = "01-C-1-1",
     .speaker = 2,
     .label = 3,
     .text = 4,
     .labels = CAFE_LABELS,
     .texts = CAFE_TEXTS},
    {.name = "nemo",
     .pattern = "(^|/)([A-Z]{2}[0-9]+)_(anger|fear|happiness|neutral|sadness|surprised)_[0-9]+$",
     .example = "SB0_anger_1",
     .speaker = 2,
     .label = 3},
    {.name = "shemo",
     .pattern = "(^|/)(([FM])[0-9]{2})([AFHNSW])[0-9]+$",
     .example = "F01A01",
     .speaker = 2,
     .label = 4,
     .labels = SHEMO_LABELS,
     .sexes = M_OR_F,
     .sex_group = 3},
    {.name = "urdu",
     .pattern = "(^|/)(S([FM])[0-9]+)_F[0-9]+_([AHNS])[0-9]+$",
     .example = "SM1_F1_A001",
     .speaker = 2,
     .label = 4,
     .labels = SHEMO_LABELS,
     .sexes = M_OR_F,
     .sex_group = 3},
    {.name = "subesco",
     .pattern = "(^|/)(([FM])_[0-9]+)_[A-Z]+_S_[0-9]+_(ANGRY|DISGUST|FEAR|HAPPY|NEUTRAL|SAD|SURPRISE)_[0-9]$",
     .example = "F_02_MONIKA_S_1_NEUTRAL_5",
     .speaker = 2,
     .label = 4,
     .labels = SUBESCO_LABELS,
     .sexes = M_OR_F,
     .sex_group = 3},
    {.name = "jl",
     .pattern = "(^|/)((fe)?male[12])_([a-z]+)_[0-9]+[ab]_[12]$",
     .example = "female1_angry_10a_1",
     .speaker = 2,
     .label = 4},
    {.name = "enterface",
     .pattern = "(^|/)s_?([0-9]+)_(an|di|fe|ha|sa|su)_[1-5]$",
     .example = "s1_an_1",
     .speaker = 2,
     .label = 3,
     .labels = ENTERFACE_LABELS},
    {.name = "mesd",
     .pattern = "(^|/)(Anger|Disgust|Fear|Happiness|Neutral|Sadness)_([CFM])_[AB]_[^/]+$",
     .example = "Anger_F_A_abajo",
     .label = 2,
     .sexes = M_OR_F,
     .sex_group = 3},
    {.name = "emov-db",
     .pattern = "(^|/)(bea|jenie|josh|sam)/(.*/)?(amused|anger|disgust|neutral|sleepiness)_[^/]*$",
     .example = "bea/anger/anger_1-28_0001",
     .speaker = 2,
     .label = 4,
     .sexes = EMOV_SEXES},
    {.name = "aesdd",
     .pattern = "(^|/)([adfhs])[0-9]{2} ?\\(([0-9])\\)b?$",
     .example = "a01 (1)",
     .speaker = 3,
     .label = 2,
     .labels = AESDD_LABELS},
    {.name = "asvp-esd",
     .pattern = "(^|/)03-0[12]-(0[1-9]|1[0-3])-0[12]-[0-9]+-([0-9]+)-[0-9]+-[0-9]+[^/]*$",
     .example = "03-01-06-01-01-02-02-01-02-01",
     .speaker = 3,
     .label = 2,
     .labels = ASVP_LABELS},
    {.name = "baved",
     .pattern = "(^|/)([0-9]+)-([mMfF])-[0-9]+-[0-6]-([012])-[0-9]+$",
     .example = "0-m-21-0-1-105",
     .speaker = 2,
     .label = 4,
     .labels = BAVED_LABELS,
     .sexes = M_OR_F,
     .sex_group = 3},
};

static const char *meaning(const struct code *codes, const char *code)
{
    for (; codes && codes->code; codes++)
        if (strcmp(codes->code, code) == 0)
            return codes->meaning;
    return NULL;
}

/* The text of a group, in the arena. */
static char *group_text(const char *name, const regmatch_t *group, struct arena *arena)
{
    return arena_format(arena, "%.*s", (int)(group->rm_eo - group->rm_so), name + group->rm_so);
}

/* What a group says: what its code means, or where codes are none the text, in small letters; NULL: nothing.
 */
static const char *group_meaning(const char *name, const regmatch_t *groups, int group,
                                 const struct code *codes, struct arena *arena)
{
    if (group == 0)
        return NULL;
    char *text = group_text(name, &groups[group], arena);
    if (codes)
        return meaning(codes, text);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return text;
}

static void take_groups(const struct naming *naming, const char *stem, const regmatch_t *groups,
                        struct clip *clip, struct arena *arena)
{
    const char *speaker = naming->speaker ? group_text(stem, &groups[naming->speaker], arena) : NULL;
    const char *other = speaker ? meaning(naming->speakers, speaker) : NULL;

    clip->speaker = other ? other : speaker;
    clip->label = group_meaning(stem, groups, naming->label, naming->labels, arena);
    if (naming->sex_group)
        clip->sex = group_meaning(stem, groups, naming->sex_group, naming->sexes, arena);
    else
        clip->sex = naming->sexes && speaker ? meaning(naming->sexes, speaker) : naming->sex;
    if (naming->texts)
        clip->text = group_meaning(stem, groups, naming->text, naming->texts, arena);
    else if (naming->text)
        clip->text = arena_format(arena, "Say the word %s.", group_text(stem, &groups[naming->text], arena));
}

static bool named_describe(const struct corpus_format *format, struct clip *clip, struct arena *arena,
                           struct error *error)
{
    const struct naming *naming = NAMINGS;
    regmatch_t groups[MAX_GROUPS];
    regex_t pattern;

    while (strcmp(naming->name, format->name) != 0)
        naming++;
    char *stem = path_stem(clip->path);
    regcomp(&pattern, naming->pattern, REG_EXTENDED); /* one of ours: the tests compile each */
    if (regexec(&pattern, stem, MAX_GROUPS, groups, 0) != 0)
        error_set(error, "name outside the scheme: expected one like %s", naming->example);
    if (!error->kind)
        take_groups(naming, stem, groups, clip, arena);
    regfree(&pattern);
    free(stem);
    return !error->kind;
}

/* A folder of recordings per label: LABEL/anything.wav.  Of nested ones the innermost that names an emotion
 * is the label (angry/ann/1.wav, ann/angry/1.wav), or the innermost where none does.  Speakers are not known.
 * Folders above or below it that are called train, test and so on are parts. */
static bool describe_folder(const struct corpus_format *format, struct clip *clip, struct arena *arena,
                            struct error *error)
{
    char *folder = path_folder(clip->path), *rest = folder;
    const char *label = NULL, *emotion = NULL;

    (void)format;
    for (char *name; (name = strsep(&rest, "/"));) {
        enum part part = part_of_word(name);
        if (part < PART_COUNT)
            clip->part = PART_NAMES[part];
        else if (*name && strcmp(name, ".") != 0)
            label = name;
        if (label == name && emotion_of_label(name))
            emotion = name;
    }
    label = emotion ? emotion : label;
    if (label)
        clip->label = arena_string(arena, label);
    else
        error_set(error, "in no folder of a label: the folder's name is the label");
    free(folder);
    return !error->kind;
}

#define NAMED(id, text, facts, terms)                                                                        \
    {                                                                                                        \
        .name = (id), .summary = (text), .about = (facts), .licence = (terms),                               \
        .accepts = audio_is_sound_name, .describe = named_describe                                           \
    }

const struct corpus_format CORPUS_TESS = {.name = "tess",
                                          .summary = "TESS: OAF_back_angry.wav, speaker, word, emotion",
                                          .about =
                                              "Canadian English, 2 women, 2800 recordings; "
                                              "Dupuis and Pichora-Fuller, 2010; doi.org/10.5683/SP2/E8H2MF",
                                          .names_identify = true, /* what is offered holds all twice */
                                          .accepts = audio_is_sound_name,
                                          .describe = named_describe};
const struct corpus_format CORPUS_EMODB =
    NAMED("emodb", "EmoDB: 03a01Fa.wav, speaker, text, emotion",
          "German, 10 actors, 535 recordings; Burkhardt et al., 2005; emodb.bilderbar.info", NULL);
const struct corpus_format CORPUS_SAVEE = NAMED("savee", "SAVEE: DC/sa01.wav, speaker and emotion",
                                                "British English, 4 men, 480 recordings; Haq and Jackson, "
                                                "2009; on request, kahlan.eps.surrey.ac.uk/savee",
                                                NULL);
const struct corpus_format CORPUS_CREMA_D =
    NAMED("crema-d", "CREMA-D: 1001_DFA_ANG_XX.wav, speaker, text, emotion",
          "English, 91 actors, 7442 recordings; Cao et al., 2014; "
          "github.com/CheyneyComputerScience/CREMA-D",
          "ODbL 1.0");
const struct corpus_format CORPUS_ESD =
    NAMED("esd", "ESD: 0011/Angry/0011_000351.wav, speaker, emotion's folder",
          "English and Mandarin, 20 speakers, 35,000 recordings; Zhou et al., 2021; "
          "github.com/HLTSingapore/Emotional-Speech-Data",
          "for research (its authors' terms)");
const struct corpus_format CORPUS_EMOVO = NAMED(
    "emovo", "EMOVO: gio-f1-b2.wav", "Italian, 6 actors, 588 recordings; Costantini et al., 2014", NULL);
const struct corpus_format CORPUS_CAFE = NAMED("cafe", "CaFE: 01-C-1-1.wav",
                                               "Canadian French, 12 actors, 936 recordings; "
                                               "Gournay et al., 2018; zenodo.org/record/1478765",
                                               "CC BY-NC-SA 4.0: no commercial use");
const struct corpus_format CORPUS_NEMO = NAMED("nemo", "nEMO: SB0_anger_1.wav",
                                               "Polish, 9 actors, 4481 recordings; "
                                               "Christop, 2024; huggingface.co/datasets/amu-cai/nEMO",
                                               "CC BY-NC-SA 4.0: no commercial use");
const struct corpus_format CORPUS_SHEMO = NAMED("shemo", "ShEMO: F01A01.wav",
                                                "Persian, 87 speakers, 3000 recordings of radio plays; "
                                                "Mohamad Nezami et al., 2019; github.com/mansourehk/ShEMO",
                                                NULL);
const struct corpus_format CORPUS_URDU = NAMED("urdu", "URDU: SM1_F1_A001.wav",
                                               "Urdu, 38 speakers, 400 recordings of talk shows; Latif et "
                                               "al., 2018; github.com/siddiquelatif/URDU-Dataset",
                                               NULL);
const struct corpus_format CORPUS_SUBESCO =
    NAMED("subesco", "SUBESCO: F_02_MONIKA_S_1_NEUTRAL_5.wav",
          "Bangla, 20 actors, 7000 recordings; Sultana et al., 2021; zenodo.org/record/4526477", "CC BY 4.0");
const struct corpus_format CORPUS_JL = NAMED(
    "jl", "JL-Corpus: female1_angry_10a_1.wav",
    "New Zealand English, 4 actors, 2400 recordings; James et al., 2018; kaggle.com/tli725/jl-corpus", NULL);
const struct corpus_format CORPUS_ENTERFACE =
    NAMED("enterface", "eNTERFACE'05, its sound: s1_an_1.wav",
          "English, 44 speakers, about 1290 videos; Martin et al., 2006; enterface.net", NULL);
const struct corpus_format CORPUS_MESD = NAMED("mesd", "MESD: Anger_F_A_abajo.wav",
                                               "Mexican Spanish, words, 862 recordings; Duville "
                                               "et al., 2021; data.mendeley.com/datasets/cy34mh68j9",
                                               "CC BY 4.0");
const struct corpus_format CORPUS_EMOV_DB = NAMED(
    "emov-db", "EmoV-DB: bea/anger/anger_1-28_0001.wav",
    "English, 4 speakers, about 7000 recordings; Adigwe et al., 2018; github.com/numediart/EmoV-DB", NULL);
const struct corpus_format CORPUS_AESDD =
    NAMED("aesdd", "AESDD: a01 (1).wav",
          "Greek, actors, about 500 recordings; Vryzas et al., 2018; m3c.web.auth.gr/research", NULL);
const struct corpus_format CORPUS_BAVED = NAMED("baved", "BAVED, levels of emotion: 0-m-21-0-1-105.wav",
                                                "Arabic, words, 61 speakers, 1935 recordings; Aouf, 2019; "
                                                "kaggle.com/a13x10/basic-arabic-vocal-emotions-dataset",
                                                NULL);
const struct corpus_format CORPUS_ASVP_ESD =
    NAMED("asvp-esd", "ASVP-ESD, speech and other sounds of voices: 03-01-06-01-01-02-02-01-02-01.wav",
          "many languages, 13,285 recordings; Landry et al., 2020; zenodo.org/record/7132783", "CC BY 4.0");
const struct corpus_format CORPUS_FOLDERS = {.name = "folders",
                                             .summary = "a folder of recordings per label",
                                             .accepts = audio_is_sound_name,
                                             .describe = describe_folder};
