/*
 * RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song.
 * Livingstone SR, Russo FA (2018), PLoS ONE 13(5): e0196391; Zenodo record 1188976.
 *
 * Everything stands in the file name, modality-channel-emotion-intensity-statement-repetition-actor, two
 * digits each: 03-01-06-01-02-01-12.wav.  Odd actors are male, even ones female.
 */
#include "base/text.h"
#include "corpus/corpus.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const EMOTIONS[] = {NULL,    "neutral", "calm",    "happy",    "sad",
                                       "angry", "fearful", "disgust", "surprised"};
static const char *const STATEMENTS[] = {NULL, "Kids are talking by the door",
                                         "Dogs are sitting by the door"};

static const char *const CHANNELS[] = {NULL, "speech", "song"};
static const char *const INTENSITIES[] = {NULL, "normal", "strong"};

/* The fields of a file name, in order. */
enum field { MODALITY, VOCAL_CHANNEL, EMOTION, INTENSITY, STATEMENT, REPETITION, ACTOR, FIELD_COUNT };

static const struct {
    const char *name;
    int maximum;
} FIELDS[FIELD_COUNT] = {{"modality", 3},  {"vocal channel", 2}, {"emotion", 8}, {"intensity", 2},
                         {"statement", 2}, {"repetition", 2},    {"actor", 24}};

static bool ravdess_accepts(const char *file_name)
{
    const char *dot = strrchr(file_name, '.');

    return file_name[0] != '.' && dot && (strcasecmp(dot, ".wav") == 0 || strcasecmp(dot, ".flac") == 0);
}

static bool ravdess_describe(const struct corpus_format *format, struct clip *clip, struct arena *arena,
                             struct error *error)
{
    int values[FIELD_COUNT];
    const char *at = clip->name;

    (void)format;
    if (strlen(at) != 3 * FIELD_COUNT - 1)
        return error_set(error, "name outside the scheme: expected seven two-digit numbers joined by '-'");
    for (size_t i = 0; i < FIELD_COUNT; i++, at += 3) {
        if (!isdigit((unsigned char)at[0]) || !isdigit((unsigned char)at[1]) ||
            (at[2] != '-' && at[2] != '\0'))
            return error_set(error,
                             "name outside the scheme: expected seven two-digit numbers joined by '-'");
        values[i] = 10 * (at[0] - '0') + (at[1] - '0');
        if (values[i] < 1 || values[i] > FIELDS[i].maximum)
            return error_set(error, "name outside the scheme: %s %.2s is not 01 to %02d", FIELDS[i].name, at,
                             FIELDS[i].maximum);
    }
    clip->label = EMOTIONS[values[EMOTION]];
    clip->text = STATEMENTS[values[STATEMENT]];
    clip->channel = CHANNELS[values[VOCAL_CHANNEL]];
    clip->intensity = INTENSITIES[values[INTENSITY]];
    clip->sex = values[ACTOR] % 2 ? "male" : "female";
    clip->speaker = arena_format(arena, "%02d", values[ACTOR]);
    return true;
}

/* 01-... is the sound of the video of what 03-... has by itself. */
static char *ravdess_preferred(const char *name)
{
    return text_starts(name, "01-") ? mem_format("03%s", name + 2) : NULL;
}

const struct corpus_format CORPUS_RAVDESS = {
    .name = "ravdess",
    .licence = "CC BY-NC-SA 4.0 (Livingstone and Russo, 2018): no commercial use",
    .about = "English, 24 actors, 1440 recordings of speech; Zenodo record 1188976 (emotrain fetch ravdess)",
    .summary = "RAVDESS: labels and speakers from file names (03-01-06-01-02-01-12.wav or .flac)",
    .filter = "channel=speech",
    .names_identify = true,
    .preferred = ravdess_preferred,
    .accepts = ravdess_accepts,
    .describe = ravdess_describe,
};
