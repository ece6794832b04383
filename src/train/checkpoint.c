/* Checkpoints on disk: see checkpoint.h. */
#include "train/checkpoint.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "model/weights/weights.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *step_name(int64_t step)
{
    return mem_format("step-%06lld", (long long)step);
}

/* The step of a checkpoint's folder name, or -1. */
static int64_t step_of(const char *name)
{
    long long step;

    if (!text_starts(name, "step-"))
        return -1;
    name += strlen("step-");
    name += strspn(name, "0");
    return !*name ? 0 : text_to_integer(name, &step) ? step : -1;
}

/* ---- checksums ---- */

/* The files whose checksum the trainer's state holds: they are written once.  config.json may be written
 * again when an evaluation has found thresholds, and is read strictly. */
static const char *const SUMMED[] = {"model.safetensors", "optimizer.safetensors"};
enum { SUMMED_COUNT = sizeof SUMMED / sizeof SUMMED[0], SUM_SIZE = 9 };

static bool sum_file(const char *folder, const char *name, char sum[SUM_SIZE], struct error *error)
{
    char *path = path_join(folder, name);
    struct file_map map;
    bool done = file_map_open(&map, path, error);

    if (done) {
        snprintf(sum, SUM_SIZE, "%08x", (unsigned)checksum(map.bytes, map.size));
        file_map_close(&map);
    }
    free(path);
    return done;
}

/* Adds {"model.safetensors": "1a2b3c4d", ...}, CRC-32. */
static bool add_sums(cJSON *json, const char *folder, struct error *error)
{
    cJSON *sums = cJSON_AddObjectToObject(json, "crc32");
    bool done = true;

    for (int i = 0; done && i < SUMMED_COUNT; i++) {
        char sum[SUM_SIZE];
        done = sum_file(folder, SUMMED[i], sum, error);
        if (done)
            cJSON_AddStringToObject(sums, SUMMED[i], sum);
    }
    return done;
}

/* The object as it comes out of its own text. */
static cJSON *reread(const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    cJSON *read = cJSON_Parse(text);

    cJSON_free(text);
    return read;
}

/* The CRC-32 of the state itself, but for its own line. */
static void sum_state(cJSON *json, char sum[SUM_SIZE])
{
    cJSON_DeleteItemFromObjectCaseSensitive(json, "state_crc32");
    char *text = cJSON_PrintUnformatted(json);
    snprintf(sum, SUM_SIZE, "%08x", (unsigned)checksum(text, strlen(text)));
    cJSON_free(text);
}

/* Whether a file's checksum is what the state says; states of earlier versions say nothing. */
static bool check_file(const cJSON *json, const char *folder, const char *name, struct error *error)
{
    const cJSON *expected = json_at(json, "crc32", name);
    char sum[SUM_SIZE];

    if (!cJSON_IsString(expected))
        return true;
    return sum_file(folder, name, sum, error) &&
           (strcmp(sum, expected->valuestring) == 0 ||
            error_set(error, "%s/%s: damaged: its checksum is %s, not %s", folder, name, sum,
                      expected->valuestring));
}

/* Whether config.json is whole; it may have changed since (temperature scaling). */
static void check_config(const char *folder, struct error *error)
{
    char *path = path_join(folder, "config.json");
    cJSON *json = json_read(path, error);

    cJSON_Delete(json);
    free(path);
}

bool checkpoint_check(const char *folder, bool model_only, struct error *error)
{
    char *path = path_join(folder, "trainer_state.json"), *expected = NULL;
    char sum[SUM_SIZE];
    cJSON *json = json_read(path, error);
    const cJSON *own = json ? cJSON_GetObjectItemCaseSensitive(json, "state_crc32") : NULL;

    if (cJSON_IsString(own)) {
        expected = mem_string(own->valuestring);
        sum_state(json, sum);
        if (strcmp(sum, expected) != 0)
            error_set(error, "%s: damaged: its checksum is %s, not %s", path, sum, expected);
    }
    for (int i = 0; i < (model_only ? 1 : SUMMED_COUNT) && !error->kind; i++)
        check_file(json, folder, SUMMED[i], error);
    if (!model_only && !error->kind) /* else opening the model says it */
        check_config(folder, error);
    cJSON_Delete(json);
    free(expected);
    free(path);
    return !error->kind;
}

