/* emotrain export: a trained model for use elsewhere. */
#include "base/handlers.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/command.h"
#include "hub/hub.h"
#include "report/card.h"
#include "run/recorded_run.h"
#include "run/trained_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- forms ---- */

static bool save_own(struct model *model, const char *folder, struct error *error)
{
    return model_save(model, folder, error);
}

static bool save_huggingface(struct model *model, const char *folder, struct error *error)
{
    return model->kind->save_huggingface
               ? model_fold_scale(model, error) && model->kind->save_huggingface(model, folder, error) &&
                     known_clips_write(&model->known_clips, folder, error) &&
                     model_save_preprocessing(model, folder, error)
               : error_usage(error, "transformers has no class for model.kind=%s", model->kind->name);
}

static bool save_onnx(struct model *model, const char *folder, struct error *error)
{
    char *path = path_join(folder, "model.onnx");
    bool done = model_write_onnx(model, path, error);

    free(path);
    return done;
}

/* What a model can be exported as. */
struct form {
    const char *name, *summary;
    bool (*save)(struct model *model, const char *folder, struct error *error);
    const char *library;           /* for the card, as the next */
    const char *usage[TASK_COUNT]; /* those that are not there are as the first */
};

static const char OWN_USAGE[] = "```\nemotrain predict FOLDER recording.wav\n```";
#define PIPELINE                                                                                             \
    "```python\n"                                                                                            \
    "from transformers import pipeline\n"                                                                    \
    "classify = pipeline(\"audio-classification\", model=\"FOLDER\")\n"
static const char
    STANDARD_USAGE[] = PIPELINE "classify(\"recording.wav\")\n```",
    LABELS_USAGE[] = PIPELINE
    "classify(\"recording.wav\", top_k=None, function_to_apply=\"sigmoid\")\n```\n\n"
    "A label is there where its probability is above its number in `emotrain_thresholds` of config.json.",
    NUMBERS_USAGE[] = PIPELINE "classify(\"recording.wav\", top_k=None, function_to_apply=\"none\")\n```";
#define SESSION                                                                                              \
    "```python\n"                                                                                            \
    "import onnxruntime\n"                                                                                   \
    "session = onnxruntime.InferenceSession(\"model.onnx\")\n"                                               \
    "session.run(None, {\"samples\": samples})  # float32 (clips, samples)\n```\n\n"                         \
    "The labels are in the model's metadata."
static const char ONNX_USAGE[] = SESSION,
                  ONNX_LABELS_USAGE[] =
                      SESSION " So are their thresholds: a label is there where its probability is above it.";

static const struct form
    OWN = {"classification", "a model directory of emotrain's: any model", save_own, "emotrain", {OWN_USAGE}},
    STANDARD = {"sequence-classification",
                "transformers' class for the encoder: ...ForSequenceClassification",
                save_huggingface,
                "transformers",
                {STANDARD_USAGE, LABELS_USAGE, NUMBERS_USAGE}},
    ONNX = {
        "onnx", "ONNX, from samples to probabilities", save_onnx, "onnx", {ONNX_USAGE, ONNX_LABELS_USAGE}};

static const struct form *const FORMS[] = {&OWN, &STANDARD, &ONNX};

/* ---- the card ---- */

static bool write_card(const struct trained_model *trained, const struct form *form, const char *folder,
                       struct error *error)
{
    struct recorded_run run = {0};
    struct text text = {0};
    struct error unknown = {0};
    bool there = trained->run && recorded_run_open(&run, trained->run,
                                                   config_settings(trained->config)->run.directory, &unknown);
    const char *base = trained->run ? config_settings(trained->config)->model.pretrained : "";
    bool is_hubs = hub_is_name(base);
    const char *usage = form->usage[trained->model->task];
    const struct card card = {.title = path_base(trained->run ? trained->run : folder),
                              .base = is_hubs ? base : path_base(base),
                              .base_is_hubs = is_hubs,
                              .library = form->library,
                              .usage = usage ? usage : form->usage[0],
                              .labels = (const char *const *)trained->model->labels.items,
                              .label_count = trained->model->labels.count,
                              .sample_rate = trained->model->sound.sample_rate};

    if (trained->run && !there) /* a copy of its folder, elsewhere */
        log_warn("the card has no metrics: %s", unknown.message);
    char *path = path_join(folder, "README.md");
    cJSON *report = there ? report_json(&run.report) : NULL;
    card_print(&card, report, &text);
    cJSON_Delete(report);
    bool done = file_write(path, text.text, text.length, error);
    free(path);
    text_free(&text);
    recorded_run_close(&run);
    return done;
}

/* ---- the command ---- */

/* Writes under another name, then renames. */
static bool export_model(const struct trained_model *trained, const struct form *form, const char *folder,
                         struct error *error)
{
    char *temporary = path_with_ending(folder, ".exporting");
    bool done = model_stands_alone(trained->model, error) && model_fold_temperature(trained->model, error) &&
                folder_begin(temporary, error) && form->save(trained->model, temporary, error) &&
                write_card(trained, form, temporary, error) && folder_sync(temporary, error);

    done = folder_finish(temporary, folder, done, error);
    free(temporary);
    return done;
}

bool command_export(const struct options *options, struct error *error)
{
    const struct trained_model_request request = {
        .name = options->arguments.items[0], .config = options->config, .sets = &options->sets};
    const char *folder = options->arguments.items[1];
    const struct form *form =
        HANDLER_FIND(FORMS, options->as ? options->as : OWN.name, "--as", "form of a model", error);
    struct trained_model trained = {0};
    bool done = form && folder_check_free(folder, error) && trained_model_open(&trained, &request, error) &&
                export_model(&trained, form, folder, error);

    if (done)
        printf("%s\n", folder);
    trained_model_close(&trained);
    return done;
}
