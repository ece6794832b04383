/* wav2vec 2.0 with its weights in every form, padding, masks, freezing. */
#include "batches.h"
#include "unit.h"

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "model/encoder/encoder.h"
#include "model/layers/spec_augment.h"
#include "model/model.h"
#include "model/weights/weights.h"

#include <math.h>
#include <zip.h>

enum { LABELS = 8 };

static char *tiny(const char *norm)
{
    static struct arena arena;

    return arena_format(&arena, "%s/golden/wav2vec2_tiny_%s/model", EMOTRAIN_TESTS, norm);
}

static struct model *open_model(const char *path, const struct settings *settings, struct error *error)
{
    struct model_source source = {.path = path, .settings = settings, .device = ET_CPU, .seed = 7};

    *error = (struct error){0};
    return model_open(&source, error);
}

/* ---- padding ---- */

static void test_padding_changes_no_answer(void **state)
{
    static const char *const norms[] = {"layer", "group"}, *const poolings[] = {
                                                               "mean",      "sum",
                                                               "max",       "first",
                                                               "last",      "statistics",
                                                               "attention", "attentive_statistics",
                                                               "mean+max"};
    static const char *const layers[] = {"last", "1", "weighted"};
    const int64_t lengths[4] = {3000, 5200, 400, 4100};

    (void)state;
    for (int n = 0; n < 2; n++) {
        for (int p = 0; p < 9; p++) {
            struct settings settings = *settings_default();
            struct error error;
            settings.model.pooling = poolings[p];
            settings.model.layer = layers[p % 3];
            struct model *model = open_model(tiny(norms[n]), &settings, &error);
            assert_good(model, error);
            struct batch together = make_batch(lengths, 4, 6000, 0.7f); /* even padding that is not zero */
            check_padding_changes_nothing(model, &together);
            free_batch(&together);
            model_close(model);
        }
    }
}

static void test_too_short_a_clip(void **state)
{
    const struct forward_mode mode = {.training = false};
    const int64_t length = 399;
    struct error error;
    struct model *model = open_model(tiny("layer"), NULL, &error);
    struct batch batch = make_batch(&length, 1, 399, 0);
    struct et_scope *scope = et_scope_open(NULL);

    (void)state;
    assert_int_equal(model->minimum_samples, 400);
    assert_null(model_forward(model, scope, &batch, &mode));
    assert_error(et_scope_close(scope, &error), error, "too short");
    free_batch(&batch);
    model_close(model);
}

/* What a strategy makes of two clips of one value per frame: 1 2 6 and, after padding of 9, 4 8. */
static void check_pooling(const char *name, bool padded, const float *expected, int count)
{
    const int64_t shape[3] = {2, 3, 1}, column[2] = {2, 1}, lengths[2] = {3, padded ? 2 : 3};
    const float hidden[6] = {1, 2, 6, 4, 8, 9}, counts[2] = {3, (float)lengths[1]};
    const bool mask[6] = {false, false, false, false, false, true};
    struct et_scope *scope = et_scope_open(NULL);
    struct parameters parameters;
    struct error error = {0};
    float found[8];

    parameters_start(&parameters, ET_CPU);
    const struct pooling *pooling = pooling_find(name, &error);
    assert_good(pooling, error);
    if (pooling->declare)
        pooling->declare(&parameters, 1, 128, 0);
    assert_true(parameters_allocate(&parameters, &error) && parameters_initialise(&parameters, 1, &error));
    const struct pooling_input input = {
        .hidden = et_from_data(scope, hidden, ET_FLOAT32, shape, 3, ET_CPU),
        .padding = padded ? et_from_data(scope, mask, ET_BOOL, shape, 3, ET_CPU) : NULL,
        .counts = et_from_data(scope, counts, ET_FLOAT32, column, 2, ET_CPU),
        .lengths = lengths,
        .parameters = &parameters};
    et_read(scope, pooling->apply(scope, &input), found, count);
    assert_good(et_scope_close(scope, &error), error);
    for (int i = 0; i < count; i++)
        if (fabsf(found[i] - expected[i]) > 1e-4f)
            fail_msg("%s: value %d is %g, not %g", name, i, (double)found[i], (double)expected[i]);
    parameters_free(&parameters);
}

static void test_pooling_values(void **state)
{
    (void)state;
    check_pooling("mean", true, (float[]){3, 6}, 2);
    check_pooling("mean", false, (float[]){3, 7}, 2);
    check_pooling("sum", true, (float[]){9, 12}, 2);
    check_pooling("sum", false, (float[]){9, 21}, 2);
    check_pooling("max", true, (float[]){6, 8}, 2);
    check_pooling("max", false, (float[]){6, 9}, 2);
    check_pooling("first", true, (float[]){1, 4}, 2);
    check_pooling("last", true, (float[]){6, 8}, 2);
    check_pooling("last", false, (float[]){6, 9}, 2);
    check_pooling("mean+max", true, (float[]){3, 6, 6, 8}, 4);
    check_pooling("statistics", true, (float[]){3, 2.160247f, 6, 2}, 4);
    check_pooling("attention", true, (float[]){3, 6}, 2); /* weights of zero attend evenly */
    check_pooling("attentive_statistics", true, (float[]){3, 2.160247f, 6, 2}, 4);
}

/* ---- weights in every form ---- */

/* Writes a model directory whose config is the tiny one's. */
static char *start_directory(const char *name)
{
    struct error error = {0};
    char *path = unit_path(name), *from = mem_format("%s/config.json", tiny("layer"));
    char *to = mem_format("%s/config.json", path), *text = file_read(from, NULL, &error);

    assert_true(folder_make(path, &error) && file_write(to, text, strlen(text), &error));
    free(from);
    free(to);
    free(text);
    return path;
}

