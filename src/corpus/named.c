/*
 * Corpora whose labels and speakers stand in their file names: a table of patterns.  To add one, add a row to
 * NAMINGS and its format to FORMATS in corpus.c.
 *
 * Sources: EmoDB (Burkhardt et al., 2005), SAVEE (Haq and Jackson, 2009), CREMA-D (Cao et al., 2014), TESS
 * (Dupuis and Pichora-Fuller, 2010).
 */
#include "base/files.h"
#include "base/text.h"
#include "corpus/corpus.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GROUPS = 6 };

/* What a code in a name means. */
struct code {
    const char *code, *meaning;
};

struct naming {
    const char *name, *pattern;                /* of the path without its ending, POSIX extended */
    const char *example;                       /* for messages */
    int speaker, label, text;                  /* groups of the pattern; 0: none */
    const struct code *labels, *texts, *sexes; /* by code; sexes by speaker; ended by NULL codes */
    const char *sex;                           /* of all speakers, where sexes is NULL */
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

static const struct naming NAMINGS[] = {
    {"emodb", "(^|/)([0-9]{2})([ab][0-9]{2})([WLEAFTN])[a-z]?$", "03a01Fa", 2, 4, 3, EMODB_LABELS,
     EMODB_TEXTS, EMODB_SEXES, NULL},
    {"savee", "(^|/)(DC|JE|JK|KL)[/_](sa|su|a|d|f|h|n)[0-9]{2}$", "DC/sa01 or DC_sa01", 2, 3, 0, SAVEE_LABELS,
     NULL, NULL, "male"},
    {"crema-d", "(^|/)([0-9]{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)$", "1001_DFA_ANG_XX", 2,
     4, 3, CREMA_LABELS, CREMA_TEXTS, NULL, NULL},
    {"tess", "(^|/)(OAF|OA|YAF)_([a-z]+)_(angry|disgust|fear|happy|neutral|ps|sad)$", "OAF_back_angry", 2, 4,
     3, TESS_LABELS, NULL, NULL, "female"},
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
    if (!error->kind) {
        clip->speaker = group_text(stem, &groups[naming->speaker], arena);
        clip->label = meaning(naming->labels, group_text(stem, &groups[naming->label], arena));
        clip->sex = naming->sexes ? meaning(naming->sexes, clip->speaker) : naming->sex;
        if (naming->texts)
            clip->text = meaning(naming->texts, group_text(stem, &groups[naming->text], arena));
        else if (naming->text)
            clip->text =
                arena_format(arena, "Say the word %s.", group_text(stem, &groups[naming->text], arena));
    }
    regfree(&pattern);
    free(stem);
    return !error->kind;
}

/* A folder of recordings per label: LABEL/anything.wav.  Speakers are not known. */
static bool describe_folder(const struct corpus_format *format, struct clip *clip, struct arena *arena,
                            struct error *error)
{
    char *folder = path_folder(clip->path);

    (void)format;
    if (strcmp(folder, ".") == 0)
        error_set(error, "in no folder: the folder's name is the label");
    else
        clip->label = arena_string(arena, path_base(folder));
    free(folder);
    return !error->kind;
}

#define NAMED(id, text)                                                                                      \
    {                                                                                                        \
        .name = (id), .summary = (text), .accepts = audio_is_sound_name, .describe = named_describe          \
    }

const struct corpus_format CORPUS_EMODB = NAMED("emodb", "EmoDB: 03a01Fa.wav, speaker, text, emotion");
const struct corpus_format CORPUS_SAVEE = NAMED("savee", "SAVEE: DC/sa01.wav, speaker and emotion");
const struct corpus_format CORPUS_CREMA_D =
    NAMED("crema-d", "CREMA-D: 1001_DFA_ANG_XX.wav, speaker, text, emotion");
const struct corpus_format CORPUS_TESS = NAMED("tess", "TESS: OAF_back_angry.wav, speaker, word, emotion");
const struct corpus_format CORPUS_FOLDERS = {.name = "folders",
                                             .summary = "a folder of recordings per label",
                                             .accepts = audio_is_sound_name,
                                             .describe = describe_folder};
