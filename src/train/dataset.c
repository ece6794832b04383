/* Clips of a part as batches: see dataset.h. */
#include "train/dataset.h"

#include "audio/egemaps/egemaps.h"
#include "base/random.h"
#include "config/config.h"
#include "corpus/vote_shares.h"
#include "train/feature_cache.h"
#include "train/layer_features.h"
#include "train/speaker_scale.h"

#include <stdlib.h>
#include <string.h>

/* ---- clips ---- */

/* How long clips of a part are taken in, seconds; 0: whole. */
static double longest_of(const struct audio_settings *settings, enum part part)
{
    double most = settings->max_seconds, crop = part == PART_TRAIN ? settings->crop_seconds : 0;

    return crop > 0 && (most == 0 || crop < most) ? crop : most;
}

/* Whether targets are the annotators' votes. */
static bool learns_votes(const struct dataset *dataset)
{
    return strcmp(dataset->source.settings->train.loss, "kl") == 0;
}

static void fill_shares(struct dataset *dataset, struct dataset_item *item)
{
    double *shares = arena_zero(&dataset->arena, dataset->source.labels->count, sizeof *shares);

    if (votes_shares(item->clip->votes, dataset->source.labels, shares))
        item->shares = shares;
}

static bool fill_item(struct dataset *dataset, struct dataset_item *item, const struct clip *clip,
                      double longest, struct error *error)
{
    const struct strings *labels = dataset->source.labels;

    *item =
        (struct dataset_item){.clip = clip,
                              .seconds = longest > 0 && clip->duration > longest ? longest : clip->duration,
                              .label = -1};
    if (dataset->task == SINGLE_LABEL) {
        item->label = strings_index(labels, clip->label);
        if (learns_votes(dataset))
            fill_shares(dataset, item);
        return true;
    }
    item->targets = arena_zero(&dataset->arena, labels->count, sizeof *item->targets);
    return target_parse(dataset->task, (const char *const *)labels->items, labels->count, clip->label,
                        item->targets, error) ||
           error_prefix(error, "%s", clip->path);
}

bool dataset_start(struct dataset *dataset, const struct dataset_source *source, enum part part,
                   struct error *error)
{
    bool done = true;

    *dataset = (struct dataset){
        .source = *source, .task = source->settings->model.task, .count = source->split->counts[part]};
    dataset->items = mem_zero(dataset->count, sizeof *dataset->items);
    for (size_t i = 0; done && i < dataset->count; i++)
        done = fill_item(dataset, &dataset->items[i], &source->clips->clips[source->split->clips[part][i]],
                         longest_of(&source->settings->audio, part), error);
    return done;
}

void dataset_add_distortion(struct dataset *dataset, struct distortion *distortion, double probability)
{
    dataset->distortions =
        mem_resize(dataset->distortions, dataset->distortion_count + 1, sizeof(struct distortion *));
    dataset->distortions[dataset->distortion_count++] = distortion;
    dataset->distortion_probability = probability;
}

bool dataset_distort(struct dataset *dataset, const char *words, double probability, struct error *error)
{
    for (char *word; !error->kind && (word = list_next(&words, ' ')); free(word)) {
        struct distortion *distortion = distortion_open(word, dataset->source.cache, error);
        if (distortion)
            dataset_add_distortion(dataset, distortion, probability);
    }
    return !error->kind;
}

void dataset_free(struct dataset *dataset)
{
    for (size_t i = 0; i < dataset->distortion_count; i++)
        distortion_close(dataset->distortions[i]);
    free(dataset->distortions);
    free(dataset->items);
    strings_free(&dataset->auxiliary);
    arena_free(&dataset->arena);
    *dataset = (struct dataset){0};
}

struct features *dataset_features(const struct linear_settings *settings, struct error *error)
{
    return strcmp(settings->features, "egemaps") == 0 || strcmp(settings->features, "encoder") == 0
               ? NULL
               : features_open(settings->features, error);
}