static void outputs_of(const char *path, float *logits)
{
    const int64_t lengths[2] = {2000, 3000};
    struct error error;
    struct model *model = open_model(path, NULL, &error);

    assert_good(model, error);
    struct batch batch = make_batch(lengths, 2, 3000, 0);
    batch_outputs(model, &batch, false, logits);
    free_batch(&batch);
    model_close(model);
}

/* Copies one file of the tiny model into a directory. */
static void copy_file(const char *name, const char *directory)
{
    struct error error = {0};
    size_t size;
    char *from = mem_format("%s/%s", tiny("layer"), name), *to = mem_format("%s/%s", directory, name);
    char *bytes = file_read(from, &size, &error);

    assert_true(bytes && file_write(to, bytes, size, &error));
    free(from);
    free(to);
    free(bytes);
}

/* Rewrites a safetensors file: each tensor under rename(name), or left out where that is NULL.
 * `half` stores it as bfloat16 by cutting float32 in two. */
static void rewrite_file(const char *from, const char *path,
                         const char *(*rename)(const char *name, struct arena *arena), bool half)
{
    struct error error = {0};
    struct weights *weights = mem_zero(1, sizeof *weights);
    struct text header = {0}, data = {0}, file = {0};
    struct arena arena = {0};

    assert_true(safetensors_open(weights, from, &error));
    for (size_t i = 0; i < weights->count; i++) {
        const struct weight *w = &weights->entries[i];
        const char *name = rename(w->name, &arena);
        size_t begin = data.length, count = (size_t)weight_elements(w->shape, w->dims);
        if (!name)
            continue;
        for (size_t e = 0; e < count; e++) {
            const char *bytes = (const char *)w->data + 4 * e;
            text_add_bytes(&data, half ? bytes + 2 : bytes, half ? 2 : 4);
        }
        text_add(&header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", header.length ? "," : "{", name,
                 half ? "BF16" : "F32");
        for (int d = 0; d < w->dims; d++)
            text_add(&header, "%s%lld", d ? "," : "", (long long)w->shape[d]);
        text_add(&header, "],\"data_offsets\":[%zu,%zu]}", begin, data.length);
    }
    text_add(&header, "}");
    for (int i = 0; i < 8; i++) {
        char byte = (char)(header.length >> (8 * i));
        text_add_bytes(&file, &byte, 1);
    }
    text_add_bytes(&file, header.text, header.length);
    text_add_bytes(&file, data.text, data.length);
    assert_true(file_write(path, file.text, file.length, &error));
    text_free(&header);
    text_free(&data);
    text_free(&file);
    arena_free(&arena);
    weights_close(weights);
}

static void rewrite(const char *path, const char *(*rename)(const char *name, struct arena *arena), bool half)
{
    char *from = mem_format("%s/model.safetensors", tiny("layer"));

    rewrite_file(from, path, rename, half);
    free(from);
}

static const char *same(const char *name, struct arena *arena)
{
    (void)arena;
    return name;
}

/* Newer weight norm names, no prefix, tensors of pretraining that must be ignored. */
static const char *newer(const char *name, struct arena *arena)
{
    if (strcmp(name, "wav2vec2.masked_spec_embed") == 0)
        return "quantizer.codevectors";
    if (text_starts(name, "wav2vec2."))
        name += strlen("wav2vec2.");
    size_t stem = strlen(name) - strlen("weight_g");
    if (text_ends(name, "weight_g"))
        return arena_format(arena, "%.*sparametrizations.weight.original0", (int)stem, name);
    if (text_ends(name, "weight_v"))
        return arena_format(arena, "%.*sparametrizations.weight.original1", (int)stem, name);
    return name;
}

static const char *first_half(const char *name, struct arena *arena)
{
    (void)arena;
    return strstr(name, "layers.0") ? name : NULL;
}

static const char *second_half(const char *name, struct arena *arena)
{
    (void)arena;
    return strstr(name, "layers.0") ? NULL : name;
}

static const char *without_a_bias(const char *name, struct arena *arena)
{
    (void)arena;
    return strcmp(name, "wav2vec2.encoder.layers.1.final_layer_norm.bias") == 0 ? NULL : name;
}

static const char *swapped(const char *name, struct arena *arena)
{
    (void)arena;
    if (strcmp(name, "wav2vec2.encoder.layer_norm.bias") == 0)
        return "wav2vec2.feature_projection.projection.weight";
    return strcmp(name, "wav2vec2.feature_projection.projection.weight") == 0
               ? "wav2vec2.encoder.layer_norm.bias"
               : name;
}

static void test_pickle_equals_safetensors(void **state)
{
    float a[2 * LABELS], b[2 * LABELS];
    char *path = start_directory("pickle");

    (void)state;
    copy_file("pytorch_model.bin", path);
    outputs_of(tiny("layer"), a);
    outputs_of(path, b);
    assert_memory_equal(a, b, sizeof a);
}

static void test_other_names(void **state)
{
    float a[2 * LABELS], b[2 * LABELS];
    char *path = start_directory("newer");

    (void)state;
    rewrite(unit_path("newer/model.safetensors"), newer, false);
    outputs_of(tiny("layer"), a);
    outputs_of(path, b);
    assert_memory_equal(a, b, sizeof a);
}

static void write_text(const char *path, const char *text)
{
    struct error error = {0};

    assert_true(file_write(path, text, strlen(text), &error));
}

static void test_shards(void **state)
{
    float a[2 * LABELS], b[2 * LABELS];
    char *path = start_directory("shards");
    struct error error;

    (void)state;
    rewrite(unit_path("shards/one.safetensors"), first_half, false);
    rewrite(unit_path("shards/two.safetensors"), second_half, false);
    write_text(unit_path("shards/model.safetensors.index.json"),
               "{\"weight_map\": {\"classifier.dense.bias\": \"two.safetensors\","
               "\"wav2vec2.encoder.layers.0.layer_norm.bias\": \"one.safetensors\"}}");
    outputs_of(tiny("layer"), a);
    outputs_of(path, b);
    assert_memory_equal(a, b, sizeof a);
    write_text(unit_path("shards/model.safetensors.index.json"),
               "{\"weight_map\": {\"x\": \"../one.safetensors\"}}");
    assert_error(open_model(path, NULL, &error), error, "is not a plain file name");
    write_text(unit_path("shards/model.safetensors.index.json"),
               "{\"weight_map\": {\"x\": \"one.safetensors\"}}");
    assert_error(open_model(path, NULL, &error), error, "\"x\" is not in its shard");
}

static void test_bfloat16_weights(void **state)
{
    float a[2 * LABELS], b[2 * LABELS];
    char *path = start_directory("half");

    (void)state;
    rewrite(unit_path("half/model.safetensors"), same, true);
    outputs_of(tiny("layer"), a);
    outputs_of(path, b);
    for (int i = 0; i < 2 * LABELS; i++)
        assert_float_equal(a[i], b[i], 0.02f);
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_bad_weights(void **state)
{
    char *path = start_directory("bad"), *file = unit_path("bad/model.safetensors");
    struct error error = {0};
    size_t size;

    (void)state;
    assert_error(open_model(path, NULL, &error), error, "no weights: neither");
    rewrite(file, without_a_bias, false);
    assert_error(open_model(path, NULL, &error), error,
                 "lack \"wav2vec2.encoder.layers.1.final_layer_norm.bias\"");
    rewrite(file, swapped, false);
    assert_error(open_model(path, NULL, &error), error, "where config.json asks for");
    rewrite(file, same, false);
    error = (struct error){0};
    char *bytes = file_read(file, &size, &error);
    assert_true(file_write(file, bytes, size - 100, &error));
    assert_error(open_model(path, NULL, &error), error, "cut short");
    write_text(file, "short");
    assert_error(open_model(path, NULL, &error), error, "not a safetensors file");
    free(bytes);
    assert_error(open_model(unit_path("nothing"), NULL, &error), error, "model.pretrained: no");
    assert_error(open_model(unit_scratch(), NULL, &error), error, "no config.json");
}

/* A zip archive with a pickle of our making. */
static void write_pickle(const char *path, const char *pickle, size_t size)
{
    int code;
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    zip_int64_t index =
        zip_file_add(archive, "archive/data.pkl", zip_source_buffer(archive, pickle, size, 0), 0);

    zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0);
    assert_int_equal(zip_close(archive), 0);
}

#define PICKLE(text, message)                                                                                \
    {                                                                                                        \
        text, sizeof(text) - 1, message                                                                      \
    }

static void test_bad_pickles(void **state)
{
    static const struct {
        const char *pickle;
        size_t size;
        const char *message;
    } cases[] = {
        PICKLE("\x80\x02"
               "cos\nsystem\nX\x02\0\0\0lsR.",
               "asks for os.system: only tensors are read"),
        PICKLE("\x80\x02"
               "cbuiltins\neval\n.",
               "asks for builtins.eval"),
        PICKLE("\x80\x02}", "ends without STOP"),
        PICKLE("\x80\x02K\x01.", "no dictionary of tensors"),
        PICKLE("\x80\x02X\xff\xff\xff\x7f"
               "a.",
               "ends too early"),
        PICKLE("\x80\x02i.", "opcode 0x69"),
        PICKLE("\x80\x02h\x05.", "nothing in that memo"),
        PICKLE("\x80\x02R.", "stack is empty"),
        PICKLE("\x80\x02u.", "no mark"),
    };
    char *path = start_directory("pickles"), *file = unit_path("pickles/pytorch_model.bin");
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_pickle(file, cases[i].pickle, cases[i].size);
        assert_error(open_model(path, NULL, &error), error, cases[i].message);
    }
    write_text(file, "no zip");
    assert_error(open_model(path, NULL, &error), error, "not a zip archive");
}

