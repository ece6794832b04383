/* The main job: index, split, train, evaluate, report. */
#include "base/digest.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/environment.h"
#include "report/report.h"
#include "train/compute.h"
#include "train/schedule.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The main job under way. */
struct job {
    const struct options *options;
    struct config *config;
    struct compute compute;
    struct catalogue *catalogue;
    struct audio_cache *cache;
    char *root; /* of the corpus */
    struct corpus_scan scan;
    struct clip_list clips;
    struct strings labels;
    struct split split;
    struct dataset train, selection, test;
    char *folder;     /* of the run, absolute once it exists */
    char *checkpoint; /* to resume from, or NULL */
    bool resumed;
    struct model *model;
    int64_t run; /* the catalogue's id; 0 before the run has begun */
    cJSON *facts;
};

/* ---- the run's folder and configuration ---- */

/* A name from the configuration file's and the time: ravdess-20260131-173000. */
static char *default_name(const char *config_path)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm parts;

    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &parts));
    const char *base = config_path ? path_base(config_path) : "run";
    const char *dot = strrchr(base, '.');
    return mem_format("%.*s-%s", dot && dot != base ? (int)(dot - base) : (int)strlen(base), base, stamp);
}

static bool name_run(struct job *job, struct error *error)
{
    const char *wanted = job->options->run ? job->options->run : config_text(job->config, "run.name");
    char *name = *wanted ? mem_string(wanted) : default_name(job->options->config);
    const char *directory = config_text(job->config, "run.directory");
    bool good = !strchr(name, '/') && name[0] != '.';

    if (!good)
        error_usage(error, "run.name \"%s\": a name, not a path", name);
    config_choose(job->config, "run.name", name);
    job->folder = path_join(directory, name);
    free(name);
    char *used = good ? run_folder_find(job->folder, directory, false, error) : NULL;
    if (used)
        good = error_usage(
            error, "the run %s is there already: name another with --run, or go on with --resume", used);
    free(used);
    return good;
}

/* Takes the configuration of the run that is to go on; --set would make it another run. */
static bool find_interrupted(struct job *job, struct error *error)
{
    const char *name = job->options->run ? job->options->run : config_text(job->config, "run.name");

    if (!*name)
        return error_usage(error, "--resume: which run? Name it with --run");
    if (job->options->sets.count)
        return error_usage(error, "--resume goes on with the run's own config.ini: leave out --set");
    job->folder = run_folder_find(name, config_text(job->config, "run.directory"), true, error);
    if (!job->folder)
        return false;
    config_free(job->config);
    job->config = run_folder_config(job->folder, error);
    job->resumed = true;
    job->checkpoint = checkpoint_find(job->folder, "last");
    return job->config != NULL;
}

static bool prepare(struct job *job, struct error *error)
{
    job->config = options_config(job->options, error);
    if (!job->config)
        return false;
    if (!job->options->config && !job->options->resume)
        return error_usage(error, "which experiment? emotrain --config FILE (see emotrain --help)");
    if (!job->options->resume && config_integer(job->config, "train.epochs") == 0 &&
        config_integer(job->config, "train.max_steps") == 0)
        return error_usage(error, "train.epochs and train.max_steps are both 0: nothing to train");
    return (job->options->resume ? find_interrupted(job, error) : name_run(job, error)) &&
           schedule_find(config_text(job->config, "train.schedule"), error) &&
           compute_choose(job->config, &job->compute, error);
}

/* ---- corpus and split ---- */

static bool index_corpus(struct job *job, struct error *error)
{
    const struct config *config = job->config;

    return (job->root = corpus_root(config, error)) &&
           (job->catalogue = catalogue_open(config_text(config, "run.database"), error)) &&
           (job->cache = corpus_cache_open(config, error)) &&
           corpus_index(config, job->catalogue, job->cache, &job->scan, error) &&
           corpus_clips(config, job->catalogue, job->scan.corpus, &job->clips, error) &&
           corpus_labels(config, &job->clips, &job->labels, error);
}

