/*
 * Holds our VGGish and DeepMoji against the numbers of independent ones.
 *
 *     parity_models vggish|deepmoji FOLDER
 *
 * FOLDER is what make_models.py writes.  Prints a table of differences and exits 1 if one is too large: 1e-4
 * of a value and absolutely; 8-bit values must be equal but for one in a thousand, by one; words and their
 * numbers must be equal.
 */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/model.h"
#include "model/reference/tokenizer.h"
#include "model/weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLIPS = 16 };

struct parity {
    const char *folder;
    struct weights *expected;
    struct batch batch;
    bool failed;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "parity_models: %s\n", what);
    exit(2);
}

static const void *data_of(const struct parity *parity, const char *name, int64_t *count)
{
    size_t i = weights_index(parity->expected, name);

    if (i == parity->expected->count)
        die(name);
    *count = weight_elements(parity->expected->entries[i].shape, parity->expected->entries[i].dims);
    return parity->expected->entries[i].data;
}

static void score(struct parity *parity, const char *name, const float *found, const float *expected,
                  int64_t count)
{
    bool steps = strcmp(name, "quantized") == 0;
    double worst = 0;
    int64_t off = 0;

    for (int64_t i = 0; i < count; i++) {
        double difference = fabs((double)found[i] - (double)expected[i]);
        worst = difference > worst || isnan(difference) ? difference : worst;
        off += !(difference <= (steps ? 0 : 1e-4 + 1e-4 * fabs((double)expected[i])));
    }
    bool good = steps ? worst <= 1 && off * 1000 <= count : off == 0;
    printf("%-12s %8lld values  largest difference %.2e%s\n", name, (long long)count, worst,
           good ? "" : "  TOO LARGE");
    parity->failed = parity->failed || !good;
}

/* VGGish: our batch has the patches of all clips, padded; theirs are clip by clip. */
static void observe_patches(struct parity *parity, const char *name, const float *values, int64_t all)
{
    int64_t clips = parity->batch.count, at = 0, filled = 0, total = 0, width;
    float *found = mem_zero((size_t)all, sizeof *found), *expected = mem_zero((size_t)all, sizeof *expected);

    for (int64_t c = 0; c < clips; c++) {
        char *key = mem_format("%s.%lld", name, (long long)c);
        const float *rows = data_of(parity, key, &width);
        if (filled + width > all || at + width > all)
            die("more patches than ours");
        memcpy(found + filled, values + at, (size_t)width * sizeof *found);
        memcpy(expected + filled, rows, (size_t)width * sizeof *expected);
        filled += width;
        at += all / clips;
        total += width;
        free(key);
    }
    score(parity, name, found, expected, total);
    free(found);
    free(expected);
}

static void observe(void *context, const char *name, const struct et_tensor *tensor)
{
    struct parity *parity = context;
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    int64_t count = et_numel(tensor), expected_count;
    float *values = mem_zero((size_t)count, sizeof *values);

    et_read(scope, tensor, values, count);
    if (!et_scope_close(scope, &error))
        die(error.message);
    if (parity->batch.samples) {
        observe_patches(parity, name, values, count);
    } else {
        const float *expected = data_of(parity, name, &expected_count);
        if (expected_count != count)
            die("features of another size");
        score(parity, name, values, expected, count);
    }
    free(values);
}

/* A copy of whole numbers, which need not lie aligned in the file; caller frees. */
static int64_t *numbers_of(const struct parity *parity, const char *name, int64_t *count)
{
    const void *data = data_of(parity, name, count);
    int64_t *numbers = mem_zero((size_t)*count, sizeof *numbers);

    memcpy(numbers, data, (size_t)*count * sizeof *numbers);
    return numbers;
}

static void take_signals(struct parity *parity)
{
    int64_t clips, all;
    int64_t *lengths = numbers_of(parity, "lengths", &clips);
    const float *samples = data_of(parity, "samples", &all);
    struct batch *b = &parity->batch;

    *b = (struct batch){.count = clips, .width = all / clips, .lengths = lengths};
    b->samples = mem_zero((size_t)all, sizeof *b->samples);
    memcpy(b->samples, samples, (size_t)all * sizeof *samples);
}