/* ---- labels, saving, freezing, training ---- */

static void test_other_labels_start_anew(void **state)
{
    struct error error = {0};
    struct settings settings = *settings_default();
    struct strings labels = {0};
    struct model_source source = {
        .path = tiny("layer"), .settings = &settings, .labels = &labels, .device = ET_CPU};

    (void)state;
    for (int k = 0; k < LABELS; k++)
        strings_add(&labels, ((const char *[]){"a", "b", "c", "d", "e", "f", "g", "h"})[k]);
    struct model *model = model_open(&source, &error); /* as many labels, but other ones */
    assert_good(model, error);
    assert_true(
        model->parameters.items[parameters_index(&model->parameters, "classifier.dense.weight")].loaded);
    assert_false(
        model->parameters.items[parameters_index(&model->parameters, "classifier.out_proj.weight")].loaded);
    model_close(model);
    strings_free(&labels);
}

static void test_saved_model_answers_the_same(void **state)
{
    float a[2 * LABELS], b[2 * LABELS];
    struct error error;
    struct settings settings = *settings_default();

    (void)state;
    settings.model.pooling = "attentive_statistics";
    settings.model.layer = "weighted";
    struct model *model = open_model(tiny("group"), &settings, &error);
    assert_good(model, error);
    assert_true(folder_make(unit_path("saved"), &error));
    assert_good(model_save(model, unit_path("saved"), &error), error);
    const int64_t lengths[2] = {2000, 3000};
    struct batch batch = make_batch(lengths, 2, 3000, 0);
    batch_outputs(model, &batch, false, a);
    free_batch(&batch);
    model_close(model);
    outputs_of(unit_path("saved"), b); /* pooling and layers come from its config.json */
    assert_memory_equal(a, b, sizeof a);
}

