/* DeepMoji's tokenizer: see tokenizer.h. */
#include "model/reference/tokenizer.h"

#include "base/files.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- classes of characters ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c) /* of names: \w */
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static size_t span(const char *text, bool (*is)(char c))
{
    size_t n = 0;

    while (is(text[n]))
        n++;
    return n;
}

static size_t run_length(const char *text, char c)
{
    size_t n = 0;

    while (c && text[n] == c)
        n++;
    return n;
}

/* Whether a word begins or ends between two characters. */
static bool is_boundary(char before, char after)
{
    return is_word(before) != is_word(after);
}

/* ---- patterns, in the order in which they are tried: each gives the length of its match at `text`, or 0
 * ---- */

static bool is_url_character(char c)
{
    return (c >= '$' && c <= '_') || (c >= 'a' && c <= 'z') || c == '!';
}

static size_t match_url(const char *text, char before)
{
    size_t start = text_starts(text, "http://")    ? 7
                   : text_starts(text, "https://") ? 8
                   : text_starts(text, "www.")     ? 4
                                                   : 0;
    size_t rest = start ? span(text + start, is_url_character) : 0;

    (void)before;
    return rest ? start + rest : 0;
}

static bool is_mailbox_character(char c)
{
    return is_word(c) || c == '.' || c == '+' || c == '-';
}

static bool is_label_character(char c)
{
    return is_letter(c) || is_digit(c) || c == '-';
}

static bool is_domain_character(char c)
{
    return is_label_character(c) || c == '.';
}

static size_t match_email(const char *text, char before)
{
    size_t mailbox = is_boundary(before, text[0]) ? span(text, is_mailbox_character) : 0;

    if (mailbox == 0 || text[mailbox] != '@')
        return 0;
    size_t at = mailbox + 1, label = span(text + at, is_label_character);
    if (label == 0 || text[at + label] != '.')
        return 0;
    at += label + 1;
    for (size_t rest = span(text + at, is_domain_character); rest > 0; rest--)
        if (is_boundary(text[at + rest - 1], text[at + rest]))
            return at + rest;
    return 0;
}

/* Two words and one of `joints` between them. */
static size_t match_joined(const char *text, const char *joints)
{
    size_t first = span(text, is_letter);

    if (first == 0 || !text[first] || !strchr(joints, text[first]))
        return 0;
    size_t second = span(text + first + 1, is_letter);
    return second ? first + 1 + second : 0;
}

static size_t match_compound(const char *text, char before)
{
    (void)before;
    return match_joined(text, "-_");
}

static size_t match_tag(const char *text, char before)
{
    size_t name = text[0] == '#' || text[0] == '@' ? span(text + 1, is_word) : 0;

    (void)before;
    return name ? 1 + name : 0;
}

static size_t match_heart(const char *text, char before)
{
    size_t all = 0;

    (void)before;
    for (;;) {
        size_t n = run_length(text + all, '<');
        if (n == 0)
            return all;
        n += text[all + n] == '/';
        size_t threes = run_length(text + all + n, '3');
        if (threes == 0)
            return all;
        all += n + threes;
    }
}

static size_t match_emoticon(const char *text, char before)
{
    static const char *const whole[] = {"-_-", "x_x", "^_^", "o.o", "o_o", "(:", "):", ");", "(;"};
    size_t eyes = text_starts(text, ">:") ? 2 : text[0] && strchr(":=;", text[0]) ? 1 : 0;

    (void)before;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (text_starts(text, whole[i]))
            return strlen(whole[i]);
    if (eyes == 0)
        return 0;
    size_t nose = text[eyes] && strchr("-,^'\"", text[eyes]) ? 1 : 0;
    char mouth = text[eyes + nose];
    return mouth && strchr("DdpPv)oO(3/|\\", mouth) ? eyes + nose + run_length(text + eyes + nose, mouth) : 0;
}

static size_t match_contraction(const char *text, char before)
{
    (void)before;
    return match_joined(text, "'");
}

static size_t match_title(const char *text, char before)
{
    static const char *const titles[] = {"mr.", "ms.", "mrs.", "dr.", "prof."};

    (void)before;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (text_starts(text, titles[i]))
            return strlen(titles[i]);
    return 0;
}

