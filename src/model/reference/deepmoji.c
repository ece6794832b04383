/*
 * DeepMoji (Felbo et al., "Using millions of emoji occurrences to learn any-domain representations", EMNLP
 * 2017): it reads what is said.  Word embeddings under tanh, two bidirectional LSTMs with hard sigmoid gates,
 * skip connections from all layers to an attention over words, and a new output layer.
 *
 * Parameters go by torchMoji's names (embed, lstm_0, lstm_1, attention_layer); its output layer for emojis is
 * left out. model.pretrained is a folder with config.json ("model_type": "deepmoji"), vocabulary.json and the
 * weights; without weights all is random.  A config.json alone names the vocabulary: "vocabulary".  Further:
 * "embedding_size" (256), "hidden_size" (512), "max_words" (30).
 *
 * model.freeze=chain_thaw trains as the paper does: first the new layer, then each layer by itself from the
 * words up, then all.  Words are pooled by the model's own attention, not by model.pooling.
 */
#include "base/text.h"
#include "model/head/head.h"
#include "model/hyperparameter.h"
#include "model/layers/frames.h"
#include "model/model.h"
#include "model/reference/tokenizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LSTMS = 2, DIRECTIONS = 2, GATES = 4 };

/* Chain-thaw's phases: what each trains by itself. */
enum phase { PHASE_HEAD, PHASE_EMBEDDING, PHASE_LSTM_0, PHASE_LSTM_1, PHASE_ATTENTION, PHASES };

struct direction {
    size_t input_weight, state_weight, input_bias,
        state_bias; /* indices of parameters; gates input, forget, cell, output */
};

struct deepmoji {
    int64_t embedding, hidden, max_words;
    struct vocabulary *vocabulary;
    size_t words; /* index of the embedding */
    struct direction lstms[LSTMS][DIRECTIONS];
    size_t attention;
    size_t pretrained; /* parameters before this one are torchMoji's */
    double embedding_dropout, final_dropout;
    bool chain_thaw;
    struct head head;
};

/* ---- config.json and parameters ---- */

static size_t declare_part(struct parameters *p, enum phase phase, enum initialisation initialisation,
                           double scale, int64_t rows, int64_t columns, const char *name)
{
    const int64_t shape[4] = {rows, columns};
    size_t index = parameters_add(p, true, initialisation, scale, shape, "%s", name);

    p->items[index].phase = phase;
    return index;
}

static struct direction declare_direction(const struct deepmoji *d, struct parameters *p, int lstm,
                                          int direction)
{
    static const char *const kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    int64_t rows = GATES * d->hidden, in = lstm ? DIRECTIONS * d->hidden : d->embedding;
    size_t indices[4];

    for (int k = 0; k < 4; k++) {
        char *name = mem_format("lstm_%d.%s_l0%s", lstm, kinds[k], direction ? "_reverse" : "");
        int64_t columns = k == 0 ? in : k == 1 ? d->hidden : 0;
        double range = sqrt(6.0 / (double)(rows + columns)); /* Glorot and Bengio, 2010 */
        indices[k] = declare_part(p, PHASE_LSTM_0 + (enum phase)lstm, k < 2 ? INIT_UNIFORM : INIT_ZEROS,
                                  range, rows, columns, name);
        free(name);
    }
    return (struct direction){indices[0], indices[1], indices[2], indices[3]};
}

static int64_t width_of(const struct deepmoji *d)
{
    return LSTMS * DIRECTIONS * d->hidden + d->embedding;
}