static bool split_corpus(struct job *job, struct error *error)
{
    if (!split_make(job->config, &job->clips, &job->split, error) ||
        !split_store(job->config, job->catalogue, job->scan.corpus, &job->clips, &job->split, error))
        return false;
    struct dataset *const datasets[] = {&job->train, &job->selection, &job->test};
    const enum part parts[] = {PART_TRAIN, split_selection_part(&job->split), PART_TEST};
    for (int i = 0; i < 3; i++)
        dataset_start(datasets[i], job->config, job->cache, job->root, &job->clips, &job->split, parts[i],
                      &job->labels);
    log_info("corpus: %zu clips, %.0f s of audio; train %zu, validation %zu, test %zu", job->clips.count,
             job->scan.seconds_of_audio, job->split.counts[PART_TRAIN], job->split.counts[PART_VALIDATION],
             job->split.counts[PART_TEST]);
    if (!config_is_empty(job->config, "corpus.note"))
        log_warn("%s", config_text(job->config, "corpus.note"));
    return true;
}

/* A hash of which file is in which part, in order: the same on resuming, or it would be another experiment.
 */
static void digest_split(const struct job *job, char hex[SHA256_HEX_SIZE])
{
    struct text text = {0};

    for (int part = 0; part < PART_COUNT; part++)
        for (size_t i = 0; i < job->split.counts[part]; i++) {
            const struct clip *clip = &job->clips.clips[job->split.clips[part][i]];
            text_add(&text, "%d %s %s %s\n", part, clip->name, clip->sha256, clip->label);
        }
    digest_bytes(text.text, text.length, hex);
    text_free(&text);
}

/* ---- facts for the report ---- */

static void add_corpus_facts(const struct job *job, cJSON *facts)
{
    cJSON *corpus = cJSON_AddObjectToObject(facts, "corpus"),
          *split = cJSON_AddObjectToObject(facts, "split");
    char *description = split_describe(job->config), hash[SHA256_HEX_SIZE];

    cJSON_AddStringToObject(corpus, "kind", config_text(job->config, "corpus.kind"));
    cJSON_AddStringToObject(corpus, "root", job->root);
    cJSON_AddNumberToObject(corpus, "clips", (double)job->clips.count);
    cJSON_AddNumberToObject(corpus, "seconds", job->scan.seconds_of_audio);
    cJSON_AddNumberToObject(corpus, "copies", (double)job->scan.copies);
    cJSON_AddNumberToObject(corpus, "broken", (double)job->scan.broken);
    cJSON_AddStringToObject(corpus, "note", config_text(job->config, "corpus.note"));
    digest_split(job, hash);
    cJSON_AddStringToObject(split, "settings", description);
    for (int part = 0; part < PART_COUNT; part++)
        cJSON_AddNumberToObject(split, PART_NAMES[part], (double)job->split.counts[part]);
    cJSON_AddNumberToObject(split, "left_out", (double)job->split.left_out);
    cJSON_AddNumberToObject(split, "speakers", (double)job->split.speakers);
    cJSON_AddNumberToObject(split, "shared_speakers", (double)job->split.shared_speakers);
    cJSON_AddStringToObject(split, "selection_part", PART_NAMES[split_selection_part(&job->split)]);
    cJSON_AddStringToObject(split, "digest", hash);
    free(description);
}

static void add_model_facts(const struct job *job, cJSON *facts)
{
    cJSON *model = cJSON_AddObjectToObject(facts, "model");

    cJSON_AddStringToObject(model, "kind", job->model->kind->name);
    cJSON_AddStringToObject(model, "pretrained", config_text(job->config, "model.pretrained"));
    cJSON_AddStringToObject(model, "pooling", job->model->pooling->name);
    cJSON_AddNumberToObject(model, "parameters", (double)parameters_elements(&job->model->parameters, false));
    cJSON_AddNumberToObject(model, "trainable", (double)parameters_elements(&job->model->parameters, true));
}

static void add_training_facts(struct job *job, const struct trainer *trainer, int64_t steps)
{
    cJSON *training = cJSON_CreateObject();
    double clips = (double)(steps * config_integer(job->config, "train.batch_size") *
                            config_integer(job->config, "train.accumulate"));

    cJSON_AddNumberToObject(training, "steps", (double)trainer->state.step);
    cJSON_AddNumberToObject(training, "best_step", (double)trainer->state.best_step);
    cJSON_AddStringToObject(training, "best_metric", config_text(job->config, "eval.best_metric"));
    cJSON_AddStringToObject(training, "device", config_text(job->config, "run.device"));
    cJSON_AddStringToObject(training, "precision", config_text(job->config, "run.precision"));
    cJSON_AddNumberToObject(training, "threads", (double)config_integer(job->config, "run.threads"));
    cJSON_AddNumberToObject(training, "seconds", trainer->seconds);
    cJSON_AddNumberToObject(training, "steps_of_this_session", (double)steps);
    cJSON_AddNumberToObject(training, "clips_per_second_with_evaluation",
                            trainer->seconds > 0 ? clips / trainer->seconds : 0);
    cJSON_AddNumberToObject(training, "peak_memory_mib", peak_memory());
    cJSON_DeleteItemFromObjectCaseSensitive(job->facts, "training");
    cJSON_AddItemToObject(job->facts, "training", training);
}

