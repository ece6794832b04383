/* The protocol card: how a run's numbers came to be, as sentences to paste into a paper. */
#include "report/report.h"

#include "base/files.h"
#include "base/text.h"
#include "config/config.h"
#include "report/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMMIT_LENGTH = 40 };

static void add_corpus(const struct report *report, struct text *out)
{
    const struct run_info *info = &report->info;

    text_add(out, "Data: %s, %lld clips", info->corpus.kind, (long long)info->corpus.clips);
    for (size_t i = 0; i < info->corpus.more_count; i++)
        text_add(out, "%s %s", i ? "," : "; beside it", info->corpus.more[i].kind);
    if (report->evaluation.task == SINGLE_LABEL)
        text_add(out, "; one of %zu labels for each", report->evaluation.label_count);
    else
        text_add(out, "; %zu %s", report->evaluation.label_count,
                 report->evaluation.task == MULTI_LABEL ? "labels, several at once" : "numbers to predict");
    text_add(out, ".\n");
}

/* "key=value" of those that have a value. */
static void add_set_values(const char *settings, struct text *out)
{
    for (char *item; (item = list_next(&settings, ' ')); free(item))
        if (*item && item[strlen(item) - 1] != '=')
            text_add(out, " %s", item);
}

static void add_split(const struct run_info *info, struct text *out)
{
    text_add(out, "Split:");
    add_set_values(info->split.settings, out);
    text_add(out, "; train %lld, validation %lld, test %lld clips", (long long)info->split.train,
             (long long)info->split.validation, (long long)info->split.test);
    if (info->split.speakers > 0)
        text_add(out,
                 info->split.shared_speakers ? "; %lld of %lld speakers train and are tested"
                                             : "; %lld of %lld speakers train and are tested: new speakers",
                 (long long)info->split.shared_speakers, (long long)info->split.speakers);
    if (info->split.known > 0)
        text_add(out, "; %lld test clips are known to the model from before", (long long)info->split.known);
    text_add(out, "; clips and parts SHA-256 %.16s.\n", info->split.digest);
}

/* A model of the hub by its name and commit, another one by its file's name. */
static void add_model(const struct run_info *info, const struct model_settings *settings, struct text *out)
{
    const char *revision = settings->revision;
    bool of_hub = strlen(revision) == COMMIT_LENGTH;

    text_add(out, "Model: %s", info->model.kind);
    if (*info->model.pretrained)
        text_add(out, " from %s", of_hub ? info->model.pretrained : path_base(info->model.pretrained));
    if (of_hub)
        text_add(out, " at revision %.12s", revision);
    if (*settings->head_from)
        text_add(out, ", head of %s", path_base(settings->head_from));
    text_add(out, ", %.2f M parameters, %.2f M of them trained", (double)info->model.parameters / 1e6,
             (double)info->model.trainable / 1e6);
    if (*info->model.pooling)
        text_add(out, ", pooling %s", info->model.pooling);
    if (strcmp(info->model.scale, "speaker") == 0)
        text_add(out, "; input standardised over all clips of each speaker, the test part's among them, "
                      "without labels");
    text_add(out, ".\n");
}

static bool is_fitted_at_once(const struct run_info *info)
{
    return strcmp(info->model.kind, "linear") == 0;
}

/* What the loss is, where it is not the task's own alone. */
static void add_loss(const struct train_settings *train, enum task task, struct text *out)
{
    if (strcmp(train->loss, "auto") != 0)
        text_add(out, ", loss %s", train->loss);
    if (train->label_smoothing > 0 && task != REGRESSION)
        text_add(out, ", label smoothing %g", train->label_smoothing);
    if (train->class_weights)
        text_add(out, ", class weights");
    if (strcmp(train->sampler, "random") != 0)
        text_add(out, ", sampler %s", train->sampler);
    if (strcmp(train->auxiliary_task, "none") != 0)
        text_add(out, ", %s as a second task (weight %g)", train->auxiliary_task, train->auxiliary_weight);
    if (train->ema_decay > 0)
        text_add(out, ", weights averaged (decay %g)", train->ema_decay);
}

static void add_augmentation(const struct settings *settings, struct text *out)
{
    const struct augment_settings *a = &settings->augment;
    const struct {
        const char *name;
        double value;
    } all[] = {{"crop to", settings->audio.crop_seconds},
               {"speed", a->speed},
               {"shift", a->shift},
               {"noise", a->noise},
               {"mixup", a->mixup}};
    const char *gap = "Augmentation: ";

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].value > 0) {
            text_add(out, "%s%s %g", gap, all[i].name, all[i].value);
            gap = ", ";
        }
    if (*a->distort) {
        text_add(out, "%sone of %s with probability %g", gap, a->distort, a->distort_probability);
        gap = ", ";
    }
    if (gap[0] == ',')
        text_add(out, ".\n");
}

