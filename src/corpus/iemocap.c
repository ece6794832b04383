/*
 * IEMOCAP (Busso et al., Language Resources and Evaluation 2008): five sessions of two actors each,
 * utterances labelled by the majority of three annotators, and by the means of their valence, activation and
 * dominance.
 *
 *     ROOT/Session1/dialog/EmoEvaluation/Ses01F_impro01.txt
 *         [6.29 - 8.23]  Ses01F_impro01_F000  neu  [2.5, 2.5, 2.5]
 *
 *     ROOT/Session1/dialog/transcriptions/Ses01F_impro01.txt
 *         Ses01F_impro01_F000 [006.29-008.23]: Excuse me.
 *
 *     ROOT/Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav
 *
 * The speaker is the session and the letter of the utterance, not of the dialog: "Ses01F" only says who wore
 * the markers.  Utterances that the annotators did not agree on ("xxx") have no label.  For
 * model.task=regression the numbers are valence, activation (arousal) and dominance: corpus.labels names the
 * three.
 */
#include "base/files.h"
#include "base/text.h"
#include "corpus/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *code, *label;
} LABELS[] = {{"ang", "anger"},   {"hap", "happiness"},   {"exc", "excitement"}, {"sad", "sadness"},
              {"neu", "neutral"}, {"fru", "frustration"}, {"fea", "fear"},       {"sur", "surprise"},
              {"dis", "disgust"}, {"oth", "other"}};

enum { NUMBERS = 3 };

/* An utterance as its line in EmoEvaluation has it. */
struct utterance {
    char name[64], code[8]; /* "Ses01F_impro01_F000", "neu" */
    double numbers[NUMBERS];
};

/* Whether the line is of an utterance: others hold what each annotator said. */
static bool read_utterance(const char *line, struct utterance *u)
{
    double begin, end;

    return sscanf(line, "[%lf - %lf] %63[^ \t] %7[^ \t] [%lf, %lf, %lf]", &begin, &end, u->name, u->code,
                  &u->numbers[0], &u->numbers[1], &u->numbers[2]) == 7;
}

/* What was said, from the dialog's transcription, in the arena; NULL: not known. */
static const char *find_text(const char *transcription, const char *name, struct arena *arena)
{
    const char *at = transcription ? strstr(transcription, name) : NULL, *colon;

    if (!at || !(colon = strstr(at, "]: ")) || memchr(at, '\n', (size_t)(colon - at)))
        return NULL;
    return arena_format(arena, "%.*s", (int)strcspn(colon + 3, "\r\n"), colon + 3);
}

static const char *label_of(const char *code)
{
    for (size_t i = 0; i < sizeof LABELS / sizeof LABELS[0]; i++)
        if (strcmp(LABELS[i].code, code) == 0)
            return LABELS[i].label;
    return NULL;
}

static void add_utterance(const char *session, const char *dialog, const struct utterance *u,
                          const char *transcription, enum task task, struct clip_list *found)
{
    const char *letter = strrchr(u->name, '_');
    bool female = letter && letter[1] == 'F';
    struct text numbers = {0};
    struct clip clip = {.name = u->name, .label = label_of(u->code), .sex = female ? "female" : "male"};
    char *path = mem_format("%s/sentences/wav/%s/%s.wav", session, dialog, u->name),
         *speaker = mem_format("%.5s%s", u->name, female ? "F" : "M"); /* "Ses01F" */

    if (task == REGRESSION) {
        target_print(REGRESSION, NULL, NUMBERS, u->numbers, &numbers);
        clip.label = numbers.text;
    } else if (task == MULTI_LABEL && !clip.label) {
        clip.label = "";
    }
    clip.path = path;
    clip.speaker = speaker;
    clip.text = find_text(transcription, u->name, &found->arena);
    clip.defect = clip.label ? NULL : "no label on which the annotators agree";
    clip_list_add(found, &clip);
    text_free(&numbers);
    free(speaker);
    free(path);
}

static bool list_dialog(const char *root, const char *session, const char *file, enum task task,
                        struct clip_list *found, struct error *error)
{
    char *dialog = path_stem(file), *path = mem_format("%s/%s/dialog/EmoEvaluation/%s", root, session, file),
         *words = mem_format("%s/%s/dialog/transcriptions/%s", root, session, file);
    struct error unread = {0};
    char *lines = file_read(path, NULL, error), *rest = lines,
         *transcription = path_exists(words) ? file_read(words, NULL, &unread) : NULL;
    struct utterance utterance;

    for (char *line; (line = strsep(&rest, "\n"));)
        if (read_utterance(line, &utterance))
            add_utterance(session, dialog, &utterance, transcription, task, found);
    bool done = lines != NULL;
    free(transcription);
    free(lines);
    free(words);
    free(path);
    free(dialog);
    return done;
}

static bool list_session(const char *root, const char *session, enum task task, struct clip_list *found,
                         struct error *error)
{
    char *folder = mem_format("%s/%s/dialog/EmoEvaluation", root, session);
    struct strings names = {0};
    bool done = folder_list(&names, folder, error);

    for (size_t i = 0; done && i < names.count; i++)
        if (text_starts(names.items[i], "Ses") && text_ends(names.items[i], ".txt"))
            done = list_dialog(root, session, names.items[i], task, found, error);
    strings_free(&names);
    free(folder);
    return done;
}

static bool list_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                       struct clip_list *found, struct error *error)
{
    char *root = corpus_root(corpus, error);
    struct strings names = {0};
    bool done = root && folder_list(&names, root, error);

    for (size_t i = 0; done && i < names.count; i++)
        if (text_starts(names.items[i], "Session"))
            done = list_session(root, names.items[i], corpora->task, found, error);
    if (done && found->count == 0)
        done = error_usage(
            error, "corpus.kind=iemocap: no Session1/dialog/EmoEvaluation/*.txt with utterances in %s", root);
    strings_free(&names);
    free(root);
    return done;
}

const struct corpus_format CORPUS_IEMOCAP = {
    .name = "iemocap",
    .summary = "IEMOCAP: labels, speakers and words from its EmoEvaluation and transcriptions",
    .about = "English, 10 actors, 10,039 utterances of dialogs; on request, sail.usc.edu/iemocap",
    .licence = "by agreement with USC (Busso et al., 2008)",
    .list = list_clips,
};