static bool store_facts(struct job *job, struct error *error)
{
    char *text = cJSON_PrintUnformatted(job->facts);
    bool done = run_set_facts(job->catalogue, job->run, text, error);

    cJSON_free(text);
    return done;
}

/* ---- model and run ---- */

static bool open_model(struct job *job, struct error *error)
{
    struct model_source source = {.path = job->checkpoint ? job->checkpoint
                                                          : config_text(job->config, "model.pretrained"),
                                  .config = job->config,
                                  .labels = &job->labels,
                                  .device = job->compute.device,
                                  .seed = (uint64_t)config_integer(job->config, "run.seed")};

    job->model = model_open(&source, error);
    if (job->model)
        log_info("model: %s, %.1f M parameters, %.1f M trained; %s, %s, %s threads", job->model->kind->name,
                 1e-6 * (double)parameters_elements(&job->model->parameters, false),
                 1e-6 * (double)parameters_elements(&job->model->parameters, true),
                 config_text(job->config, "run.device"), config_text(job->config, "run.precision"),
                 config_text(job->config, "run.threads"));
    return job->model != NULL;
}

/* A resumed run must go on with the same clips in the same parts. */
static bool check_same_split(struct job *job, struct error *error)
{
    struct run_row row;
    struct arena arena = {0};
    char hash[SHA256_HEX_SIZE];
    bool same = true;

    if (!run_find(job->catalogue, job->folder, &row, &arena, error))
        same = false;
    cJSON *facts = row.facts ? cJSON_Parse(row.facts) : NULL;
    const cJSON *split = cJSON_GetObjectItemCaseSensitive(facts, "split");
    const cJSON *digest = cJSON_GetObjectItemCaseSensitive(split, "digest");
    digest_split(job, hash);
    if (same && cJSON_IsString(digest) && strcmp(digest->valuestring, hash) != 0)
        same = error_set(error,
                         "%s: the corpus or its split has changed since this run began: it cannot go on, "
                         "start a new run",
                         job->folder);
    cJSON_Delete(facts);
    arena_free(&arena);
    return same;
}

static bool write_run_files(struct job *job, const char *text, struct error *error)
{
    char *environment = path_join(job->folder, "environment.json"),
         *config = path_join(job->folder, "config.ini");
    cJSON *json = environment_describe();
    bool done = json_write(environment, json, error) &&
                file_write(config, text, strlen(text), error); /* last: a folder with it is a run */

    cJSON_Delete(json);
    free(environment);
    free(config);
    return done;
}

static bool begin_run(struct job *job, struct error *error)
{
    char *text = config_print(job->config);
    bool done = true;

    if (job->resumed)
        done = check_same_split(job, error);
    else
        done = folder_make(job->folder, error) && write_run_files(job, text, error);
    char *absolute = done ? realpath(job->folder, NULL) : NULL;
    if (absolute) {
        free(job->folder);
        job->folder = absolute;
    }
    job->facts = cJSON_CreateObject();
    add_corpus_facts(job, job->facts);
    add_model_facts(job, job->facts);
    done = done &&
           run_begin(job->catalogue, config_text(job->config, "run.name"), job->folder, text, &job->run,
                     error) &&
           store_facts(job, error);
    free(text);
    if (done)
        log_info("run: %s%s%s", job->folder, job->checkpoint ? ", going on from " : "",
                 job->checkpoint ? path_base(job->checkpoint) : "");
    return done;
}

/* ---- training and testing ---- */