static size_t match_abbreviation(const char *text, char before)
{
    size_t n = 0;

    if (before == '.' || !is_boundary(before, text[0]))
        return 0;
    while (is_letter(text[n]) && text[n + 1] == '.')
        n += 2;
    return n >= 4 ? n : 0;
}

static size_t match_number(const char *text, char before)
{
    (void)before;
    return span(text, is_digit);
}

static size_t match_letters(const char *text, char before)
{
    (void)before;
    return span(text, is_letter);
}

static size_t match_symbols(const char *text, char before)
{
    size_t n = run_length(text, text[0]);

    (void)before;
    if (text[0] == '#' || text[0] == '@') /* the last of several may begin a name */
        return n > 1 && is_word(text[n]) ? n - 1 : n;
    return text[0] && strchr("()<!?.,/'\"-_=\\|[]>{}~$^&*;:%+`", text[0]) ? n : 0;
}

/* One character of UTF-8, or a run of a symbol beyond ASCII. */
static size_t match_any(const char *text, char before)
{
    static const char *const symbols[] = {"\xc2\xa7", "\xc2\xb4", "\xcb\x87",
                                          "\xc2\xb0", "\xc2\xa3", "\xe2\x82\xac"};
    size_t n = 1, all = 0;

    (void)before;
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
        while (text_starts(text + all, symbols[i]))
            all += strlen(symbols[i]);
    while (((unsigned char)text[n] & 0xc0) == 0x80)
        n++;
    return all ? all : n;
}

static size_t (*const PATTERNS[])(const char *text, char before) = {
    match_url,      match_email,       match_compound, match_tag,          match_heart,
    match_emoticon, match_contraction, match_title,    match_abbreviation, match_number,
    match_letters,  match_symbols,     match_any,
};

/* ---- text before and words after ---- */

/* What is written otherwise before words are looked for: Unicode's punctuation, spaces, breaks. */
static const struct {
    const char *from, *to;
} REPLACEMENTS[] = {
    {"\xe2\x80\x98", "'"},     {"\xe2\x80\x99", "'"},     {"\xe2\x80\x9c", "\""},
    {"\xe2\x80\x9d", "\""},    {"\xe2\x80\x93", "-"},     {"\xe2\x80\x94", "--"},
    {"\xe2\x80\xa6", "..."},   {"\xe2\x80\xbc", "!!"},    {"\xc2\xa0", " "},
    {"\xe3\x80\x80", " "},     {"\n", " CUSTOM_BREAK "},  {"\r", " CUSTOM_BREAK "},
    {"\\n", " CUSTOM_BREAK "}, {"\\r", " CUSTOM_BREAK "}, {"<br>", " CUSTOM_BREAK "},
};

/* U+FE00 to U+FE0F, which choose a variant of the character before them. */
static bool is_variation(const char *text)
{
    return (unsigned char)text[0] == 0xef && (unsigned char)text[1] == 0xb8 &&
           ((unsigned char)text[2] & 0xf0) == 0x80;
}

static char *prepare(const char *text)
{
    struct text out = {0}, lower = {0};

    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    text_add_bytes(&lower, text, length);
    for (size_t i = 0; i < length; i++)
        lower.text[i] =
            (char)((lower.text[i] & 0x80) ? lower.text[i] : tolower((unsigned char)lower.text[i]));
    text_add_bytes(&out, "", 0);
    for (const char *at = lower.text; *at;) {
        size_t i = 0, count = sizeof REPLACEMENTS / sizeof REPLACEMENTS[0];
        while (i < count && !text_starts(at, REPLACEMENTS[i].from))
            i++;
        if (i < count)
            text_add(&out, "%s", REPLACEMENTS[i].to);
        else if (!is_variation(at))
            text_add_bytes(&out, at, 1);
        at += i < count ? strlen(REPLACEMENTS[i].from) : is_variation(at) ? 3 : 1;
    }
    text_free(&lower);
    return out.text;
}