/* ---- state ---- */

static bool write_state(const char *folder, const struct trainer_state *state,
                        const struct optimizer_state *optimizer, struct error *error)
{
    cJSON *json = cJSON_CreateObject();
    char *path = path_join(folder, "trainer_state.json");

    cJSON_AddNumberToObject(json, "step", (double)state->step);
    cJSON_AddNumberToObject(json, "epoch", (double)state->epoch);
    cJSON_AddNumberToObject(json, "batches", (double)state->batches);
    json_put_exact(json, "logged_loss", state->logged_loss);
    cJSON_AddNumberToObject(json, "logged_steps", (double)state->logged_steps);
    json_put_exact(json, "epoch_loss", state->epoch_loss);
    cJSON_AddNumberToObject(json, "epoch_steps", (double)state->epoch_steps);
    cJSON_AddNumberToObject(json, "evaluated_step", (double)state->evaluated_step);
    cJSON_AddNumberToObject(json, "record_bytes", (double)state->record_bytes);
    cJSON_AddNumberToObject(json, "best_step", (double)state->best_step);
    json_put_exact(json, "best_score", state->best_score);
    cJSON_AddNumberToObject(json, "stale_evaluations", (double)state->stale_evaluations);
    json_put_exact(json, "plateau_factor", state->plateau.factor);
    json_put_exact(json, "plateau_best", state->plateau.best);
    cJSON_AddNumberToObject(json, "plateau_waited", (double)state->plateau.waited);
    cJSON_AddNumberToObject(json, "plateau_evaluations", (double)state->plateau.evaluations);
    json_put_exact(json, "loss_scale", state->loss_scale);
    cJSON_AddNumberToObject(json, "good_steps", (double)state->good_steps);
    cJSON_AddNumberToObject(json, "nonfinite_steps", (double)state->nonfinite_steps);
    cJSON *steps = cJSON_AddArrayToObject(json, "optimizer_steps");
    for (size_t i = 0; i < optimizer->count; i++)
        cJSON_AddItemToArray(steps, cJSON_CreateNumber((double)et_adamw_steps(optimizer->optimizer, i)));
    bool done = add_sums(json, folder, error);
    if (done) {
        char sum[SUM_SIZE];
        cJSON *read = reread(json); /* as it will be read: a number's text is not always the same */
        sum_state(read, sum);
        cJSON_AddStringToObject(json, "state_crc32", sum);
        cJSON_Delete(read);
        done = json_write(path, json, error);
    }
    cJSON_Delete(json);
    free(path);
    return done;
}

/* What earlier versions did not have. */
static bool parse_later_state(const cJSON *json, struct trainer_state *state, struct error *error)
{
    struct plateau *plateau = &state->plateau;

    if (!cJSON_HasObjectItem(json, "plateau_factor"))
        return true;
    return json_integer(json, "stale_evaluations", &state->stale_evaluations, error) &&
           json_number(json, "plateau_factor", &plateau->factor, error) &&
           json_number(json, "plateau_best", &plateau->best, error) &&
           json_integer(json, "plateau_waited", &plateau->waited, error) &&
           json_integer(json, "plateau_evaluations", &plateau->evaluations, error);
}

static bool parse_state(const cJSON *json, struct trainer_state *state, struct error *error)
{
    return json_integer(json, "step", &state->step, error) &&
           json_integer(json, "epoch", &state->epoch, error) &&
           json_integer(json, "batches", &state->batches, error) &&
           json_number(json, "logged_loss", &state->logged_loss, error) &&
           json_integer(json, "logged_steps", &state->logged_steps, error) &&
           json_number(json, "epoch_loss", &state->epoch_loss, error) &&
           json_integer(json, "epoch_steps", &state->epoch_steps, error) &&
           json_integer(json, "evaluated_step", &state->evaluated_step, error) &&
           json_integer(json, "record_bytes", &state->record_bytes, error) &&
           json_integer(json, "best_step", &state->best_step, error) &&
           json_number(json, "best_score", &state->best_score, error) &&
           json_number(json, "loss_scale", &state->loss_scale, error) &&
           json_integer(json, "good_steps", &state->good_steps, error) &&
           json_integer(json, "nonfinite_steps", &state->nonfinite_steps, error) &&
           parse_later_state(json, state, error);
}