static double judge(void *context, const struct prediction_list *predictions, double loss, int64_t step,
                    double epoch, struct metric_list *metrics)
{
    const struct job *job = context;
    struct evaluation evaluation;

    evaluation_make(&evaluation, predictions);
    metric_list_add(metrics, step, epoch, "eval_loss", loss);
    evaluation_metrics(&evaluation, step, epoch, metrics);
    log_info("step %lld, epoch %.2f: loss %.4f, accuracy %.3f, UAR %.3f on %zu %s clips", (long long)step,
             epoch, loss, evaluation.accuracy, evaluation.uar, evaluation.clips,
             PART_NAMES[split_selection_part(&job->split)]);
    double score = evaluation_score(&evaluation, loss, config_text(job->config, "eval.best_metric"));
    evaluation_free(&evaluation);
    return score;
}

static bool train_model(struct job *job, struct error *error)
{
    struct recorder recorder;
    struct trainer_state reached = {0};
    struct trainer trainer = {.config = job->config,
                              .run = job->folder,
                              .model = job->model,
                              .train = &job->train,
                              .selection = &job->selection,
                              .compute = job->compute,
                              .recorder = &recorder,
                              .judge = judge,
                              .context = job};

    if (job->checkpoint && !checkpoint_read_state(job->checkpoint, &reached, error))
        return false;
    if (!recorder_open(&recorder, job->folder, job->catalogue, job->run, reached.step, error))
        return false;
    bool done = train(&trainer, job->checkpoint, error);
    recorder_close(&recorder);
    if (done && trainer.state.step > reached.step)
        add_training_facts(job, &trainer, trainer.state.step - reached.step);
    return done && store_facts(job, error);
}

/* The figures of the report are those of the best checkpoint as saved, loaded again from its files. */
static bool test_best(struct job *job, struct error *error)
{
    char *best = checkpoint_find(job->folder, "best");
    struct model_source source = {.path = best, .device = job->compute.device};
    struct prediction_list predictions = {0};
    double loss;

    model_close(job->model);
    job->model = NULL;
    if (!best)
        return error_set(error, "%s: no best checkpoint", job->folder);
    job->model = model_open(&source, error);
    bool done = job->model != NULL;
    if (done) {
        prediction_list_start(&predictions, (const char *const *)job->labels.items, job->labels.count);
        done = evaluate(job->model, &job->test, &job->compute, "test", &predictions, &loss, error) &&
               predictions_write(job->catalogue, job->run, "test", &predictions, error);
    }
    prediction_list_free(&predictions);
    free(best);
    return done;
}

static bool report_run(struct job *job, struct error *error)
{
    struct report report;
    struct text text = {0};

    if (!run_set_state(job->catalogue, job->run, "finished", error) ||
        !report_read(&report, job->catalogue, job->folder, error))
        return false;
    bool done = report_write(&report, error);
    evaluation_print(&report.evaluation, &text);
    if (done)
        printf("%s", text.text);
    for (size_t i = 0; done && i < report.remarks->count; i++)
        printf("%s%s\n", i ? "" : "\n", report.remarks->items[i]);
    log_info("report: %s/report.html", job->folder);
    text_free(&text);
    report_free(&report);
    return done;
}

static bool main_job(struct job *job, struct error *error)
{
    return prepare(job, error) &&                             /* configuration, device, the run's name */
           index_corpus(job, error) &&                        /* what is there */
           split_corpus(job, error) &&                        /* what trains, what tests */
           open_model(job, error) && begin_run(job, error) && /* from here on there is a run folder */
           train_model(job, error) && test_best(job, error) && report_run(job, error);
}

static void close_job(struct job *job, const struct error *error)
{
    struct error ignored = {0};

    if (job->run && error->kind)
        run_set_state(job->catalogue, job->run, error->kind == ERROR_INTERRUPTED ? "interrupted" : "failed",
                      &ignored);
    model_close(job->model);
    dataset_free(&job->train);
    dataset_free(&job->selection);
    dataset_free(&job->test);
    split_free(&job->split);
    strings_free(&job->labels);
    clip_list_free(&job->clips);
    audio_cache_close(job->cache);
    catalogue_close(job->catalogue);
    cJSON_Delete(job->facts);
    config_free(job->config);
    free(job->root);
    free(job->folder);
    free(job->checkpoint);
}

bool command_train(const struct options *options, struct error *error)
{
    struct job job = {.options = options};
    bool done = main_job(&job, error);

    close_job(&job, error);
    return done;
}