static void deepmoji_declare(struct deepmoji *d, struct model *model)
{
    struct parameters *p = &model->parameters;
    int64_t width = width_of(d);

    d->words = declare_part(p, PHASE_EMBEDDING, INIT_UNIFORM, 0.5, vocabulary_size(d->vocabulary),
                            d->embedding, "embed.weight");
    for (int l = 0; l < LSTMS; l++)
        for (int k = 0; k < DIRECTIONS; k++)
            d->lstms[l][k] = declare_direction(d, p, l, k);
    d->attention =
        declare_part(p, PHASE_ATTENTION, INIT_UNIFORM, 0.05, width, 0, "attention_layer.attention_vector");
    d->pretrained = p->count;
    head_declare(&d->head, p, HEAD_LINEAR, width, 0, (int64_t)model->labels.count, 1 / sqrt((double)width),
                 d->final_dropout);
}

/* Beside config.json, or where it says. */
static char *find_vocabulary(const struct model *model, struct error *error)
{
    const char *named = NULL;
    char *folder = path_is_folder(model->path) ? mem_string(model->path) : path_folder(model->path);

    if (!json_string(model->json, "vocabulary", &named, error)) {
        free(folder);
        return NULL;
    }
    char *path = path_join(folder, "vocabulary.json");
    if (named && !path_exists(path)) {
        free(path);
        path = path_join(folder, named);
    }
    free(folder);
    return path;
}

static bool deepmoji_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    const struct model_settings *given = settings ? settings : &settings_default()->model;
    struct deepmoji *d = mem_zero(1, sizeof *d);
    const char *type = "deepmoji";

    model->state = d;
    *d = (struct deepmoji){
        .embedding = 256, .hidden = 512, .max_words = 30, .embedding_dropout = 0.1, .final_dropout = 0.5};
    if (!json_string(model->json, "model_type", &type, error) ||
        (strcmp(type, "deepmoji") != 0 &&
         !error_set(error, "\"model_type\" is \"%s\", not \"deepmoji\"", type)) ||
        !json_integer(model->json, "embedding_size", &d->embedding, error) ||
        !json_integer(model->json, "hidden_size", &d->hidden, error) ||
        !json_integer(model->json, "max_words", &d->max_words, error) ||
        !hyperparameter_number(&d->embedding_dropout, "hidden_dropout", given->hidden_dropout, model->json,
                               error) ||
        !hyperparameter_number(&d->final_dropout, "final_dropout", given->final_dropout, model->json, error))
        return error_prefix(error, "%s", model->path);
    if (d->embedding < 1 || d->embedding > 65536 || d->hidden < 1 || d->hidden > 65536 || d->max_words < 1 ||
        d->max_words > 4096)
        return error_set(error, "%s: \"embedding_size\", \"hidden_size\" or \"max_words\" out of range",
                         model->path);
    char *path = find_vocabulary(model, error);
    d->vocabulary = path ? vocabulary_open(path, error) : NULL;
    free(path);
    if (!d->vocabulary)
        return false;
    deepmoji_declare(d, model);
    return true;
}

static void deepmoji_close(struct model *model)
{
    struct deepmoji *d = model->state;

    if (!d)
        return;
    vocabulary_close(d->vocabulary);
    free(d);
}

static bool deepmoji_freeze(struct model *model, const char *what, struct error *error)
{
    struct deepmoji *d = model->state;
    bool all = strcmp(what, "encoder") == 0 || strcmp(what, "feature_encoder") == 0;

    d->chain_thaw = strcmp(what, "chain_thaw") == 0;
    if (!all && !d->chain_thaw && strcmp(what, "none") != 0)
        return error_usage(
            error, "model.freeze=%s: deepmoji allows none, encoder (all but the new layer) or chain_thaw",
            what);
    for (size_t i = 0; all && i < d->pretrained; i++)
        model->parameters.items[i].trainable = false;
    return true;
}

static int deepmoji_phases(const struct model *model)
{
    const struct deepmoji *d = model->state;

    return d->chain_thaw ? PHASES : 0;
}

static bool deepmoji_translate(const struct model *model, const char *checkpoint_name, char name[256])
{
    (void)model;
    snprintf(name, 256, "%s", checkpoint_name);
    return !text_starts(checkpoint_name, "output_layer."); /* for emojis */
}