/* Three and more of a character in a row become two. */
static void shorten(char *word)
{
    size_t kept = 0;

    for (size_t i = 0; word[i]; i++)
        if (kept < 2 || (word[i] & 0x80) || word[i] != word[kept - 1] || word[i] != word[kept - 2])
            word[kept++] = word[i];
    word[kept] = '\0';
}

static bool holds_mention(const char *word)
{
    for (const char *at = strchr(word, '@'); at; at = strchr(at + 1, '@'))
        if (is_word(at[1]))
            return true;
    return false;
}

static bool holds_url(const char *word)
{
    for (; *word; word++)
        if (match_url(word, ' '))
            return true;
    return false;
}

static void add_word(struct strings *words, const char *text, size_t length)
{
    char *word = mem_format("%.*s", (int)length, text);

    shorten(word);
    strings_add(words, word[0] && word[span(word, is_digit)] == '\0' ? "CUSTOM_NUMBER"
                       : holds_mention(word)                         ? "CUSTOM_AT"
                       : holds_url(word)                             ? "CUSTOM_URL"
                                                                     : word);
    free(word);
}

void tokenize(const char *text, struct strings *words)
{
    char *prepared = prepare(text), before = '\0';

    for (const char *at = prepared; *at;) {
        size_t length = 0;
        if (isspace((unsigned char)*at)) {
            before = *at++;
            continue;
        }
        for (size_t p = 0; length == 0; p++)
            length = PATTERNS[p](at, before);
        add_word(words, at, length);
        before = at[length - 1];
        at += length;
    }
    free(prepared);
}

/* ---- vocabulary ---- */

struct entry {
    const char *word; /* of the JSON */
    int64_t number;
};

enum { UNKNOWN = 1 }; /* the number of words that the vocabulary does not have */

struct vocabulary {
    char *text; /* the file's */
    size_t bytes;
    cJSON *json;
    struct entry *entries; /* sorted */
    size_t count;
    int64_t size;
};

static int by_word(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->word, ((const struct entry *)b)->word);
}

struct vocabulary *vocabulary_open(const char *path, struct error *error)
{
    struct vocabulary *v = mem_zero(1, sizeof *v);
    const cJSON *item = NULL;
    bool good = (v->text = file_read(path, &v->bytes, error)) != NULL &&
                (v->json = json_parse(v->text, v->bytes, path, error)) != NULL;

    v->entries = mem_zero((size_t)cJSON_GetArraySize(v->json), sizeof *v->entries);
    cJSON_ArrayForEach(item, v->json)
    {
        if (!good || !(cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1 << 24)) {
            good = good && error_set(error, "%s: \"%s\" has no number", path, item->string);
            break;
        }
        v->entries[v->count++] = (struct entry){item->string, (int64_t)item->valuedouble};
        v->size = (int64_t)item->valuedouble >= v->size ? (int64_t)item->valuedouble + 1 : v->size;
    }
    if (good && v->size <= UNKNOWN)
        good = error_set(error, "%s: holds no word beside those for masks and unknown words", path);
    if (good) {
        qsort(v->entries, v->count, sizeof *v->entries, by_word);
        return v;
    }
    vocabulary_close(v);
    return NULL;
}

void vocabulary_close(struct vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    cJSON_Delete(vocabulary->json);
    free(vocabulary->text);
    free(vocabulary->entries);
    free(vocabulary);
}

bool vocabulary_save(const struct vocabulary *vocabulary, const char *path, struct error *error)
{
    return file_write(path, vocabulary->text, vocabulary->bytes, error);
}

int64_t vocabulary_size(const struct vocabulary *vocabulary)
{
    return vocabulary->size;
}

int64_t vocabulary_numbers(const struct vocabulary *v, const char *text, int64_t *numbers, int64_t most)
{
    struct strings words = {0};
    int64_t count = 0;

    tokenize(text, &words);
    for (size_t i = 0; i < words.count && count < most; i++) {
        const struct entry key = {words.items[i], 0};
        const struct entry *entry = bsearch(&key, v->entries, v->count, sizeof *v->entries, by_word);
        numbers[count++] = entry ? entry->number : UNKNOWN;
    }
    if (count == 0)
        numbers[count++] = UNKNOWN;
    strings_free(&words);
    return count;
}