static void test_freeze(void **state)
{
    static const struct {
        const char *freeze, *frozen, *trained;
    } cases[] = {
        {"none", NULL, "wav2vec2.feature_extractor.conv_layers.0.conv.weight"},
        {"feature_encoder", "wav2vec2.feature_extractor.conv_layers.6.conv.bias",
         "wav2vec2.masked_spec_embed"},
        {"layers:2", "wav2vec2.encoder.layers.1.final_layer_norm.bias",
         "wav2vec2.encoder.layers.2.layer_norm.bias"},
        {"layers:2", "wav2vec2.feature_projection.projection.bias", "wav2vec2.encoder.layer_norm.weight"},
        {"encoder", "wav2vec2.encoder.layer_norm.weight", "classifier.dense.bias"},
    };
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings settings = *settings_default();
        settings.model.freeze = cases[i].freeze;
        struct model *model = open_model(tiny("layer"), &settings, &error);
        assert_good(model, error);
        const struct parameters *p = &model->parameters;
        assert_true(p->items[parameters_index(p, cases[i].trained)].trainable);
        if (cases[i].frozen)
            assert_false(et_requires_grad(p->items[parameters_index(p, cases[i].frozen)].tensor));
        model_close(model);
    }
    struct settings settings = *settings_default();
    settings.model.freeze = "layers:9";
    assert_error(open_model(tiny("layer"), &settings, &error), error, "N from 1 to 3");
}

/* Low-rank adapters: begin at no change, are all that is trained of the encoder, and are saved merged in. */
static void test_adapters(void **state)
{
    float plain[2 * LABELS], adapted[2 * LABELS], saved[2 * LABELS];
    const int64_t lengths[2] = {2000, 3000};
    struct batch batch = make_batch(lengths, 2, 3000, 0);
    struct settings settings = *settings_default();
    struct error error = {0};

    (void)state;
    outputs_of(tiny("layer"), plain);
    settings.model.lora_rank = 3;
    settings.model.lora_targets = "q_proj, v_proj,out_proj";
    struct model *model = open_model(tiny("layer"), &settings, &error);
    assert_good(model, error);
    batch_outputs(model, &batch, false, adapted);
    for (int k = 0; k < 2 * LABELS; k++)
        assert_float_equal(adapted[k], plain[k], 1e-6f);

    struct et_scope *scope = et_scope_open(NULL);
    size_t adapters = 0, changed = 0;
    for (size_t i = 0; i < model->parameters.count; i++) {
        const struct parameter *p = &model->parameters.items[i];
        bool adapter = strstr(p->name, ".lora_") != NULL;
        assert_int_equal(p->trainable, adapter || strncmp(p->name, "wav2vec2.", 9) != 0);
        assert_int_equal(model_saves_as_is(model, i), !adapter &&
                                                          !strstr(p->name, "attention.q_proj.weight") &&
                                                          !strstr(p->name, "attention.v_proj.weight") &&
                                                          !strstr(p->name, "attention.out_proj.weight"));
        adapters += adapter;
        if (adapter)
            et_normal_(scope, p->tensor, 0, 0.3);
    }
    assert_int_equal(adapters, 3 * 2 * 3); /* layers, down and up, targets */
    assert_good(et_scope_close(scope, &error), error);
    batch_outputs(model, &batch, false, adapted);
    for (int k = 0; k < 2 * LABELS; k++)
        changed += fabsf(adapted[k] - plain[k]) > 1e-3f;
    assert_true(changed > 0);
    assert_true(folder_make(unit_path("merged"), &error));
    assert_good(model_save(model, unit_path("merged"), &error), error);
    model_close(model);
    model = open_model(unit_path("merged"), NULL, &error);
    assert_good(model, error);
    assert_int_equal(
        parameters_index(&model->parameters, "wav2vec2.encoder.layers.0.attention.q_proj.lora_A.weight"),
        model->parameters.count);
    batch_outputs(model, &batch, false, saved);
    for (int k = 0; k < 2 * LABELS; k++)
        assert_float_equal(saved[k], adapted[k], 1e-5f);
    model_close(model);

    settings.model.lora_targets = "q_proj,k";
    assert_error(open_model(tiny("layer"), &settings, &error), error, "\"k\" is none of q_proj");
    settings.model.lora_targets = "";
    assert_error(open_model(tiny("layer"), &settings, &error), error, "name one of");
    free_batch(&batch);
}