void dataset_learn_scale(const struct dataset *dataset, struct model *model)
{
    if (model->task != REGRESSION)
        return;
    const double **targets = mem_zero(dataset->count, sizeof *targets);
    for (size_t i = 0; i < dataset->count; i++)
        targets[i] = dataset->items[i].targets;
    model_learn_scale(model, targets, dataset->count);
    free(targets);
}

/* ---- batches ---- */

static void pad_signals(struct batch *batch, const struct signal *signals, size_t count,
                        const struct model *model)
{
    batch->width = model->minimum_samples;
    batch->lengths = mem_zero(count, sizeof *batch->lengths);
    for (size_t i = 0; i < count; i++) {
        int64_t length = (int64_t)signals[i].count;
        batch->lengths[i] = length > model->minimum_samples ? length : model->minimum_samples;
        batch->width = batch->lengths[i] > batch->width ? batch->lengths[i] : batch->width;
    }
    batch->samples = mem_zero(count, (size_t)batch->width * sizeof *batch->samples);
    for (size_t i = 0; i < count; i++)
        memcpy(batch->samples + i * (size_t)batch->width, signals[i].samples,
               signals[i].count * sizeof *batch->samples);
}

/* The features at hand must be those that the model was trained on, in their order. */
static bool check_features(const struct model *model, const char *const *names, size_t count,
                           struct error *error)
{
    if (model->features.count != count)
        return error_set(error, "%s: takes in %zu features, here are %zu", model->path, model->features.count,
                         count);
    for (size_t k = 0; k < count; k++)
        if (strcmp(model->features.items[k], names[k]) != 0)
            return error_set(error, "%s: its feature %zu is \"%s\", here it is \"%s\"", model->path, k + 1,
                             model->features.items[k], names[k]);
    return true;
}

/* A batch of as many clips for each member of an ensemble, to be filled. */
static void start_members(struct batch *batch, size_t count, const struct model *model)
{
    *batch = (struct batch){.count = (int64_t)count, .member_count = model->member_count};
    batch->members = mem_zero(model->member_count, sizeof *batch->members);
}

/* The signals as one member of an ensemble takes them in. */
static bool batch_for_member(struct batch *batch, const struct signal *signals, size_t count,
                             const struct model *member, struct error *error)
{
    struct signal *own = mem_zero(count, sizeof *own);

    for (size_t i = 0; i < count; i++) {
        own[i] = signals[i];
        own[i].samples = mem_alloc(signals[i].count * sizeof *own[i].samples);
        memcpy(own[i].samples, signals[i].samples, signals[i].count * sizeof *own[i].samples);
        signal_prepare(&own[i], 0, member->sound.normalize);
    }
    bool done = batch_of_signals(batch, own, count, member, error);
    for (size_t i = 0; i < count; i++)
        signal_free(&own[i]);
    free(own);
    return done;
}

static bool batch_for_members(struct batch *batch, const struct signal *signals, size_t count,
                              const struct model *model, struct error *error)
{
    bool done = true;

    start_members(batch, count, model);
    for (size_t k = 0; done && k < model->member_count; k++)
        done = batch_for_member(&batch->members[k], signals, count, model->members[k], error);
    return done;
}

bool batch_of_signals(struct batch *batch, const struct signal *signals, size_t count,
                      const struct model *model, struct error *error)
{
    bool done = true;

    *batch = (struct batch){.count = (int64_t)count};
    if (model->kind->input == INPUT_TEXT)
        return error_usage(error, "%s: this model takes texts, not recordings", model->path);
    if (model->members)
        return batch_for_members(batch, signals, count, model, error);
    if (model->kind->input == INPUT_WAVEFORM) {
        pad_signals(batch, signals, count, model);
        return true;
    }
    if (!model_describes_sounds(model, error) || !check_features(model, EGEMAPS_NAMES, EGEMAPS_COUNT, error))
        return false;
    batch->features = mem_zero(count * EGEMAPS_COUNT, sizeof *batch->features);
    for (size_t i = 0; done && i < count; i++)
        done = egemaps(&signals[i], batch->features + i * EGEMAPS_COUNT, error);
    return done;
}

