#include "report/html.h"

#include "audio/audio.h"
#include "base/files.h"
#include "config/config.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLIPS = 5000, LONGEST_SOUND = 30 /* seconds */ };

/* Predictions that have a label, worst first: what mistakes are listed by. */
struct ranked {
    double loss;
    size_t index;
    bool wrong;
};

static int worst_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->wrong != y->wrong)
        return x->wrong ? -1 : 1;
    if (x->loss != y->loss)
        return x->loss > y->loss ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static struct ranked *rank(const struct prediction_list *predictions, size_t *count)
{
    struct ranked *ranked = mem_zero(predictions->count, sizeof *ranked);

    *count = 0;
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        if (prediction_is_known(p))
            ranked[(*count)++] =
                (struct ranked){outcome_of(predictions, p).loss, i,
                                predictions->task == REGRESSION || !prediction_is_right(predictions, p)};
    }
    if (*count)
        qsort(ranked, *count, sizeof *ranked, worst_first);
    return ranked;
}

/* The clip as the model hears it, as a data: address; NULL where the file is gone or broken. */
static char *sound(const struct report *report, const char *path, int rate)
{
    struct error unheard = {0};
    struct signal signal = {0};
    struct text address = {0};
    size_t size;
    char *file = path_join(report->clips.root, path);

    if (audio_decode(file, NULL, &signal, &unheard)) {
        signal_prepare(&signal, LONGEST_SOUND, false);
        void *flac = audio_resample(&signal, rate, "sinc_fastest", &unheard)
                         ? audio_encode(&signal, &size, &unheard)
                         : NULL;
        if (flac) {
            text_add(&address, "data:audio/flac;base64,");
            text_add_base64(&address, flac, size);
        }
        free(flac);
    }
    signal_free(&signal);
    free(file);
    return address.text;
}

/* "speaker 07, female, strong, "Kids are talking by the door"". */
static char *describe_clip(const struct clip *clip)
{
    struct text text = {0};

    for (size_t a = 0; a < CLIP_ATTRIBUTE_COUNT; a++) {
        const char *value = CLIP_ATTRIBUTES[a].of(clip);
        if (value)
            text_add(&text, "%s%s %s", text.length ? ", " : "", CLIP_ATTRIBUTES[a].name, value);
    }
    return text.text;
}

static double rounded(double value)
{
    return round(value * 1e4) / 1e4;
}

/* As in predictions.csv, but for numbers, which a page has less room for. */
static void print_prediction(const struct prediction_list *list, const struct prediction *p, struct text *out)
{
    if (list->task != REGRESSION)
        prediction_print_predicted(list, p, out);
    for (size_t k = 0; list->task == REGRESSION && k < list->label_count; k++)
        text_add(out, "%s%.4g", k ? ";" : "", p->probabilities[k]);
}

static cJSON *clip_json(const struct report *report, size_t index)
{
    const struct prediction *p = &report->predictions.items[index];
    cJSON *json = cJSON_CreateObject();
    char *facts = describe_clip(&report->clips.clips[index]);

    cJSON_AddStringToObject(json, "path", p->path);
    if (report->predictions.task == SINGLE_LABEL) {
        cJSON_AddNumberToObject(json, "label", p->label);
        cJSON_AddNumberToObject(json, "predicted", p->predicted);
        cJSON_AddNumberToObject(json, "p", rounded(p->probabilities[p->label]));
        cJSON_AddNumberToObject(json, "q", rounded(p->probabilities[p->predicted]));
    } else {
        struct text target = {0}, predict_batch = {0};
        prediction_print_target(&report->predictions, p, &target);
        print_prediction(&report->predictions, p, &predict_batch);
        cJSON_AddStringToObject(json, "target", target.length ? target.text : "none");
        cJSON_AddStringToObject(json, "answer", predict_batch.length ? predict_batch.text : "none");
        text_free(&target);
        text_free(&predict_batch);
    }
    if (facts)
        cJSON_AddStringToObject(json, "facts", facts);
    free(facts);
    return json;
}