struct trainer_state trainer_state_new(double loss_scale)
{
    return (struct trainer_state){.loss_scale = loss_scale, .plateau.factor = 1};
}

bool checkpoint_read_state(const char *folder, struct trainer_state *state, struct error *error)
{
    char *path = path_join(folder, "trainer_state.json");
    cJSON *json = json_read(path, error);

    *state = trainer_state_new(1);
    if (json && !parse_state(json, state, error))
        error_prefix(error, "%s", path);
    bool done = json && !error->kind;
    cJSON_Delete(json);
    free(path);
    return done;
}

/* ---- optimizer ---- */

static const char *const MOMENTS[2] = {"exp_avg.", "exp_avg_sq."};

/* What stands before the name of a parameter as it was trained, where the model's file has something else: an
 * average, or weights with their adapters merged in. */
static const char TRAINED[] = "trained.";

static bool stands_as_trained(const struct ema *ema, size_t i)
{
    return !ema->values && model_saves_as_is(ema->model, i);
}

/* A moment to write. */
struct moment {
    const struct et_adamw *optimizer;
    size_t slot;
    int which;
};

static void read_moment(struct et_scope *scope, void *context, float *values)
{
    const struct moment *moment = context;

    et_adamw_read_moment(scope, moment->optimizer, moment->slot, moment->which, values);
}

static bool write_optimizer(const char *folder, const struct optimizer_state *o, struct error *error)
{
    const struct ema *ema = o->ema;
    const struct parameters *p = &ema->model->parameters;
    struct named_tensor *tensors = mem_zero(2 * o->count + p->count, sizeof *tensors);
    struct moment *moments = mem_zero(2 * o->count, sizeof *moments);
    struct arena arena = {0};
    char *path = path_join(folder, "optimizer.safetensors");
    size_t count = 0;

    for (; count < 2 * o->count; count++) {
        moments[count] = (struct moment){o->optimizer, count / 2, (int)(count % 2)};
        tensors[count] =
            (struct named_tensor){arena_format(&arena, "%s%s", MOMENTS[count % 2], o->names[count / 2]),
                                  o->tensors[count / 2], read_moment, &moments[count]};
    }
    for (size_t i = 0; i < p->count && o->optimizer; i++) /* what is fitted at once begins again */
        if (!stands_as_trained(ema, i))
            tensors[count++] =
                (struct named_tensor){.name = arena_format(&arena, "%s%s", TRAINED, p->items[i].name),
                                      .tensor = ema->values ? ema->values[i] : p->items[i].tensor};
    bool done = safetensors_write(path, tensors, count, error);
    free(path);
    free(tensors);
    free(moments);
    arena_free(&arena);
    return done;
}

static bool read_tensor(struct weights *weights, const char *path, const char *prefix, const char *name,
                        struct et_tensor *tensor, struct error *error)
{
    char *key = mem_format("%s%s", prefix, name);
    size_t index = weights_index(weights, key);
    bool there = index < weights->count && weight_fits(&weights->entries[index], tensor);

    if (!there)
        error_set(error, "%s: no \"%s\" of the right shape: it was trained by other settings", path, key);
    free(key);
    return there && weights_copy(weights, index, tensor, error);
}

/* The parameters as they were trained take the place of what the model's file had in theirs. */
static bool read_trained(struct weights *weights, const char *path, const struct ema *ema,
                         struct error *error)
{
    const struct parameters *p = &ema->model->parameters;
    bool done = true;

    for (size_t i = 0; done && i < p->count; i++)
        done = stands_as_trained(ema, i) ||
               read_tensor(weights, path, TRAINED, p->items[i].name, p->items[i].tensor, error);
    return done;
}