static void add_training(const struct run_info *info, enum task task, const struct settings *settings,
                         struct text *out)
{
    const struct train_settings *train = &settings->train;

    if (info->model.members > 0) {
        text_add(out, "Training: none of its own; the predictions of %lld runs, %s; %lld steps in all.\n",
                 (long long)info->model.members,
                 strcmp(info->model.weights, "validation") == 0
                     ? "weighted to maximise the likelihood of the validation labels"
                     : "averaged",
                 (long long)info->training.steps);
        return;
    }
    if (is_fitted_at_once(info)) {
        text_add(out, "Training: fitted at once to the training part, seed %lld.\n",
                 (long long)settings->run.seed);
        return;
    }
    text_add(out, "Training: AdamW%s, learning rate %g (%s), ",
             train->optimizer == OPTIMIZER_ADAMW_8BIT ? " with moments in 8 bits" : "", train->learning_rate,
             train->lr_scheduler);
    if (train->batch_seconds > 0)
        text_add(out, "batches of %g s", train->batch_seconds);
    else
        text_add(out, "batches of %lld clips", (long long)train->batch_size);
    text_add(out, " x %lld, %lld steps, seed %lld, %s", (long long)train->gradient_accumulation_steps,
             (long long)info->training.steps, (long long)settings->run.seed, info->training.precision);
    add_loss(train, task, out);
    text_add(out, ".\n");
    add_augmentation(settings, out);
}

/* Which checkpoint is tested; of all folds together, no single step says it. */
static void add_choice(const struct run_info *info, enum task task, struct text *out)
{
    const char *part = info->split.selection_part;
    const char *whose = info->model.members > 0 ? "each member's best" : "each fold's best";
    enum metric metric = metric_choose(info->training.best_metric, task);

    if (strcmp(info->training.best_metric, "last") == 0 || strcmp(part, "none") == 0) {
        text_add(out, "Selection: no checkpoint was chosen; the last one is tested");
        return;
    }
    text_add(out, "Selection: of the evaluated checkpoints, ");
    if (info->training.best_step > 0)
        text_add(out, "that of step %lld", (long long)info->training.best_step);
    else
        text_add(out, "%s", whose);
    text_add(out, ", by %s on the %s part%s", metric_title(metric, task), part,
             strcmp(part, "test") == 0 ? ", so that the numbers below are optimistic" : "");
}

static void add_selection(const struct run_info *info, enum task task, const struct settings *settings,
                          struct text *out)
{
    if (is_fitted_at_once(info)) {
        text_add(out,
                 "Selection: no checkpoint was chosen; settings left open by cross-validation of %lld folds "
                 "inside the training part.\n",
                 (long long)settings->linear.folds);
        return;
    }
    add_choice(info, task, out);
    if (settings->train.early_stopping_patience > 0)
        text_add(out, "; early stopping after %lld evaluations",
                 (long long)settings->train.early_stopping_patience);
    if (info->training.temperature > 0)
        text_add(out, "; probabilities at a temperature of %.3f, fitted to the validation part",
                 info->training.temperature);
    text_add(out, ".\n");
}

static void add_results(const struct report *report, struct text *out)
{
    const struct evaluation *e = &report->evaluation;
    const char *gap = "Results: ";

    FOR_METRICS (f, e->task) {
        if (isnan(METRICS[f].of(e)))
            continue;
        text_add(out, "%s%s %.3f (%.3f to %.3f)", gap, metric_title(f, e->task), METRICS[f].of(e),
                 report->intervals[f].low, report->intervals[f].high);
        gap = ", ";
    }
    text_add(out,
             " on %zu clips; 95 %% intervals by %d bootstrap resamples of %zu %ss. One run: its metrics vary "
             "from seed to "
             "seed.\n",
             e->clips, BOOTSTRAP_RESAMPLES, report->clusters.count, report->clusters.unit);
}

static void add_software(const struct report *report, struct text *out)
{
    const cJSON *e = report->environment;

    if (!e)
        return;
    text_add(out, "Software: emotrain %s (commit %s), libtorch %s, on %s.\n", field_text(e, "emotrain"),
             field_text(e, "commit"), field_text(e, "libtorch"),
             strcmp(report->info.training.device, "cpu") == 0 ? field_text(e, "processor")
                                                              : report->info.training.device);
}

void report_protocol(const struct report *report, struct text *out)
{
    struct config *config = config_new();
    struct error unread = {0};

    if (report->evaluation.clips &&
        config_read_text(config, "run", report->folder, report->run.config, &unread)) {
        add_corpus(report, out);
        add_split(&report->info, out);
        add_model(&report->info, &config_settings(config)->model, out);
        add_training(&report->info, report->evaluation.task, config_settings(config), out);
        add_selection(&report->info, report->evaluation.task, config_settings(config), out);
        add_results(report, out);
        add_software(report, out);
    }
    config_free(config);
}