static int sample_rate(const struct report *report)
{
    struct config *config = config_new();
    struct error unread = {0};

    config_read_text(config, "run", report->folder, report->run.config, &unread);
    int rate = (int)config_settings(config)->audio.sample_rate;
    config_free(config);
    return rate;
}

static void add_clips(cJSON *json, const struct report *report, bool audio)
{
    size_t count;
    struct ranked *ranked = rank(&report->predictions, &count);
    cJSON *clips = cJSON_AddArrayToObject(json, "clips");
    int rate = sample_rate(report);

    for (size_t i = 0; i < count && i < MOST_CLIPS; i++) {
        cJSON *clip = clip_json(report, ranked[i].index);
        if (i < WORST_MISTAKES && ranked[i].wrong) {
            const char *path = report->predictions.items[ranked[i].index].path;
            char *address = audio && report->clips.root ? sound(report, path, rate) : NULL;
            cJSON_AddNumberToObject(clip, "rank", (double)i + 1);
            if (address)
                cJSON_AddStringToObject(clip, "sound", address);
            free(address);
        }
        cJSON_AddItemToArray(clips, clip);
    }
    free(ranked);
}

/* name -> [[step, epoch, value], ...] */
static void add_metrics(cJSON *json, const struct metric_list *metrics)
{
    cJSON *object = cJSON_AddObjectToObject(json, "metrics");

    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric_point *m = &metrics->items[i];
        cJSON *series = cJSON_GetObjectItemCaseSensitive(object, m->name), *point = cJSON_CreateArray();
        if (!series)
            series = cJSON_AddArrayToObject(object, m->name);
        cJSON_AddItemToArray(point, cJSON_CreateNumber((double)m->step));
        cJSON_AddItemToArray(point, cJSON_CreateNumber(m->epoch));
        cJSON_AddItemToArray(point, json_finite(m->value));
        cJSON_AddItemToArray(series, point);
    }
}

static void add_bins(cJSON *json, const struct calibration *calibration)
{
    cJSON *bins = cJSON_AddArrayToObject(json, "bins");

    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        const double point[] = {rounded(calibration->bins[b].confidence),
                                rounded(calibration->bins[b].accuracy)};
        if (calibration->bins[b].clips)
            cJSON_AddItemToArray(bins, cJSON_CreateDoubleArray(point, 2));
    }
}

/* The metrics that the page's curves show: [name, title], ... */
static void add_metric_names(cJSON *json, enum task task)
{
    cJSON *metrics = cJSON_AddArrayToObject(json, "figures");

    FOR_METRICS (f, task) {
        const char *const names[] = {METRICS[f].name, metric_title(f, task)};
        if (!METRICS[f].smaller_is_better && cJSON_GetArraySize(metrics) < 3)
            cJSON_AddItemToArray(metrics, cJSON_CreateStringArray(names, 2));
    }
}

void html_data(const struct report *report, bool audio, struct text *page)
{
    const struct prediction_list *predictions = &report->predictions;
    cJSON *json = cJSON_CreateObject();

    add_metric_names(json, predictions->task);
    cJSON_AddItemToObject(json, "labels",
                          cJSON_CreateStringArray(predictions->labels, (int)predictions->label_count));
    add_clips(json, report, audio);
    add_metrics(json, &report->metrics);
    add_bins(json, &report->calibration);
    char *text = cJSON_PrintUnformatted(json);
    for (const char *from = text; *from;) { /* no "</script>" and no "<!--" inside */
        size_t plain = strcspn(from, "<");
        text_add_bytes(page, from, plain);
        from += plain;
        if (*from == '<') {
            text_add(page, "\\u003c");
            from++;
        }
    }
    cJSON_free(text);
    cJSON_Delete(json);
}
