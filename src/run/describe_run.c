/* From an experiment to the information that a run records: see describe_run.h. */
#include "run/describe_run.h"

#include "run/environment.h"

#include <stdlib.h>
#include <string.h>

/* Copies an allocated string into the arena, and frees it. */
static const char *keep(struct run_info *info, char *text)
{
    const char *kept = arena_string(&info->arena, text);

    free(text);
    return kept;
}

static void describe_corpora(struct run_info *info, const struct settings *settings,
                             const struct indexed_corpus *corpus)
{
    const struct corpora_settings *corpora = &settings->corpora;
    struct error unknown = {0};
    char digest[SHA256_HEX_SIZE];
    const struct corpus_format *format = corpus_format_find(corpora->items[0].kind, &unknown);

    info->corpus.kind = keep(info, corpus_key(&corpora->items[0], corpora));
    info->corpus.root = arena_string(&info->arena, corpus->root);
    info->corpus.licence = format && format->licence ? format->licence : "";
    info->corpus.note = arena_string(&info->arena, corpora->note);
    info->corpus.clips = (int64_t)corpus->clips.count;
    info->corpus.seconds = corpus->seconds;
    info->corpus.copies = (int64_t)corpus->scan.copies;
    info->corpus.broken = (int64_t)corpus->scan.broken;
    info->corpus.same_content = (int64_t)corpus->same_content;
    info->corpus.leaks = (int64_t)corpus->split.leaks;
    corpora_digest(corpus, digest);
    info->corpus.digest = arena_string(&info->arena, digest);
    info->corpus.more_count = corpora->count - 1;
    info->corpus.more = arena_zero(&info->arena, corpora->count, sizeof *info->corpus.more);
    for (size_t c = 1; c < corpora->count; c++)
        info->corpus.more[c - 1] = (struct run_corpus){arena_string(&info->arena, corpora->items[c].name),
                                                       keep(info, corpus_key(&corpora->items[c], corpora)),
                                                       arena_string(&info->arena, corpus->roots[c].folder)};
}

const char *selection_part_name(const struct settings *settings, const struct split *split)
{
    bool chooses = strcmp(settings->eval.best_metric, "last") != 0 &&
                   strcmp(settings->model.kind, "linear") != 0; /* that is fitted at once */

    return chooses ? PART_NAMES[split_selection_part(split)] : "none";
}

static void describe_split(struct run_info *info, const struct settings *settings,
                           const struct indexed_corpus *corpus)
{
    const struct split *split = &corpus->split;
    char digest[SHA256_HEX_SIZE];

    split_digest(corpus, digest);
    info->split.settings = keep(info, split_describe(&settings->split, &settings->corpora));
    info->split.train = (int64_t)split->counts[PART_TRAIN];
    info->split.validation = (int64_t)split->counts[PART_VALIDATION];
    info->split.test = (int64_t)split->counts[PART_TEST];
    info->split.left_out = (int64_t)split->left_out;
    info->split.copies = (int64_t)split->copies;
    info->split.speakers = (int64_t)split->speakers;
    info->split.shared_speakers = (int64_t)split->shared_speakers;
    info->split.shared_recordings = (int64_t)split->shared_recordings;
    info->split.selection_part = selection_part_name(settings, split);
    info->split.digest = arena_string(&info->arena, digest);
}

static void describe_model(struct run_info *info, const struct settings *settings, const struct model *model)
{
    info->model.kind = model->kind->name;
    info->model.pretrained = arena_string(&info->arena, settings->model.pretrained);
    info->model.input = MODEL_INPUT_NAMES[model->kind->input];
    info->model.task = TASKS[model->task].name;
    info->model.pooling = model->kind->forward ? model->pooling->name : "";
    info->model.scale = model->by_speaker ? "speaker" : "";
    info->model.parameters = parameters_elements(&model->parameters, false);
    info->model.untrained = model->untrained;
    info->model.trainable = parameters_elements(&model->parameters, true);
}

void describe_experiment(struct run_info *info, const struct experiment *experiment)
{
    const struct settings *settings = config_settings(experiment->config);

    *info = (struct run_info){0};
    describe_corpora(info, settings, &experiment->corpus);
    describe_split(info, settings, &experiment->corpus);
    info->split.known = (int64_t)experiment->known_test_clips;
    describe_model(info, settings, experiment->model);
}

void describe_training(struct run_info *info, const struct trainer *trainer, int64_t steps)
{
    char device[COMPUTE_NAME_SIZE];

    info->training.steps = trainer->state.step;
    info->training.best_step = trainer->state.best_step;
    info->training.best_metric = arena_string(&info->arena, trainer->settings->eval.best_metric);
    info->training.device = arena_string(&info->arena, compute_device_name(&trainer->compute, device));
    info->training.precision = compute_precision_name(&trainer->compute);
    info->training.threads = et_get_threads();
    info->training.processes =
        ranks_are_several(trainer->compute.ranks) ? trainer->compute.ranks->env.world_size : 1;
    info->training.seconds = trainer->seconds;
    info->training.session_steps = steps;
    info->training.clips_per_second = trainer->seconds > 0 ? (double)trainer->clips / trainer->seconds : 0;
    info->training.peak_memory_mib = peak_memory();
}

void describe_testing(struct run_info *info, double seconds, size_t clips)
{
    info->testing.seconds = seconds;
    info->testing.clips_per_second = seconds > 0 ? (double)clips / seconds : 0;
    info->testing.peak_memory_mib = peak_memory();
}

bool describes_other_split(const struct run_info *info, const struct indexed_corpus *corpus)
{
    char digest[SHA256_HEX_SIZE];

    split_digest(corpus, digest);
    return info->split.digest && *info->split.digest && strcmp(info->split.digest, digest) != 0;
}