void batch_of_texts(struct batch *batch, const char *const *texts, size_t count)
{
    *batch = (struct batch){.count = (int64_t)count};
    batch->texts = mem_zero(count, sizeof *batch->texts);
    for (size_t i = 0; i < count; i++)
        batch->texts[i] = mem_string(texts[i]);
}

void batch_free(struct batch *batch)
{
    for (int64_t i = 0; batch->texts && i < batch->count; i++)
        free(batch->texts[i]);
    for (size_t k = 0; k < batch->member_count; k++)
        batch_free(&batch->members[k]);
    free(batch->members);
    free(batch->texts);
    free(batch->frozen);
    free(batch->features);
    free(batch->states);
    free(batch->samples);
    free(batch->lengths);
    free(batch->labels);
    free(batch->auxiliary);
    free(batch->shares);
    free(batch->targets);
    *batch = (struct batch){0};
}

/* ---- a dataset's batches ---- */

/* A clip that the model takes in stays one when it is slowed down. */
static void augment_within(const struct augment_settings *augmentation, const struct model *model,
                           struct signal *signal, uint64_t seed, size_t place)
{
    size_t most = (size_t)model->maximum_samples;

    augment_signal(augmentation, signal, seed, place);
    if (most > 0 && signal->count > most)
        signal->count = most;
}

/* Distorts a clip, or does not, at random; in evaluation a clip's random numbers are its own, whatever stands
 * beside it. */
static bool distort(const struct dataset *dataset, const struct clip *clip, bool trains, uint64_t seed,
                    size_t place, struct signal *signal, struct error *error)
{
    uint64_t own = trains ? seed : checksum(clip->path, strlen(clip->path));
    struct random_stream stream = random_stream(own, RANDOM_DISTORTION, trains ? place + 1 : 1);

    if (random_uniform(&stream) >= dataset->distortion_probability)
        return true;
    const struct distortion *one = dataset->distortions[random_below(&stream, dataset->distortion_count)];
    return distortion_apply(one, signal, random_next(&stream), error);
}

/* A clip's samples as the model takes them in: cropped, distorted, normalised. */
static bool load_signal(const struct dataset *dataset, const struct clip *clip, bool trains, bool normalize,
                        uint64_t seed, size_t place, struct signal *signal, struct error *error)
{
    const struct dataset_source *source = &dataset->source;
    const struct audio_settings *settings = &source->settings->audio;
    bool crops = trains && settings->crop_seconds > 0, distorts = dataset->distortion_count > 0;
    char *path = path_join(source->root, clip->path);
    bool done = corpus_signal(source->cache, path, clip->sha256, settings->max_seconds,
                              normalize && !crops && !distorts, signal, error);

    if (done && crops)
        augment_crop(settings->crop_seconds, signal, seed, place);
    if (done && distorts)
        done = distort(dataset, clip, trains, seed, place, signal, error);
    if (done && (crops || distorts))
        signal_prepare(signal, 0, normalize);
    free(path);
    return done;
}

/* What an encoder cannot take in is said here, where the clip has a name. */
static bool check_length(const struct signal *signal, const struct clip *clip, const struct model *model,
                         struct error *error)
{
    size_t most = (size_t)model->maximum_samples;

    return most == 0 || signal->count <= most ||
           error_set(
               error,
               "%s: %.1f s are longer than the %g s that this encoder takes in: set audio.max_seconds=%g",
               clip->path, (double)signal->count / model->sound.sample_rate,
               (double)most / model->sound.sample_rate, (double)most / model->sound.sample_rate);
}