/* One training pass with everything random on; returns the gradients' norm, and the loss. */
static double train_step_once(const char *norm, bool checkpointing, const char *freeze, uint64_t seed,
                              double *loss)
{
    const int64_t lengths[3] = {9000, 12000, 7000}, shape[1] = {3};
    struct forward_mode mode = {.training = true, .seed = seed};
    struct settings settings = *settings_default();
    struct error error;

    double *const on[] = {&settings.model.hidden_dropout,    &settings.model.activation_dropout,
                          &settings.model.attention_dropout, &settings.model.feat_proj_dropout,
                          &settings.model.final_dropout,     &settings.model.layerdrop};
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++)
        *on[i] = 0.2;
    settings.model.apply_spec_augment = TRI_YES;
    settings.model.mask_time_prob = 0.3;
    settings.model.mask_time_length = 3;
    settings.model.mask_feature_prob = 0.2;
    settings.model.mask_feature_length = 4;
    settings.model.gradient_checkpointing = checkpointing;
    settings.model.pooling = "attentive_statistics";
    settings.model.layer = "weighted";
    settings.model.freeze = freeze;
    struct model *model = open_model(tiny(norm), &settings, &error);
    assert_good(model, error);
    struct et_scope *scope = et_scope_open(NULL);
    struct batch batch = make_batch(lengths, 3, 12000, 0);
    struct et_tensor *targets = et_from_data(scope, batch.labels, ET_INT64, shape, 1, ET_CPU);
    struct et_tensor *sum =
        et_cross_entropy_sum(scope, model_forward(model, scope, &batch, &mode), targets, NULL, 0);
    et_backward(scope, sum);
    *loss = et_item(scope, sum);
    struct et_tensor **tensors = mem_zero(model->parameters.count, sizeof(struct et_tensor *));
    for (size_t i = 0; i < model->parameters.count; i++)
        tensors[i] = model->parameters.items[i].tensor;
    double result = et_grad_norm(scope, tensors, model->parameters.count);
    size_t learned[] = {parameters_index(&model->parameters, "layer_weights"),
                        parameters_index(&model->parameters, "pooling.score.weight"),
                        parameters_index(&model->parameters, "pooling.hidden.weight")};
    for (size_t i = 0; i < 3; i++)
        assert_true(et_grad_norm(scope, &tensors[learned[i]], 1) > 0);
    assert_good(et_scope_close(scope, &error), error);
    free(tensors);
    free_batch(&batch);
    model_close(model);
    return result;
}

static void test_training_pass_is_a_function_of_its_seed(void **state)
{
    static const char *const norms[] = {"layer", "group"}, *const freezes[] = {"none", "feature_encoder",
                                                                               "layers:1", "encoder"};
    double loss, other, again;

    (void)state;
    for (int n = 0; n < 2; n++) {
        for (int f = 0; f < 4; f++) {
            double plain = train_step_once(norms[n], false, freezes[f], 5, &loss);
            assert_true(isfinite(plain) && plain > 0);
            assert_true(train_step_once(norms[n], false, freezes[f], 5, &again) == plain && loss == again);
            train_step_once(norms[n], false, freezes[f], 6, &other);
            assert_true(loss != other);
            double checkpointed = train_step_once(norms[n], true, freezes[f], 5, &other);
            assert_true(loss == other); /* gradient checkpointing draws and computes the same */
            assert_true(fabs(checkpointed - plain) <= 1e-6 * plain);
        }
    }
}

static void test_spec_augment(void **state)
{
    enum { ROWS = 200, WIDTH = 100 };
    static bool mask[ROWS * WIDTH];
    int64_t lengths[ROWS];
    const struct mask_settings settings = {0.2, 10, 2};
    struct random_stream stream = random_stream(3, RANDOM_MASK, 0);
    int64_t masked = 0;

    (void)state;
    for (int r = 0; r < ROWS; r++)
        lengths[r] = r < 100 ? 100 : r < 150 ? 60 : r < 175 ? 12 : 9;
    spec_augment_mask(mask, ROWS, WIDTH, lengths, &settings, &stream);
    for (int r = 0; r < ROWS; r++) {
        int64_t count = 0;
        for (int t = 0; t < WIDTH; t++) {
            count += mask[r * WIDTH + t];
            assert_false(mask[r * WIDTH + t] && t >= lengths[r]);
        }
        if (lengths[r] == 12)
            assert_int_equal(count, 10); /* room for one span */
        if (lengths[r] == 9)
            assert_int_equal(count, 0); /* shorter than a span */
        if (lengths[r] >= 60)
            assert_in_range(count, 10, 30);
        masked += r < 100 ? count : 0;
    }
    assert_in_range(masked, 100 * 15, 100 * 20); /* two spans of ten of a hundred, some overlapping */
}

/* ---- published models ---- */

static char *published(const char *name)
{
    static struct arena arena;

    return arena_format(&arena, "%s/golden/encoders/%s/model", EMOTRAIN_TESTS, name);
}

