/*
 * What a run knows of itself: its corpora, split and model, and what training and testing came to.  Recorded
 * with the run, so that its report describes the run as it was.
 *
 * In the catalogue it is JSON, an object for each part below; this file and run_info.c are the only ones that
 * know its names.
 */
#ifndef EMOTRAIN_STORE_RUN_INFO_H
#define EMOTRAIN_STORE_RUN_INFO_H

#include "base/json.h"
#include "base/memory.h"

#include <stdint.h>

/* A corpus beside the first, and how the configuration calls it. */
struct run_corpus {
    const char *name, *kind, *root;
};

/* Strings are "" where they are not known; they belong to the arena, or to whoever made the struct. */
struct run_info {
    struct {
        const char *kind, *root; /* the catalogue's names of the corpus (corpus_key), and its folder */
        const char *licence, *note;
        int64_t clips, copies, broken;
        int64_t same_content; /* clips that sound like another one */
        int64_t leaks;        /* of those, test clips whose sound trains as well */
        const char *digest;   /* of all clips, their labels, speakers and texts, whatever part they are in */
        double seconds;       /* of audio */
        struct run_corpus *more;
        size_t more_count;
    } corpus;
    struct {
        const char *settings; /* on one line */
        int64_t train, validation, test, left_out;
        int64_t copies;                    /* left out, since they sound like a clip of another part */
        int64_t speakers, shared_speakers; /* shared: in the training and in the test part */
        int64_t shared_recordings;  /* test clips that are stretches of a recording that trains as well */
        int64_t known;              /* test clips that the model knew before it trained (training_clips.h) */
        const char *selection_part; /* what checkpoints were chosen on: "validation", "test" or "none" */
        const char *digest;         /* of the clips, their labels, texts, parts and order */
    } split;
    struct {
        const char *kind, *pretrained, *input, *task, *pooling, *scale; /* scale: "speaker", or "" */
        int64_t parameters, trainable;
        int64_t untrained;   /* of those, initialised at random and left so */
        int64_t members;     /* of an ensemble; 0: it is none */
        const char *weights; /* of its members: "equal" or "validation" */
    } model;
    struct {
        int64_t steps, best_step; /* steps: 0 before training */
        const char *best_metric, *device, *precision;
        int64_t threads, processes;
        double seconds;          /* of the last session */
        int64_t session_steps;   /* steps of the last session */
        double clips_per_second; /* of the last session, evaluations included */
        double peak_memory_mib;
        double temperature; /* that was fitted to the validation part; 0: none was */
    } training;
    struct {
        double seconds, clips_per_second, peak_memory_mib; /* seconds: 0 before testing */
    } testing;
    cJSON *tables; /* for the report: what was tried, what each fold came to; NULL: there are none */
    struct arena arena;
};

/* Appends a table for the report and returns its rows, arrays of numbers and texts to add to.  note: what a
 * reader must know of it, or "". */
cJSON *run_info_add_table(struct run_info *info, const char *title, const char *note,
                          const char *const *columns, size_t count);

/* Reads the JSON of run_row.info; NULL and what is missing give zeros and "". */
void run_info_read(struct run_info *info, const char *text);
void run_info_free(struct run_info *info);

/* The reverse; caller cJSON_frees. */
char *run_info_print(const struct run_info *info);

/* The same as an object, for report.json; parts that are not known are left out.  Caller cJSON_Deletes. */
cJSON *run_info_json(const struct run_info *info);

#endif
