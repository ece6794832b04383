/* libsvm's model files, checked: see svm_file.h. */
#include "model/linear/svm_file.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 1000 };

/* A file being read, line by line. */
struct reading {
    char *rest, *line; /* line: without its end */
    size_t number;
    bool is_svr;
    long long classes, vectors,
        counted;               /* counted: by nr_sv; vectors: none where a target is constant; -1: not said */
    size_t thresholds, labels; /* numbers after rho and label */
    bool has_type, has_kernel;
    size_t keys; /* of KEYS, that came or were passed over */
};

static bool next_line(struct reading *r)
{
    r->line = strsep(&r->rest, "\n");
    r->number++;
    return r->line != NULL;
}

/* The next word of the line; NULL at its end. */
static char *next_word(struct reading *r)
{
    char *word;

    do
        word = strsep(&r->line, " ");
    while (word && !*word);
    return word;
}

static bool is_finite_number(const char *word)
{
    double value;

    return word && text_to_number(word, &value) && isfinite(value);
}

/* What libsvm reads into an int. */
static bool is_int(const char *word)
{
    long long value;

    return word && text_to_integer(word, &value) && value >= INT_MIN && value <= INT_MAX;
}

/* How many words the rest of the line has; *good is false where one is not what is asked for. */
static size_t count_words(struct reading *r, bool is_asked_for(const char *word), bool *good)
{
    size_t count = 0;

    for (char *word; (word = next_word(r)); count++)
        *good = *good && is_asked_for(word);
    return count;
}

static bool read_count(struct reading *r, long long least, long long most, long long *count)
{
    const char *word = next_word(r);

    return word && text_to_integer(word, count) && *count >= least && *count <= most && !next_word(r);
}

/* Whether the line's only other word is one of the two. */
static bool reads_one_of(struct reading *r, const char **word, const char *a, const char *b)
{
    *word = next_word(r);
    return *word && (strcmp(*word, a) == 0 || strcmp(*word, b) == 0) && !next_word(r);
}

/* The keys of the header in libsvm's order, each once. */
static const char *const KEYS[] = {"svm_type", "kernel_type", "degree", "gamma", "coef0",
                                   "nr_class", "total_sv",    "rho",    "label", "nr_sv"};
enum { KEY_COUNT = sizeof KEYS / sizeof KEYS[0] };

/* Whether the key may come after those before it. */
static bool take_key(struct reading *r, const char *key)
{
    while (r->keys < KEY_COUNT && strcmp(KEYS[r->keys], key) != 0)
        r->keys++;
    return r->keys++ < KEY_COUNT;
}

/* The numbers of vectors of each class; they must be as many as there are classes. */
static bool read_nr_sv(struct reading *r)
{
    long long count = 0, classes = 0;

    r->counted = 0;
    for (char *word; (word = next_word(r)); classes++) {
        if (!text_to_integer(word, &count) || count < 0 || count > INT_MAX)
            return false;
        r->counted += count;
    }
    return classes == r->classes && r->counted <= INT_MAX;
}

/* One line of the header; false where it is none. */
static bool read_header_line(struct reading *r)
{
    const char *key = next_word(r), *word;
    bool good = true;

    if (!key || !take_key(r, key))
        return false;
    if (strcmp(key, "svm_type") == 0) {
        r->has_type = reads_one_of(r, &word, "c_svc", "epsilon_svr");
        r->is_svr = text_equal(word, "epsilon_svr");
        return r->has_type;
    }
    if (strcmp(key, "kernel_type") == 0)
        return r->has_kernel = reads_one_of(r, &word, "linear", "rbf");
    if (strcmp(key, "degree") == 0)
        return count_words(r, is_int, &good) == 1 && good;
    if (strcmp(key, "gamma") == 0 || strcmp(key, "coef0") == 0)
        return count_words(r, is_finite_number, &good) == 1 && good;
    if (strcmp(key, "nr_class") == 0)
        return read_count(r, 1, MOST_CLASSES, &r->classes);
    if (strcmp(key, "total_sv") == 0)
        return read_count(r, 0, INT_MAX, &r->vectors);
    if (strcmp(key, "rho") == 0) {
        r->thresholds = count_words(r, is_finite_number, &good);
        return good && r->thresholds == (size_t)(r->classes * (r->classes - 1) / 2);
    }
    if (strcmp(key, "label") == 0) {
        r->labels = count_words(r, is_int, &good);
        return good && r->labels == (size_t)r->classes;
    }
    return strcmp(key, "nr_sv") == 0 && read_nr_sv(r);
}

/* One vector: its coefficients, then INDEX:VALUE with rising indices. */
static bool read_vector(struct reading *r, size_t features)
{
    long long before = 0, index;

    for (long long c = 0; c < r->classes - 1; c++)
        if (!is_finite_number(next_word(r)))
            return false;
    for (char *word; (word = next_word(r));) {
        char *colon = strchr(word, ':');
        if (!colon)
            return false;
        *colon = '\0';
        if (!text_to_integer(word, &index) || index <= before || index > (long long)features ||
            !is_finite_number(colon + 1))
            return false;
        before = index;
    }
    return true;
}

/* What the header must have said before the vectors come. */
static const char *find_fault(const struct reading *r)
{
    if (r->classes < 2 && !(r->classes == 1 && !r->is_svr))
        return "no nr_class";
    if (!r->has_type || !r->has_kernel)
        return "no svm_type or kernel_type";
    if (r->vectors < 0)
        return "no total_sv";
    if (r->thresholds == 0 && r->classes > 1)
        return "no rho";
    if (r->is_svr)
        return r->classes == 2 ? NULL : "nr_class of a regression is not 2";
    if (r->labels == 0)
        return "no label";
    return r->counted == r->vectors ? NULL : "nr_sv does not sum to total_sv";
}

bool svm_file_check(const char *path, size_t features, struct error *error)
{
    size_t size = 0;
    char *text = file_read(path, &size, error);
    struct reading r = {.rest = text, .vectors = -1, .counted = -1};
    const char *fault = NULL;
    long long vectors = 0;

    if (!text)
        return false;
    if (strlen(text) != size)
        fault = "a NUL";
    while (!fault && next_line(&r) && strcmp(r.line, "SV") != 0)
        fault = read_header_line(&r) ? NULL : "no line of a model's head";
    if (!fault)
        fault = r.line ? find_fault(&r) : "no vectors";
    while (!fault && next_line(&r) && (r.rest || *r.line)) {
        fault =
            r.rest && vectors++ < r.vectors && read_vector(&r, features) ? NULL : "no vector of this model";
    }
    if (!fault && vectors != r.vectors)
        fault = "fewer vectors than total_sv says";
    if (fault)
        error_set(error, "%s:%zu: not a model file of libsvm for this model: %s", path, r.number, fault);
    free(text);
    return !fault;
}