static void take_texts(struct parity *parity)
{
    struct error error = {0};
    char *path = path_join(parity->folder, "texts.json"),
         *words_path = path_join(parity->folder, "model/vocabulary.json");
    cJSON *json = json_read(path, &error);
    const cJSON *texts = cJSON_GetObjectItemCaseSensitive(json, "texts"),
                *all = cJSON_GetObjectItemCaseSensitive(json, "words");
    struct vocabulary *vocabulary = vocabulary_open(words_path, &error);
    int64_t clips = cJSON_GetArraySize(texts), at = 0, count;

    if (!json || !vocabulary)
        die(error.message);
    parity->batch = (struct batch){.count = clips};
    parity->batch.texts = mem_zero((size_t)clips, sizeof(char *));
    int64_t *counts = numbers_of(parity, "counts", &count), *numbers = numbers_of(parity, "numbers", &count);
    for (int64_t i = 0; i < clips; i++) {
        const char *text = cJSON_GetArrayItem(texts, (int)i)->valuestring;
        const cJSON *expected = cJSON_GetArrayItem(all, (int)i);
        struct strings words = {0};
        int64_t ours[30], n = vocabulary_numbers(vocabulary, text, ours, 30);
        tokenize(text, &words);
        bool same = (int)words.count == cJSON_GetArraySize(expected) && n == counts[i] &&
                    memcmp(ours, numbers + at, (size_t)n * sizeof *ours) == 0;
        for (size_t k = 0; same && k < words.count; k++)
            same = strcmp(words.items[k], cJSON_GetArrayItem(expected, (int)k)->valuestring) == 0;
        if (!same) {
            printf("words of \"%s\" differ:", text);
            for (size_t k = 0; k < words.count; k++)
                printf(" [%s]", words.items[k]);
            printf("\n");
            parity->failed = true;
        }
        at += counts[i];
        parity->batch.texts[i] = mem_string(text);
        strings_free(&words);
    }
    printf("%-12s %8lld texts\n", "words", (long long)clips);
    vocabulary_close(vocabulary);
    cJSON_Delete(json);
    free(counts);
    free(numbers);
    free(path);
    free(words_path);
}

int main(int argc, char **argv)
{
    struct error error = {0};
    int64_t count;

    if (argc != 3)
        die("usage: parity_models vggish|deepmoji FOLDER");
    struct parity parity = {.folder = argv[2], .expected = mem_zero(1, sizeof(struct weights))};
    char *path = path_join(argv[2], "expected.safetensors"), *model_path = path_join(argv[2], "model");
    log_quiet(true);
    if (!safetensors_open(parity.expected, path, &error))
        die(error.message);
    if (strcmp(argv[1], "vggish") == 0)
        take_signals(&parity);
    else
        take_texts(&parity);
    const struct model_source source = {.path = model_path, .device = ET_CPU};
    struct model *model = model_open(&source, &error);
    if (!model)
        die(error.message);
    const struct forward_mode mode = {.observe = observe, .context = &parity};
    struct et_scope *scope = et_scope_open(NULL);
    float logits[MOST_CLIPS * 8];
    bool recording = et_grad_mode(false);
    et_read(scope, model_forward(model, scope, &parity.batch, &mode), logits,
            parity.batch.count * (int64_t)model->labels.count);
    et_grad_mode(recording);
    if (!et_scope_close(scope, &error))
        die(error.message);
    const float *expected = data_of(&parity, "logits", &count);
    score(&parity, "logits", logits, expected, count);
    for (int64_t i = 0; parity.batch.texts && i < parity.batch.count; i++)
        free(parity.batch.texts[i]);
    free(parity.batch.texts);
    free(parity.batch.samples);
    free(parity.batch.lengths);
    model_close(model);
    weights_close(parity.expected);
    free(path);
    free(model_path);
    return parity.failed;
}