static bool deepmoji_save(const struct model *model, const char *directory, struct error *error)
{
    const struct deepmoji *d = model->state;
    char *path = path_join(directory, "vocabulary.json");
    bool done = vocabulary_save(d->vocabulary, path, error);

    free(path);
    return done;
}

/* ---- the forward pass ---- */

/* A batch of texts on its way. */
struct pass {
    const struct model *model;
    const struct deepmoji *d;
    int64_t clips, words;    /* words: of the longest */
    int64_t *lengths;        /* (clips) */
    struct et_tensor *known; /* (clips, words, 1) 1 for words, 0 for padding */
};

static struct et_tensor *deepmoji_weight(const struct pass *pass, size_t index)
{
    return parameters_tensor(&pass->model->parameters, index);
}

/* (clips, words) numbers; padding is 0, the mask's. */
static struct et_tensor *read_words(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct deepmoji *d = pass->d;
    int64_t *all = mem_zero((size_t)(batch->count * d->max_words), sizeof *all);
    int device = pass->model->parameters.device;

    for (int64_t b = 0; b < batch->count; b++) {
        pass->lengths[b] =
            vocabulary_numbers(d->vocabulary, batch->texts[b], all + b * d->max_words, d->max_words);
        pass->words = pass->lengths[b] > pass->words ? pass->lengths[b] : pass->words;
    }
    const int64_t shape[2] = {batch->count, pass->words}, mask[3] = {batch->count, pass->words, 1};
    int64_t *numbers = mem_zero((size_t)(batch->count * pass->words), sizeof *numbers);
    float *known = mem_zero((size_t)(batch->count * pass->words), sizeof *known);
    for (int64_t b = 0; b < batch->count; b++) {
        for (int64_t t = 0; t < pass->lengths[b]; t++) {
            numbers[b * pass->words + t] = all[b * d->max_words + t];
            known[b * pass->words + t] = 1;
        }
    }
    pass->known = et_from_data(scope, known, ET_FLOAT32, mask, 3, device);
    struct et_tensor *words = et_from_data(scope, numbers, ET_INT64, shape, 2, device);
    free(numbers);
    free(known);
    free(all);
    return words;
}

/* Keras' hard sigmoid: 0.2 x + 0.5, cut to 0 .. 1. */
static struct et_tensor *gate(struct et_scope *scope, const struct et_tensor *gates, int index, int64_t size)
{
    struct et_tensor *x = et_narrow(scope, gates, 1, index * size, size);

    return et_clamp(scope, et_add_scalar(scope, et_mul_scalar(scope, x, 0.2), 0.5), 0, 1);
}

/* x (B, T, in) -> (B, T, hidden).  Padding leaves the state at 0, so that the reverse direction begins at
 * each text's last word. */
static struct et_tensor *run_direction(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                       const struct direction *direction, bool reverse)
{
    int64_t size = pass->d->hidden;
    const int64_t state[2] = {pass->clips, size}, row[3] = {pass->clips, 1, size},
                  gates_shape[2] = {pass->clips, GATES * size}, mask[2] = {pass->clips, 1};
    struct et_tensor *inputs = et_to_dtype(scope,
                                           et_linear(scope, x, deepmoji_weight(pass, direction->input_weight),
                                                     deepmoji_weight(pass, direction->input_bias)),
                                           ET_FLOAT32);
    struct et_tensor *h = et_zeros(scope, ET_FLOAT32, state, 2, pass->model->parameters.device), *c = h,
                     **outputs = et_scope_memory(scope, (size_t)pass->words * sizeof(struct et_tensor *));