static bool load_signals(const struct dataset *dataset, const size_t *items, size_t count,
                         const struct model *model, const struct augment_settings *augmentation,
                         uint64_t seed, struct batch *batch, struct error *error)
{
    struct signal *signals = mem_zero(count, sizeof *signals);
    bool done = true;

    for (size_t i = 0; done && i < count; i++) {
        done = load_signal(dataset, dataset->items[items[i]].clip, augmentation != NULL,
                           model->sound.normalize, seed, i, &signals[i], error) &&
               check_length(&signals[i], dataset->items[items[i]].clip, model, error);
        if (done && augmentation)
            augment_within(augmentation, model, &signals[i], seed, i);
    }
    done = done && batch_of_signals(batch, signals, count, model, error);
    for (size_t i = 0; i < count; i++)
        signal_free(&signals[i]);
    free(signals);
    return done;
}

/* Functionals of whole, unchanged clips, from the cache. */
static bool load_functionals(const struct dataset *dataset, const size_t *items, size_t count,
                             const struct model *model, struct batch *batch, struct error *error)
{
    const struct dataset_source *source = &dataset->source;
    bool done =
        model_describes_sounds(model, error) && check_features(model, EGEMAPS_NAMES, EGEMAPS_COUNT, error);

    *batch = (struct batch){.count = (int64_t)count};
    batch->features = mem_zero(count * EGEMAPS_COUNT, sizeof *batch->features);
    for (size_t i = 0; done && i < count; i++) {
        const struct clip *clip = dataset->items[items[i]].clip;
        char *path = path_join(source->root, clip->path);
        done = audio_cache_functionals(source->cache, path, clip->sha256, source->settings->audio.max_seconds,
                                       batch->features + i * EGEMAPS_COUNT, error);
        free(path);
    }
    return done;
}