/* Adapters on all linear layers, of families that have one feed-forward network in a layer, or two. */
static void test_adapters_of_families(void **state)
{
    static const struct {
        const char *name;
        size_t adapters; /* of a layer */
    } cases[] = {{"wav2vec2_layer", 6},
                 {"wavlm_layer", 6},
                 {"wav2vec2_conformer_rotary", 8},
                 {"wav2vec2_bert_key", 8},
                 {"whisper_80", 6}};
    const int64_t lengths[2] = {6000, 9000};
    struct batch batch = make_batch(lengths, 2, 9000, 0);
    struct error error = {0};

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        float before[64], adapted[64], saved[64];
        struct settings settings = *settings_default();
        settings.model.lora_rank = 2;
        settings.model.lora_targets = "q_proj,k_proj,v_proj,out_proj,intermediate_dense,output_dense";
        struct model *model = open_model(published(cases[c].name), &settings, &error);
        assert_good(model, error);
        size_t outputs = 2 * model->labels.count, adapters = 0, changed = 0;
        int64_t layers = cJSON_GetObjectItem(model->json, "encoder_layers")
                             ? (int64_t)cJSON_GetObjectItem(model->json, "encoder_layers")->valuedouble
                             : (int64_t)cJSON_GetObjectItem(model->json, "num_hidden_layers")->valuedouble;
        assert_true(outputs <= 64);
        batch_outputs(model, &batch, false, before);
        struct et_scope *scope = et_scope_open(NULL);
        for (size_t i = 0; i < model->parameters.count; i++)
            if (strstr(model->parameters.items[i].name, ".lora_")) {
                adapters++;
                et_normal_(scope, model->parameters.items[i].tensor, 0, 0.3);
            }
        assert_good(et_scope_close(scope, &error), error);
        assert_int_equal(adapters, (size_t)layers * 2 * cases[c].adapters);
        batch_outputs(model, &batch, false, adapted);
        for (size_t k = 0; k < outputs; k++)
            changed += fabsf(adapted[k] - before[k]) > 1e-3f;
        assert_true(changed > 0);
        char *merged = unit_path(cases[c].name);
        assert_true(folder_make(merged, &error));
        assert_good(model_save(model, merged, &error), error);
        model_close(model);
        model = open_model(merged, NULL, &error);
        assert_good(model, error);
        batch_outputs(model, &batch, false, saved);
        for (size_t k = 0; k < outputs; k++)
            assert_float_equal(saved[k], adapted[k], 2e-5f * (1 + fabsf(adapted[k])));
        model_close(model);
    }
    free_batch(&batch);
}

/* A copy of a published model, its weights renamed, its config.json with one text in place of another. */
static char *changed_model(const char *name, const char *from,
                           const char *(*rename)(const char *, struct arena *), const char *old,
                           const char *new)
{
    static const char *const files[] = {"config.json", "preprocessor_config.json"};
    char *path = unit_path(name);
    struct error error = {0};

    assert_true(folder_make(path, &error));
    for (int i = 0; i < 2; i++) {
        char *source = path_join(published(from), files[i]), *target = path_join(path, files[i]);
        size_t size;
        char *text = file_read(source, &size, &error);
        char *at = i == 0 && old ? strstr(text, old) : NULL;
        char *changed = at ? mem_format("%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) : NULL;
        assert_true(!old || i > 0 || changed);
        write_text(target, changed ? changed : text);
        free(changed);
        free(text);
        free(source);
        free(target);
    }
    char *weights = path_join(published(from), "model.safetensors");
    char *target = path_join(path, "model.safetensors");
    rewrite_file(weights, target, rename, false);
    free(weights);
    free(target);
    return path;
}

static const char *without_classifier(const char *name, struct arena *arena)
{
    (void)arena;
    return strcmp(name, "classifier.weight") == 0 ? NULL : name;
}

static const char *without_projector_bias(const char *name, struct arena *arena)
{
    (void)arena;
    return strcmp(name, "projector.bias") == 0 ? NULL : name;
}

static const char *another_head(const char *name, struct arena *arena)
{
    return text_starts(name, "projector.") ? arena_format(arena, "classifier.%s", name) : name;
}

static const char *with_more(const char *name, struct arena *arena)
{
    (void)arena;
    return strcmp(name, "unispeech_sat.masked_spec_embed") == 0 ? "gate.weight" : name;
}

static const char *of_ehcalabres(const char *name, struct arena *arena)
{
    if (text_starts(name, "projector."))
        return arena_format(arena, "classifier.dense.%s", name + strlen("projector."));
    return text_starts(name, "classifier.") ? arena_format(arena, "classifier.output.%s", name + 11) : name;
}

static const char *under_model(const char *name, struct arena *arena)
{
    return text_starts(name, "encoder.") ? arena_format(arena, "model.%s", name) : name;
}

/* What emotrain wrote into config.json, and somebody changed. */
static void test_changed_entries(void **state)
{
    static const char *const cases[][2] = {
        {"\"emotrain_temperature\": null", "\"emotrain_temperature\" is null"},
        {"\"emotrain_temperature\": 1e308", "\"emotrain_temperature\" must be a number from 0.001 to 1000"},
        {"\"emotrain_temperature\": 1e-308", "\"emotrain_temperature\" must be a number from 0.001 to 1000"},
        {"\"emotrain_temperature\": \"x\"", "\"emotrain_temperature\" must be a number"},
        {"\"emotrain_coverage\": \"x\"", "\"emotrain_coverage\" must be up to"},
        {"\"emotrain_coverage\": {}", "\"emotrain_coverage\" must be up to"},
        {"\"emotrain_coverage\": [[1]]", "\"emotrain_coverage\" must be up to"},
        {"\"emotrain_coverage\": [[0, 0.1, 1]]", "\"emotrain_coverage\" must be up to"},
        {"\"emotrain_coverage\": [[1, 0.1, 2]]", "\"emotrain_coverage\" must be up to"},
        {"\"problem_type\": \"multi_label_classification\", \"emotrain_thresholds\": [0.5]",
         "\"emotrain_thresholds\" must be 3 numbers"},
        {"\"problem_type\": \"multi_label_classification\", \"emotrain_thresholds\": [0.5, 0.5, \"x\"]",
         "\"emotrain_thresholds\" must be 3 numbers"},
        {"\"problem_type\": \"multi_label_classification\", \"emotrain_thresholds\": [0.5, 0.5, 7]",
         "\"emotrain_thresholds\" must be 3 numbers from 0 to 1"},
        {"\"problem_type\": \"regression\", \"emotrain_target_means\": 1",
         "\"emotrain_target_means\" must be 3 numbers"},
        {"\"problem_type\": \"regression\", \"emotrain_target_deviations\": [1, -1, 1]",
         "\"emotrain_target_deviations\" must be 3 numbers"},
        {"\"emotrain_layers\": \"99\"", "\"emotrain_layers\" is \"99\"; the encoder has layers 0 to"},
        {"\"emotrain_layers\": \"1,1,1\"", "\"emotrain_layers\" is \"1,1,1\""},
        {"\"emotrain_layers\": \"\"", "\"emotrain_layers\" is \"\""},
        {"\"pooling_mode\": \"zap\"", "\"pooling_mode\" is \"zap\", which is no pooling"},
        {"\"emotrain_pooling_padding\": \"xx\"",
         "\"emotrain_pooling_padding\" must be include or exclude, not \"xx\""},
        {"\"emotrain_attention_mask\": \"xx\"",
         "\"emotrain_attention_mask\" must be auto, yes or no, not \"xx\""},
        {"\"emotrain_attention_mask\": null", "\"emotrain_attention_mask\" is null"},
        {"\"emotrain_head_scale\": \"xx\"", "\"emotrain_head_scale\" must be none or standard, not \"xx\""},
        {"\"emotrain_head\": \"xx\"", "no head that is known: xx"},
        {"\"layer_norm_eps\": 1e300", "\"layer_norm_eps\" must be between 0 and 1"},
        {"\"conv_stride\": [2.5]", "\"conv_stride\" must hold as many positive whole numbers"}};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[32], *text = mem_format("{%s}", cases[i][0]);
        snprintf(name, sizeof name, "entry%zu", i);
        char *path = changed_model(name, "hubert_layer", same, NULL, NULL),
             *file = path_join(path, "config.json");
        error = (struct error){0};
        cJSON *config = json_read(file, &error), *entry = json_parse(text, strlen(text), "the case", &error);
        assert_good(config && entry, error);
        while (entry->child) {
            char *key = mem_string(entry->child->string);
            json_put(config, key, cJSON_DetachItemFromObjectCaseSensitive(entry, key));
            free(key);
        }
        assert_good(json_write(file, config, &error), error);
        cJSON_Delete(config);
        cJSON_Delete(entry);
        free(file);
        struct model *model = open_model(path, NULL, &error);
        if (model || !strstr(error.message, cases[i][1]))
            fail_msg("%s: \"%s\", not \"%s\"", cases[i][0], model ? "opened" : error.message, cases[i][1]);
        if (!strstr(error.message, path))
            fail_msg("%s: \"%s\" names no file", cases[i][0], error.message);
        free(text);
    }
}

