#include "cli/facts.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/environment.h"

#include <stdlib.h>
#include <string.h>

/* A hash of which file is in which part, in order. */
void facts_digest_split(const struct source *source, char hex[SHA256_HEX_SIZE])
{
    struct text text = {0};

    for (int part = 0; part < PART_COUNT; part++) {
        for (size_t i = 0; i < source->split.counts[part]; i++) {
            const struct clip *clip = &source->clips.clips[source->split.clips[part][i]];
            text_add(&text, "%d %s %s %s\n", part, clip->name, clip->sha256, clip->label);
        }
    }
    digest_bytes(text.text, text.length, hex);
    text_free(&text);
}

/* The other corpora: "more": [{"kind": ..., "root": ...}, ...] */
static void add_more_corpora(cJSON *corpus, const struct config *config, const struct source *source)
{
    cJSON *more = NULL;

    for (int number = 2; number <= MOST_CORPORA; number++) {
        if (!source->corpora[number - 1].root)
            continue;
        struct config *view = corpus_view(config, number);
        char *key = corpus_key(view);
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddNumberToObject(entry, "number", number);
        cJSON_AddStringToObject(entry, "kind", key);
        cJSON_AddStringToObject(entry, "root", source->corpora[number - 1].root);
        more = more ? more : cJSON_AddArrayToObject(corpus, "more");
        cJSON_AddItemToArray(more, entry);
        free(key);
        config_free(view);
    }
}

static void add_corpus(cJSON *facts, const struct config *config, const struct source *source)
{
    cJSON *corpus = cJSON_AddObjectToObject(facts, "corpus");
    struct error unknown = {0};
    char *key = corpus_key(config);

    cJSON_AddStringToObject(corpus, "kind", key);
    cJSON_AddStringToObject(corpus, "root", source->root);
    cJSON_AddNumberToObject(corpus, "clips", (double)source->clips.count);
    cJSON_AddNumberToObject(corpus, "seconds", source->scan.seconds_of_audio);
    cJSON_AddNumberToObject(corpus, "copies", (double)source->scan.copies);
    cJSON_AddNumberToObject(corpus, "broken", (double)source->scan.broken);
    add_more_corpora(corpus, config, source);
    const struct corpus_format *format = corpus_format_find(config_text(config, "corpus.kind"), &unknown);
    if (format && format->licence)
        cJSON_AddStringToObject(corpus, "licence", format->licence);
    cJSON_AddStringToObject(corpus, "note", config_text(config, "corpus.note"));
    free(key);
}

static void add_split(cJSON *facts, const struct config *config, const struct source *source)
{
    cJSON *split = cJSON_AddObjectToObject(facts, "split");
    char *description = split_describe(config), hash[SHA256_HEX_SIZE];

    facts_digest_split(source, hash);
    cJSON_AddStringToObject(split, "settings", description);
    for (int part = 0; part < PART_COUNT; part++)
        cJSON_AddNumberToObject(split, PART_NAMES[part], (double)source->split.counts[part]);
    cJSON_AddNumberToObject(split, "left_out", (double)source->split.left_out);
    cJSON_AddNumberToObject(split, "speakers", (double)source->split.speakers);
    cJSON_AddNumberToObject(split, "shared_speakers", (double)source->split.shared_speakers);
    cJSON_AddStringToObject(split, "selection_part",
                            strcmp(config_text(config, "eval.best_metric"), "last") == 0
                                ? "none"
                                : PART_NAMES[split_selection_part(&source->split)]);
    cJSON_AddStringToObject(split, "digest", hash);
    free(description);
}

static void add_model(cJSON *facts, const struct config *config, const struct model *model)
{
    cJSON *json = cJSON_AddObjectToObject(facts, "model");

    cJSON_AddStringToObject(json, "kind", model->kind->name);
    cJSON_AddStringToObject(json, "pretrained", config_text(config, "model.pretrained"));
    cJSON_AddStringToObject(json, "input", MODEL_INPUT_NAMES[model->kind->input]);
    cJSON_AddStringToObject(json, "problem", PROBLEMS[model->problem].name);
    if (model->kind->forward)
        cJSON_AddStringToObject(json, "pooling", model->pooling->name);
    cJSON_AddNumberToObject(json, "parameters", (double)parameters_elements(&model->parameters, false));
    cJSON_AddNumberToObject(json, "trainable", (double)parameters_elements(&model->parameters, true));
}

cJSON *facts_begin(const struct config *config, const struct source *source, const struct model *model)
{
    cJSON *facts = cJSON_CreateObject();

    add_corpus(facts, config, source);
    add_split(facts, config, source);
    add_model(facts, config, model);
    return facts;
}

void facts_add_training(cJSON *facts, const struct trainer *trainer, int64_t steps)
{
    const struct config *config = trainer->config;
    cJSON *training = cJSON_CreateObject();

    cJSON_AddNumberToObject(training, "steps", (double)trainer->state.step);
    cJSON_AddNumberToObject(training, "best_step", (double)trainer->state.best_step);
    cJSON_AddStringToObject(training, "best_metric", config_text(config, "eval.best_metric"));
    cJSON_AddStringToObject(training, "device", config_text(config, "run.device"));
    cJSON_AddStringToObject(training, "precision", config_text(config, "run.precision"));
    cJSON_AddNumberToObject(training, "threads", (double)et_get_threads());
    if (ranks_are_several(trainer->compute.ranks))
        cJSON_AddNumberToObject(training, "processes", trainer->compute.ranks->place.size);
    cJSON_AddNumberToObject(training, "seconds", trainer->seconds);
    cJSON_AddNumberToObject(training, "steps_of_this_session", (double)steps);
    cJSON_AddNumberToObject(training, "clips_per_second_with_evaluation",
                            trainer->seconds > 0 ? (double)trainer->clips / trainer->seconds : 0);
    cJSON_AddNumberToObject(training, "peak_memory_mib", peak_memory());
    json_put(facts, "training", training);
}

void facts_add_testing(cJSON *facts, double seconds, size_t clips)
{
    cJSON *testing = cJSON_CreateObject();

    cJSON_AddNumberToObject(testing, "seconds", seconds);
    cJSON_AddNumberToObject(testing, "clips_per_second", seconds > 0 ? (double)clips / seconds : 0);
    cJSON_AddNumberToObject(testing, "peak_memory_mib", peak_memory());
    json_put(facts, "testing", testing);
}

bool facts_other_split(const cJSON *facts, const struct source *source)
{
    const char *digest = json_text_at(facts, "split", "digest");
    char hash[SHA256_HEX_SIZE];

    facts_digest_split(source, hash);
    return *digest && strcmp(digest, hash) != 0;
}
