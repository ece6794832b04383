/* The clips of report.html: what page.js shows of them, as JSON, with the sound of the worst mistakes. */
#include "report/html.h"

#include "audio/audio.h"
#include "base/files.h"
#include "base/json.h"
#include "config/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLIPS = 5000, LONGEST_SOUND = 30 /* seconds */ };

/* A prediction of a clip whose label is known, in the order in which mistakes are listed: the worst first. */
struct ranked_prediction {
    double loss;
    size_t index;
    bool wrong;
};

static int worst_first(const void *a, const void *b)
{
    const struct ranked_prediction *x = a, *y = b;

    if (x->wrong != y->wrong)
        return x->wrong ? -1 : 1;
    if (x->loss != y->loss)
        return x->loss > y->loss ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static struct ranked_prediction *rank_predictions(const struct prediction_list *predictions, size_t *count)
{
    struct ranked_prediction *ranked = mem_zero(predictions->count, sizeof *ranked);

    *count = 0;
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        if (prediction_is_known(p))
            ranked[(*count)++] = (struct ranked_prediction){outcome_of(predictions, p).loss, i,
                                                            predictions->task == REGRESSION ||
                                                                !prediction_is_right(predictions, p)};
    }
    if (*count)
        qsort(ranked, *count, sizeof *ranked, worst_first);
    return ranked;
}

/* The clip at the model's sample rate, as a data: address; NULL where the file is gone or broken. */
static char *sound_address(const struct report *report, const char *path, int rate)
{
    struct error undecoded = {0};
    struct signal signal = {0};
    struct text address = {0};
    size_t size;
    char *file = path_join(report->clips.root, path);

    if (audio_decode(file, CHANNEL_MEAN, NULL, &signal, &undecoded)) {
        signal_prepare(&signal, LONGEST_SOUND, false);
        void *flac = audio_resample(&signal, rate, "sinc_fastest", &undecoded)
                         ? audio_encode(&signal, &size, &undecoded)
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

/* "arousal 0.8, valence 0.1". */
static void print_numbers(const struct prediction_list *list, const double *values, struct text *out)
{
    for (size_t k = 0; k < list->label_count; k++)
        text_add(out, "%s%s %.4g", k ? ", " : "", list->labels[k], values[k]);
}

/* Of one label: indices and probabilities.  Else: texts. */
static void add_outcome(cJSON *json, const struct prediction_list *list, const struct prediction *p)
{
    struct text target = {0}, predicted = {0};

    if (list->task == SINGLE_LABEL) {
        cJSON_AddNumberToObject(json, "label", p->label);
        cJSON_AddNumberToObject(json, "predicted", p->predicted);
        cJSON_AddNumberToObject(json, "label_probability", rounded(p->probabilities[p->label]));
        cJSON_AddNumberToObject(json, "predicted_probability", rounded(p->probabilities[p->predicted]));
        return;
    }
    if (list->task == REGRESSION) {
        print_numbers(list, p->targets, &target);
        print_numbers(list, p->probabilities, &predicted);
    } else {
        prediction_print_target(list, p, &target);
        prediction_print_predicted(list, p, &predicted);
    }
    cJSON_AddStringToObject(json, "label", target.length ? target.text : "none");
    cJSON_AddStringToObject(json, "predicted", predicted.length ? predicted.text : "none");
    text_free(&target);
    text_free(&predicted);
}

static cJSON *clip_json(const struct report *report, size_t index)
{
    const struct prediction *p = &report->predictions.items[index];
    cJSON *json = cJSON_CreateObject();
    char *facts = describe_clip(&report->clips.clips[index]);

    cJSON_AddStringToObject(json, "path", p->path);
    add_outcome(json, &report->predictions, p);
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
    int rate = settings_rate(&config_settings(config)->audio);
    config_free(config);
    return rate;
}

static void add_clips(cJSON *json, const struct report *report, bool audio)
{
    size_t count;
    struct ranked_prediction *ranked = rank_predictions(&report->predictions, &count);
    cJSON *clips = cJSON_AddArrayToObject(json, "clips");
    int rate = sample_rate(report);

    for (size_t i = 0; i < count && i < MOST_CLIPS; i++) {
        cJSON *clip = clip_json(report, ranked[i].index);
        if (i < WORST_MISTAKES && ranked[i].wrong) {
            const char *path = report->predictions.items[ranked[i].index].path;
            char *address = audio && report->clips.root ? sound_address(report, path, rate) : NULL;
            cJSON_AddNumberToObject(clip, "rank", (double)i + 1);
            if (address)
                cJSON_AddStringToObject(clip, "sound", address);
            free(address);
        }
        cJSON_AddItemToArray(clips, clip);
    }
    free(ranked);
}

/* The JSON without "</script>" and "<!--" inside. */
static void add_escaped_json(struct text *page, const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    for (const char *from = text; *from;) {
        size_t plain = strcspn(from, "<");
        text_add_bytes(page, from, plain);
        from += plain;
        if (*from == '<') {
            text_add(page, "\\u003c");
            from++;
        }
    }
    cJSON_free(text);
}

void html_clips(struct text *page, const struct report *report, bool audio)
{
    const struct prediction_list *predictions = &report->predictions;
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "labels",
                          cJSON_CreateStringArray(predictions->labels, (int)predictions->label_count));
    add_clips(json, report, audio);
    text_add(page, "<script type=\"application/json\" id=\"data\">");
    add_escaped_json(page, json);
    text_add(page, "</script>\n");
    cJSON_Delete(json);
}