/* A head that is not whole, or not known, must not predict. */
static void test_no_prediction_by_chance(void **state)
{
    static const struct {
        const char *(*rename)(const char *, struct arena *);
        const char *old, *new, *message;
    } cases[] = {
        {without_classifier, NULL, NULL, "no head that is known among its weights"},
        {without_projector_bias, NULL, NULL, "its weights lack \"projector.bias\""},
        {another_head, NULL, NULL, "no head that is known among its weights"},
        {with_more, NULL, NULL, "\"gate.weight\" among its weights is no part of a head that is known"},
        {same, "\"2\": \"sad\"", "\"2\": \"sad\", \"3\": \"shy\"",
         "has 3 rows, one for each label, but config.json's \"id2label\" names 4"},
        {same, "\"0\": \"angry\"", "\"0\": \"LABEL_0\"", "\"id2label\" names no labels"},
        {same, "\"intermediate_size\": 32", "\"intermediate_size\": 250000", "config.json asks for"},
        {same, "\"intermediate_size\": 32", "\"intermediate_size\": 32, \"intermediate_size\": 64",
         "\"intermediate_size\" stands twice in one object"},
        {same, "\"classifier_proj_size\": 12", "\"classifier_proj_size\": 8",
         "has the shape [3, 12] where config.json asks for [3, 8]"}};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[32];
        snprintf(name, sizeof name, "chance%zu", i);
        const char *from = cases[i].rename == with_more ? "unispeech_sat_layer" : "hubert_layer";
        char *path = changed_model(name, from, cases[i].rename, cases[i].old, cases[i].new);
        struct model *model = open_model(path, NULL, &error);
        if (model || !strstr(error.message, cases[i].message))
            fail_msg("case %zu: \"%s\", not \"%s\"", i, error.message, cases[i].message);
    }
}

/* But a training begins with a new head whatever the checkpoint has. */
static void test_training_begins_anew(void **state)
{
    struct settings settings = *settings_default();
    char *path = changed_model("anew", "hubert_layer", without_classifier, NULL, NULL);
    struct error error;
    struct model *model = open_model(path, &settings, &error);

    (void)state;
    assert_good(model, error);
    for (size_t i = 0; i < model->parameters.count; i++) {
        const struct parameter *p = &model->parameters.items[i];
        assert_int_equal(p->loaded, text_starts(p->name, "hubert.") && !strstr(p->name, "masked_spec_embed"));
    }
    model_close(model);
}

static void test_other_heads_are_found(void **state)
{
    struct error error;
    struct model *model =
        open_model(changed_model("relu", "hubert_layer", of_ehcalabres, NULL, NULL), NULL, &error);

    (void)state;
    assert_good(model, error);
    assert_string_equal(cJSON_GetObjectItem(model->json, "emotrain_head")->valuestring, "relu");
    model_close(model);
    model = open_model(changed_model("prefixed", "whisper_80", under_model, NULL, NULL), NULL, &error);
    assert_good(model, error);
    model_close(model);
}