    for (int64_t step = 0; step < pass->words; step++) {
        int64_t t = reverse ? pass->words - 1 - step : step;
        struct et_tensor *known = et_reshape(scope, et_narrow(scope, pass->known, 1, t, 1), mask, 2);
        struct et_tensor *gates =
            et_add(scope, et_reshape(scope, et_narrow(scope, inputs, 1, t, 1), gates_shape, 2),
                   et_to_dtype(scope,
                               et_linear(scope, h, deepmoji_weight(pass, direction->state_weight),
                                         deepmoji_weight(pass, direction->state_bias)),
                               ET_FLOAT32));
        struct et_tensor *cell = et_tanh(scope, et_narrow(scope, gates, 1, 2 * size, size));
        c = et_add(scope, et_mul(scope, gate(scope, gates, 1, size), c),
                   et_mul(scope, gate(scope, gates, 0, size), cell));
        c = et_mul(scope, c, known);
        h = et_mul(scope, et_mul(scope, gate(scope, gates, 3, size), et_tanh(scope, c)), known);
        outputs[t] = et_reshape(scope, h, row, 3);
    }
    return et_cat(scope, outputs, (size_t)pass->words, 1);
}

static struct et_tensor *run_lstm(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                  int lstm)
{
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *both[DIRECTIONS];

    for (int k = 0; k < DIRECTIONS; k++)
        both[k] = run_direction(pass, s, x, &pass->d->lstms[lstm][k], k == 1);
    x = et_keep(et_cat(s, both, DIRECTIONS, 2), scope);
    et_scope_close(s, NULL);
    return x;
}

/* The words' mean, weighted by a softmax of their product with the attention's vector.  x (B, T, width) ->
 * (B, width) */
static struct et_tensor *attend(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const int64_t column[2] = {width_of(pass->d), 1}, mask[3] = {pass->clips, pass->words, 1};
    struct et_tensor *scores =
        et_matmul(scope, x, et_reshape(scope, deepmoji_weight(pass, pass->d->attention), column, 2));
    struct et_tensor *padding =
        frames_padding(scope, pass->lengths, pass->clips, pass->words, pass->model->parameters.device);

    scores = et_to_dtype(scope, scores, ET_FLOAT32);
    if (padding)
        scores = et_masked_fill(scope, scores, et_reshape(scope, padding, mask, 3), -INFINITY);
    return et_sum_dim(scope, et_mul(scope, x, et_softmax(scope, scores, 1)), 1, false);
}

static struct et_tensor *deepmoji_forward(const struct model *model, struct et_scope *scope,
                                          const struct batch *batch, const struct forward_mode *mode)
{
    const struct deepmoji *d = model->state;
    struct pass pass = {.model = model, .d = d, .clips = batch->count};

    pass.lengths = et_scope_memory(scope, (size_t)batch->count * sizeof *pass.lengths);
    if (mode->training)
        et_manual_seed(mode->seed);
    struct et_tensor *words = et_tanh(
        scope, et_embedding(scope, deepmoji_weight(&pass, d->words), read_words(&pass, scope, batch)));
    if (mode->training && d->embedding_dropout > 0)
        words = et_dropout(scope, words, d->embedding_dropout);
    struct et_tensor *first = run_lstm(&pass, scope, words, 0), *second = run_lstm(&pass, scope, first, 1);
    struct et_tensor *all[] = {second, first, words};
    struct et_tensor *features = attend(&pass, scope, et_cat(scope, all, 3, 2));
    if (mode->observe)
        mode->observe(mode->context, "features", features);
    return head_forward(&d->head, &model->parameters, scope, features, mode->training);
}

const struct model_kind MODEL_DEEPMOJI = {
    .name = "deepmoji",
    .summary = "DeepMoji on what is said",
    .model_type = "deepmoji",
    .architecture = "TorchMoji",
    .extractor = "EmotrainTokenizer",
    .input = INPUT_TEXT,
    .open = deepmoji_open,
    .freeze = deepmoji_freeze,
    .forward = deepmoji_forward,
    .translate = deepmoji_translate,
    .close = deepmoji_close,
    .save = deepmoji_save,
    .phases = deepmoji_phases,
};
