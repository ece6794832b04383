/* What emotions are called: see label_names.h. */
#include "corpus/label_names.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An emotion's name, and what else it goes by, apart by blanks; a name of two words has "_" between them.
 * Excitement, calm and frustration are emotions of their own: published folds of them disagree. */
static const struct {
    const char *name, *others;
} EMOTIONS[] = {
    {"angry", "anger ang mad rage rab wut aerger ärger Ärger zorn wütend 生气 愤怒 rabbia colère colere "
              "enojo ira rabia"},
    {"calm", "relaxed ruhig gelassen 平静 calmo calme calma"},
    {"disgust", "disgusted dis ekel 厌恶 disgusto dégoût degout asco"},
    {"fearful", "fear fea afraid scared pau angst furcht 恐惧 害怕 paura peur miedo temor"},
    {"happy",
     "happiness hap joy joyful gio freude glücklich 开心 高兴 快乐 gioia felice joie heureux feliz alegría "
     "alegria"},
    {"neutral", "neutrality neu 中立 中性 neutro neutrale neutre"},
    {"sad", "sadness tri trauer traurigkeit traurig 难过 悲伤 伤心 tristezza triste tristesse tristeza"},
    {"surprised",
     "surprise suprise suprised pleasant_surprise pleasant_surprised ps sur sor überraschung Überraschung "
     "ueberraschung 吃惊 惊讶 sorpresa surpris"},
    {"contempt", "contemptuous verachtung 轻蔑 disprezzo mépris desprecio"},
    {"bored", "boredom bor langeweile 无聊 noia ennui aburrimiento"},
    {"excited", "excitement exc 兴奋"},
    {"frustrated", "frustration fru frustriert frustrazione"},
    {"other", "others oth sonstige 其他 altro autre otro"},
    {"unknown", "unk <unk> unbekannt undefined"}};

/* A label without what stands around the word: a number before it ("5 = happy", "05_happy"), other languages
 * before a "/", a speaker's sex; in lower case, blanks and "-" as "_".  Caller frees. */
static char *bare_word(const char *label)
{
    static const char *const sexes[] = {"female_", "male_"};
    const char *slash = strrchr(label, '/');
    const char *at = slash && slash[1] ? slash + 1 : label;
    size_t number = strspn(at, "0123456789"), between = strspn(at + number, " \t=:._-)");

    at += number && between && at[number + between] ? number + between : strspn(at, " \t");
    char *word = mem_string(at);
    for (char *c = word; *c; c++)
        *c = *c == ' ' || *c == '-' ? '_' : (char)tolower((unsigned char)*c);
    size_t length = strlen(word);
    while (length > 0 && strchr("_\t\r\n", word[length - 1]))
        word[--length] = '\0';
    for (int i = 0; i < 2; i++)
        if (text_starts(word, sexes[i]))
            memmove(word, word + strlen(sexes[i]), strlen(word) - strlen(sexes[i]) + 1);
    return word;
}

/* Whether one of the words, apart by blanks, is this one. */
static bool is_among(const char *words, const char *word)
{
    size_t length = strlen(word);

    while (*words) {
        size_t next = strcspn(words, " ");
        if (next == length && memcmp(words, word, length) == 0)
            return true;
        words += next + strspn(words + next, " ");
    }
    return false;
}

const char *emotion_of_label(const char *label)
{
    char *word = bare_word(label);
    const char *found = NULL;

    for (size_t i = 0; *word && i < sizeof EMOTIONS / sizeof EMOTIONS[0] && !found; i++)
        if (strcmp(EMOTIONS[i].name, word) == 0 || is_among(EMOTIONS[i].others, word))
            found = EMOTIONS[i].name;
    free(word);
    return found;
}

size_t label_of_same_emotion(const struct strings *labels, const char *label)
{
    const char *emotion = emotion_of_label(label);
    size_t found = labels->count;

    for (size_t k = 0; k < labels->count; k++)
        if (strcmp(labels->items[k], label) == 0)
            return k;
    for (size_t k = 0; k < labels->count; k++)
        if (strcasecmp(labels->items[k], label) == 0)
            return k;
    for (size_t k = 0; emotion && k < labels->count; k++) {
        const char *other = emotion_of_label(labels->items[k]);
        if (!other || strcmp(other, emotion) != 0)
            continue;
        if (found < labels->count)
            return labels->count; /* several: which is meant is not known */
        found = k;
    }
    return found;
}