/* Labels that FunASR marks as not to be used get no probability. */
static void test_unused_labels(void **state)
{
    static const char *const files[] = {"config.yaml", "model.pt"};
    char *path = unit_path("unused");
    struct error error = {0};

    (void)state;
    assert_true(folder_make(path, &error));
    for (int i = 0; i < 2; i++) {
        size_t size;
        char *source = path_join(published("emotion2vec_plus"), files[i]),
             *target = path_join(path, files[i]);
        char *bytes = file_read(source, &size, &error);
        assert_true(file_write(target, bytes, size, &error));
        free(bytes);
        free(source);
        free(target);
    }
    write_text(
        unit_path("unused/tokens.txt"),
        "\xe7\x94\x9f\xe6\xb0\x94/angry\nunuse_0\nunuse_1\nhappy\nneutral\nunuse_2\nsad\nunuse_3\n<unk>\n");
    struct model *model = open_model(path, NULL, &error);
    assert_good(model, error);
    assert_string_equal(model->labels.items[0], "angry");
    assert_string_equal(model->labels.items[8], "unknown");
    const int64_t length = 4000;
    struct batch batch = make_batch(&length, 1, 4000, 0);
    struct et_scope *scope = et_scope_open(NULL);
    const struct forward_mode mode = {.training = false};
    float outputs[9], sum = 0;
    et_read(scope, model_forward(model, scope, &batch, &mode), outputs, 9);
    assert_true(et_scope_close(scope, &error));
    model_probabilities(model, outputs, 1);
    for (int k = 0; k < 9; k++) {
        bool unused = text_starts(model->labels.items[k], "unuse");
        assert_true(unused ? outputs[k] == 0 : outputs[k] > 0);
        sum += outputs[k];
    }
    assert_float_equal(sum, 1, 1e-5f);
    free_batch(&batch);
    model_close(model);
}

/* Messages name every family that there is. */
static void test_families_are_listed(void **state)
{
    const char *rest = MODEL_ENCODER.model_type;
    int count = 0;

    (void)state;
    for (char *name; (name = list_next(&rest, ',')); free(name), count++)
        if (!encoder_family_find(name))
            fail_msg("there is no family %s", name);
    assert_int_equal(count, encoder_family_count());
}

static void test_unsupported_configurations(void **state)
{
    static const char *const cases[][2] = {
        {"{\"model_type\": \"bert\"}", "\"model_type\" is \"bert\"; encoders are wav2vec2, hubert, wavlm"},
        {"{\"hidden_act\": \"relu\"}", "\"hidden_act\" must be \"gelu\", not \"relu\""},
        {"{\"add_adapter\": true}", "\"add_adapter\" is not supported"},
        {"{\"model_type\": \"hubert\", \"conv_pos_batch_norm\": true}", "\"conv_pos_batch_norm\" is not"},
        {"{\"model_type\": \"whisper\", \"d_model\": 0}", "\"d_model\" must be from 1"},
        {"{\"model_type\": \"wavlm\", \"num_buckets\": 2}", "\"num_buckets\" must be at least 4"},
        {"{\"model_type\": \"wav2vec2-bert\", \"conv_depthwise_kernel_size\": 4}", "must be odd, not 4"},
        {"{\"hidden_size\": 10, \"num_attention_heads\": 3}", "no multiple"},
        {"{\"hidden_size\": -4}", "\"hidden_size\" must be from 1"},
        {"{\"hidden_size\": \"big\"}", "\"hidden_size\" must be a whole number"},
        {"{\"conv_dim\": [8, 8], \"conv_kernel\": [3]}", "as many numbers as \"conv_dim\""},
        {"{\"conv_dim\": [8, 8], \"conv_kernel\": [3, 3], \"conv_stride\": [2, 900]}",
         "in layer 1 (900 is above 3)"},
        {"{\"feat_extract_norm\": \"batch\"}", "\"group\" or \"layer\""},
        {"not json", "not valid JSON"},
    };
    struct strings labels = {0};
    struct settings settings = *settings_default();
    struct model_source source = {
        .path = unit_path("only.json"), .settings = &settings, .labels = &labels, .device = ET_CPU};
    struct error error;

    (void)state;
    strings_add(&labels, "a");
    strings_add(&labels, "b");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_text(source.path, cases[i][0]);
        assert_error(model_open(&source, &error), error, cases[i][1]);
    }
    settings.model.pooling = "median";
    write_text(source.path, "{}");
    assert_error(model_open(&source, &error), error, "there is mean, sum, max, first, last");
    strings_free(&labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_padding_changes_no_answer),
        cmocka_unit_test(test_pooling_values),
        cmocka_unit_test(test_too_short_a_clip),
        cmocka_unit_test(test_pickle_equals_safetensors),
        cmocka_unit_test(test_other_names),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_bfloat16_weights),
        cmocka_unit_test(test_bad_weights),
        cmocka_unit_test(test_bad_pickles),
        cmocka_unit_test(test_other_labels_start_anew),
        cmocka_unit_test(test_saved_model_answers_the_same),
        cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_adapters),
        cmocka_unit_test(test_adapters_of_families),
        cmocka_unit_test(test_training_pass_is_a_function_of_its_seed),
        cmocka_unit_test(test_spec_augment),
        cmocka_unit_test(test_no_prediction_by_chance),
        cmocka_unit_test(test_changed_entries),
        cmocka_unit_test(test_training_begins_anew),
        cmocka_unit_test(test_other_heads_are_found),
        cmocka_unit_test(test_unused_labels),
        cmocka_unit_test(test_families_are_listed),
        cmocka_unit_test(test_unsupported_configurations),
    };

    log_quiet(true);
    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
