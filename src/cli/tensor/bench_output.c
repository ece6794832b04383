/* The formats of emotrain bench: table, json. */
#include "cli/tensor/bench.h"
#include "run/environment.h"

#include <stdlib.h>
#include <string.h>

static const char *const STAGE_NAMES[STAGE_COUNT] = {"load", "feature encoder", "forward", "backward",
                                                     "optimizer"};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(const double *values, size_t count)
{
    double *sorted = mem_zero(count, sizeof *sorted);

    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    double median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    free(sorted);
    return median;
}

static struct bench_stage sum_stages(const struct bench *bench, enum stage first, enum stage last)
{
    struct bench_stage sum = {0};

    for (int s = (int)first; s <= (int)last; s++) {
        sum.seconds += bench->stages[s].seconds;
        sum.flop += bench->stages[s].flop;
        sum.ideal += bench->stages[s].ideal;
    }
    return sum;
}

static double safe_ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* ---- table ---- */

static void add_row(struct text *out, const char *name, const struct bench_stage *stage, double step)
{
    text_add(out, "%-22s %9.3f %6.1f%% %9.1f", name, stage->seconds, 100 * safe_ratio(stage->seconds, step),
             1e-9 * stage->flop);
    if (stage->flop > 0)
        text_add(out, " %9.1f %10.0f%%", 1e-9 * safe_ratio(stage->flop, stage->seconds),
                 100 * safe_ratio(stage->ideal, stage->seconds));
    text_add(out, "\n");
}

static void add_training(struct text *out, const struct bench *bench)
{
    struct bench_stage step = sum_stages(bench, 0, STAGE_COUNT - 1);
    double median = bench_median(bench->step_seconds, (size_t)bench->steps);

    text_add(out, "ceiling     %.0f GFLOP/s: the matrix products of these steps by themselves\n",
             1e-9 * safe_ratio(step.flop, step.ideal));
    text_add(out,
             "training    %.3f clips/s, %.3f s of audio/s, %.3f TFLOP/s: %lld steps of %.1f clips, %.3f s "
             "each in the middle\n",
             bench->clips / median, bench->audio / median, 1e-12 * step.flop / median,
             (long long)bench->steps, bench->clips, median);
}

static void add_stages(struct text *out, const struct bench *bench)
{
    struct bench_stage step = sum_stages(bench, 0, STAGE_COUNT - 1),
                       both = sum_stages(bench, STAGE_FORWARD, STAGE_BACKWARD);

    text_add(out, "\n");
    text_add(out, "%-22s %9s %7s %9s %9s %11s\n", "stage", "s/step", "share", "GFLOP", "GFLOP/s",
             "of ceiling");
    for (int s = 0; s < STAGE_COUNT; s++)
        add_row(out, STAGE_NAMES[s], &bench->stages[s], step.seconds);
    add_row(out, "step", &step, step.seconds);
    add_row(out, "forward and backward", &both, step.seconds);
}

static void print_table(const struct bench *bench, struct text *out)
{
    const struct config *config = bench->experiment->config;
    bool trained = bench->steps > 0;

    text_add(out, "compute     %s, %s, %s threads", config_settings(config)->run.device,
             config_text(config, "run.precision"), config_text(config, "run.threads"));
    if (trained)
        text_add(out, ", %d batch%s at a time", bench->workers, bench->workers > 1 ? "es" : "");
    text_add(out, "\n");
    if (trained)
        add_training(out, bench);
    text_add(out, "prediction  %.3f clips/s, %.3f s of audio/s: %.0f clips in %.2f s\n",
             safe_ratio(bench->predicted_clips, bench->prediction_seconds),
             safe_ratio(bench->predicted_audio, bench->prediction_seconds), bench->predicted_clips,
             bench->prediction_seconds);
    text_add(out, "memory      %.2f GiB at most\n", bench->memory / 1024);
    if (trained)
        add_stages(out, bench);
}

/* ---- JSON ---- */