static bool restore_moment(struct weights *weights, const char *path, const struct optimizer_state *o,
                           size_t i, int which, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);
    bool recording = et_grad_mode(false);
    struct et_tensor *moment = et_clone(scope, o->tensors[i]);
    int64_t count = et_numel(moment);
    float *values = mem_zero((size_t)count + 1, sizeof *values);

    et_grad_mode(recording);
    if (read_tensor(weights, path, MOMENTS[which], o->names[i], moment, error)) {
        et_read(scope, moment, values, count);
        et_adamw_write_moment_(scope, o->optimizer, i, which, values);
    }
    free(values);
    return et_scope_close(scope, error) && !error->kind;
}

static bool read_optimizer(const char *folder, const struct optimizer_state *o, struct error *error)
{
    char *path = path_join(folder, "optimizer.safetensors");
    char *state_path = path_join(folder, "trainer_state.json");
    struct weights *weights = mem_zero(1, sizeof *weights);
    cJSON *json = json_read(state_path, error);
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(json, "optimizer_steps");
    bool done = json && safetensors_open(weights, path, error);

    if (done && (size_t)cJSON_GetArraySize(steps) != o->count)
        done = error_set(error,
                         "%s: holds the state of %d tensors, not of %zu: it was trained by other settings",
                         state_path, cJSON_GetArraySize(steps), o->count);
    const cJSON *item = steps ? steps->child : NULL;
    for (size_t i = 0; done && item && i < o->count; i++, item = item->next) {
        et_adamw_set_steps(o->optimizer, i, (int64_t)item->valuedouble);
        for (int which = 0; done && which < 2; which++)
            done = restore_moment(weights, path, o, i, which, error);
    }
    done = done && read_trained(weights, path, o->ema, error);
    cJSON_Delete(json);
    weights_close(weights);
    free(path);
    free(state_path);
    return done;
}

/* ---- folders ---- */

/* Whether a checkpoint folder stays: not newer than `newest`, and the best or among the newest `keep`. */
static bool stays(const struct strings *names, int64_t step, int64_t newest, int64_t best, int64_t keep)
{
    int64_t newer = 0;

    for (size_t i = 0; i < names->count; i++) {
        int64_t other = step_of(names->items[i]);
        newer += other > step && other <= newest;
    }
    return step <= newest && (newer < keep || step == best);
}

/* Removes checkpoints that need not stay, and what killed writes left.  Other files are the user's. */
static bool prune(const char *folder, int64_t newest, int64_t best, int64_t keep, struct error *error)
{
    struct strings names = {0};
    bool done = folder_list(&names, folder, error);

    for (size_t i = 0; done && i < names.count; i++) {
        int64_t step = step_of(names.items[i]);
        if (step < 0 ? !text_starts(names.items[i], "tmp-step-") : stays(&names, step, newest, best, keep))
            continue;
        char *path = path_join(folder, names.items[i]);
        done = folder_remove(path, error);
        free(path);
    }
    strings_free(&names);
    return done;
}

static bool point(const char *run, const char *link, int64_t step, struct error *error)
{
    char *name = step_name(step), *target = path_join("checkpoints", name), *path = path_join(run, link);
    bool done = link_replace(target, path, error);

    free(name);
    free(target);
    free(path);
    return done;
}

/* Writes a new checkpoint folder: under another name first, then renamed. */
static bool write_folder(const char *folder, const char *name, const struct model *model,
                         const struct optimizer_state *optimizer, const struct trainer_state *state,
                         struct error *error)
{
    char *final = path_join(folder, name), *temporary = mem_format("%s/tmp-%s", folder, name);
    bool done = folder_begin(temporary, error) && model_save(model, temporary, error) &&
                write_optimizer(temporary, optimizer, error) &&
                write_state(temporary, state, optimizer, error) && folder_sync(temporary, error);

    done = folder_finish(temporary, final, done, error);
    free(final);
    free(temporary);
    return done && folder_sync(folder, error);
}