static bool load_features(const struct dataset *dataset, const size_t *items, size_t count,
                          const struct model *model, struct batch *batch, struct error *error)
{
    const struct features *features = dataset->source.features;
    size_t width = model->features.count;

    *batch = (struct batch){.count = (int64_t)count};
    batch->features = mem_zero(count * width, sizeof *batch->features);
    if (!check_features(model, (const char *const *)features_names(features)->items,
                        features_names(features)->count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct clip *clip = dataset->items[items[i]].clip;
        const float *row = features_row(features, dataset->source.root, clip->path, clip->name);
        if (!row)
            return error_set(error, "%s: no row for the clip %s", dataset->source.settings->linear.features,
                             clip->path);
        memcpy(batch->features + i * width, row, width * sizeof *row);
    }
    return true;
}

static bool load_texts(const struct dataset *dataset, const size_t *items, size_t count, struct batch *batch,
                       struct error *error)
{
    const char **texts = mem_zero(count, sizeof *texts);
    bool done = true;

    for (size_t i = 0; done && i < count; i++) {
        const struct clip *clip = dataset->items[items[i]].clip;
        texts[i] = clip->text;
        done = clip->text || error_set(error,
                                       "%s: no text: this model takes texts, which this corpus does not "
                                       "have (corpus.kind=list has a column text)",
                                       clip->path);
    }
    if (done)
        batch_of_texts(batch, texts, count);
    free(texts);
    return done;
}

/* What is so of the batch's clips; numbers standardised as the model learned them. */
static void add_targets(const struct dataset *dataset, const size_t *items, const struct model *model,
                        struct batch *batch)
{
    size_t count = (size_t)batch->count, labels = model->labels.count;

    batch->labels = mem_zero(count, sizeof *batch->labels);
    if (dataset->auxiliary.count)
        batch->auxiliary = mem_zero(count, sizeof *batch->auxiliary);
    if (learns_votes(dataset))
        batch->shares = mem_zero(count * labels, sizeof *batch->shares);
    if (dataset->task != SINGLE_LABEL)
        batch->targets = mem_zero(count * labels, sizeof *batch->targets);
    for (size_t i = 0; i < count; i++) {
        const struct dataset_item *item = &dataset->items[items[i]];
        batch->labels[i] = item->label;
        if (batch->auxiliary)
            batch->auxiliary[i] = item->auxiliary;
        for (size_t k = 0; batch->shares && k < labels; k++)
            batch->shares[i * labels + k] =
                item->shares ? (float)item->shares[k] : (float)((int)k == item->label);
        for (size_t k = 0; batch->targets && k < labels; k++)
            batch->targets[i * labels + k] =
                dataset->task == REGRESSION
                    ? (float)((item->targets[k] - model->means[k]) / model->deviations[k])
                    : (float)item->targets[k];
    }
}

/* What is stored of clips: an encoder's layers, or what a frozen part makes of them. */
static bool load_stored(const struct dataset *dataset, const size_t *items, size_t count, struct batch *batch,
                        struct error *error)
{
    const struct clip **clips = mem_zero(count, sizeof *clips);

    for (size_t i = 0; i < count; i++)
        clips[i] = dataset->items[items[i]].clip;
    bool done = dataset->layers ? layer_features_load(dataset->layers, clips, count, batch, error)
                                : feature_cache_load(dataset->cache, clips, count, batch, error);
    free(clips);
    return done;
}

float *batch_features(const struct batch *batch, const struct model *model, size_t *width)
{
    *width = batch->states ? (size_t)(batch->state_count * 2 * batch->state_width) : model->features.count;
    return batch->states ? batch->states : batch->features;
}

static void scale_by_speaker(const struct dataset *dataset, const size_t *items, const struct model *model,
                             struct batch *batch)
{
    size_t width;
    float *features = batch_features(batch, model, &width);

    for (int64_t i = 0; i < batch->count; i++)
        speaker_scale_apply(dataset->speakers, dataset->items[items[i]].clip->speaker,
                            features + (size_t)i * width);
    batch->by_speaker = true;
}

/* An ensemble's members each take in the clips as they do by themselves. */
static bool load_for_members(const struct dataset *dataset, const size_t *items, size_t count,
                             const struct model *model, struct batch *batch, struct error *error)
{
    bool done = true;

    start_members(batch, count, model);
    for (size_t k = 0; done && k < model->member_count; k++)
        done = dataset_batch(dataset, items, count, model->members[k], NULL, 0, &batch->members[k], error);
    return done;
}

bool dataset_batch(const struct dataset *dataset, const size_t *items, size_t count,
                   const struct model *model, const struct augment_settings *augmentation, uint64_t seed,
                   struct batch *batch, struct error *error)
{
    bool done;

    *batch = (struct batch){0};
    bool distorts = dataset->distortion_count > 0;

    if (model->members)
        done = load_for_members(dataset, items, count, model, batch, error);
    else if (distorts && (model->kind->input == INPUT_TEXT || dataset->source.features))
        done = error_usage(error, "%s: no sound to distort: this model takes in %s", model->path,
                           model->kind->input == INPUT_TEXT ? "texts" : "a table of features");
    else if (distorts)
        done = load_signals(dataset, items, count, model, augmentation, seed, batch, error);
    else if (dataset->layers)
        done = load_stored(dataset, items, count, batch, error);
    else if (model->kind->input == INPUT_TEXT)
        done = load_texts(dataset, items, count, batch, error);
    else if (model->kind->input == INPUT_FEATURES && dataset->source.features)
        done = load_features(dataset, items, count, model, batch, error);
    else if (model->kind->input == INPUT_FEATURES)
        done = load_functionals(dataset, items, count, model, batch, error);
    else if (dataset->cache)
        done = load_stored(dataset, items, count, batch, error);
    else
        done = load_signals(dataset, items, count, model, augmentation, seed, batch, error);
    if (done && dataset->speakers)
        scale_by_speaker(dataset, items, model, batch);
    if (done)
        add_targets(dataset, items, model, batch);
    else
        batch_free(batch);
    return done;
}