static void put_stage(cJSON *stages, const char *name, const struct bench_stage *stage)
{
    cJSON *json = cJSON_AddObjectToObject(stages, name);

    cJSON_AddNumberToObject(json, "seconds", stage->seconds);
    cJSON_AddNumberToObject(json, "flop", stage->flop);
    cJSON_AddNumberToObject(json, "ideal_seconds", stage->ideal);
    cJSON_AddNumberToObject(json, "of_ceiling", safe_ratio(stage->ideal, stage->seconds));
}

static void put_training(cJSON *json, const struct bench *bench)
{
    cJSON *training = cJSON_AddObjectToObject(json, "training");
    cJSON *samples = cJSON_CreateArray();
    double median = bench_median(bench->step_seconds, (size_t)bench->steps);

    cJSON_AddNumberToObject(training, "concurrent_batches", bench->workers);
    cJSON_AddNumberToObject(training, "clips_per_second", bench->clips / median);
    cJSON_AddNumberToObject(training, "audio_seconds_per_second", bench->audio / median);
    cJSON_AddNumberToObject(training, "flop_per_second", sum_stages(bench, 0, STAGE_COUNT - 1).flop / median);
    cJSON_AddNumberToObject(training, "median_step_seconds", median);
    cJSON_AddItemToObject(training, "step_seconds",
                          cJSON_CreateDoubleArray(bench->step_seconds, (int)bench->steps));
    for (size_t i = 0; i < bench->sample_count; i++)
        cJSON_AddItemToArray(samples, cJSON_CreateNumber((double)bench->samples[i]));
    cJSON_AddItemToObject(training, "samples", samples); /* of every clip, also of the first step's */
}

static void put_stages(cJSON *json, const struct bench *bench)
{
    struct bench_stage step = sum_stages(bench, 0, STAGE_COUNT - 1),
                       both = sum_stages(bench, STAGE_FORWARD, STAGE_BACKWARD);
    cJSON *stages = cJSON_AddObjectToObject(json, "stages");

    cJSON_AddNumberToObject(json, "ceiling_flop_per_second", safe_ratio(step.flop, step.ideal));
    for (int s = 0; s < STAGE_COUNT; s++)
        put_stage(stages, STAGE_NAMES[s], &bench->stages[s]);
    put_stage(stages, "step", &step);
    put_stage(stages, "forward and backward", &both);
}

static void print_json(const struct bench *bench, struct text *out)
{
    const struct config *config = bench->experiment->config;
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "environment", environment_describe());
    cJSON_AddStringToObject(json, "device", config_settings(config)->run.device);
    cJSON_AddStringToObject(json, "precision", config_text(config, "run.precision"));
    cJSON_AddNumberToObject(json, "threads", (double)config_settings(config)->run.threads);
    if (bench->steps > 0) {
        put_training(json, bench);
        put_stages(json, bench);
    }
    cJSON *prediction = cJSON_AddObjectToObject(json, "prediction");
    cJSON_AddNumberToObject(prediction, "clips_per_second",
                            safe_ratio(bench->predicted_clips, bench->prediction_seconds));
    cJSON_AddNumberToObject(prediction, "audio_seconds_per_second",
                            safe_ratio(bench->predicted_audio, bench->prediction_seconds));
    cJSON *samples = cJSON_AddArrayToObject(prediction, "samples");
    for (size_t i = 0; i < (size_t)bench->predicted_clips; i++) {
        const struct experiment *e = bench->experiment;
        double count = e->test.items[i].seconds * (double)e->model->sound.sample_rate;
        cJSON_AddItemToArray(samples, cJSON_CreateNumber((double)(int64_t)(count + 0.5)));
    }
    cJSON_AddNumberToObject(json, "peak_memory_mib", bench->memory);
    char *text = cJSON_Print(json);
    text_add(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
}

static const struct bench_format FORMATS[] = {{"table", print_table}, {"json", print_json}};

const struct bench_format *bench_format_find(const char *name, struct error *error)
{
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
        if (strcmp(FORMATS[i].name, name) == 0)
            return &FORMATS[i];
    error_usage(error, "--format must be table or json, not \"%s\"", name);
    return NULL;
}