bool checkpoint_save(const char *run, const struct model *model, const struct optimizer_state *optimizer,
                     const struct trainer_state *state, int64_t keep, struct error *error)
{
    char *folder = path_join(run, "checkpoints"), *name = step_name(state->step);
    char *final = path_join(folder, name);
    bool done = folder_make(folder, error);

    /* The step's checkpoint is there already if training goes on from it: its weights are these, and only
     * what an evaluation made up for found can be new, thresholds among it. */
    if (done && path_exists(final))
        done = model_save_config(model, final, error) && write_state(final, state, optimizer, error);
    else if (done)
        done = write_folder(folder, name, model, optimizer, state, error);
    done = done && point(run, "last", state->step, error) &&
           (state->best_step != state->step || point(run, "best", state->step, error)) &&
           folder_sync(run, error) && prune(folder, state->step, state->best_step, keep, error);
    if (!done)
        error_prefix(error, "checkpoint of step %lld", (long long)state->step);
    free(folder);
    free(name);
    free(final);
    return done;
}

/* The newest checkpoint before a step; NULL: there is none. */
static char *newest_before(const char *folder, const struct strings *names, int64_t before, int64_t *step)
{
    const char *newest = NULL;

    *step = -1;
    for (size_t i = 0; i < names->count; i++) {
        int64_t of_this = step_of(names->items[i]);
        if (of_this > *step && of_this < before) {
            *step = of_this;
            newest = names->items[i];
        }
    }
    return newest ? path_join(folder, newest) : NULL;
}

bool checkpoint_newest(const char *run, char **newest, struct error *error)
{
    struct strings names = {0};
    struct error none = {0}, damage = {0};
    char *folder = path_join(run, "checkpoints"), *path;
    int64_t step = INT64_MAX;

    *newest = NULL;
    folder_list(&names, folder, &none);
    while (!*newest && (path = newest_before(folder, &names, step, &step))) {
        struct error now = {0};
        if (checkpoint_check(path, false, &now)) {
            *newest = path;
            continue;
        }
        if (damage.kind)
            log_warn("%s", now.message);
        else
            damage = now;
        free(path);
    }
    if (damage.kind && *newest)
        log_warn("%s; going on from the checkpoint before it, %s", damage.message, path_base(*newest));
    else if (damage.kind)
        error_set(error, "%s; there is no whole checkpoint before it: start a new run", damage.message);
    strings_free(&names);
    free(folder);
    return !error->kind;
}

bool checkpoint_best(const char *run, char **folder, struct error *error)
{
    char *path = path_join(run, "best");
    char target[PATH_MAX];
    bool linked = readlink(path, target, sizeof target) >= 0;

    *folder = linked ? realpath(path, NULL) : NULL;
    if (linked && !*folder)
        error_set(error, "%s: points to a checkpoint that is not there", path);
    free(path);
    return !linked || *folder;
}

/* Whether there is a checkpoint of that step beside this one. */
static bool has_checkpoint(const char *folder, int64_t step)
{
    char *checkpoints = path_folder(folder), *name = step_name(step), *path = path_join(checkpoints, name);
    bool has = path_exists(path);

    free(checkpoints);
    free(name);
    free(path);
    return has;
}

bool checkpoint_load(const char *folder, const struct optimizer_state *optimizer, struct trainer_state *state,
                     struct error *error)
{
    bool done = checkpoint_read_state(folder, state, error) && read_optimizer(folder, optimizer, error);

    if (done && state->best_step > 0 && !has_checkpoint(folder, state->best_step)) {
        log_warn("%s: the best checkpoint of before, step %lld, is gone; the next evaluation begins anew",
                 folder, (long long)state->best_step);
        state->best_step = 0;
    }
    return done;
}

bool checkpoint_settle(const char *run, const struct trainer_state *state, struct error *error)
{
    char *checkpoints = path_join(run, "checkpoints");
    bool done = prune(checkpoints, state->step, state->best_step, INT64_MAX, error) &&
                point(run, "last", state->step, error) &&
                (state->best_step == 0 || point(run, "best", state->best_step, error));

    free(checkpoints);
    return done;
}
