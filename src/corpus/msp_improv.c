/*
 * MSP-Improv (Busso et al., IEEE Transactions on Affective Computing 2017): dyads of twelve actors.  Labels,
 * as the release has them in Evalution.txt, one line for each turn, what each annotator said below it:
 *
 *     UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:2.571429 ; V:3.000000 ; D:3.000000 ;
 *
 *     ROOT/Audio/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav
 *
 * The speaker is the second field of the name (F01, of session 1); for model.task=regression
 * corpus.labels names some of the numbers arousal, valence and dominance, 1 to 5.
 */
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "corpus/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    char code;
    const char *label;
} LABELS[] = {{'A', "anger"}, {'H', "happiness"}, {'N', "neutral"}, {'S', "sadness"}, {'O', "other"}};

static const char *const FILES[] = {"Evalution.txt", "Evaluation.txt", "Audio/Evalution.txt"};

enum { NUMBERS = MOST_NUMBERS };
static const char *const NAMES[NUMBERS] = {"arousal", "valence", "dominance"};

/* A turn as its line has it. */
struct turn {
    char scene[16], speaker[8], kind[8], pair[16]; /* "S01A", "F01", "P", "FM01" */
    char code;
    double numbers[NUMBERS];
};

static bool read_turn(const char *line, struct turn *turn)
{
    return sscanf(line, "UTD-IMPROV-%15[^-]-%7[^-]-%7[^-]-%15[^.].avi; %c; A:%lf ; V:%lf ; D:%lf",
                  turn->scene, turn->speaker, turn->kind, turn->pair, &turn->code, &turn->numbers[0],
                  &turn->numbers[1], &turn->numbers[2]) == 8;
}

static const char *label_of(char code)
{
    for (size_t i = 0; i < sizeof LABELS / sizeof LABELS[0]; i++)
        if (LABELS[i].code == code)
            return LABELS[i].label;
    return NULL;
}

static void add_turn(const struct turn *turn, const char *audio, const struct number_choice *wanted,
                     struct clip_list *found)
{
    struct text numbers = {0};
    struct clip clip = {.label = label_of(turn->code), .speaker = turn->speaker};
    char *name = mem_format("MSP-IMPROV-%s-%s-%s-%s", turn->scene, turn->speaker, turn->kind, turn->pair),
         *path = mem_format("%ssession%d/%s/%s/%s.wav", audio, atoi(turn->speaker + 1), turn->scene,
                            turn->kind, name);

    if (wanted->count > 0) {
        double values[NUMBERS];
        bool finite = true;
        for (size_t k = 0; k < wanted->count; k++) {
            values[k] = turn->numbers[wanted->of[k]];
            finite = finite && isfinite(values[k]);
        }
        if (finite)
            target_print(REGRESSION, NULL, wanted->count, values, &numbers);
        clip.label = numbers.text;
    }
    clip.name = name;
    clip.path = path;
    clip.sex = turn->speaker[0] == 'F' ? "female" : "male";
    clip.defect = clip.label          ? NULL
                  : wanted->count > 0 ? "no numbers"
                                      : "no label on which the annotators agree";
    clip_list_add(found, &clip);
    text_free(&numbers);
    free(name);
    free(path);
}

/* The text of the first of the files that is there; caller frees; NULL with an error. */
static char *read_labels(const char *root, struct error *error)
{
    for (size_t f = 0; f < sizeof FILES / sizeof FILES[0]; f++) {
        char *path = path_join(root, FILES[f]),
             *text = path_exists(path) ? file_read(path, NULL, error) : NULL;
        free(path);
        if (text || error->kind)
            return text;
    }
    error_usage(error, "corpus.kind=msp-improv: no %s in %s", FILES[0], root);
    return NULL;
}

static bool list_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                       struct clip_list *found, struct error *error)
{
    char *root = corpus_root(corpus, error), *text = root ? read_labels(root, error) : NULL, *rest = text,
         *audio = root ? path_join(root, "Audio") : NULL;
    size_t unread = 0;
    struct turn turn;
    struct number_choice numbers;
    bool done = text && numbers_choose(&numbers, corpora, corpus->kind, NAMES, error);

    for (char *line; done && (line = strsep(&rest, "\n"));) {
        line += strspn(line, " \t");
        if (read_turn(line, &turn))
            add_turn(&turn, path_is_folder(audio) ? "Audio/" : "", &numbers, found);
        else
            unread += text_starts(line, "UTD-IMPROV");
    }
    if (unread)
        log_warn("%s/%s: %zu lines of turns are not as expected, and left out", root, FILES[0], unread);
    done = done && (found->count > 0 || error_set(error, "%s/%s: no line of a turn", root, FILES[0]));
    free(audio);
    free(text);
    free(root);
    return done;
}

const struct corpus_format CORPUS_MSP_IMPROV = {
    .name = "msp-improv",
    .summary = "MSP-Improv: labels and speakers from Evalution.txt",
    .about = "English, 12 actors, 8438 turns; on request, lab-msp.com/MSP/MSP-Improv.html",
    .licence = "by agreement with UT Dallas (Busso et al., 2017)",
    .list = list_clips,
};
